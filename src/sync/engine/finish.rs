//! From an open run to its certificate: list and hydrate, count, repair, close.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use super::listings::Course;
use super::{Engine, Held};
use crate::model::{Certificate, RunState, Verdict};
use crate::seek::Summary;
use crate::store::{ProjectLease, QueueScope, StoreError};
use crate::sync::certify::{self, Counts, Proof, Remedy};
use crate::sync::error::SyncError;
use crate::sync::fetch::Source;
use crate::sync::hydrate::{Hydrator, WRITERS};
use crate::sync::progress::Progress;
use crate::sync::streams::Streams;

/// How often the end of a run is put down again while the database is away.
const PUT_DOWN_PAUSE: Duration = Duration::from_secs(1);

impl Engine {
    /// Lists, hydrates and certifies until the certificate holds or nothing helps.
    pub(super) async fn finish(
        &self,
        held: &Held<'_>,
    ) -> Result<(Certificate, Summary), SyncError> {
        let mut course = Course::from(held.run.attempt);
        let counts = loop {
            self.list_and_hydrate(held, &mut course).await?;
            match self.count(held, &course).await? {
                None => {}
                Some(counts) => {
                    let remedy = certify::remedy(held.run.kind, &counts, course.attempt);
                    if remedy == Remedy::None {
                        break counts;
                    }
                    say_why(&counts);
                    course.fell_short = counts.proof.fell_short();
                }
            }
            course.attempt += 1;
            self.store.restart_listing(held.lease, held.run.id).await?;
        };
        let certificate = certify::certificate(&counts, self.as_of(held.run), course.attempt);
        self.store.store_certificate(held.lease, held.run.id, &certificate).await?;
        let state = match certificate.verdict {
            Verdict::Complete => RunState::Completed,
            Verdict::Failures | Verdict::Missing => RunState::Incomplete,
        };
        let horizon = certify::may_advance(&counts).then_some(held.run.horizon);
        self.store.complete_run(held.lease, held.run.id, state, horizon).await?;
        Ok((certificate, course.summary))
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

    pub(super) async fn give_back(&self, lease: &ProjectLease) {
        if let Err(error) = self.store.release_project(lease).await {
            tracing::warn!(error = %error, "project not given back");
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
