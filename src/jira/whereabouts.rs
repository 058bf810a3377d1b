//! Where issues are that a listing did not show: by the search, and by their own resource, which
//! Jira answers from its database and not from its search index.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::flavor::{Flavor, both, cloud, server};
use super::send::Answer;
use super::shape::Came;
use super::{JiraClient, JiraError, found};
use crate::model::{IssueId, IssueKey, parse_jira_time};

/// The most issues that are asked for at once.
pub const MOST_SIGHTED: usize = 100;

/// An issue that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Jira's numeric id.
    pub id: IssueId,
    /// The key it has now.
    pub key: IssueKey,
    /// `fields.updated`.
    pub updated: Option<DateTime<Utc>>,
    /// Whether it is archived: in no search, and only its own resource answers. Source: Data
    /// Center's `fields.archiveddate`.
    pub archived: bool,
}

#[derive(Deserialize)]
#[serde(expecting = "a page of issues")]
struct Page {
    issues: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(expecting = "an issue")]
struct Row {
    id: String,
    key: String,
    #[serde(default)]
    fields: RowFields,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RowFields {
    updated: Option<String>,
    archiveddate: Option<Value>,
}

impl JiraClient {
    /// Those of at most [`MOST_SIGHTED`] issues that are found at once: on Server by the search, on
    /// Cloud by `issue/bulkfetch`, which is no search. That one does not come proves nothing.
    ///
    /// # Errors
    /// Any [`JiraError`].
    pub async fn sight(&self, ids: &[IssueId]) -> Result<Vec<Sighting>, JiraError> {
        let call = match self.flavor() {
            Flavor::Server => server::whereabouts(ids),
            Flavor::Cloud => cloud::whereabouts(ids),
        };
        let page = |answer: &Answer| -> Result<_, Came> {
            answer.object::<Page>()?.issues.into_iter().map(sighting).collect()
        };
        self.sender().send(&call, page).await
    }

    /// One issue by its own resource; `None` where Jira says that it is not there, or not for us.
    ///
    /// # Errors
    /// Any other [`JiraError`].
    pub async fn sight_alone(&self, id: IssueId) -> Result<Option<Sighting>, JiraError> {
        let call = both::whereabouts(self.flavor(), id);
        found(self.sender().send(&call, |answer| answer.object().and_then(sighting)).await)
    }
}

fn sighting(row: Row) -> Result<Sighting, Came> {
    let id = row.id.parse().map_err(|_| Came::wrong_shape("an issue's id is not a number"))?;
    let key = row.key.parse().map_err(|_| Came::wrong_shape("an issue's key is not a key"))?;
    let updated = row.fields.updated.as_deref().and_then(|text| parse_jira_time(text).ok());
    let archived = row.fields.archiveddate.is_some_and(|date| !date.is_null());
    Ok(Sighting { id: IssueId(id), key, updated, archived })
}
