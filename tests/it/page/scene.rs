//! A service for people to look at: a simulated Jira, a database, the HTTP server, and a desk that
//! says what a service would.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use extractor::admin::desk::{
    ConfigurationFacts, Desk, FollowedProject, InstanceFacts, Link, LiveRun, Phase, Pulse,
    ServiceStatus,
};
use extractor::admin::{Office, Tally, serve};
use extractor::clock::{Clock, SystemClock};
use extractor::jira::{Flavor, JiraClient};
use extractor::model::{RunKind, RunState, Site};
use extractor::store::RunFilter;
use jira_sim::{SimConfig, World, WorldProfile, populate};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::{App, SITE, request};

/// A service that is looked at.
pub(super) struct Scene {
    pub(super) app: App,
    pub(super) url: String,
    pub(super) status: watch::Sender<ServiceStatus>,
    /// Requests a second at the most; 0 is no limit.
    pub(super) rate: f64,
    stop: CancellationToken,
    server: JoinHandle<()>,
    _store: watch::Sender<Option<extractor::store::Store>>,
}

/// A world with these projects, each of so many issues.
pub(super) fn world(projects: &[(&str, usize)]) -> World {
    let mut world = World::new(1_577_836_800_000);
    for (seed, (project, issues)) in (40..).zip(projects) {
        populate(&mut world, &WorldProfile::new(project, *issues, seed).plain(600)).unwrap();
    }
    world
}

impl Scene {
    /// A service that follows these projects.
    pub(super) async fn of(projects: &[(&str, usize)], config: SimConfig) -> Self {
        Self::by(projects, config, Arc::new(SystemClock)).await
    }

    /// The same, by a clock of its own.
    pub(super) async fn by(
        projects: &[(&str, usize)],
        config: SimConfig,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let now = SystemClock.now();
        let mut world = world(projects);
        world.set_now(now.timestamp_millis());
        let app = App::with_config(config, world).await;
        let keys: Vec<&str> = projects.iter().map(|(key, _)| *key).collect();
        let status = watch::Sender::new(running(&keys, now));
        let store = watch::Sender::new(Some(app.store.clone()));
        let desk = Desk {
            site: Site::new(SITE),
            version: env!("CARGO_PKG_VERSION"),
            started_at: now - TimeDelta::hours(52),
            store: store.subscribe(),
            status: status.subscribe(),
            pulse: Pulse::default(),
            tally: Tally::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let office = Arc::new(Office::new(desk, None, clock));
        let server = tokio::spawn(serve(listener, office, stop.clone()));
        Self { app, url, status, rate: 0.0, stop, server, _store: store }
    }

    /// A run from its beginning to its end, while the desk tells of it.
    pub(super) async fn run(&self, project: &str, kind: RunKind) -> RunState {
        let mut settings = self.app.jira_settings();
        settings.requests_per_second = self.rate;
        let jira = JiraClient::new(&settings).unwrap();
        self.status.send_modify(|status| status.client = Some(jira.clone()));
        let process = self.app.try_process_by(jira).await.unwrap();
        let wanted = request(project, kind);
        let (run, told) = tokio::join!(process.engine.run_project(&wanted), self.tell(project));
        self.status.send_modify(|status| status.runs.retain(|live| live.id != told));
        process.session.close().await.unwrap();
        run.unwrap().state
    }

    /// Waits for the run to be there, and lays it on the desk.
    async fn tell(&self, project: &str) -> extractor::model::RunId {
        let filter = RunFilter {
            project: Some(project.parse().unwrap()),
            state: Some(RunState::Running),
            ..RunFilter::default()
        };
        let run = loop {
            if let Some(run) = self.app.store.list_runs(&filter, 1).await.unwrap().pop() {
                break run;
            }
            tokio::task::yield_now().await;
        };
        let live = LiveRun {
            id: run.id,
            project: run.project,
            kind: run.kind,
            since: run.started_at,
            progress: Arc::default(),
        };
        self.status.send_modify(|status| status.runs.push(live));
        run.id
    }

    pub(super) async fn close(self) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.server).await.unwrap().unwrap();
    }
}

fn running(projects: &[&str], now: DateTime<Utc>) -> ServiceStatus {
    let up = Link::Up { since: now - TimeDelta::hours(52) };
    let followed = |(place, key): (usize, &&str)| FollowedProject {
        key: key.parse().unwrap(),
        next_run_at: Some(now + TimeDelta::seconds(70 + 60 * i64::try_from(place).unwrap())),
        failures_in_a_row: 0,
        trouble: None,
        next_reconcile_at: None,
        reconcile_trouble: None,
    };
    ServiceStatus {
        phase: Phase::Running,
        worker: None,
        database: up.clone(),
        jira: up,
        client: None,
        instance: Some(InstanceFacts {
            host: "jira.example.com".to_owned(),
            flavor: Flavor::Server,
            version: "9.12.4".to_owned(),
        }),
        projects: projects.iter().enumerate().map(followed).collect(),
        runs: Vec::new(),
        configuration: ConfigurationFacts {
            loaded_at: now - TimeDelta::hours(52),
            refused: None,
            may_lag: Duration::from_hours(2),
            may_go_unproven: None,
        },
    }
}
