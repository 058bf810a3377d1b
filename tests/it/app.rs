//! The test's application: a simulated Jira, a database of its own, and processes that work on it.

use std::collections::BTreeMap;
use std::str::FromStr as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use extractor::jira::{Credentials, JiraClient, JiraSettings};
use extractor::jql::UserFilter;
use extractor::model::{Privacy, ProjectKey, RunKind, Site, Stream};
use extractor::store::{Session, Settings, Store, WorkerIdentity};
use extractor::sync::{BATCH_LEASE, Engine, EngineSettings, RunReport, RunRequest, SyncError};
use jira_sim::{IssueId, RequestRecord, SimConfig, SimServer, World};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgPool};
use tokio_util::sync::CancellationToken;

use crate::cluster;

pub(crate) const SITE: &str = "sim";

/// A simulated Jira and a database.
pub(crate) struct App {
    pub(crate) sim: SimServer,
    pub(crate) store: Store,
    /// For looking at what was stored.
    pub(crate) pool: PgPool,
    pub(crate) database_url: String,
    pub(crate) options: Options,
}

/// How the processes of a test are set up.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) site: String,
    pub(crate) overlap: Duration,
    pub(crate) page_rows: u32,
    pub(crate) batch_size: u32,
    pub(crate) max_in_flight: usize,
    pub(crate) timeout: Duration,
    pub(crate) hub_timeout: Duration,
    pub(crate) batch_lease: Duration,
    pub(crate) max_attempts: u32,
    pub(crate) filter: Option<String>,
    pub(crate) credentials: Credentials,
    pub(crate) streams: Vec<Stream>,
    pub(crate) privacy: Privacy,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            site: SITE.to_owned(),
            overlap: Duration::from_secs(3_600),
            page_rows: 1_000,
            batch_size: 100,
            max_in_flight: 4,
            timeout: Duration::from_secs(30),
            hub_timeout: Duration::from_secs(60),
            batch_lease: BATCH_LEASE,
            max_attempts: 3,
            filter: None,
            credentials: Credentials::Anonymous,
            streams: Vec::new(),
            privacy: Privacy::default(),
        }
    }
}

/// One process's worth: a session and an engine.
pub(crate) struct Process {
    pub(crate) engine: Engine,
    pub(crate) session: Session,
    pub(crate) stop: CancellationToken,
}

impl App {
    pub(crate) async fn new(world: World) -> Self {
        Self::with_config(SimConfig::default(), world).await
    }

    pub(crate) async fn with_config(config: SimConfig, world: World) -> Self {
        let sim = SimServer::start(config, world).await.unwrap();
        let database_url = new_database().await;
        let store = connect(&database_url).await;
        store.migrate().await.unwrap();
        let pool = PgPoolOptions::new().max_connections(2).connect(&database_url).await.unwrap();
        Self { sim, store, pool, database_url, options: Options::default() }
    }

    /// Another Jira whose rows go to the same database, under a site of its own.
    pub(crate) async fn beside(&self, site: String, config: SimConfig, world: World) -> Self {
        let options = Options { site, ..self.options.clone() };
        Self {
            sim: SimServer::start(config, world).await.unwrap(),
            store: self.store.clone(),
            pool: self.pool.clone(),
            database_url: self.database_url.clone(),
            options,
        }
    }

    pub(crate) fn jira(&self) -> JiraClient {
        JiraClient::new(&self.jira_settings()).unwrap()
    }

    pub(crate) fn jira_settings(&self) -> JiraSettings {
        let mut settings = JiraSettings::new(self.sim.base_url().parse().unwrap());
        settings.requests_per_second = 0.0;
        settings.timeout = self.options.timeout;
        settings.read_timeout = self.options.timeout;
        settings.hub_timeout = self.options.hub_timeout;
        settings.max_attempts = self.options.max_attempts;
        settings.max_in_flight = self.options.max_in_flight + 2;
        settings.backoff_base = Duration::from_millis(5);
        settings.backoff_cap = Duration::from_millis(50);
        settings.credentials = self.options.credentials.clone();
        settings
    }

    /// A process as the command line would start it.
    pub(crate) async fn process(&self) -> Process {
        self.try_process().await.unwrap()
    }

