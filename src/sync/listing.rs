//! The one loop that turns the listing machine's steps into HTTP and SQL. It is boring.

use chrono::{DateTime, Utc};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::census::{Brought, Explained};
use super::error::SyncError;
use super::progress::Progress;
use super::retry::patiently;
use crate::jira::{JiraClient, JiraError};
use crate::model::{Checkpoint, IssueId, ListedIssue, ListingPage, ProjectKey, RunId};
use crate::seek::{Request, Scan, ScanError, ScanPlan, Step, Summary};
use crate::store::{ProjectLease, Store};

/// Where the listing gets its pages and leaves its rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listing<'a> {
    pub(super) jira: &'a JiraClient,
    pub(super) store: &'a Store,
    pub(super) lease: &'a ProjectLease,
    pub(super) run: RunId,
    pub(super) progress: &'a Progress,
    /// Told when something was queued.
    pub(super) wake: &'a Notify,
    pub(super) stop: &'a CancellationToken,
    /// Set where the listing is to confirm those before it: what it brings anew is counted.
    pub(super) confirms: Option<Explained>,
}

impl Listing<'_> {
    /// Lists `plan` to its end, going on from `checkpoint`; every page is stored with the
    /// checkpoint after it in one transaction.
    ///
    /// # Errors
    /// [`SyncError::Interrupted`] between two pages; [`SyncError::Scan`]; Jira's and the store's.
    pub(super) async fn run(
        self,
        plan: ScanPlan,
        checkpoint: &Checkpoint,
    ) -> Result<Listed, SyncError> {
        let project = plan.project.clone();
        let mut scan = Scan::new(plan, checkpoint);
        let mut listed = Listed::default();
        loop {
            if self.stop.is_cancelled() {
                return Err(SyncError::Interrupted);
            }
            match scan.poll() {
                Step::Finished(summary) => {
                    self.record(&[], &scan.checkpoint(), &mut listed).await?;
                    self.progress.note_listing_done();
                    return Ok(Listed { summary, ..listed });
                }
                Step::VerifyAnchor(key) => {
                    let stands = self.jira.anchor_stands(&key).await?;
                    scan.handle_anchor(stands).map_err(|source| failed(&project, source))?;
                }
                Step::List(request) => {
                    self.list(&mut scan, &request, &project, &mut listed).await?;
                }
            }
        }
    }

    async fn list(
        &self,
        scan: &mut Scan,
        request: &Request,
        project: &ProjectKey,
        listed: &mut Listed,
    ) -> Result<(), SyncError> {
        let fail = |source| failed(project, source);
        let answer = tokio::select! {
            answer = ask(self.jira, request) => answer?,
            () = self.stop.cancelled() => return Err(SyncError::Interrupted),
        };
        match answer {
            Answer::Page(page) => {
                self.progress.note_expected(page.total.unwrap_or(0));
                let rows = page.rows.len();
                let accepted = scan.handle_page(page).map_err(fail)?;
                tracing::debug!(
                    page.rows = rows,
                    page.start_at = request.start.offset(),
                    checkpoint.frontier = ?accepted.checkpoint.frontier,
                    "listed a page"
                );
                self.count_brought(&accepted.rows, listed).await?;
                self.record(&accepted.rows, &accepted.checkpoint, listed).await
            }
            Answer::Refused(message) => scan.handle_refused(&message).map_err(fail),
            Answer::TooHeavy => scan.handle_too_heavy().map_err(fail),
        }
    }

    /// Counts what the listings before this one lacked. Asked before the page is recorded: nobody
    /// else lists for this run meanwhile.
    async fn count_brought(
        &self,
        rows: &[ListedIssue],
        listed: &mut Listed,
    ) -> Result<(), SyncError> {
        let Some(explained) = self.confirms else { return Ok(()) };
        let ids: Vec<IssueId> = rows.iter().map(|row| row.id).collect();
        let brought = patiently(|| self.store.not_listed(self.run, &ids)).await?;
        for row in rows.iter().filter(|row| brought.contains(&row.id)) {
            listed.brought.note(row, explained);
        }
        Ok(())
    }

    async fn record(
        &self,
        rows: &[ListedIssue],
        checkpoint: &Checkpoint,
        listed: &mut Listed,
    ) -> Result<(), SyncError> {
        let outcome =
            patiently(|| self.store.record_page(self.lease, self.run, rows, checkpoint)).await?;
        let listed_rows = match self.confirms {
            None => outcome.listed_new,
            Some(_) => rows.len() as u64,
        };
        self.progress.note_page(listed_rows, outcome.queued);
        if outcome.queued > 0 {
            self.wake.notify_waiters();
        }
        listed.oldest_queued = listed.oldest_queued.into_iter().chain(outcome.oldest_queued).min();
        Ok(())
    }
}

/// A listing that got to its end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Listed {
    pub(super) summary: Summary,
    /// The oldest `updated` among what it queued.
    pub(super) oldest_queued: Option<DateTime<Utc>>,
    /// What it brought that the listings before it lacked, if it was to confirm those.
    pub(super) brought: Brought,
}

/// What Jira makes of a listing request, as the machine wants to know it.
pub(super) enum Answer {
    Page(ListingPage),
    Refused(String),
    TooHeavy,
}

/// Asks for a page.
///
/// # Errors
/// A [`JiraError`] that neither another anchor nor a smaller page can mend.
pub(super) async fn ask(jira: &JiraClient, request: &Request) -> Result<Answer, JiraError> {
    let jql = request.query.to_string();
    match jira.list(&jql, &request.start, request.max_results).await {
        Ok(page) => Ok(Answer::Page(page)),
        Err(JiraError::Refused { status: 400, messages, .. }) => {
            Ok(Answer::Refused(messages.to_string()))
        }
        Err(JiraError::Timeout { .. } | JiraError::TooLarge { .. }) => Ok(Answer::TooHeavy),
        Err(error) => Err(error),
    }
}

fn failed(project: &ProjectKey, source: ScanError) -> SyncError {
    SyncError::Scan { project: project.clone(), source }
}
