//! One run of one project, from the lease to the certificate.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::certify::{self, Counts, Remedy};
use super::error::SyncError;
use super::hydrate::{Drained, Hydrator, Until};
use super::listing::{Listed, Listing};
use super::pace::Pace;
use super::precedent;
use super::progress::Progress;
use super::retry::patiently;
use crate::jira::{ClientStats, Instance, JiraClient};
use crate::jql::{Boundary, Order, Query, Span, UserFilter};
use crate::model::{
    Certificate, Checkpoint, EpochSecond, ProjectKey, RunCounters, RunId, RunKind, RunState, Site,
    Verdict, WorkerId,
};
use crate::seek::{Method, ScanPlan, Summary};
use crate::store::{NewRun, ProjectClaim, ProjectLease, QueueScope, Run, RunFilter, Store};

/// However late rows come, no delta reaches back further of itself.
const LONGEST_OVERLAP: Duration = Duration::from_hours(7 * 24);

/// How often a project that is held is asked for, and how long apart.
const HOLDER_LOOKS: u32 = 4;
const HOLDER_PAUSE: Duration = Duration::from_millis(300);

/// What does not change between runs.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// The Jira instance's short name.
    pub site: Site,
    /// Extra JQL.
    pub filter: Option<UserFilter>,
    /// How far a delta reaches back before the start of the last completed run.
    pub overlap: Duration,
    /// Rows to ask for on a listing page.
    pub page_rows: u32,
    /// Issues to ask for at once, at the most.
    pub batch_size: u32,
    /// Batches under way at once, at the most.
    pub max_in_flight: usize,
}

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRequest {
    /// The project.
    pub project: ProjectKey,
    /// What is wanted. A delta of a project that never completed a run becomes a backfill.
    pub kind: RunKind,
}

/// What a run that got to its end did.
#[derive(Debug, Clone)]
pub struct RunReport {
    /// The run.
    pub run: RunId,
    /// The project.
    pub project: ProjectKey,
    /// What it was.
    pub kind: RunKind,
    /// How it ended.
    pub state: RunState,
    /// Whether it went on with a run that was cut short.
    pub resumed: bool,
    /// What it did.
    pub counters: RunCounters,
    /// How the listing went; of the last one, if there were several.
    pub listing: Summary,
    /// The proof.
    pub certificate: Certificate,
    /// What was sent to Jira meanwhile.
    pub requests: u64,
    /// What came back, in bytes after decompression.
    pub bytes: u64,
    /// How long it took.
    pub elapsed: Duration,
}

/// Everything a run needs; one for each process.
#[derive(Debug)]
pub struct Engine {
    jira: JiraClient,
    store: Store,
    worker: WorkerId,
    instance: Instance,
    settings: EngineSettings,
    progress: Arc<Progress>,
    stop: CancellationToken,
}

/// A run under way, and the lease that it is written under.
struct Held<'a> {
    lease: &'a ProjectLease,
    run: &'a Run,
    stop: CancellationToken,
}

impl Engine {
    /// An engine that has nothing under way. `worker` must have an open session.
    pub fn new(
        jira: JiraClient,
        store: Store,
        worker: WorkerId,
        instance: Instance,
        settings: EngineSettings,
        stop: CancellationToken,
    ) -> Self {
        let progress = Arc::new(Progress::default());
        Self { jira, store, worker, instance, settings, progress, stop }
    }

    /// What the run under way has done so far.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Runs one project to its end, going on with a run that was cut short.
    ///
    /// # Errors
    /// [`SyncError`]; what is stored then is consistent, and the next run goes on from there.
    pub async fn run_project(&self, request: &RunRequest) -> Result<RunReport, SyncError> {
        let began = (Instant::now(), self.jira.stats());
        self.require_visible(&request.project).await?;
        let lease = self.acquire(&request.project).await?;
        let (run, resumed) = match self.open_run(&lease, request).await {
            Ok(opened) => opened,
            Err(error) => {
                self.give_back(&lease).await;
                return Err(error);
            }
        };
        tracing::info!(
            run.id = %run.id, project.key = %run.project, run.kind = %run.kind, run.resumed = resumed,
            "run started"
        );
        let held = Held { lease: &lease, run: &run, stop: self.stop.child_token() };
        match self.finish(&held).await {
            Ok((certificate, listing)) => {
                self.report(&run, resumed, certificate, listing, began).await
            }
            Err(error) => {
                self.set_aside(&held, &error).await;
                Err(error)
            }
        }
    }

