//! What the service lays open for whoever asks: where it stands and what it has under way. The
//! service writes it, the HTTP side only reads.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::Tally;
use crate::jira::{Flavor, JiraClient};
use crate::model::{FailureCategory, ProjectKey, RunId, RunKind, Site, WorkerId};
use crate::store::Store;
use crate::sync::Progress;

/// Everything the HTTP side is given.
#[derive(Debug, Clone)]
pub struct Desk {
    /// The short name of the Jira instance that this service follows.
    pub site: Site,
    /// What this process is called among others; the program's version.
    pub version: &'static str,
    /// When this process started, by its own clock.
    pub started_at: DateTime<Utc>,
    /// The store; none before the database has been opened for the first time.
    pub store: watch::Receiver<Option<Store>>,
    /// Where the service stands; changes with everything worth telling.
    pub status: watch::Receiver<ServiceStatus>,
    /// The sign of life of the service's loop, which beats every few seconds.
    pub pulse: Pulse,
    /// What this process has counted of its runs.
    pub tally: Tally,
}

/// A sign of life. The service's loop beats with each turn, at the least every
/// [`Pulse::EXPECTED_EVERY`]; `/healthz` reads how long ago that was.
#[derive(Debug, Clone, Default)]
pub struct Pulse(Arc<Mutex<Option<Instant>>>);

impl Pulse {
    /// A loop that is well beats at least this often.
    pub const EXPECTED_EVERY: Duration = Duration::from_secs(10);

    /// The loop has made a turn, now.
    pub fn beat(&self, now: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    /// How long ago the last turn was; none before the first.
    pub fn age(&self, now: Instant) -> Option<Duration> {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.map(|last| now.saturating_duration_since(last))
    }
}

/// Where the service stands.
#[derive(Debug, Clone)]
pub struct ServiceStatus {
    /// Its phase of life.
    pub phase: Phase,
    /// This process among the workers of the database; none before it is registered.
    pub worker: Option<WorkerId>,
    /// The database.
    pub database: Link,
    /// Jira.
    pub jira: Link,
    /// The client under way; another one after a reload that changed it.
    pub client: Option<JiraClient>,
    /// What Jira said it is.
    pub instance: Option<InstanceFacts>,
    /// The projects that are followed, by key.
    pub projects: Vec<FollowedProject>,
    /// The runs that this process has under way.
    pub runs: Vec<LiveRun>,
    /// The configuration in force.
    pub configuration: ConfigurationFacts,
}

/// A phase of the service's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The database or Jira has not answered yet.
    Starting,
    /// Runs are started as they fall due.
    Running,
    /// Told to end: what is under way is put down.
    Stopping,
}

/// A peer that the service depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// It has not been asked yet.
    Unknown,
    /// It answers.
    Up {
        /// Since then, by this process's clock.
        since: DateTime<Utc>,
    },
    /// It does not.
    Down {
        /// Since then, by this process's clock.
        since: DateTime<Utc>,
        /// Why.
        trouble: Trouble,
    },
}

/// Something that went wrong, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What happened, in one sentence without secrets or issue text.
    pub text: String,
    /// Who can do something about it.
    pub category: FailureCategory,
    /// What to do about it.
    pub remedy: String,
}

/// What Jira said it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceFacts {
    /// Its host.
    pub host: String,
    /// Server or Cloud.
    pub flavor: Flavor,
    /// Its version.
    pub version: String,
}

/// A project that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowedProject {
    /// Its key.
    pub key: ProjectKey,
    /// When its next run is due, by the database's clock.
    pub next_run_at: Option<DateTime<Utc>>,
    /// Runs that failed since one succeeded.
    pub failures_in_a_row: u32,
    /// Why its last run failed, if it did.
    pub trouble: Option<Trouble>,
    /// When its next reconcile is due; none when this service does not reconcile.
    pub next_reconcile_at: Option<DateTime<Utc>>,
    /// Why its last reconcile failed, if it did.
    pub reconcile_trouble: Option<Trouble>,
}

/// A run that this process has under way.
#[derive(Debug, Clone)]
pub struct LiveRun {
    /// The run.
    pub id: RunId,
    /// Its project.
    pub project: ProjectKey,
    /// What it is.
    pub kind: RunKind,
    /// Since when this process has it, by this process's clock.
    pub since: DateTime<Utc>,
    /// What it has done so far.
    pub progress: Arc<Progress>,
}

/// The configuration in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigurationFacts {
    /// Since when it is in force, by this process's clock.
    pub loaded_at: DateTime<Utc>,
    /// Why the last reload was refused, if it was.
    pub refused: Option<Trouble>,
    /// How far behind a project may be before it counts as stalled: the longest pause of its
    /// schedule and `sync.stalled_after` together.
    pub may_lag: Duration,
    /// How long ago a reconcile may have held before it counts as overdue; none when this service
    /// does not reconcile.
    pub may_go_unproven: Option<Duration>,
}
