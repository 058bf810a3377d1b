//! Whether a project can be extracted at all. Asked before anything is believed: a search in a
//! project that is not there, or not for us, or archived, may just answer with no rows.

use super::error::SyncError;
use crate::jira::JiraClient;
use crate::model::ProjectKey;

/// Makes sure that Jira's search shows the project's issues to this account.
///
/// # Errors
/// [`SyncError::ProjectNotVisible`], [`SyncError::ProjectArchived`], and Jira's.
pub(super) async fn require_visible(
    jira: &JiraClient,
    project: &ProjectKey,
) -> Result<(), SyncError> {
    match jira.project(project).await? {
        None => Err(SyncError::ProjectNotVisible { project: project.clone() }),
        Some(info) if info.archived => Err(SyncError::ProjectArchived { project: project.clone() }),
        Some(_) => Ok(()),
    }
}