    /// Hydrates what any run of this site has queued, until `until`.
    ///
    /// # Errors
    /// [`SyncError`].
    pub async fn hydrate(&self, until: Until) -> Result<Drained, SyncError> {
        let scope = QueueScope::Site(self.settings.site.clone());
        let hydrator = self.hydrator(scope, self.stop.child_token());
        if until == Until::Empty {
            hydrator.no_more.cancel();
        }
        let before = self.progress.snapshot().hydrated;
        match (hydrator.run(self.settings.max_in_flight).await, until) {
            (Err(SyncError::Interrupted), Until::Stopped) => {
                Ok(Drained { issues: self.progress.snapshot().hydrated - before })
            }
            (drained, _) => drained,
        }
    }

    async fn require_visible(&self, project: &ProjectKey) -> Result<(), SyncError> {
        match self.jira.project(project).await? {
            Some(_) => Ok(()),
            None => Err(SyncError::ProjectNotVisible { project: project.clone() }),
        }
    }

    /// Takes the project. Postgres needs a moment to notice that a killed process is gone, so a
    /// holder is believed only when it is still there a little later.
    async fn acquire(&self, project: &ProjectKey) -> Result<ProjectLease, SyncError> {
        let site = &self.settings.site;
        let mut looks = HOLDER_LOOKS;
        loop {
            looks -= 1;
            match self.store.acquire_project(site, project, self.worker).await? {
                ProjectClaim::Acquired(lease) => return Ok(lease),
                ProjectClaim::Held(holder) if looks == 0 => {
                    return Err(SyncError::Held { project: project.clone(), holder });
                }
                ProjectClaim::Held(_) => tokio::time::sleep(HOLDER_PAUSE).await,
            }
        }
    }

    /// Takes up the project's unfinished run if it is of the wanted kind, or starts a new one.
    async fn open_run(
        &self,
        lease: &ProjectLease,
        request: &RunRequest,
    ) -> Result<(Run, bool), SyncError> {
        let filter = self.settings.filter.as_ref().map(ToString::to_string);
        let kind = self.kind(lease, request, filter.as_deref()).await?;
        let catalogue = self.jira.fetch_catalogue(&request.project).await?;
        self.store.upsert_catalogue(&self.settings.site, &request.project, &catalogue).await?;
        if let Some(run) = self.store.load_resumable_run(lease).await?
            && run.kind == kind
            && run.filter == filter
        {
            return Ok((self.store.resume_run(lease, run.id).await?, true));
        }
        let horizon = self.jira.jira_time().unwrap_or(self.instance.server_time);
        let lists_from = match kind {
            RunKind::Delta => lease.completed_until().map(|until| until - self.overlap(lease)),
            RunKind::Backfill | RunKind::Reconcile => None,
        };
        let id = self.store.start_run(lease, &NewRun { kind, lists_from, horizon, filter }).await?;
        self.store.requeue_failures(lease, id).await?;
        let run = self.store.load_run(id).await?;
        run.map(|run| (run, false)).ok_or(crate::store::StoreError::RunNotOpen { id }.into())
    }

