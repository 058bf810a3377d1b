//! From an open run to its certificate: list and hydrate, count, repair, close.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use super::listings::Course;
use super::{Engine, Held, RunControl};
use crate::model::{Certificate, RunState, Verdict};
use crate::seek::Summary;
use crate::store::{ProjectLease, QueueScope, StoreError};
use crate::sync::absence::Standing;
use crate::sync::certify::{self, Counts, Holdings, Proof, Remedy};
use crate::sync::error::SyncError;
use crate::sync::fetch::Source;
use crate::sync::hydrate::{Hydrator, WRITERS};
use crate::sync::progress::Progress;
use crate::sync::retry::patiently;
use crate::sync::streams::Streams;

/// How often the end of a run is put down again while the database is away.
const PUT_DOWN_PAUSE: Duration = Duration::from_secs(1);

impl Engine {
    /// Lists, hydrates and certifies until the certificate holds or nothing helps.
    pub(super) async fn finish(
        &self,
        held: &Held<'_>,
    ) -> Result<(Certificate, Summary), SyncError> {
        self.take_out_deleted_worklogs(held).await?;
        let mut course = Course::from(held.run.attempt);
        let (counts, holdings) = loop {
            match held.standing {
                Standing::Shown => self.list_and_hydrate(held, &mut course).await?,
                Standing::Archived | Standing::Gone => {}
            }
            // Before what is absent is settled: what is fetched again for the audit may be gone.
            let unreplayed = self.audit(held).await?;
            let absent = self.account_for_absent(held, &course).await?;
            match self.count(held, &course, absent).await? {
                None => {}
                Some((counts, holdings)) => {
                    let remedy = certify::remedy(held.run.kind, &counts, course.attempt);
                    if remedy == Remedy::None {
                        break (counts, Holdings { unreplayed, ..holdings });
                    }
                    say_why(&counts);
                    course.fell_short = counts.proof.fell_short();
                }
            }
            course.attempt += 1;
            self.store.restart_listing(held.lease, held.run.id).await?;
        };
        let as_of = self.as_of(held.run);
        let certificate = certify::certificate(&counts, holdings, as_of, course.attempt);
        self.store.store_certificate(held.lease, held.run.id, &certificate).await?;
        let state = match certificate.verdict {
            Verdict::Complete => RunState::Completed,
            Verdict::Failures | Verdict::Missing => RunState::Incomplete,
        };
        let horizon = match held.standing {
            Standing::Shown => certify::may_advance(&counts).then_some(held.run.horizon),
            // What comes back has the times it had: only a whole listing finds it.
            Standing::Archived | Standing::Gone => {
                self.store.restart_cursor(held.lease).await?;
                None
            }
        };
        self.store.complete_run(held.lease, held.run.id, state, horizon).await?;
        Ok((certificate, course.summary))
    }

    /// Hydrates what waits for the run; answers how many issues that were.
    pub(super) async fn drain(&self, held: &Held<'_>) -> Result<u64, SyncError> {
        let scope = QueueScope::Run(held.run.id);
        if patiently(|| self.store.pending_remaining(&scope)).await?.total == 0 {
            return Ok(0);
        }
        let hydrator = self.hydrator(scope, held.control.counters(), held.stop.clone());
        hydrator.no_more.cancel();
        Ok(hydrator.run(self.settings.max_in_flight).await?.issues)
    }

    /// Queues the issues of which worklogs were deleted, where Jira tells: that need not move their
    /// `updated`.
    async fn take_out_deleted_worklogs(&self, held: &Held<'_>) -> Result<(), SyncError> {
        let (lease, run) = (held.lease, held.run);
        // Before the first time everything is fetched as it is.
        let Some(since) = patiently(|| self.store.worklogs_until(lease)).await? else {
            self.store.queue_deleted_worklogs(lease, run.id, &[], run.horizon).await?;
            return Ok(());
        };
        let Some(deleted) = self.jira.deleted_worklogs(since).await? else { return Ok(()) };
        let Some(until) = deleted.until else { return Ok(()) };
        let queued = self.store.queue_deleted_worklogs(lease, run.id, &deleted.ids, until).await?;
        if queued > 0 {
            tracing::info!(run.queued = queued, "worklogs were deleted");
        }
        Ok(())
    }

    pub(super) fn hydrator(
        &self,
        scope: QueueScope,
        progress: &Arc<Progress>,
        stop: CancellationToken,
    ) -> Arc<Hydrator> {
        let settings = &self.settings;
        let from = (self.jira.clone(), self.store.clone(), settings.site.clone());
        let fields = Arc::clone(&self.fields);
        let streams = Streams::new(settings.streams.clone());
        let (batch, places) = (settings.batch_size, settings.max_in_flight);
        let source = Source::new(from, batch, places, fields, streams, Arc::clone(progress));
        Arc::new(Hydrator {
            source,
            worker: self.worker,
            scope,
            lease: settings.batch_lease,
            writers: Semaphore::new(WRITERS),
            progress: Arc::clone(progress),
            people: Arc::clone(&self.people),
            no_more: CancellationToken::new(),
            stop,
            wake: Notify::new(),
        })
    }

    /// Writes down why the run stopped. If even that fails, the lease ends with this process.
    pub(super) async fn set_aside(&self, held: &Held<'_>, error: &SyncError) {
        match error {
            SyncError::Interrupted => tracing::info!("run interrupted, to be gone on with"),
            SyncError::Cancelled => tracing::info!("run cancelled"),
            error => tracing::warn!(error = with_causes(error), "run failed"),
        }
        loop {
            match self.put_down(held, error).await {
                Ok(()) => return,
                Err(StoreError::Unavailable(_)) if held.control.is_patient() => {
                    tokio::time::sleep(PUT_DOWN_PAUSE).await;
                }
                Err(error) => {
                    tracing::warn!(error = %error, "the end of the run was not recorded");
                    return;
                }
            }
        }
    }

    async fn put_down(&self, held: &Held<'_>, error: &SyncError) -> Result<(), StoreError> {
        let (lease, id) = (held.lease, held.run.id);
        match error {
            SyncError::Interrupted => self.store.interrupt_run(lease, id).await,
            SyncError::Cancelled => self.store.cancel_run(lease, id).await,
            SyncError::Store(StoreError::LeaseLost { .. }) => Ok(()),
            error => {
                let text = with_causes(error);
                self.store.fail_run(lease, id, &text, error.category()).await
            }
        }
    }

    pub(super) async fn give_back(&self, lease: &ProjectLease, control: &RunControl) {
        loop {
            match self.store.release_project(lease).await {
                Ok(()) => return,
                Err(StoreError::Unavailable(_)) if control.is_patient() => {
                    tokio::time::sleep(PUT_DOWN_PAUSE).await;
                }
                Err(error) => {
                    tracing::warn!(error = %error, "project not given back");
                    return;
                }
            }
        }
    }
}

/// On Cloud a listing that brings something is ordinary where the search is late.
fn say_why(counts: &Counts) {
    match counts.proof {
        Proof::Count { .. } => tracing::warn!(
            jira.counted = counts.counted,
            run.listed = counts.listed,
            stored = counts.stored,
            failed = counts.failed,
            "counts differ, listing again by windows"
        ),
        Proof::Census(census) => tracing::info!(
            listing.late = census.brought.late,
            listing.left_out = census.brought.settled,
            listing.lost = census.lacking,
            listing.kept_back = census.kept_back(),
            "the listings do not agree, listing again"
        ),
    }
}

/// An error and its causes in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
