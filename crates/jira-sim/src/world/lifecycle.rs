//! Issues come, move, hide and go.

use serde_json::Value;

use super::edits::{field, item};
use super::{Catalogue, Issue, IssueId, IssueKey, Past, Slot, Streams, World, WorldError};
use crate::json::{Json, quote};
use crate::time::Millis;

/// What a new issue is to contain. Fields not named are empty.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    fields: Vec<(String, Value)>,
}

impl Draft {
    /// An issue with this summary.
    pub fn new(summary: &str) -> Self {
        Self::default().field("summary", summary)
    }

    /// Adds a field. A status, priority, type or user may be given by name.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.push((name.to_owned(), value.into()));
        self
    }
}

/// An issue that comes from elsewhere and keeps its own times.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// Its content.
    pub draft: Draft,
    /// Its id; the next free one if not given.
    pub id: Option<IssueId>,
    /// The number in its key; the next free one if not given.
    pub number: Option<u32>,
    /// `created`, in milliseconds.
    pub created: Millis,
    /// `updated`, in milliseconds; `None` for an issue without.
    pub updated: Option<Millis>,
}

impl World {
    /// Creates an issue as the actor, now.
    ///
    /// # Errors
    /// When there is no such project.
    pub fn create(&mut self, project: &str, draft: Draft) -> Result<IssueId, WorldError> {
        let (id, number) = self.next_ids(project)?;
        let key = IssueKey::new(project, number);
        let issue = self.draft_issue(id, key, draft, self.now, Some(self.now));
        self.keys.insert(issue.key.clone(), id);
        self.issues.insert(id, issue);
        self.index_later(id);
        Ok(id)
    }

    /// Creates many issues, all at this instant.
    ///
    /// # Errors
    /// When there is no such project.
    pub fn create_many(&mut self, project: &str, count: usize) -> Result<Vec<IssueId>, WorldError> {
        (1..=count).map(|n| self.create(project, Draft::new(&format!("issue {n}")))).collect()
    }

    /// Imports an issue with its old times; it is indexed at once under its old `updated`.
    ///
    /// # Errors
    /// When there is no such project, or its id or key is taken.
    pub fn import(&mut self, project: &str, imported: Imported) -> Result<IssueId, WorldError> {
        let (id, number) = self.next_ids(project)?;
        let id = imported.id.unwrap_or(id);
        let key = IssueKey::new(project, imported.number.unwrap_or(number));
        let mut issue =
            self.draft_issue(id, key, imported.draft, imported.created, imported.updated);
        if issue.updated.is_none() {
            issue.unset("updated");
        }
        self.insert(issue)
    }

    /// Moves an issue: same id, new key, the old key still resolves. An issue that comes back to a
    /// project gets the key that it had there.
    ///
    /// # Errors
    /// When the issue or the project does not exist.
    pub fn move_issue(&mut self, id: IssueId, project: &str) -> Result<IssueKey, WorldError> {
        let old = self.issues.get(&id).ok_or(WorldError::NoIssue(id))?.key.clone();
        let new = self.key_in(id, project)?;
        let origin = self.origin.clone();
        let embedded =
            self.project(project).map(|project| project.json(&origin)).unwrap_or_else(Json::null);
        self.take_key(id, new.clone())?;
        let now = self.now;
        let issue = self.issue_mut(id)?;
        let before = issue.field("project").unwrap_or_else(Json::null);
        issue.set("project", Slot::Json(embedded.clone()));
        issue.note("project", &before, now, &embedded);
        issue.note("key", &Json::string(&old.to_string()), now, &Json::string(&new.to_string()));
        let key_item =
            item("Key", &Json::string(&old.to_string()), &Json::string(&new.to_string()));
        self.add_history(id, &[item("project", &before, &embedded), key_item])?;
        self.touch(id)?;
        Ok(new)
    }

    /// The key that an issue gets in a project: the one it had there, or the next.
    fn key_in(&mut self, id: IssueId, project: &str) -> Result<IssueKey, WorldError> {
        let found = self
            .projects
            .get_mut(project)
            .ok_or_else(|| WorldError::NoProject(project.to_owned()))?;
        let former = self.issues.get(&id).map(Issue::former_keys).unwrap_or_default();
        if let Some(former) = former.iter().find(|key| *key.project == *project) {
            return Ok(former.clone());
        }
        let new = IssueKey::new(project, found.next_number);
        found.next_number += 1;
        Ok(new)
    }

    /// Gives an issue a key; the one that it had still resolves.
    pub(super) fn take_key(&mut self, id: IssueId, new: IssueKey) -> Result<(), WorldError> {
        let issue = self.issues.get_mut(&id).ok_or(WorldError::NoIssue(id))?;
        let old = std::mem::replace(&mut issue.key, new.clone());
        issue.former.retain(|key| *key != new);
        if old != new {
            issue.former.push(old.clone());
            self.keys.remove(&old);
            self.former.insert(old, id);
        }
        self.former.remove(&new);
        self.keys.insert(new, id);
        Ok(())
    }

