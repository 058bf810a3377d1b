//! Fetching the issues of a batch whole, so that no issue hurts another: a request that fails is
//! halved, an id that did not come is looked up alone, what Jira cut short is completed.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::complete;
use super::ladder;
use super::pace::Pace;
use super::policy::{self, Decision};
use crate::jira::{FetchedBatch, JiraClient, JiraError};
use crate::model::{Failure, IssueDocument, IssueId};
use crate::store::PendingIssue;

/// How often the rest of a list is asked for before the issue is recorded as failed.
const COMPLETIONS_TRIED: u32 = 4;
/// When the rest of a list is asked for again.
const COMPLETE_AGAIN_IN: Duration = Duration::from_secs(5);

/// What became of the issues of a batch. Each issue is in exactly one of the lists, except that
/// one in `retry_later` or `failed` may be among `documents` as well: what came of it is stored.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    pub(super) documents: Vec<IssueDocument>,
    pub(super) gone: Vec<IssueId>,
    pub(super) failed: Vec<Failure>,
    pub(super) retry_later: Vec<(IssueId, Duration)>,
}

impl Fetched {
    /// Leaves an issue of which a list is lacking for later, unless it was tried often enough.
    pub(super) fn put_off(&mut self, issue: &PendingIssue, error: &JiraError) {
        let put_off = self.retry_later.iter().any(|(id, _)| *id == issue.id);
        if issue.attempts + 1 >= COMPLETIONS_TRIED {
            self.failed.push(policy::lacking(issue, error));
        } else if !put_off {
            self.retry_later.push((issue.id, COMPLETE_AGAIN_IN));
        }
    }
}

/// The pace, shared by everybody who fetches.
pub(super) type SharedPace = std::sync::Mutex<Pace>;

/// Fetches `issues` whole.
///
/// # Errors
/// A [`JiraError`] that has nothing to do with these issues: the run cannot go on.
pub(super) async fn fetch(
    jira: &JiraClient,
    issues: &[PendingIssue],
    pace: &SharedPace,
) -> Result<Fetched, JiraError> {
    let mut fetched = Fetched::default();
    let mut groups = VecDeque::from([issues.to_vec()]);
    while let Some(group) = groups.pop_front() {
        let ids: Vec<IssueId> = group.iter().map(|issue| issue.id).collect();
        match jira.fetch_issues(&ids).await {
            Ok(batch) => {
                with(pace, |pace| pace.note_answer(group.len(), batch.elapsed));
                let cut_short = batch.is_cut_short();
                let came = sort_out(jira, &group, batch, &mut fetched).await?;
                let absent = absent(&group, &came);
                if cut_short && !came.is_empty() {
                    with(pace, |pace| pace.note_cap(came.len()));
                    groups.push_front(absent);
                } else {
                    look_up(jira, &absent, &mut fetched).await?;
                }
            }
            Err(error) => match policy::decide(&error) {
                Decision::Abort => return Err(error),
                Decision::Halve { strained } => {
                    if strained {
                        with(pace, Pace::note_strain);
                    }
                    halve(jira, group, &error, &mut groups, &mut fetched).await?;
                }
            },
        }
    }
    Ok(fetched)
}

fn with<T>(pace: &SharedPace, change: impl FnOnce(&mut Pace) -> T) -> T {
    change(&mut pace.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// Takes in what came; answers which ids that was.
async fn sort_out(
    jira: &JiraClient,
    group: &[PendingIssue],
    batch: FetchedBatch,
    fetched: &mut Fetched,
) -> Result<Vec<IssueId>, JiraError> {
    let asked: HashMap<IssueId, &PendingIssue> =
        group.iter().map(|issue| (issue.id, issue)).collect();
    let mut came = Vec::with_capacity(group.len());
    for unreadable in batch.unreadable {
        if let Some(issue) = unreadable.id.and_then(|id| asked.get(&id)) {
            came.push(issue.id);
            fetched.failed.push(policy::unreadable(issue, &unreadable.reason));
        }
    }
    for document in batch.issues {
        if let Some(issue) = asked.get(&document.id) {
            came.push(issue.id);
            take_in(jira, issue, document, fetched).await?;
        }
    }
    Ok(came)
}

fn absent(group: &[PendingIssue], came: &[IssueId]) -> Vec<PendingIssue> {
    group.iter().filter(|issue| !came.contains(&issue.id)).cloned().collect()
}

/// An id that did not come may be moved, gone, hidden, or late in the index: only looking it up
/// alone tells.
async fn look_up(
    jira: &JiraClient,
    absent: &[PendingIssue],
    fetched: &mut Fetched,
) -> Result<(), JiraError> {
    for issue in absent {
        match jira.fetch_issue(issue.id).await {
            Ok(Some(document)) => take_in(jira, issue, document, fetched).await?,
            Ok(None) => fetched.gone.push(issue.id),
            Err(error) => blame(jira, issue, error, fetched).await?,
        }
    }
    Ok(())
}

async fn take_in(
    jira: &JiraClient,
    issue: &PendingIssue,
    document: IssueDocument,
    fetched: &mut Fetched,
) -> Result<(), JiraError> {
    if document.key.project() != issue.key.project() && issue.stored_tier.is_none() {
        // It has left the project before it was ever stored: it is the other project's to list.
        fetched.gone.push(issue.id);
        return Ok(());
    }
    let completed = complete::complete(jira, document).await?;
    if let Some(error) = completed.lacking {
        fetched.put_off(issue, &error);
    }
    fetched.documents.push(completed.document);
    Ok(())
}

async fn halve(
    jira: &JiraClient,
    mut group: Vec<PendingIssue>,
    error: &JiraError,
    groups: &mut VecDeque<Vec<PendingIssue>>,
    fetched: &mut Fetched,
) -> Result<(), JiraError> {
    if group.len() > 1 {
        let rest = group.split_off(group.len() / 2);
        groups.push_front(rest);
        groups.push_front(group);
        return Ok(());
    }
    for issue in &group {
        tracing::debug!(issue.id = %issue.id, error = %error, "issue does not come in a batch");
        match ladder::climb_down(jira, issue).await {
            Ok(Some(document)) => take_in(jira, issue, document, fetched).await?,
            Ok(None) => fetched.gone.push(issue.id),
            Err(error) => blame(jira, issue, error, fetched).await?,
        }
    }
    Ok(())
}

/// Records the issue as failed, unless it is Jira as a whole that does not answer.
async fn blame(
    jira: &JiraClient,
    issue: &PendingIssue,
    error: JiraError,
    fetched: &mut Fetched,
) -> Result<(), JiraError> {
    match policy::decide(&error) {
        Decision::Abort => Err(error),
        Decision::Halve { .. } => {
            jira.project(issue.key.project()).await?;
            fetched.failed.push(policy::failure(issue, &error));
            Ok(())
        }
    }
}
