//! One run of one project, from the lease to the certificate.

mod absent;
mod audit;
mod control;
mod count;
mod finish;
mod listings;
mod open;
mod people;
mod places;
mod views;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

pub use control::{OpenedRun, RunControl};

use places::Places;

use super::absence::Standing;
use super::error::SyncError;
use super::fields::FieldMemory;
use super::hydrate::{Drained, Until};
use super::people::Current;
use super::span;
use crate::jira::{ClientStats, Instance, JiraClient};
use crate::jql::UserFilter;
use crate::model::{
    Certificate, Privacy, ProjectKey, RunCounters, RunId, RunKind, RunState, Site, Stream, WorkerId,
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
    /// How people are treated in what is stored.
    pub privacy: Privacy,
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
    /// Why it is to run.
    pub occasion: Occasion,
    /// Whether a reconcile may mark more issues deleted than people usually delete.
    pub allow_mass_delete: bool,
}

/// Why a run is started. What was true when that was decided is looked at again once the project is
/// held, because another process may have been faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// Somebody wants it now.
    Asked,
    /// The stored schedule says so.
    Due {
        /// When the next one is due.
        next_in: Duration,
    },
    /// This run was cut short, and nobody has it.
    Unfinished(RunId),
    /// This run is queued for whoever has room for it.
    Queued(RunId),
}

impl RunRequest {
    /// A run that is wanted now.
    pub fn new(project: ProjectKey, kind: RunKind) -> Self {
        Self { project, kind, occasion: Occasion::Asked, allow_mass_delete: false }
    }
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
    /// What this process has seen of the instance's fields.
    fields: Arc<Mutex<FieldMemory>>,
    /// How people are treated in what is stored.
    people: Arc<Current>,
    places: Places,
    /// The views that could not be written, and of which that was said.
    views_told: Mutex<BTreeSet<String>>,
    stop: CancellationToken,
}

/// A run under way, and the lease that it is written under.
struct Held<'a> {
    lease: &'a ProjectLease,
    run: &'a Run,
    control: &'a RunControl,
    /// Whether Jira shows the project at all.
    standing: Standing,
    allow_mass_delete: bool,
    stop: CancellationToken,
}

/// How long a run that was told to stop may take to put down what it has in flight. What is then
/// still waiting for Jira is given up.
const PUT_DOWN: Duration = Duration::from_secs(8);

impl Engine {
    /// An engine that has nothing under way. `worker` must have an open session. Every run is
    /// interrupted when `stop` is cancelled.
    pub fn new(
        jira: JiraClient,
        store: Store,
        worker: WorkerId,
        instance: Instance,
        settings: EngineSettings,
        stop: CancellationToken,
    ) -> Self {
        let of = (store.clone(), settings.site.clone());
        let people = Arc::new(Current::new(of, settings.privacy.clone()));
        Self {
            jira,
            store,
            worker,
            instance,
            settings,
            fields: Arc::default(),
            people,
            places: Places::default(),
            views_told: Mutex::default(),
            stop,
        }
    }

    /// The hold on a run that is to be started.
    pub fn control(&self) -> RunControl {
        RunControl::under(&self.stop)
    }

    /// Runs one project to its end, going on with a run that was cut short.
    ///
    /// # Errors
    /// [`SyncError`]; what is stored then is consistent, and the next run goes on from there.
    pub async fn run_project(&self, request: &RunRequest) -> Result<RunReport, SyncError> {
        self.run(request, &self.control()).await
    }

    /// The same under a hold of the caller's; of any number of projects at once.
    ///
    /// # Errors
    /// [`SyncError`]; [`SyncError::NotDue`] and [`SyncError::Held`] before anything was begun.
    pub async fn run(
        &self,
        request: &RunRequest,
        control: &RunControl,
    ) -> Result<RunReport, SyncError> {
        let span = span::of_project(&request.project);
        Box::pin(self.run_within_span(request, control)).instrument(span).await
    }

    async fn run_within_span(
        &self,
        request: &RunRequest,
        control: &RunControl,
    ) -> Result<RunReport, SyncError> {
        let began = (Instant::now(), self.jira.stats());
        let (standing, project) = self.find_project(request).await?;
        let request = &RunRequest { project, ..request.clone() };
        let place = self.places.take(&request.project);
        let lease = self.acquire(&request.project, place.as_ref()).await?;
        let opening =
            AssertUnwindSafe(Box::pin(self.open_run(&lease, request, standing))).catch_unwind();
        let (run, resumed) = match opening.await.unwrap_or(Err(SyncError::Panicked)) {
            Ok(opened) => opened,
            Err(error) => {
                self.give_back(&lease, control).await;
                return Err(error);
            }
        };
        span::name_run(run.id);
        tracing::info!(run.kind = %run.kind, run.resumed = resumed, "run started");
        control.note_opened(OpenedRun { id: run.id, kind: run.kind, resumed });
        let stop = control.stop().child_token();
        let allow_mass_delete = request.allow_mass_delete;
        let held = Held { lease: &lease, run: &run, control, standing, allow_mass_delete, stop };
        match Box::pin(self.to_its_end(&held)).await {
            Ok((certificate, listing)) => {
                self.report(&run, resumed, certificate, listing, began).await
            }
            Err(error) => {
                self.set_aside(&held, &error).await;
                Err(error)
            }
        }
    }

    /// Finishes the run, unless it is told to stop. A panic is an error like others, so that the
    /// project is given back.
    async fn to_its_end(&self, held: &Held<'_>) -> Result<(Certificate, Summary), SyncError> {
        let finish = AssertUnwindSafe(Box::pin(self.finish(held))).catch_unwind();
        let too_long = async {
            held.control.stop().cancelled().await;
            tokio::time::sleep(PUT_DOWN).await;
        };
        let ended = tokio::select! {
            ended = finish => ended.unwrap_or(Err(SyncError::Panicked)),
            () = too_long => Err(SyncError::Interrupted),
        };
        // Whatever is left of it must not go on without its run.
        held.stop.cancel();
        match ended {
            Err(SyncError::Interrupted) if held.control.is_cancelled() => Err(SyncError::Cancelled),
            ended => ended,
        }
    }

    /// Hydrates what any run of this site has queued, until `until`.
    ///
    /// # Errors
    /// [`SyncError`].
    pub async fn hydrate(&self, until: Until) -> Result<Drained, SyncError> {
        self.help(until, &self.control()).await
    }

    /// The same under a hold of the caller's.
    ///
    /// # Errors
    /// [`SyncError`].
    pub async fn help(&self, until: Until, control: &RunControl) -> Result<Drained, SyncError> {
        let scope = QueueScope::Site(self.settings.site.clone());
        let hydrator = self.hydrator(scope, control.counters(), control.stop().child_token());
        if until == Until::Empty {
            hydrator.no_more.cancel();
        }
        let before = control.counters().snapshot().hydrated;
        match (hydrator.run(self.settings.max_in_flight).await, until) {
            (Err(SyncError::Interrupted), Until::Stopped) => {
                Ok(Drained { issues: control.counters().snapshot().hydrated - before })
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
