//! What a batch is made of, and what each part of it comes to: pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{BatchResult, BatchWritten};
use crate::model::{Failure, IssueDocument, Site};
use crate::store::decide::{Decision, StoredIssue, decide, satisfies};

/// First wait of an issue that came back older than it was listed; it doubles with each attempt.
const STALE_BACKOFF: Duration = Duration::from_secs(2);

/// A queue row that this batch has leased.
pub(super) struct Leased {
    pub(super) run: Uuid,
    pub(super) listed_updated: Option<DateTime<Utc>>,
    pub(super) attempts: u32,
}

/// What a batch is made of, each id once.
pub(super) struct Parts<'a> {
    pub(super) site: &'a Site,
    pub(super) token: i64,
    pub(super) documents: BTreeMap<i64, &'a IssueDocument>,
    pub(super) gone: BTreeSet<i64>,
    pub(super) failed: BTreeMap<i64, &'a Failure>,
    pub(super) retry: BTreeMap<i64, Duration>,
}

/// What leaves the queue, and what stays in it for how long.
#[derive(Default)]
pub(super) struct Departures {
    pub(super) leaving: Vec<i64>,
    pub(super) staying: BTreeMap<i64, Duration>,
}

impl<'a> Parts<'a> {
    pub(super) fn of(result: &'a BatchResult) -> Self {
        let mut documents: BTreeMap<i64, &IssueDocument> = BTreeMap::new();
        for document in &result.documents {
            let kept = documents.entry(document.id.0).or_insert(document);
            if document.updated >= kept.updated {
                *kept = document;
            }
        }
        Self {
            site: result.token.site(),
            token: result.token.number(),
            documents,
            gone: result.gone.iter().map(|id| id.0).collect(),
            failed: result.failed.iter().map(|failure| (failure.id.0, failure)).collect(),
            retry: result.retry_later.iter().map(|(id, wait)| (id.0, *wait)).collect(),
        }
    }

    pub(super) fn document_ids(&self) -> Vec<i64> {
        self.documents.keys().copied().collect()
    }

    /// Every id the batch speaks of, in order.
    pub(super) fn all_ids(&self) -> Vec<i64> {
        let mut ids: BTreeSet<i64> = self.gone.clone();
        ids.extend(self.documents.keys());
        ids.extend(self.failed.keys());
        ids.extend(self.retry.keys());
        ids.into_iter().collect()
    }

    pub(super) fn decide(&self, stored: &BTreeMap<i64, StoredIssue>) -> BTreeMap<i64, Decision> {
        self.documents
            .iter()
            .map(|(id, document)| (*id, decide(stored.get(id), document)))
            .collect()
    }

    pub(super) fn documents_that(
        &self,
        decisions: &BTreeMap<i64, Decision>,
        which: impl Fn(Decision) -> bool,
    ) -> Vec<&'a IssueDocument> {
        self.documents
            .iter()
            .filter(|(id, _)| decisions.get(id).is_some_and(|decision| which(*decision)))
            .map(|(_, document)| *document)
            .collect()
    }

    pub(super) fn departures(
        &self,
        leased: &BTreeMap<i64, Leased>,
        stored: &BTreeMap<i64, StoredIssue>,
    ) -> Departures {
        let mut departures = Departures { leaving: Vec::new(), staying: self.retry.clone() };
        for (id, row) in leased {
            if departures.staying.contains_key(id) {
                continue;
            }
            let known = self.documents.get(id).map(|document| {
                document.updated.max(stored.get(id).and_then(|stored| stored.updated))
            });
            match known {
                // What was given up on leaves, whatever came of it.
                Some(newest)
                    if !self.failed.contains_key(id)
                        && !satisfies(row.listed_updated, newest, row.attempts) =>
                {
                    departures.staying.insert(*id, stale_backoff(row.attempts));
                }
                _ => departures.leaving.push(*id),
            }
        }
        departures
    }

    pub(super) fn summary(
        &self,
        decisions: &BTreeMap<i64, Decision>,
        departures: &Departures,
    ) -> BatchWritten {
        let mut summary = BatchWritten {
            gone: self.gone.len() as u64,
            failed: self.failed.len() as u64,
            retried: self.retry.len() as u64,
            behind: (departures.staying.len() - self.retry.len()) as u64,
            ..BatchWritten::default()
        };
        for decision in decisions.values() {
            match decision {
                Decision::Insert | Decision::Rewrite => summary.written += 1,
                Decision::Settle | Decision::Keep => summary.unchanged += 1,
                Decision::Refuse => summary.refused += 1,
            }
        }
        summary
    }
}

pub(super) fn is_written(decision: Decision) -> bool {
    matches!(decision, Decision::Insert | Decision::Rewrite)
}

fn stale_backoff(attempts: u32) -> Duration {
    STALE_BACKOFF.saturating_mul(1 << attempts.min(8))
}
