//! What a scan is to list, and what is known beforehand. Data only.

use chrono::{DateTime, Utc};

use crate::jql::{TimeGrid, UserFilter};
use crate::model::ProjectKey;

/// Which method a scan begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Forward, confirmed page by page: one request a page on a quiet project.
    Forward,
    /// Stretches of index time only: never trusts a document. For repairs.
    Windows,
    /// From page to page by tokens, in the order of `updated`: Cloud, which counts nothing.
    Tokens,
    /// From page to page by tokens, in the order of `created`, and only what was created before
    /// the horizon: a fixed set in an order that no edit changes. Cloud's proof of completeness.
    /// It begins from its beginning whatever the checkpoint says.
    Census,
}

/// What to list, and what is known about the instance.
#[derive(Debug, Clone)]
pub struct ScanPlan {
    /// The project.
    pub project: ProjectKey,
    /// Extra JQL.
    pub filter: Option<UserFilter>,
    /// The instants that the instance's literals express.
    pub grid: TimeGrid,
    /// Rows to ask for on a page; the instance may deliver fewer.
    pub page_rows: u32,
    /// List issues whose indexed `updated` is at or after this; `None`: from the beginning.
    pub from: Option<DateTime<Utc>>,
    /// The run's start by Jira's clock. What is indexed later belongs to the next run too, so
    /// the scan may end once it is past it.
    pub horizon: DateTime<Utc>,
    /// What was changed before then is in the index by now, as far as anybody can tell: the
    /// horizon less the overlap.
    pub settled: DateTime<Utc>,
    /// A `total` this high is only a lower bound (`jira.search.platform.max.result.window`).
    pub result_window: u64,
    /// The method to begin with.
    pub method: Method,
    /// Whether to list the issues that have no `updated` as well.
    pub undated: bool,
}
