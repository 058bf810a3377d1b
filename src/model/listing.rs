//! What a listing asks of Jira, and one page of its answer.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{IssueId, IssueKey};

/// One row of a listing: `id`, `key` and `fields.updated`, and nothing more.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ListedIssue {
    /// Jira's numeric id.
    pub id: IssueId,
    /// The key at the time of listing.
    pub key: IssueKey,
    /// The *document's* `updated`. The index that Jira matched and sorted on may hold another
    /// value, so this is a hint for where to go next and never a proof. Issues without it exist.
    pub updated: Option<DateTime<Utc>>,
}

/// Where a page of a listing begins.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PageStart {
    /// After so many rows of the answer. Every query's first page is at 0, on Cloud too.
    Offset(u64),
    /// Where the page before it ended. Cloud only.
    Token(PageToken),
}

impl PageStart {
    /// The first page.
    pub const FIRST: Self = Self::Offset(0);

    /// `startAt`, in rows; 0 for a page that a token names.
    pub fn offset(&self) -> u64 {
        match self {
            Self::Offset(rows) => *rows,
            Self::Token(_) => 0,
        }
    }
}

/// Cloud's `nextPageToken`: opaque, good for one query, and for seven days.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PageToken(pub String);

/// One page of a listing, as Jira answered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListingPage {
    /// The rows in Jira's order.
    pub rows: Vec<ListedIssue>,
    /// How many issues the query matched, `startAt` ignored. Server only; it counts index
    /// entries, so it may exceed the rows that can be loaded.
    pub total: Option<u64>,
    /// The page size Jira says it used; at most what was asked. What it delivers may be fewer.
    pub max_results: Option<u32>,
    /// Where the next page begins. Cloud only; absent on the last page.
    pub next: Option<PageToken>,
}
