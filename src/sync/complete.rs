//! Completing the children that Jira cut short, for the issues whose totals say so: of a whole batch
//! side by side, each issue as far as Jira gives its lists.

use std::collections::HashMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::policy::{self, Decision, Shortfall};
use crate::jira::{
    self, Flavor, JiraClient, JiraError, complete_changes, complete_comments, complete_worklogs,
};
use crate::model::{Change, IssueDocument, IssueId, PartialList};

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
    let mut changelogs = changelogs(jira, &documents).await?;
    let with_changelog = documents.into_iter().map(|document| {
        let changelog = changelogs.remove(&document.id);
        (document, changelog)
    });
    stream::iter(with_changelog)
        .map(|(document, changelog)| one(jira, document, changelog))
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

/// The changelogs that were cut short, where the instance gives those of many issues at once. Issues
/// that are not among them are asked for by themselves.
async fn changelogs(
    jira: &JiraClient,
    documents: &[IssueDocument],
) -> Result<HashMap<IssueId, jira::Completed<Change>>, JiraError> {
    let cut_short = documents.iter().filter(|d| is_cut_short(d.children.changes.as_ref()));
    let ids: Vec<IssueId> = match jira.flavor() {
        Flavor::Server => Vec::new(),
        Flavor::Cloud => cut_short.map(|document| document.id).collect(),
    };
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    match jira.fetch_changelogs(&ids).await {
        Ok(changelogs) => Ok(changelogs.into_iter().collect()),
        Err(error) => match policy::decide(&error) {
            Decision::Abort => Err(error),
            Decision::Split(_) => Ok(HashMap::new()),
        },
    }
}

async fn one(
    jira: &JiraClient,
    mut document: IssueDocument,
    changelog: Option<jira::Completed<Change>>,
) -> Result<Completed, JiraError> {
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
        let more = match changelog {
            Some(changelog) => Some(changelog),
            None => usable(jira.fetch_changelog(id).await, &mut lacking)?,
        };
        match more {
            Some(more) => document = complete_changes(document, more),
            None => tracing::debug!(issue.id = %id, "changes not completed"),
        }
    }
    Ok(Completed { document, lacking })
}

/// Changes are never taken back, so a changelog that is short even after it was completed has not
/// come whole. Of comments and worklogs the account may just not see all that Jira counts.
pub(super) fn short_of_changes(document: &IssueDocument) -> Option<Shortfall> {
    let changes = document.children.changes.as_ref()?;
    let (held, expected) = (changes.held, changes.expected);
    (!changes.complete && held < expected).then_some(Shortfall::Changes { held, expected })
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
