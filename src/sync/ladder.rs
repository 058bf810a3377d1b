//! The ladder that one issue climbs down when it cannot be fetched in a batch. Its lower rungs,
//! `hub` and `minimal`, are not built yet: today it has the one rung of asking for it alone.

use crate::jira::{JiraClient, JiraError};
use crate::model::IssueDocument;
use crate::store::PendingIssue;

/// The richest document that Jira can deliver of this issue; `None` if it is gone.
///
/// # Errors
/// The [`JiraError`] of the lowest rung.
pub(super) async fn climb_down(
    jira: &JiraClient,
    issue: &PendingIssue,
) -> Result<Option<IssueDocument>, JiraError> {
    jira.fetch_issue(issue.id).await
}
