//! Which worklogs were deleted: the only deletion that Jira tells of.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::flavor::both;
use super::{JiraClient, JiraError, allowed};

/// The most pages of deleted worklogs that are read at once; each has up to 1,000.
const MAX_FEED_PAGES: usize = 100;

/// Worklogs that were deleted since some instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeletedWorklogs {
    /// Jira's ids.
    pub ids: Vec<i64>,
    /// Everything deleted until then is among them; the next question begins there.
    pub until: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a page of deleted worklogs")]
struct FeedPage {
    values: Vec<FeedEntry>,
    until: Option<i64>,
    #[serde(default)]
    last_page: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a deleted worklog")]
struct FeedEntry {
    worklog_id: i64,
}

impl JiraClient {
    /// The worklogs of all projects that were deleted since `since`; the last minute is left out by
    /// Jira. `None` where there is no such feed or this account may not read it.
    /// Source: `GET worklog/deleted`, Cloud and Data Center.
    ///
    /// # Errors
    /// A [`JiraError`] that would befall every other request, too.
    pub async fn deleted_worklogs(
        &self,
        since: DateTime<Utc>,
    ) -> Result<Option<DeletedWorklogs>, JiraError> {
        let mut deleted = DeletedWorklogs::default();
        let mut from = since;
        for _ in 0..MAX_FEED_PAGES {
            let call = both::deleted_worklogs(self.flavor(), from);
            let page = self.sender().send(&call, |answer| answer.object::<FeedPage>()).await;
            let Some(page) = allowed(page)? else { return Ok(None) };
            deleted.ids.extend(page.values.iter().map(|entry| entry.worklog_id));
            let until = page.until.and_then(DateTime::from_timestamp_millis);
            let Some(until) = until.filter(|until| *until > from) else { break };
            deleted.until = Some(until);
            if page.last_page {
                break;
            }
            from = until;
        }
        Ok(Some(deleted))
    }
}
