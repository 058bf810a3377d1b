//! The search index: what JQL matches and sorts on, apart from the documents.
//! An entry may be older or newer than its document, or outlive it (a ghost).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::key::{IdMap, IssueId, IssueKey};
use crate::time::Millis;

/// Sorts entries that have no `updated` behind all others.
const NO_UPDATED: i64 = i64::MAX;

/// What the index knows of one issue. Times are whole seconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// The key by which the index sorts; after a move under lag, the old one.
    pub key: IssueKey,
    /// The indexed `updated`.
    pub updated: Option<i64>,
    /// The indexed `created`.
    pub created: Option<i64>,
}

/// How long edits take to reach the index.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum IndexLag {
    /// At once.
    #[default]
    None,
    /// Every edit arrives this many milliseconds after it was made.
    All(Millis),
    /// Only this share of the edits is late, chosen by the world's seed.
    Some {
        /// Between 0 and 1.
        share: f64,
        /// How late, in milliseconds.
        lag: Millis,
    },
}

#[derive(Debug, Clone)]
struct Pending {
    id: IssueId,
    /// `None` takes the entry out.
    entry: Option<IndexEntry>,
}

/// All entries, sorted by (updated, key number) in each project.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    entries: IdMap<IndexEntry>,
    sorted: BTreeMap<Arc<str>, BTreeSet<(i64, u32, IssueId)>>,
    pending: BTreeMap<(Millis, u64), Pending>,
    applied: IdMap<u64>,
    sequence: u64,
}

impl Index {
    pub(crate) fn entry(&self, id: IssueId) -> Option<&IndexEntry> {
        self.entries.get(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The highest `updated` second of any entry.
    pub(crate) fn last_updated(&self) -> Option<i64> {
        self.entries.values().filter_map(|entry| entry.updated).max()
    }

    /// Counts the changes so far.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// How many changes are on their way.
    pub(crate) fn waiting(&self) -> usize {
        self.pending.len()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = IssueId> + '_ {
        self.entries.keys().copied()
    }

    pub(crate) fn projects(&self) -> impl Iterator<Item = &Arc<str>> {
        self.sorted.keys()
    }

    /// A project's entries from an `updated` second on, in (updated, key) order; those without
    /// `updated` come last.
    pub(crate) fn of_project(
        &self,
        project: &str,
        from: i64,
    ) -> impl Iterator<Item = IssueId> + '_ {
        self.sorted
            .get(project)
            .into_iter()
            .flat_map(move |set| set.range((from, 0, 0)..))
            .map(|(_, _, id)| *id)
    }

    /// Whether a project has entries without `updated`.
    pub(crate) fn has_undated(&self, project: &str) -> bool {
        self.of_project(project, NO_UPDATED).next().is_some()
    }

    /// Puts an entry in place (or takes it out) now, or at `due` if that is given.
    pub(crate) fn put(&mut self, id: IssueId, entry: Option<IndexEntry>, due: Option<Millis>) {
        self.sequence += 1;
        match due {
            Some(due) => {
                self.pending.insert((due, self.sequence), Pending { id, entry });
            }
            None => self.apply(id, entry, self.sequence),
        }
    }

    /// Applies what has become due.
    pub(crate) fn catch_up(&mut self, now: Millis) {
        while let Some(first) = self.pending.first_entry() {
            if first.key().0 > now {
                break;
            }
            let ((_, sequence), Pending { id, entry }) = first.remove_entry();
            self.apply(id, entry, sequence);
        }
    }

    /// Whether anything is still on its way.
    pub(crate) fn is_behind(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Takes every entry out; what is on its way still arrives.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.sorted.clear();
    }

    /// An older change that arrives after a newer one is ignored (Jira versions its entries).
    fn apply(&mut self, id: IssueId, entry: Option<IndexEntry>, sequence: u64) {
        if self.applied.get(&id).is_some_and(|applied| *applied > sequence) {
            return;
        }
        self.applied.insert(id, sequence);
        if let Some(old) = self.entries.remove(&id)
            && let Some(set) = self.sorted.get_mut(&old.key.project)
        {
            set.remove(&position(id, &old));
        }
        if let Some(new) = entry {
            self.sorted.entry(Arc::clone(&new.key.project)).or_default().insert(position(id, &new));
            self.entries.insert(id, new);
        }
    }
}

fn position(id: IssueId, entry: &IndexEntry) -> (i64, u32, IssueId) {
    (entry.updated.unwrap_or(NO_UPDATED), entry.key.number, id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(updated: i64) -> Option<IndexEntry> {
        Some(IndexEntry { key: IssueKey::new("P", 1), updated: Some(updated), created: None })
    }

    #[test]
    fn a_late_entry_does_not_undo_a_newer_one() {
        let mut index = Index::default();
        index.put(1, entry(10), Some(5_000));
        index.put(1, entry(20), None);
        index.catch_up(6_000);
        assert_eq!(index.entry(1).unwrap().updated, Some(20));
        assert_eq!(index.of_project("P", 0).count(), 1);
        assert_eq!(index.of_project("P", 21).count(), 0);
    }

    #[test]
    fn a_pending_entry_arrives_when_due() {
        let mut index = Index::default();
        index.put(1, entry(10), Some(5_000));
        index.catch_up(4_999);
        assert!(index.entry(1).is_none() && index.is_behind());
        index.catch_up(5_000);
        assert!(index.entry(1).is_some() && !index.is_behind());
    }
}
