//! Completing the children that Jira cut short, for the issues whose totals say so: of a whole batch
//! side by side, each issue as far as Jira gives its lists.

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::policy::{self, Decision};
use crate::jira::{JiraClient, JiraError, complete_changes, complete_comments, complete_worklogs};
use crate::model::{IssueDocument, PartialList};

/// Issues of one batch whose lists are completed at once. What may be in flight in all is the
/// client's to say.
const AT_ONCE: usize = 4;

/// A document with its lists as complete as Jira gives them.
#[derive(Debug)]
pub(super) struct Completed {
    pub(super) document: IssueDocument,
    /// Why something that should be there did not come.
    pub(super) lacking: Option<JiraError>,
}

/// Fetches the rest of every list that was cut short. A list that even its own endpoint does not
/// give in full stays marked as not complete: then absence from it removes nothing.
///
/// # Errors
/// A [`JiraError`] that has nothing to do with these issues.
pub(super) async fn complete(
    jira: &JiraClient,
    documents: Vec<IssueDocument>,
) -> Result<Vec<Completed>, JiraError> {
    stream::iter(documents)
        .map(|document| one(jira, document))
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

async fn one(jira: &JiraClient, mut document: IssueDocument) -> Result<Completed, JiraError> {
    let id = document.id;
    let mut lacking = None;
    if is_cut_short(document.children.worklogs.as_ref()) {
        match usable(jira.fetch_worklogs(id).await, &mut lacking)? {
            Some(more) => document = complete_worklogs(document, more),
            None => tracing::debug!(issue.id = %id, "worklogs not completed"),
        }
    }
    if is_cut_short(document.children.comments.as_ref()) {
        match usable(jira.fetch_comments(id).await, &mut lacking)? {
            Some(more) => document = complete_comments(document, more),
            None => tracing::debug!(issue.id = %id, "comments not completed"),
        }
    }
    if is_cut_short(document.children.changes.as_ref()) {
        match usable(jira.fetch_changelog(id).await, &mut lacking)? {
            Some(more) => document = complete_changes(document, more),
            None => tracing::debug!(issue.id = %id, "changes not completed"),
        }
    }
    Ok(Completed { document, lacking })
}

fn is_cut_short<T>(list: Option<&PartialList<T>>) -> bool {
    list.is_some_and(|list| !list.complete)
}

/// `None` where the list cannot be had: not now, or (where Jira has no such resource, as for
/// worklogs while time tracking is off) not at all.
fn usable<T>(
    answer: Result<T, JiraError>,
    lacking: &mut Option<JiraError>,
) -> Result<Option<T>, JiraError> {
    let error = match answer {
        Ok(list) => return Ok(Some(list)),
        Err(JiraError::NotFound { .. } | JiraError::NoEndpoint { .. }) => return Ok(None),
        Err(error) => error,
    };
    match policy::decide(&error) {
        Decision::Abort => Err(error),
        Decision::Split(_) => {
            *lacking = Some(error);
            Ok(None)
        }
    }
}
