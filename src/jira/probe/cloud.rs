//! What a Cloud site can do: found out without counting, by single issues whose times are known.

use chrono_tz::Tz;

use super::{Abilities, clause, time_grid};
use crate::jira::JiraClient;
use crate::jira::error::JiraError;
use crate::jira::flavor::cloud;
use crate::model::{EpochSecond, ListedIssue, ListingPage, PageStart};

/// How many issues the experiment has to choose from. The search index lags behind, and an issue
/// may change while it is looked at.
const SAMPLES: u32 = 5;

impl JiraClient {
    /// The oldest issues: the search has long known them, and they seldom change.
    pub(super) async fn oldest(&self, scope: &str) -> Result<ListingPage, JiraError> {
        let jql = format!("{} ORDER BY updated ASC", clause(scope, "updated is not EMPTY"));
        self.list(&jql, &PageStart::FIRST, SAMPLES).await
    }

    /// The experiments, given some issues.
    pub(super) async fn probe_cloud(
        &self,
        issues: &ListingPage,
        zone: Option<Tz>,
    ) -> Result<Abilities, JiraError> {
        let mut honoured = None;
        for issue in &issues.rows {
            match self.is_found_at_its_second(issue).await? {
                // Neither will another issue be asked for successfully.
                Experiment::Refused => {
                    honoured = Some(false);
                    break;
                }
                Experiment::Found => {
                    honoured = Some(true);
                    break;
                }
                Experiment::Missed => honoured = Some(false),
                Experiment::Undated => {}
            }
        }
        Ok(Abilities {
            time_grid: time_grid(honoured, zone)?,
            page_cap: cloud::LARGEST_PAGE,
            batch_cap: u32::try_from(cloud::LARGEST_BATCH).unwrap_or(u32::MAX),
            changelog_endpoint: Some(true),
        })
    }

    /// Whether epoch milliseconds find the issue from its second on, and not from the next.
    async fn is_found_at_its_second(&self, issue: &ListedIssue) -> Result<Experiment, JiraError> {
        let Some(updated) = issue.updated else { return Ok(Experiment::Undated) };
        let millis = EpochSecond::floor(updated).millis();
        let key = &issue.key;
        let (at, after) = futures::try_join!(
            self.finds(format!("key = \"{key}\" AND updated >= {millis}")),
            self.finds(format!("key = \"{key}\" AND updated >= {}", millis + 1000))
        )?;
        Ok(match (at, after) {
            (Some(true), Some(false)) => Experiment::Found,
            (Some(_), Some(_)) => Experiment::Missed,
            (None, _) | (_, None) => Experiment::Refused,
        })
    }

    /// Whether there is an issue; `None` where the query is refused.
    async fn finds(&self, jql: String) -> Result<Option<bool>, JiraError> {
        match self.list(&jql, &PageStart::FIRST, 1).await {
            Ok(page) => Ok(Some(!page.rows.is_empty())),
            Err(JiraError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What asking for one issue by its own second showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Experiment {
    /// It is there from its second on, and not from the next.
    Found,
    /// It is not, or from the next second on too: milliseconds mean something else, or the search
    /// does not know the issue's newest time yet.
    Missed,
    /// The query is refused.
    Refused,
    /// The issue has no time.
    Undated,
}
