//! What the page knows of the database: read by one task for any number of visitors, never more
//! often than it can bear, and kept with its age when Postgres is away. What it says is `view`'s.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::MissedTickBehavior;

use super::samples::{Reading, Samples};
use super::visit::store;
use crate::admin::Office;
use crate::model::{RunId, RunState};
use crate::store::{ProjectCounts, ProjectFacts, Run, RunFilter, Store, StoreError, StoredFailure};

/// Visitors whose pages are kept up to date at the same time.
const VISITORS: usize = 32;
/// How often runs are read while somebody looks or a run is under way.
const TICK: Duration = Duration::from_secs(1);
/// How many of those times are left out while nobody looks and nothing is under way.
const IDLE_TICKS: u32 = 5;
/// How often at the most everything is counted; each time a run begins or ends it is counted too.
const COUNT_EVERY: Duration = Duration::from_secs(15);
/// Counting may take a part of the database's time: a twentieth.
const COUNT_SHARE: u32 = 20;
/// How long a read of runs may take.
const READ_WITHIN: Duration = Duration::from_secs(3);
/// How long counting may take.
const COUNT_WITHIN: Duration = Duration::from_secs(30);
/// Runs that are read.
const RUNS: u32 = 50;
/// Failures that are read; the page names fewer.
const FAILURES: u32 = 500;

/// What was read, and who looks at it.
#[derive(Debug)]
pub(in crate::admin) struct Board {
    picture: watch::Sender<Arc<Picture>>,
    visitors: Arc<Semaphore>,
    /// Rings when counting should not wait for its turn.
    count_now: Notify,
    /// Whether a run is under way, by the last reading.
    busy: AtomicBool,
}

/// What the database was seen to hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Picture {
    /// What it held when it was last counted; none before the first time.
    pub(super) known: Option<Known>,
    /// Since when it does not answer, by this process's clock.
    pub(super) silent_since: Option<DateTime<Utc>>,
    /// How fast issues were fetched lately.
    pub(super) samples: Samples,
}

/// What the database held.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// When the projects were counted, by this process's clock.
    pub(super) read_at: DateTime<Utc>,
    /// Every project of the site.
    pub(super) projects: Vec<ProjectFacts>,
    /// How many issues are stored of each; a little older than the rest.
    pub(super) counts: Arc<Vec<ProjectCounts>>,
    /// The last runs, the newest first.
    pub(super) runs: Vec<Run>,
    /// The failures, the latest first.
    pub(super) failures: Vec<StoredFailure>,
}

impl Default for Board {
    fn default() -> Self {
        Self {
            picture: watch::Sender::new(Arc::default()),
            visitors: Arc::new(Semaphore::new(VISITORS)),
            count_now: Notify::new(),
            busy: AtomicBool::new(false),
        }
    }
}

impl Board {
    /// What is known now.
    pub(super) fn picture(&self) -> Arc<Picture> {
        self.picture.borrow().clone()
    }

    /// Tells of every change.
    pub(super) fn subscribe(&self) -> watch::Receiver<Arc<Picture>> {
        self.picture.subscribe()
    }

    /// A place among those who are kept up to date; none when all are taken.
    pub(super) fn admit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.visitors).try_acquire_owned().ok()
    }

    fn is_watched(&self) -> bool {
        self.busy.load(Ordering::Relaxed) || self.visitors.available_permits() < VISITORS
    }

    fn change(&self, change: impl FnOnce(&mut Picture)) {
        self.picture.send_modify(|picture| change(Arc::make_mut(picture)));
    }
}

/// Keeps the office's board up to date until the server closes.
pub(in crate::admin) async fn watch(office: &Office) {
    let closing = office.closing.clone();
    let both = async { tokio::join!(follow_runs(office), count_projects(office)) };
    tokio::select! {
        () = closing.cancelled() => {}
        _ = both => {}
    }
}

async fn follow_runs(office: &Office) {
    let board = &office.board;
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut left_out = 0;
    let mut seen = Vec::new();
    loop {
        ticks.tick().await;
        if !board.is_watched() && left_out < IDLE_TICKS && !seen.is_empty() {
            left_out += 1;
            continue;
        }
        left_out = 0;
        let Some(store) = store(office) else { continue };
        match within(READ_WITHIN, read_runs(&store, office)).await {
            Some(runs) => {
                let states: Vec<(RunId, RunState)> =
                    runs.iter().map(|run| (run.id, run.state)).collect();
                if states != seen {
                    seen = states;
                    board.count_now.notify_one();
                }
                note_runs(office, runs);
            }
            None => note_silence(office),
        }
    }
}

async fn count_projects(office: &Office) {
    let board = &office.board;
    loop {
        let mut pause = COUNT_EVERY;
        if let Some(store) = store(office) {
            let began = office.clock.instant();
            match within(COUNT_WITHIN, count(&store, office)).await {
                Some(known) => board.change(|picture| {
                    picture.silent_since = None;
                    // The runs are followed more closely than the rest.
                    let runs = picture.known.take().map(|before| before.runs);
                    let runs = runs.unwrap_or_else(|| known.runs.clone());
                    picture.known = Some(Known { runs, ..known });
                }),
                None => note_silence(office),
            }
            let took = office.clock.instant().duration_since(began);
            let least = took * COUNT_SHARE;
            tokio::time::sleep(least).await;
            pause = pause.saturating_sub(least);
        } else {
            pause = TICK;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = board.count_now.notified() => {}
        }
    }
}

/// What comes of a read that ends in time and well; why it does not is the service's to tell.
async fn within<T>(
    limit: Duration,
    read: impl Future<Output = Result<T, StoreError>>,
) -> Option<T> {
    match tokio::time::timeout(limit, read).await {
        Ok(Ok(read)) => Some(read),
        Ok(Err(error)) => {
            tracing::debug!(error = %error, "the status page cannot read the database");
            None
        }
        Err(_) => None,
    }
}

async fn read_runs(store: &Store, office: &Office) -> Result<Vec<Run>, StoreError> {
    let filter = RunFilter { site: Some(office.desk.site.clone()), ..RunFilter::default() };
    store.list_runs(&filter, RUNS).await
}

async fn count(store: &Store, office: &Office) -> Result<Known, StoreError> {
    let site = &office.desk.site;
    let read_at = office.clock.now();
    let projects = store.load_status(Some(site)).await?;
    let counts = store.recent_counts(site, COUNT_EVERY).await?.value;
    let failures = store.list_failures(Some(site), None, FAILURES).await?;
    let runs = read_runs(store, office).await?;
    Ok(Known { read_at, projects, counts, runs, failures })
}

fn note_runs(office: &Office, runs: Vec<Run>) {
    let now = office.clock.now();
    let readings: Vec<Reading> = runs
        .iter()
        .map(|run| Reading {
            run: run.id,
            done: run.counters.hydrated + run.counters.gone + run.counters.failed,
            listed: run.counters.listed,
        })
        .collect();
    let busy = runs.iter().any(|run| run.state == RunState::Running);
    office.board.busy.store(busy, Ordering::Relaxed);
    office.board.change(|picture| {
        picture.silent_since = None;
        let began = picture.samples.began();
        let is_fresh = |id: RunId| {
            let run = runs.iter().find(|run| run.id == id);
            run.is_some_and(|run| began.is_some_and(|began| run.started_at >= began))
        };
        picture.samples.take(&readings, now, is_fresh);
        if let Some(known) = &mut picture.known {
            known.runs = runs;
        }
    });
}

fn note_silence(office: &Office) {
    let now = office.clock.now();
    office.board.change(|picture| {
        picture.silent_since.get_or_insert(now);
    });
}
