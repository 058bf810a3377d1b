//! From an open run to its certificate: list and hydrate side by side, count, repair, close.

use std::sync::Arc;

use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use super::{Engine, Held};
use crate::model::{Certificate, Checkpoint, RunKind, RunState, Verdict};
use crate::seek::{Method, ScanPlan, Summary};
use crate::store::{ProjectLease, QueueScope, Run, StoreError};
use crate::sync::certify::{self, Remedy};
use crate::sync::error::SyncError;
use crate::sync::fetch::Source;
use crate::sync::hydrate::{Hydrator, WRITERS};
use crate::sync::listing::{Listed, Listing};

impl Engine {
    /// Lists, hydrates and certifies until the certificate holds or nothing helps.
    pub(super) async fn finish(
        &self,
        held: &Held<'_>,
    ) -> Result<(Certificate, Summary), SyncError> {
        let plan = self.plan(held.run, held.run.attempt > 1);
        let mut summary = self.list_and_hydrate(held, plan, &held.run.checkpoint).await?;
        let mut attempt = held.run.attempt;
        let counts = loop {
            let counts = self.count(held, &summary).await?;
            if certify::remedy(held.run.kind, &counts, attempt) == Remedy::None {
                break counts;
            }
            tracing::warn!(
                run.id = %held.run.id, project.key = %held.run.project,
                jira.counted = counts.counted, run.listed = counts.listed,
                stored = counts.stored, failed = counts.failed,
                "counts differ, listing again by windows"
            );
            attempt += 1;
            self.store.restart_listing(held.lease, held.run.id).await?;
            let plan = self.plan(held.run, true);
            summary = self.list_and_hydrate(held, plan, &Checkpoint::default()).await?;
        };
        let certificate = certify::certificate(&counts, self.as_of(held.run), attempt);
        self.store.store_certificate(held.lease, held.run.id, &certificate).await?;
        let state = match certificate.verdict {
            Verdict::Complete => RunState::Completed,
            Verdict::Failures | Verdict::Missing => RunState::Incomplete,
        };
        let horizon = certify::may_advance(&counts).then_some(held.run.horizon);
        self.store.complete_run(held.lease, held.run.id, state, horizon).await?;
        Ok((certificate, summary))
    }

    fn plan(&self, run: &Run, repair: bool) -> ScanPlan {
        ScanPlan {
            project: run.project.clone(),
            filter: self.settings.filter.clone(),
            grid: self.instance.time_grid,
            page_rows: self.settings.page_rows.min(self.instance.page_cap.max(1)),
            from: if repair { None } else { run.lists_from },
            horizon: run.horizon,
            settled: run.horizon,
            result_window: self.instance.result_window,
            method: if repair { Method::Windows } else { Method::Forward },
            undated: repair || run.lists_from.is_none(),
        }
    }

    async fn list_and_hydrate(
        &self,
        held: &Held<'_>,
        plan: ScanPlan,
        checkpoint: &Checkpoint,
    ) -> Result<Summary, SyncError> {
        let scope = QueueScope::Run(held.run.id);
        let waiting = self.store.pending_remaining(&scope).await?.total;
        self.progress.begin(waiting);
        let hydrator = self.hydrator(scope, held.stop.clone());
        let workers = tokio::spawn(Arc::clone(&hydrator).run(self.settings.max_in_flight));
        let listing = Listing {
            jira: &self.jira,
            store: &self.store,
            lease: held.lease,
            run: held.run.id,
            progress: &self.progress,
            wake: &hydrator.wake,
            stop: &held.stop,
        };
        let repair = plan.method == Method::Windows;
        let listed = listing.run(plan, checkpoint).await;
        match &listed {
            Ok(_) => hydrator.no_more.cancel(),
            Err(_) => held.stop.cancel(),
        }
        hydrator.wake.notify_waiters();
        let hydrated = workers.await.map_err(SyncError::Crashed).flatten();
        match (listed, hydrated) {
            (Ok(listed), Ok(_)) => {
                if !repair {
                    self.note_lateness(held, &listed).await?;
                }
                Ok(listed.summary)
            }
            // Either side stops the other; what made it stop is the error.
            (Err(SyncError::Interrupted), Err(error)) | (Err(error), _) | (Ok(_), Err(error)) => {
                Err(error)
            }
        }
    }

    pub(super) fn hydrator(&self, scope: QueueScope, stop: CancellationToken) -> Arc<Hydrator> {
        let settings = &self.settings;
        let from = (self.jira.clone(), self.store.clone(), settings.site.clone());
        let fields = Arc::clone(&self.fields);
        let source = Source::new(from, settings.batch_size, settings.max_in_flight, fields);
        Arc::new(Hydrator {
            source,
            worker: self.worker,
            scope,
            lease: settings.batch_lease,
            writers: Semaphore::new(WRITERS),
            progress: Arc::clone(&self.progress),
            no_more: CancellationToken::new(),
            stop,
            wake: Notify::new(),
        })
    }

    /// Whatever a delta finds new although it was changed before the last run began must have
    /// come late into Jira's index.
    async fn note_lateness(&self, held: &Held<'_>, listing: &Listed) -> Result<(), SyncError> {
        let (Some(until), Some(oldest)) = (held.lease.completed_until(), listing.oldest_queued)
        else {
            return Ok(());
        };
        if held.run.kind != RunKind::Delta {
            return Ok(());
        }
        if let Ok(lag) = (until - oldest).to_std() {
            self.store.record_index_lag(held.lease, lag).await?;
        }
        Ok(())
    }

    /// Writes down why the run stopped. If even that fails, the lease ends with this process.
    pub(super) async fn set_aside(&self, held: &Held<'_>, error: &SyncError) {
        let (lease, id) = (held.lease, held.run.id);
        let written = match error {
            SyncError::Interrupted => self.store.interrupt_run(lease, id).await,
            SyncError::Store(StoreError::LeaseLost { .. }) => Ok(()),
            error => {
                let text = with_causes(error);
                self.store.fail_run(lease, id, &text, error.category()).await
            }
        };
        if let Err(error) = written {
            tracing::warn!(run.id = %id, error = %error, "the end of the run was not recorded");
        }
    }

    pub(super) async fn give_back(&self, lease: &ProjectLease) {
        if let Err(error) = self.store.release_project(lease).await {
            tracing::warn!(project.key = %lease.project(), error = %error, "project not given back");
        }
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