    /// Deletes an issue, its document at once and its index entry now or late (until then it is a
    /// ghost: counted, but no row comes). Links to it go, and their other ends move.
    ///
    /// # Errors
    /// When there is no such issue.
    pub fn delete(&mut self, id: IssueId) -> Result<(), WorldError> {
        self.remove_document(id)?;
        self.index_later(id);
        Ok(())
    }

    /// Deletes an issue but leaves its index entry for good (until a reindex).
    ///
    /// # Errors
    /// When there is no such issue.
    pub fn delete_leaving_ghost(&mut self, id: IssueId) -> Result<(), WorldError> {
        self.remove_document(id)
    }

    /// Hides an issue from the caller by a security level; `updated` stays.
    ///
    /// # Errors
    /// When there is no such issue.
    pub fn hide(&mut self, id: IssueId) -> Result<(), WorldError> {
        if !std::mem::replace(&mut self.issue_mut(id)?.hidden, true) {
            self.hidden += 1;
        }
        Ok(())
    }

    /// Shows a hidden issue again, with its old `updated`.
    ///
    /// # Errors
    /// When there is no such issue.
    pub fn unhide(&mut self, id: IssueId) -> Result<(), WorldError> {
        if std::mem::replace(&mut self.issue_mut(id)?.hidden, false) {
            self.hidden -= 1;
        }
        Ok(())
    }

    fn remove_document(&mut self, id: IssueId) -> Result<(), WorldError> {
        let issue = self.issues.remove(&id).ok_or(WorldError::NoIssue(id))?;
        self.keys.remove(&issue.key);
        self.hidden -= usize::from(issue.hidden);
        for old in &issue.former {
            self.former.remove(old);
        }
        for link in issue.links {
            if let Some(other) = link.other.filter(|other| self.issues.contains_key(other)) {
                self.drop_link_end(other, link.id)?;
            }
        }
        Ok(())
    }

    fn next_ids(&mut self, project: &str) -> Result<(IssueId, u32), WorldError> {
        let found = self
            .projects
            .get_mut(project)
            .ok_or_else(|| WorldError::NoProject(project.to_owned()))?;
        let number = found.next_number;
        found.next_number += 1;
        let id = self.next_issue;
        self.next_issue += 1;
        Ok((id, number))
    }

    fn draft_issue(
        &self,
        id: IssueId,
        key: IssueKey,
        draft: Draft,
        created: Millis,
        updated: Option<Millis>,
    ) -> Issue {
        let named = |list: &[Json], name: &str| {
            Catalogue::named(list, name).cloned().unwrap_or_else(Json::null)
        };
        let project = self.projects.get(&key.project).map(|project| project.json(&self.origin));
        let author = self.actor_json().unwrap_or_else(Json::null);
        let empty_list = || Json::built("[]");
        let votes = format!(
            r#"{{"self":{},"votes":0,"hasVoted":false}}"#,
            quote(&format!("{}/votes", self.origin))
        );
        let fields = vec![
            field("issuetype", named(&self.catalogue.issue_types, "Task")),
            field("project", project.unwrap_or_else(Json::null)),
            field("fixVersions", empty_list()),
            field("resolution", Json::null()),
            field("priority", named(&self.catalogue.priorities, "Major")),
            field("labels", empty_list()),
            field("versions", empty_list()),
            ("issuelinks".into(), Slot::Links),
            field("assignee", Json::null()),
            field("status", named(&self.catalogue.statuses, "Open")),
            field("components", empty_list()),
            field("subtasks", empty_list()),
            field("reporter", author.clone()),
            field("creator", author),
            field("votes", Json::built(votes)),
            ("worklog".into(), Slot::Worklogs),
            ("comment".into(), Slot::Comments),
            ("attachment".into(), Slot::Attachments),
            field("created", self.stamp(created)),
            field("updated", self.stamp(updated.unwrap_or_default())),
            field("resolutiondate", Json::null()),
            field("duedate", Json::null()),
            field("summary", Json::string("")),
            field("description", Json::null()),
        ];
        let mut issue = Issue {
            id,
            key,
            former: Vec::new(),
            updated,
            created: Some(created),
            fields,
            changelog_text: None,
            histories: Vec::new(),
            past: Past::default(),
            comments: Vec::new(),
            worklogs: Vec::new(),
            links: Vec::new(),
            attachments: Vec::new(),
            streams: Streams::default(),
            hidden: false,
            archived: None,
        };
        for (name, value) in &draft.fields {
            issue.set(name, Slot::Json(self.resolve(name, value)));
        }
        issue
    }
}
