//! One run of one project, from the lease to the certificate.

mod count;
mod finish;
mod listings;
mod open;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::error::SyncError;
use super::fields::FieldMemory;
use super::hydrate::{Drained, Until};
use super::progress::Progress;
use super::span;
use super::visible::require_visible;
use crate::jira::{ClientStats, Instance, JiraClient};
use crate::jql::UserFilter;
use crate::model::{
    Certificate, ProjectKey, RunCounters, RunId, RunKind, RunState, Site, Stream, WorkerId,
};
use crate::seek::Summary;
use crate::store::{ProjectLease, QueueScope, Run, Store};

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
    /// The optional streams that are fetched with each issue.
    pub streams: Vec<Stream>,
    /// How long a batch is leased; see [`BATCH_LEASE`].
    pub batch_lease: Duration,
}

/// How long a batch is leased unless a test wants less. The lease is renewed while the batch is being
/// fetched, so this is how long others wait when a process is cut off from Postgres and lives on.
pub const BATCH_LEASE: Duration = Duration::from_mins(20);

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
    /// How the listing went; all of them together, if there were several.
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
    /// What this process has seen of the instance's fields.
    fields: Arc<Mutex<FieldMemory>>,
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
        let fields = Arc::default();
        Self { jira, store, worker, instance, settings, progress, fields, stop }
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
        let span = span::of_project(&request.project);
        Box::pin(self.run_within_span(request)).instrument(span).await
    }

    async fn run_within_span(&self, request: &RunRequest) -> Result<RunReport, SyncError> {
        let began = (Instant::now(), self.jira.stats());
        require_visible(&self.jira, &request.project).await?;
        let lease = self.acquire(&request.project).await?;
        let (run, resumed) = match self.open_run(&lease, request).await {
            Ok(opened) => opened,
            Err(error) => {
                self.give_back(&lease).await;
                return Err(error);
            }
        };
        span::name_run(run.id);
        tracing::info!(run.kind = %run.kind, run.resumed = resumed, "run started");
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
            run.state = %state,
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
}