    pub(crate) async fn try_process(&self) -> Result<Process, SyncError> {
        self.try_process_by(self.jira()).await
    }

    /// A process that asks Jira by this client.
    pub(crate) async fn try_process_by(&self, jira: JiraClient) -> Result<Process, SyncError> {
        let instance = jira.probe(None).await?;
        let identity = WorkerIdentity {
            host: "test".to_owned(),
            pid: std::process::id(),
            version: "0".to_owned(),
        };
        let session = self.store.open_session(identity).await?;
        let stop = CancellationToken::new();
        let settings = EngineSettings {
            site: Site::new(&self.options.site),
            filter: self.options.filter.as_deref().map(|text| UserFilter::parse(text).unwrap()),
            overlap: self.options.overlap,
            page_rows: self.options.page_rows,
            batch_size: self.options.batch_size,
            max_in_flight: self.options.max_in_flight,
            streams: self.options.streams.clone(),
            privacy: self.options.privacy.clone(),
            batch_lease: self.options.batch_lease,
        };
        let worker = session.worker();
        let engine =
            Engine::new(jira, self.store.clone(), worker, instance, settings, stop.clone());
        Ok(Process { engine, session, stop })
    }

    pub(crate) async fn backfill(&self, project: &str) -> Result<RunReport, SyncError> {
        self.run(project, RunKind::Backfill).await
    }

    pub(crate) async fn delta(&self, project: &str) -> Result<RunReport, SyncError> {
        self.run(project, RunKind::Delta).await
    }

    async fn run(&self, project: &str, kind: RunKind) -> Result<RunReport, SyncError> {
        let process = self.try_process().await?;
        let report = process.engine.run_project(&request(project, kind)).await;
        process.session.close().await.unwrap();
        report
    }

    /// A run whose requests alone are in the log afterwards, without those of the probe before it.
    pub(crate) async fn watched(
        &self,
        project: &str,
        kind: RunKind,
    ) -> Result<RunReport, SyncError> {
        let process = self.try_process().await?;
        self.sim.requests().clear();
        let report = process.engine.run_project(&request(project, kind)).await;
        process.session.close().await.unwrap();
        report
    }

    /// The logged requests for listing pages; counts are not among them.
    pub(crate) fn pages(&self) -> Vec<RequestRecord> {
        let mut pages = self.sim.requests().listings();
        pages.retain(|record| record.seen.max_results != Some(0));
        pages
    }

    /// How often each issue was served whole, in the logged requests.
    pub(crate) fn times_hydrated(&self) -> BTreeMap<IssueId, usize> {
        let whole = self
            .sim
            .requests()
            .matching(|record| record.seen.wants_whole_issues() && record.status == Some(200));
        let mut times = BTreeMap::new();
        for id in whole.iter().flat_map(|record| &record.issues) {
            *times.entry(*id).or_default() += 1;
        }
        times
    }

    /// One number from the database.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let row: (i64,) =
            sqlx::query_as(AssertSqlSafe(sql.to_owned())).fetch_one(&self.pool).await.unwrap();
        row.0
    }
}

pub(crate) fn request(project: &str, kind: RunKind) -> RunRequest {
    RunRequest::new(ProjectKey::from_str(project).unwrap(), kind)
}

pub(crate) async fn connect(url: &str) -> Store {
    let settings = Settings {
        url: url.into(),
        max_connections: 8,
        statement_timeout: Duration::from_secs(60),
        application_name: "extractor-test".to_owned(),
    };
    Store::connect(&settings).await.unwrap()
}

fn server() -> &'static str {
    static SERVER: OnceLock<String> = OnceLock::new();
    SERVER.get_or_init(|| std::env::var("DATABASE_URL_TEST").unwrap_or_else(|_| cluster::start()))
}

/// An empty database on the test's Postgres.
pub(crate) async fn new_database() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("it_{}_{number}", std::process::id());
    let options: PgConnectOptions = server().parse().unwrap();
    let mut connection = options.database("postgres").connect().await.unwrap();
    let create = format!("CREATE DATABASE {name}");
    connection.execute(AssertSqlSafe(create)).await.unwrap();
    connection.close().await.unwrap();
    let mut url = url::Url::parse(server()).unwrap();
    url.set_path(&name);
    url.to_string()
}
