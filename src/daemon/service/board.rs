//! What the service tells of itself on the desk: every change goes through here, and what an
//! operator should hear of is said once, when it changes. It decides nothing.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::admin::Tally;
use crate::admin::desk::{
    ConfigurationFacts, Desk, FollowedProject, InstanceFacts, Link, LiveRun, Phase, Pulse,
    ServiceStatus, Trouble,
};
use crate::clock::Clock;
use crate::config::SyncConfig;
use crate::jira::JiraClient;
use crate::model::{ProjectKey, Schedule, Site, WorkerId};
use crate::store::Store;

/// The writing side of the desk. Clones write to the same desk.
#[derive(Debug, Clone)]
pub(super) struct Board {
    status: watch::Sender<ServiceStatus>,
    store: watch::Sender<Option<Store>>,
    clock: Arc<dyn Clock>,
    started_at: DateTime<Utc>,
    tally: Tally,
}

/// How long a project may go without what it should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    /// How far behind it may be before it counts as stalled.
    pub(super) may_lag: Duration,
    /// How long ago a reconcile may have held before it counts as overdue, where there are any.
    pub(super) may_go_unproven: Option<Duration>,
}

impl Patience {
    /// What a configuration says of it: a schedule's longest pause, for reconciles twice, and then some.
    pub(super) fn of(sync: &SyncConfig) -> Self {
        let late = sync.stalled_after;
        let twice = |schedule: &Schedule| schedule.period().saturating_mul(2).saturating_add(late);
        Self {
            may_lag: sync.schedule.period().saturating_add(late),
            may_go_unproven: sync.reconcile_schedule.as_ref().map(twice),
        }
    }

    fn in_force(self, loaded_at: DateTime<Utc>) -> ConfigurationFacts {
        let Self { may_lag, may_go_unproven } = self;
        ConfigurationFacts { loaded_at, refused: None, may_lag, may_go_unproven }
    }
}

/// A peer of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    Database,
    Jira,
}

impl Board {
    pub(super) fn new(clock: Arc<dyn Clock>, patience: Patience) -> Self {
        let now = clock.now();
        let status = ServiceStatus {
            phase: Phase::Starting,
            worker: None,
            database: Link::Unknown,
            jira: Link::Unknown,
            client: None,
            instance: None,
            projects: Vec::new(),
            runs: Vec::new(),
            configuration: patience.in_force(now),
        };
        Self {
            status: watch::Sender::new(status),
            store: watch::Sender::new(None),
            clock,
            started_at: now,
            tally: Tally::default(),
        }
    }

    pub(super) fn desk(&self, site: Site, pulse: Pulse) -> Desk {
        Desk {
            site,
            version: env!("CARGO_PKG_VERSION"),
            started_at: self.started_at,
            store: self.store.subscribe(),
            status: self.status.subscribe(),
            pulse,
            tally: self.tally.clone(),
        }
    }

    /// The counters of what this process's runs do.
    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(super) fn phase(&self, phase: Phase) {
        self.status.send_if_modified(|status| {
            let changed = status.phase != phase;
            status.phase = phase;
            changed
        });
    }

    pub(super) fn opened(&self, store: Option<Store>) {
        self.store.send_replace(store);
    }

    pub(super) fn registered(&self, worker: Option<WorkerId>) {
        self.status.send_modify(|status| status.worker = worker);
    }

    /// Another client is asked from now on; what it leads to is not known yet.
    pub(super) fn asking(&self, client: &JiraClient) {
        self.status.send_modify(|status| {
            status.client = Some(client.clone());
            status.instance = None;
            status.jira = Link::Unknown;
        });
    }

    pub(super) fn met(&self, instance: InstanceFacts) {
        self.status.send_modify(|status| status.instance = Some(instance));
    }

