//! Whether a project can be extracted at all. Asked before anything is believed: a search in a
//! project that is not there, or not for us, or archived, may just answer with no rows.

use super::absence::Standing;
use super::error::SyncError;
use crate::jira::{JiraClient, ProjectInfo};
use crate::model::{ProjectKey, RunKind};

/// Makes sure that Jira's search shows the project's issues to this account.
///
/// # Errors
/// [`SyncError::ProjectNotVisible`], [`SyncError::ProjectArchived`], and Jira's.
pub(super) async fn require_visible(
    jira: &JiraClient,
    project: &ProjectKey,
) -> Result<ProjectInfo, SyncError> {
    match jira.project(project).await? {
        None => Err(SyncError::ProjectNotVisible { project: project.clone() }),
        Some(info) if info.archived => Err(SyncError::ProjectArchived { project: project.clone() }),
        Some(info) => Ok(info),
    }
}

/// How the project stands, and what Jira says of it. A reconcile may find it archived, and where so
/// much may be marked deleted also gone; for any other run that is an error.
///
/// # Errors
/// As [`require_visible`].
pub(super) async fn standing(
    jira: &JiraClient,
    project: &ProjectKey,
    kind: RunKind,
    allow_mass_delete: bool,
) -> Result<(Standing, Option<ProjectInfo>), SyncError> {
    match kind {
        RunKind::Backfill | RunKind::Delta => {
            return Ok((Standing::Shown, Some(require_visible(jira, project).await?)));
        }
        RunKind::Reconcile => {}
    }
    match jira.project(project).await? {
        None if allow_mass_delete => Ok((Standing::Gone, None)),
        None => Err(SyncError::ProjectNotVisible { project: project.clone() }),
        Some(info) if info.archived => Ok((Standing::Archived, Some(info))),
        Some(info) => Ok((Standing::Shown, Some(info))),
    }
}
