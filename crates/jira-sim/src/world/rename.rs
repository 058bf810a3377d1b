//! A project gets another key, or goes.

use std::sync::Arc;

use super::{Issue, IssueId, IssueKey, Slot, World, WorldError};

impl World {
    /// Gives a project another key. Every issue keeps its id, its number and its `updated`, gets the
    /// new key, and still answers to its old one; so does the project, but not in JQL (see
    /// [`World::set_former_projects_in_jql`]). Jira reindexes the project by itself.
    ///
    /// # Errors
    /// When there is no such project, or when another project has or had that key.
    pub fn rename_project(&mut self, old: &str, new: &str) -> Result<(), WorldError> {
        if !self.projects.contains_key(old) {
            return Err(WorldError::NoProject(old.to_owned()));
        }
        if self.project_at(new).is_some_and(|project| &*project.key != old) {
            return Err(WorldError::ProjectTaken(new.to_owned()));
        }
        let ids: Vec<IssueId> = self.issues(old).map(Issue::id).collect();
        let Some(mut project) = self.projects.remove(old) else {
            return Err(WorldError::NoProject(old.to_owned()));
        };
        let former = std::mem::replace(&mut project.key, Arc::from(new));
        project.former.retain(|key| **key != *new);
        project.former.push(former);
        let embedded = project.json(&self.origin);
        self.projects.insert(Arc::from(new), project);
        for id in ids {
            let number = self.issues.get(&id).map_or(0, |issue| issue.key.number);
            self.take_key(id, IssueKey::new(new, number))?;
            self.issue_mut(id)?.set("project", Slot::Json(embedded.clone()));
            let entry = self.issues.get(&id).and_then(super::reindex::entry_of);
            self.index.put(id, entry, None);
        }
        Ok(())
    }

    /// Whether JQL takes the key that a project had before it was renamed. By default it does not:
    /// it answers as for a project that never was. (Believed; no source was found either way, so a
    /// client has to live with both.)
    pub fn set_former_projects_in_jql(&mut self, taken: bool) {
        self.former_projects_in_jql = taken;
    }

    /// Deletes a project and every issue of it, without a trace in the index.
    ///
    /// # Errors
    /// When there is no such project.
    pub fn delete_project(&mut self, key: &str) -> Result<(), WorldError> {
        let ids: Vec<IssueId> = self.issues(key).map(Issue::id).collect();
        for id in ids {
            self.delete(id)?;
            self.index.put(id, None, None);
        }
        let gone = self.projects.remove(key);
        gone.map(drop).ok_or_else(|| WorldError::NoProject(key.to_owned()))
    }
}
