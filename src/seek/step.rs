//! What the machine asks for, and what it answers with. Data only.

use crate::jql::Query;
use crate::model::{Checkpoint, IssueKey, ListedIssue, PageStart};

/// A page to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The query.
    pub query: Query,
    /// Where the page begins: at 0, except by token, and inside a stretch that can neither be
    /// narrowed nor walked by key.
    pub start: PageStart,
    /// `maxResults`, in rows.
    pub max_results: u32,
}

/// What the machine wants next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Ask for this page, then `handle_page`, `handle_refused` or `handle_too_heavy` of the
    /// [scan](super::Scan).
    List(Request),
    /// Read this issue, then say in [`handle_anchor`](super::Scan::handle_anchor) whether it is still
    /// there by this key.
    VerifyAnchor(IssueKey),
    /// Nothing: the scan is complete.
    Finished(Summary),
}

/// Rows to diff and queue, and the checkpoint to store in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The page's rows, without those that the page before it held unchanged.
    pub rows: Vec<ListedIssue>,
    /// Where the scan resumes if it ends here.
    pub checkpoint: Checkpoint,
}

/// How a scan went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Pages and anchors asked for.
    pub requests: u64,
    /// Jumps that the next page did not confirm.
    pub distrusted: u64,
    /// Stretches that could neither be narrowed nor fit a page.
    pub overfull: u64,
    /// Index entries counted by Jira for which no row came.
    pub unloadable: u64,
    /// Queries that Jira's tokens did not lead to their end, and that began again.
    pub restarts: u64,
    /// Distinct issues in the census; `None` unless the scan was one.
    pub census: Option<u64>,
    /// More was being touched than could be followed: what was indexed after the horizon is left
    /// to the next run.
    pub tail_left: bool,
}

impl Summary {
    /// This listing and the `next` one of the same run together. What cannot be loaded is what the
    /// next one found.
    #[must_use]
    pub fn followed_by(self, next: Self) -> Self {
        Self {
            requests: self.requests + next.requests,
            distrusted: self.distrusted + next.distrusted,
            overfull: self.overfull + next.overfull,
            unloadable: next.unloadable,
            restarts: self.restarts + next.restarts,
            census: next.census.or(self.census),
            tail_left: self.tail_left || next.tail_left,
        }
    }
}

/// Why a scan cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// Jira answered without `total`, which this kind of listing needs.
    #[error("jira answered a listing without `total`")]
    NoTotal,
    /// Jira refused a query that has no anchor to blame.
    #[error("jira refused the listing: {message}")]
    Refused {
        /// Jira's words.
        message: String,
    },
    /// Jira's page tokens lead nowhere, again and again.
    #[error(
        "jira's page tokens do not lead on from {at}: refused or repeated {restarts} times in a row"
    )]
    TokensBroken {
        /// The frontier.
        at: String,
        /// Queries begun again without getting further.
        restarts: u32,
    },
    /// Even a page of one row is too slow or too large.
    #[error("jira cannot deliver even one row of the listing at {at}")]
    TooHeavy {
        /// The frontier.
        at: String,
    },
    /// The bound on requests is reached.
    #[error("the listing makes no progress at {at} after {requests} requests")]
    Stuck {
        /// The frontier.
        at: String,
        /// Requests sent.
        requests: u64,
    },
}