    /// The peer answers.
    pub(super) fn up(&self, peer: Peer) {
        let since = self.now();
        let mut was_down = None;
        self.status.send_if_modified(|status| {
            let link = link(status, peer);
            match link {
                Link::Up { .. } => false,
                Link::Unknown => {
                    *link = Link::Up { since };
                    true
                }
                Link::Down { since: down, .. } => {
                    was_down = Some(since - *down);
                    *link = Link::Up { since };
                    true
                }
            }
        });
        if let Some(away) = was_down {
            let secs = away.num_seconds();
            match peer {
                Peer::Database => tracing::info!(away.secs = secs, "the database is back"),
                Peer::Jira => tracing::info!(away.secs = secs, "jira is back"),
            }
        }
    }

    /// The peer does not answer, or not us.
    pub(super) fn down(&self, peer: Peer, trouble: Trouble) {
        let now = self.now();
        let mut said = None;
        self.status.send_if_modified(|status| {
            let link = link(status, peer);
            let since = match link {
                Link::Down { trouble: known, .. } if *known == trouble => return false,
                Link::Down { since, .. } => *since,
                Link::Unknown | Link::Up { .. } => {
                    said = Some(trouble.clone());
                    now
                }
            };
            *link = Link::Down { since, trouble };
            true
        });
        if let Some(Trouble { text, remedy, .. }) = said {
            match peer {
                Peer::Database => {
                    tracing::warn!(error = text, advice = remedy, "the database is away, waiting");
                }
                Peer::Jira => {
                    tracing::warn!(error = text, advice = remedy, "jira is away, waiting")
                }
            }
        }
    }

    pub(super) fn is_down(&self, peer: Peer) -> bool {
        let status = self.status.borrow();
        let link = match peer {
            Peer::Database => &status.database,
            Peer::Jira => &status.jira,
        };
        matches!(link, Link::Down { .. })
    }

    pub(super) fn projects(&self, projects: Vec<FollowedProject>) {
        self.status.send_if_modified(|status| {
            let changed = status.projects != projects;
            status.projects = projects;
            changed
        });
    }

    pub(super) fn run_opened(&self, run: LiveRun) {
        self.status.send_modify(|status| {
            status.runs.retain(|other| other.project != run.project);
            status.runs.push(run);
        });
    }

    pub(super) fn run_ended(&self, project: &ProjectKey) {
        self.status.send_if_modified(|status| {
            let before = status.runs.len();
            status.runs.retain(|run| run.project != *project);
            status.runs.len() != before
        });
    }

    /// Another configuration is in force.
    pub(super) fn configured(&self, patience: Patience) {
        let loaded_at = self.now();
        self.status.send_modify(|status| {
            status.configuration = patience.in_force(loaded_at);
        });
    }

    /// A configuration was refused, and the one before it stays in force.
    pub(super) fn refused(&self, trouble: Trouble) {
        self.status.send_modify(|status| status.configuration.refused = Some(trouble));
    }
}

fn link(status: &mut ServiceStatus, peer: Peer) -> &mut Link {
    match peer {
        Peer::Database => &mut status.database,
        Peer::Jira => &mut status.jira,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::model::FailureCategory;

    fn trouble(text: &str) -> Trouble {
        let (text, remedy) = (text.to_owned(), "wait".to_owned());
        Trouble { text, category: FailureCategory::Temporary, remedy }
    }

    #[test]
    fn a_link_tells_since_when_it_is_as_it_is() {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let clock = Arc::new(ManualClock::new(start));
        let patience = Patience { may_lag: Duration::ZERO, may_go_unproven: None };
        let board = Board::new(Arc::<ManualClock>::clone(&clock), patience);
        let desk = board.desk(Site::new("here"), Pulse::default());
        let database = || desk.status.borrow().database.clone();
        assert_eq!(database(), Link::Unknown);
        board.down(Peer::Database, trouble("refused"));
        clock.advance(std::time::Duration::from_secs(60));
        board.down(Peer::Database, trouble("no route"));
        assert_eq!(database(), Link::Down { since: start, trouble: trouble("no route") });
        assert!(board.is_down(Peer::Database) && !board.is_down(Peer::Jira));
        board.up(Peer::Database);
        let up = Link::Up { since: clock.now() };
        clock.advance(std::time::Duration::from_secs(60));
        board.up(Peer::Database);
        assert_eq!(database(), up);
    }
}
