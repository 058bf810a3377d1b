//! Projects.

use std::sync::Arc;

use super::World;
use crate::json::{Json, entries, quote};

/// A project.
#[derive(Debug, Clone)]
pub struct Project {
    pub(crate) id: u64,
    pub(crate) key: Arc<str>,
    pub(crate) name: String,
    pub(crate) archived: bool,
    pub(crate) forbidden: bool,
    pub(crate) next_number: u32,
    /// Keys it had before it was renamed, oldest first.
    pub(crate) former: Vec<Arc<str>>,
    pub(crate) versions: Vec<Json>,
    pub(crate) components: Vec<Json>,
    /// The project as issues embed it, where real payloads gave it.
    pub(crate) embedded: Option<Json>,
}

impl Project {
    /// The numeric id.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is archived.
    pub fn is_archived(&self) -> bool {
        self.archived
    }

    /// Keys it had before it was renamed, oldest first.
    pub fn former_keys(&self) -> impl Iterator<Item = &str> {
        self.former.iter().map(|key| &**key)
    }

    /// Whether JQL knows the project for this caller.
    pub(crate) fn is_searchable(&self) -> bool {
        !self.archived && !self.forbidden
    }

    /// The project as issues and lists embed it.
    pub(crate) fn json(&self, origin: &str) -> Json {
        if let Some(embedded) = &self.embedded {
            return self.adapted(embedded);
        }
        Json::built(format!(
            r#"{{"self":{},"id":"{}","key":{},"name":{},"projectTypeKey":"software","archived":{},"avatarUrls":{{"48x48":"{origin}/secure/projectavatar?avatarId=10324"}}}}"#,
            quote(&format!("{origin}/rest/api/2/project/{}", self.id)),
            self.id,
            quote(&self.key),
            quote(&self.name),
            self.archived,
        ))
    }
}

impl Project {
    /// A project as a real payload gave it, with the key and the state that it has now.
    fn adapted(&self, embedded: &Json) -> Json {
        if self.former.is_empty() && !self.archived {
            return embedded.clone();
        }
        let members = entries(embedded.as_str()).unwrap_or_default();
        let kept = members.into_iter().filter(|(name, _)| name != "key" && name != "archived");
        let mut out = format!(r#"{{"key":{},"archived":{}"#, quote(&self.key), self.archived);
        for (name, value) in kept {
            out.push_str(&format!(",{}:{}", quote(&name), value.get()));
        }
        out.push('}');
        Json::built(out)
    }
}

impl World {
    /// Adds a project, or returns the one that is there.
    pub fn add_project(&mut self, key: &str, name: &str) -> &mut Project {
        let next_id = 10_100 + 100 * self.projects.len() as u64;
        let key: Arc<str> = Arc::from(key);
        self.projects.entry(Arc::clone(&key)).or_insert_with(|| Project {
            id: next_id,
            key,
            name: name.to_owned(),
            archived: false,
            forbidden: false,
            next_number: 1,
            former: Vec::new(),
            versions: Vec::new(),
            components: Vec::new(),
            embedded: None,
        })
    }

    /// All projects, in key order.
    pub fn projects(&self) -> impl Iterator<Item = &Project> {
        self.projects.values()
    }

    /// A project by key.
    pub fn project(&self, key: &str) -> Option<&Project> {
        self.projects.get(key)
    }

    /// A project as people name it in JQL and in paths: by key, name or id.
    pub(crate) fn project_named(&self, text: &str) -> Option<&Project> {
        self.projects.values().find(|project| {
            project.key.eq_ignore_ascii_case(text)
                || project.name.eq_ignore_ascii_case(text)
                || project.id.to_string() == text
        })
    }

    /// A project by its key, its id or a key that it had, as paths name it.
    pub(crate) fn project_at(&self, text: &str) -> Option<&Project> {
        self.project_named(text).or_else(|| {
            let had = |key: &Arc<str>| key.eq_ignore_ascii_case(text);
            self.projects.values().find(|project| project.former.iter().any(had))
        })
    }

    /// A project as JQL names it, if the caller's searches know it.
    pub(crate) fn project_in_jql(&self, text: &str) -> Option<&Project> {
        let found = match self.former_projects_in_jql {
            true => self.project_at(text),
            false => self.project_named(text),
        };
        found.filter(|project| project.is_searchable())
    }

    /// Takes the caller's Browse permission for a project away, or gives it back. Issues become
    /// visible with their old `updated`. Unknown keys are ignored.
    pub fn forbid_project(&mut self, key: &str, forbidden: bool) {
        if let Some(project) = self.projects.get_mut(key) {
            project.forbidden = forbidden;
        }
    }

    pub(crate) fn project_mut(&mut self, key: &str) -> Option<&mut Project> {
        self.projects.get_mut(key)
    }
}
