//! What Jira says of its own search index, where the account may ask. It is not needed.

use serde::Deserialize;

use super::flavor::{Flavor, server};
use super::{JiraClient, JiraError, allowed};
use crate::model::IndexSummary;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a summary of the index")]
struct WireSummary {
    issue_index: WireIndex,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "the state of an index")]
struct WireIndex {
    index_readable: bool,
    /// A node that cannot read its index need not count.
    #[serde(default)]
    count_in_database: u64,
    #[serde(default)]
    count_in_index: u64,
    #[serde(default)]
    count_in_archive: u64,
}

impl JiraClient {
    /// Jira's summary of its search index, on the node that answers; `None` where there is no such
    /// resource (Cloud, old servers) or this account may not ask.
    /// Source: `GET /rest/api/2/index/summary`, Server 7.2.10 and later; experimental.
    ///
    /// # Errors
    /// A [`JiraError`] that would befall every other request, too.
    pub async fn index_summary(&self) -> Result<Option<IndexSummary>, JiraError> {
        match self.flavor() {
            Flavor::Cloud => return Ok(None),
            Flavor::Server => {}
        }
        let call = server::index_summary();
        let summary = self.sender().send(&call, |answer| answer.object()).await;
        Ok(allowed(summary)?.map(|WireSummary { issue_index: index }| IndexSummary {
            readable: index.index_readable,
            in_database: index.count_in_database,
            in_index: index.count_in_index,
            in_archive: index.count_in_archive,
        }))
    }
}
