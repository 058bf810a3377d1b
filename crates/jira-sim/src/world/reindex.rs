//! What keeps the index and the documents together, and what sets them apart.

use super::index::{IndexEntry, IndexLag};
use super::issue::Issue;
use super::key::IssueId;
use super::{World, WorldError};
use crate::time::{Millis, seconds};

/// Which issues an index operation is about.
#[derive(Debug, Clone)]
pub enum Scope {
    /// The whole instance.
    All,
    /// The issues of one project.
    Project(String),
    /// These.
    Issues(Vec<IssueId>),
}

/// What an index that is up to date holds of a document; nothing of an archived one.
pub(crate) fn entry_of(issue: &Issue) -> Option<IndexEntry> {
    (!issue.is_archived()).then(|| IndexEntry {
        key: issue.key.clone(),
        updated: issue.updated.map(seconds),
        created: issue.created.map(seconds),
    })
}

impl World {
    /// How late the index learns of changes from now on.
    pub fn set_index_lag(&mut self, lag: IndexLag) {
        self.lag = lag;
    }

    /// Whether changes are still on their way into the index.
    pub fn index_is_behind(&self) -> bool {
        self.index.is_behind()
    }

    /// Sets the index to the documents, and takes ghosts out: what a sound reindex does.
    pub fn reindex_to_document(&mut self, scope: &Scope) {
        for id in self.in_scope(scope) {
            let entry = self.issues.get(&id).and_then(entry_of);
            self.index.put(id, entry, None);
        }
    }

    /// Sets the indexed `updated` to an instant (default: now) while the documents keep theirs.
    pub fn reindex_to(&mut self, scope: &Scope, at: Option<Millis>) {
        let at = seconds(at.unwrap_or(self.now));
        for id in self.in_scope(scope) {
            if let Some(entry) = self.issues.get(&id).and_then(entry_of) {
                let entry = IndexEntry { updated: Some(at), ..entry };
                self.index.put(id, Some(entry), None);
            }
        }
    }

    /// Sets one issue's indexed `updated` to anything. Times are milliseconds, kept as seconds.
    ///
    /// # Errors
    /// When there is no such issue.
    pub fn skew_index(&mut self, id: IssueId, updated: Option<Millis>) -> Result<(), WorldError> {
        let issue = self.issues.get(&id).ok_or(WorldError::NoIssue(id))?;
        let entry =
            entry_of(issue).map(|entry| IndexEntry { updated: updated.map(seconds), ..entry });
        self.index.put(id, entry, None);
        Ok(())
    }

    /// Takes one issue out of the index; its document stays.
    pub fn unindex(&mut self, id: IssueId) {
        self.index.put(id, None, None);
    }

    /// Empties the index: searches then answer 200 with no rows.
    pub fn clear_index(&mut self) {
        self.index.clear();
    }

    /// Leaves the index half built, as during a rebuild: of what is in scope it keeps this share of
    /// the entries, those with the lowest ids.
    pub fn keep_in_index(&mut self, scope: &Scope, share: f64) {
        let mut ids = self.in_scope(scope);
        ids.sort_unstable();
        let kept = (ids.len() as f64 * share.clamp(0.0, 1.0)) as usize;
        for id in ids.into_iter().skip(kept) {
            self.index.put(id, None, None);
        }
    }

    /// Says how far a reindex has got (in per cent), or that none runs. Searches do not change.
    pub fn set_rebuilding(&mut self, percent: Option<u8>) {
        self.rebuilding = percent;
    }

    /// How far a reindex has got, in per cent, while one runs.
    pub(crate) fn rebuilding(&self) -> Option<u8> {
        self.rebuilding
    }

    /// Whether the node can read its index, as it says of itself. Searches do not change.
    pub fn set_index_readable(&mut self, readable: bool) {
        self.index_unreadable = !readable;
    }

    /// Whether the node can read its index.
    pub(crate) fn index_is_readable(&self) -> bool {
        !self.index_unreadable
    }

    /// Lets everything that is on its way arrive.
    pub fn flush_index(&mut self) {
        self.index.catch_up(Millis::MAX);
    }

    /// Brings the index up to an edit, now or late.
    pub(crate) fn index_later(&mut self, id: IssueId) {
        let entry = self.issues.get(&id).and_then(entry_of);
        let due = match self.lag {
            IndexLag::None => None,
            IndexLag::All(lag) => Some(self.now + lag),
            IndexLag::Some { share, lag } => self.random.chance(share).then_some(self.now + lag),
        };
        self.index.put(id, entry, due);
    }

    fn in_scope(&self, scope: &Scope) -> Vec<IssueId> {
        match scope {
            Scope::Issues(ids) => ids.clone(),
            Scope::All => {
                let ghosts = self.index.ids().filter(|id| !self.issues.contains_key(id));
                self.keys.values().copied().chain(ghosts).collect()
            }
            Scope::Project(key) => {
                let ghosts =
                    self.index.of_project(key, i64::MIN).filter(|id| !self.issues.contains_key(id));
                self.issues(key).map(Issue::id).chain(ghosts).collect()
            }
        }
    }
}
