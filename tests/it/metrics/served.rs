//! A desk that the test writes, served over HTTP on loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use extractor::admin::desk::{
    ConfigurationFacts, FollowedProject, Link, LiveRun, Phase, Pulse, ServiceStatus,
};
use extractor::admin::{Desk, Office, Tally, serve};
use extractor::clock::SystemClock;
use extractor::jira::JiraClient;
use extractor::model::{ProjectKey, RunKind, RunState, Site, WorkerId};
use extractor::store::{Store, Wanted};
use extractor::sync::Progress;
use jira_sim::{World, WorldProfile, generate};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::exposition::Exposition;
use crate::app::{App, SITE, request};

/// What callers must know.
pub(super) const TOKEN: &str = "a-token";
/// What a project may be behind in these tests.
const MAY_LAG: Duration = Duration::from_secs(3_600);

/// A service's desk without a service.
pub(super) struct Served {
    pub(super) status: watch::Sender<ServiceStatus>,
    pub(super) store: watch::Sender<Option<Store>>,
    pub(super) tally: Tally,
    pub(super) address: SocketAddr,
    _stop: DropGuard,
}

pub(super) fn world(project: &str, issues: usize) -> World {
    generate(&WorldProfile::new(project, issues, 7)).unwrap()
}

impl Served {
    /// Nothing has answered yet.
    pub(super) async fn start() -> Self {
        let tally = Tally::default();
        let pulse = Pulse::default();
        pulse.beat(Instant::now());
        let (store, read_store) = watch::channel(None);
        let (status, read_status) = watch::channel(nothing_yet());
        let desk = Desk {
            site: Site::new(SITE),
            version: "1.2.3",
            started_at: now(),
            store: read_store,
            status: read_status,
            pulse,
            tally: tally.clone(),
        };
        let office = Arc::new(Office::new(desk, Some(TOKEN.into()), Arc::new(SystemClock)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = serve(listener, office, stop.clone());
        tokio::spawn(async move {
            let _ = serving.await;
        });
        Self { status, store, tally, address, _stop: stop.drop_guard() }
    }

    /// The service of an application: its database is open, and these projects are followed.
    pub(super) async fn of(app: &App, projects: &[&str]) -> Self {
        let served = Self::before_its_database(app, projects).await;
        served.store.send_replace(Some(app.store.clone()));
        served
    }

    /// The same before the database is open. What it then says is not older than that.
    pub(super) async fn before_its_database(app: &App, projects: &[&str]) -> Self {
        let served = Self::start().await;
        let keys: Vec<ProjectKey> = projects.iter().map(|key| key.parse().unwrap()).collect();
        let due: Vec<_> = keys
            .iter()
            .flat_map(|project| {
                [RunKind::Delta, RunKind::Reconcile].map(|kind| Wanted {
                    project: project.clone(),
                    kind,
                    due: now(),
                })
            })
            .collect();
        app.store.follow_projects(&Site::new(SITE), WorkerId(Uuid::nil()), &due).await.unwrap();
        served.status.send_modify(|status| {
            status.phase = Phase::Running;
            status.database = Link::Up { since: now() };
            status.jira = Link::Up { since: now() };
            status.projects = keys.into_iter().map(followed).collect();
        });
        served
    }

    /// Runs a project as the service would, and counts it.
    pub(super) async fn run(&self, app: &App, project: &str) {
        let jira = app.jira();
        self.status.send_modify(|status| status.client = Some(jira.clone()));
        let process = app.try_process_by(jira).await.unwrap();
        let report = process.engine.run_project(&request(project, RunKind::Delta)).await.unwrap();
        assert_eq!(report.state, RunState::Completed);
        self.tally.note_run(report.kind, report.state);
        self.tally.note_certificate(&report.project, &report.certificate);
        process.session.close().await.unwrap();
    }

    /// As if a run of the project were under way.
    pub(super) fn show_run(&self, project: &str, progress: &Arc<Progress>) {
        let run = LiveRun {
            id: extractor::model::RunId(uuid::Uuid::nil()),
            project: project.parse().unwrap(),
            kind: RunKind::Backfill,
            since: now() - Duration::from_secs(10),
            progress: Arc::clone(progress),
        };
        self.status.send_modify(|status| status.runs.push(run));
    }

    /// What Prometheus would be told.
    pub(super) async fn scrape(&self) -> Exposition {
        let answer = self.answer("application/openmetrics-text;version=1.0.0").await;
        Exposition::parse(&answer.body)
    }

    /// The answer to whoever knows the token.
    pub(super) async fn answer(&self, accept: &str) -> Answer {
        let headers = format!("Accept: {accept}\r\nAuthorization: Bearer {TOKEN}\r\n");
        let answer = self.ask(&headers).await;
        assert!(answer.head.starts_with("http/1.1 200"), "{}", answer.head);
        answer
    }

    /// The answer to a request with these headers.
    pub(super) async fn ask(&self, headers: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!(
            "GET /metrics HTTP/1.1\r\nHost: {}\r\n{headers}Connection: close\r\n\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Answer { head: head.to_lowercase(), body: body.to_owned() }
    }

    pub(super) fn client(&self) -> Option<JiraClient> {
        self.status.borrow().client.clone()
    }
}

/// What came over HTTP.
pub(super) struct Answer {
    pub(super) head: String,
    pub(super) body: String,
}

fn nothing_yet() -> ServiceStatus {
    ServiceStatus {
        phase: Phase::Starting,
        worker: None,
        database: Link::Unknown,
        jira: Link::Unknown,
        client: None,
        instance: None,
        projects: Vec::new(),
        runs: Vec::new(),
        configuration: ConfigurationFacts {
            loaded_at: now(),
            refused: None,
            may_lag: MAY_LAG,
            may_go_unproven: Some(MAY_LAG * 24),
        },
    }
}

fn followed(key: ProjectKey) -> FollowedProject {
    FollowedProject {
        key,
        next_run_at: Some(now()),
        failures_in_a_row: 0,
        trouble: None,
        next_reconcile_at: Some(now()),
        reconcile_trouble: None,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the desk of a test is written by the machine's clock"
)]
fn now() -> chrono::DateTime<Utc> {
    Utc::now()
}
