//! The listings of a run: by which method the next one goes, from where, and hydration beside it.

use std::sync::Arc;

use tracing::Instrument as _;

use super::{Engine, Held};
use crate::jira::Flavor;
use crate::model::{Checkpoint, RunKind};
use crate::seek::{Method, ScanPlan, Summary};
use crate::store::QueueScope;
use crate::sync::census::{self, Brought, CENSUS_ROWS, Explained};
use crate::sync::error::SyncError;
use crate::sync::listing::{Listed, Listing};

/// What the listings of this process have come to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course {
    /// Which listing is next, or was the last.
    pub(super) attempt: u32,
    /// How the last one went.
    last: Option<Method>,
    /// What the last one brought that those before it lacked.
    pub(super) brought: Brought,
    /// It was a census that must have been cut short.
    pub(super) fell_short: bool,
    /// What it listed.
    rows: u64,
    /// All of them.
    pub(super) summary: Summary,
}

impl Course {
    /// Before the first.
    pub(super) fn from(attempt: u32) -> Self {
        let (brought, summary) = (Brought::default(), Summary::default());
        Self { attempt, last: None, brought, fell_short: false, rows: 0, summary }
    }

    /// What came to light after the last census.
    pub(super) fn since_census(&self) -> u64 {
        match self.last {
            Some(Method::Census) | None => 0,
            Some(Method::Tokens | Method::Forward | Method::Windows) => {
                self.brought.settled + self.brought.late
            }
        }
    }
}

impl Engine {
    /// Lists, and hydrates what that queues.
    pub(super) async fn list_and_hydrate(
        &self,
        held: &Held<'_>,
        course: &mut Course,
    ) -> Result<(), SyncError> {
        let plan = self.plan(held, course);
        let method = plan.method;
        let checkpoint = match (course.last, method) {
            (None, Method::Forward | Method::Windows | Method::Tokens) => {
                held.run.checkpoint.clone()
            }
            (Some(_), _) | (None, Method::Census) => Checkpoint::default(),
        };
        let scope = QueueScope::Run(held.run.id);
        let waiting = self.store.pending_remaining(&scope).await?.total;
        let progress = held.control.counters();
        progress.begin(waiting);
        self.expect(held, course).await;
        let hydrator = self.hydrator(scope, progress, held.stop.clone());
        let work = Arc::clone(&hydrator).run(self.settings.max_in_flight);
        let workers = tokio::spawn(work.in_current_span());
        let listing = Listing {
            jira: &self.jira,
            store: &self.store,
            lease: held.lease,
            run: held.run.id,
            progress,
            wake: &hydrator.wake,
            stop: &held.stop,
            confirms: self.confirms(&plan, course),
        };
        let listed = listing.run(plan, &checkpoint).await;
        match &listed {
            Ok(_) => hydrator.no_more.cancel(),
            Err(_) => held.stop.cancel(),
        }
        hydrator.wake.notify_waiters();
        let hydrated = workers.await.map_err(SyncError::Crashed).flatten();
        let listed = match (listed, hydrated) {
            (Ok(listed), Ok(_)) => listed,
            // Either side stops the other; what made it stop is the error.
            (Err(SyncError::Interrupted), Err(error)) | (Err(error), _) | (Ok(_), Err(error)) => {
                return Err(error);
            }
        };
        if method != Method::Windows {
            self.note_lateness(held, &listed).await?;
        }
        course.last = Some(method);
        course.brought = listed.brought;
        course.rows = progress.snapshot().listed;
        course.summary = course.summary.followed_by(listed.summary);
        Ok(())
    }

    fn plan(&self, held: &Held<'_>, course: &Course) -> ScanPlan {
        let run = held.run;
        let method = match self.instance.flavor {
            Flavor::Server if course.attempt == 1 => Method::Forward,
            Flavor::Server => Method::Windows,
            Flavor::Cloud => census::next_method(course.last, course.attempt, course.fell_short),
        };
        let from = match method {
            Method::Windows => None,
            Method::Forward | Method::Tokens | Method::Census => run.lists_from,
        };
        let page_rows = self.settings.page_rows.min(self.instance.page_cap.max(1));
        ScanPlan {
            project: run.project.clone(),
            filter: self.settings.filter.clone(),
            grid: self.instance.time_grid,
            page_rows: match method {
                Method::Census => page_rows.max(CENSUS_ROWS),
                Method::Forward | Method::Windows | Method::Tokens => page_rows,
            },
            from,
            horizon: run.horizon,
            settled: run.horizon - self.overlap(held.lease),
            result_window: self.instance.result_window,
            method,
            undated: from.is_none(),
        }
    }

    /// On Cloud every listing after the first confirms those before it.
    fn confirms(&self, plan: &ScanPlan, course: &Course) -> Option<Explained> {
        let explained = Explained { settled: plan.settled, horizon: plan.horizon };
        match self.instance.flavor {
            Flavor::Server => None,
            Flavor::Cloud => (course.attempt > 1).then_some(explained),
        }
    }

    /// Says how much there may be to list, where the pages themselves do not: for whoever watches.
    async fn expect(&self, held: &Held<'_>, course: &Course) {
        let whole = self.whole(held.run).to_string();
        match (self.instance.flavor, course.last) {
            (Flavor::Server, _) => {}
            (Flavor::Cloud, None) if held.run.lists_from.is_none() => {
                if let Ok(about) = self.jira.approximate_count(&whole).await {
                    held.control.counters().note_expected(about);
                }
            }
            (Flavor::Cloud, None) => {}
            (Flavor::Cloud, Some(_)) => held.control.counters().note_expected(course.rows),
        }
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
}
