//! Archived issues and projects leave every search, and are still there for those who ask for them
//! by id or key. Both come back as they were.

use super::{Issue, IssueId, Slot, World, WorldError};
use crate::json::Json;

/// What a document says of its archiving.
const FIELDS: [&str; 2] = ["archiveddate", "archivedby"];

impl World {
    /// Archives an issue as the actor: it leaves the index, now or late. Its document says when and
    /// by whom (`archiveddate`, `archivedby`), and keeps its `updated` (believed; not documented).
    ///
    /// # Errors
    /// When there is no such issue.
    pub fn archive_issue(&mut self, id: IssueId) -> Result<(), WorldError> {
        let (now, actor) = (self.stamp(self.now), self.actor_json().unwrap_or_else(Json::null));
        let issue = self.issue_mut(id)?;
        if issue.archived.is_none() {
            issue.archived = Some(FIELDS.map(|name| issue.slot(name).cloned()));
        }
        for (name, value) in FIELDS.into_iter().zip([now, actor]) {
            issue.set(name, Slot::Json(value));
        }
        self.index_later(id);
        Ok(())
    }

    /// Brings an archived issue back, with its old `updated`.
    ///
    /// # Errors
    /// When there is no such issue.
    pub fn restore_issue(&mut self, id: IssueId) -> Result<(), WorldError> {
        let issue = self.issue_mut(id)?;
        for (name, before) in FIELDS.into_iter().zip(issue.archived.take().unwrap_or_default()) {
            match before {
                Some(slot) => issue.set(name, slot),
                None => issue.unset(name),
            }
        }
        self.index_later(id);
        Ok(())
    }

    /// Archives a project (it leaves every JQL result) or restores it. Unknown keys are ignored.
    pub fn archive_project(&mut self, key: &str, archived: bool) {
        if let Some(project) = self.projects.get_mut(key) {
            project.archived = archived;
        }
    }

    /// How many issues there are that the index leaves out because they are archived, alone or with
    /// their project.
    pub(crate) fn archived_count(&self) -> usize {
        let with_project =
            |issue: &Issue| self.projects.get(&issue.key.project).is_some_and(|p| p.archived);
        self.issues.values().filter(|issue| issue.is_archived() || with_project(issue)).count()
    }
}