    /// How far this project's deltas reach back: as configured, and twice as far as any row has
    /// been seen to arrive late, within bounds.
    fn overlap(&self, lease: &ProjectLease) -> Duration {
        self.settings.overlap.max((lease.index_lag() * 2).min(LONGEST_OVERLAP))
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

    /// A delta needs a completed run with the same filter to follow; else everything is listed.
    async fn kind(
        &self,
        lease: &ProjectLease,
        request: &RunRequest,
        filter: Option<&str>,
    ) -> Result<RunKind, SyncError> {
        if request.kind != RunKind::Delta || lease.completed_until().is_none() {
            return Ok(match request.kind {
                RunKind::Delta => RunKind::Backfill,
                kind => kind,
            });
        }
        let of_project = RunFilter {
            site: Some(self.settings.site.clone()),
            project: Some(request.project.clone()),
            ..RunFilter::default()
        };
        let last = self.store.list_runs(&of_project, 1).await?.pop();
        let same_filter = last.is_none_or(|run| run.filter.as_deref() == filter);
        Ok(if same_filter { RunKind::Delta } else { RunKind::Backfill })
    }

    /// Lists, hydrates and certifies until the certificate holds or nothing helps.
    async fn finish(&self, held: &Held<'_>) -> Result<(Certificate, Summary), SyncError> {
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
        let (state, horizon) = match certificate.verdict {
            Verdict::Complete => (RunState::Completed, Some(held.run.horizon)),
            // What failed is named and tried again, so the cursor may go on.
            Verdict::Failures => (RunState::Incomplete, Some(held.run.horizon)),
            Verdict::Missing => (RunState::Incomplete, None),
        };
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

    fn hydrator(&self, scope: QueueScope, stop: CancellationToken) -> Arc<Hydrator> {
        let pace = Pace::new(self.settings.batch_size, self.settings.max_in_flight);
        Arc::new(Hydrator {
            jira: self.jira.clone(),
            store: self.store.clone(),
            worker: self.worker,
            scope,
            pace: std::sync::Mutex::new(pace),
            progress: Arc::clone(&self.progress),
            no_more: CancellationToken::new(),
            stop,
            wake: Notify::new(),
        })
    }

    async fn count(&self, held: &Held<'_>, summary: &Summary) -> Result<Counts, SyncError> {
        let run = held.run;
        let project = || Query::project(run.project.clone(), self.settings.filter.clone());
        let as_of = self.boundary(run.horizon);
        let mut whole = project();
        let mut stretch = project().over(
            Span::Updated {
                from: run.lists_from.and_then(|from| self.boundary(from)),
                to: as_of.clone(),
            },
            Order::None,
        );
        if let Some(as_of) = as_of {
            whole = whole.created_before(as_of.clone());
            stretch = stretch.created_before(as_of);
        }
        let counted = self.jira.count(&whole.to_string()).await?;
        let counted_in_stretch = self.jira.count(&stretch.to_string()).await?;
        let as_of = self.as_of(run);
        let stored =
            patiently(|| self.store.certificate_counts(&run.site, &run.project, run.id, as_of))
                .await?;
        Ok(Counts {
            counted,
            counted_in_stretch,
            listed: stored.listed,
            stored: stored.stored,
            failed: stored.failed,
            incomplete: stored.incomplete,
            unloadable: summary.unloadable,
            counted_before: precedent::counted_before(&self.store, held.lease, run).await?,
        })
    }

    fn boundary(&self, instant: DateTime<Utc>) -> Option<Boundary> {
        self.instance.time_grid.floor(EpochSecond::floor(instant))
    }

    /// The run's start, as exactly as the instance's literals can say it.
    fn as_of(&self, run: &Run) -> DateTime<Utc> {
        self.boundary(run.horizon)
            .and_then(|boundary| boundary.second().start())
            .unwrap_or(run.horizon)
    }

    async fn report(
        &self,
        run: &Run,
        resumed: bool,
        certificate: Certificate,
        listing: Summary,
        (began, before): (Instant, ClientStats),
    ) -> Result<RunReport, SyncError> {
        let ended = self.store.load_run(run.id).await?;
        let (state, counters) =
            ended.map_or((run.state, run.counters), |run| (run.state, run.counters));
        let after = self.jira.stats();
        tracing::info!(
            run.id = %run.id, project.key = %run.project, run.state = %state,
            run.listed = counters.listed, run.hydrated = counters.hydrated,
            run.written = counters.written, run.failed = counters.failed,
            certificate.verdict = certificate.verdict.as_str(),
            certificate.counted = certificate.counted, certificate.stored = certificate.stored,
            "run ended"
        );
        Ok(RunReport {
            run: run.id,
            project: run.project.clone(),
            kind: run.kind,
            state,
            resumed,
            counters,
            listing,
            certificate,
            requests: after.requests - before.requests,
            bytes: after.bytes - before.bytes,
            elapsed: began.elapsed(),
        })
    }

    /// Writes down why the run stopped. If even that fails, the lease ends with this process.
    async fn set_aside(&self, held: &Held<'_>, error: &SyncError) {
        let (lease, id) = (held.lease, held.run.id);
        let written = match error {
            SyncError::Interrupted => self.store.interrupt_run(lease, id).await,
            SyncError::Store(crate::store::StoreError::LeaseLost { .. }) => Ok(()),
            error => {
                let text = with_causes(error);
                self.store.fail_run(lease, id, &text, error.category()).await
            }
        };
        if let Err(error) = written {
            tracing::warn!(run.id = %id, error = %error, "the end of the run was not recorded");
        }
    }

    async fn give_back(&self, lease: &ProjectLease) {
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
