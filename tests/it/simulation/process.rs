//! One process of the program, on a thread and a runtime of its own, so that it can end as the
//! kernel ends one: nothing of it runs any more, and its connections just break off.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use extractor::jira::{Credentials, JiraClient, JiraSettings};
use extractor::model::{Site, WorkerId};
use extractor::store::{Settings, Store, WorkerIdentity};
use extractor::sync::{
    BATCH_LEASE, Drained, Engine, EngineSettings, RunReport, RunRequest, SyncError, Until,
};
use sqlx::PgPool;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::subscriber::set_default;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use crate::app::{App, SITE};

/// What a process is started for.
#[derive(Debug, Clone)]
pub(crate) enum Duty {
    Run(RunRequest),
    /// Hydrates for others until it is told to stop.
    Drain,
}

/// How a process was set up.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) base_url: String,
    pub(crate) database_url: String,
    pub(crate) batch_size: u32,
    pub(crate) max_in_flight: usize,
    pub(crate) overlap: Duration,
    pub(crate) credentials: Credentials,
}

impl Setup {
    pub(crate) fn of(app: &App) -> Self {
        Self {
            base_url: app.sim.base_url().to_owned(),
            database_url: app.database_url.clone(),
            batch_size: app.options.batch_size,
            max_in_flight: app.options.max_in_flight,
            overlap: app.options.overlap,
            credentials: app.options.credentials.clone(),
        }
    }
}

/// How a process ended.
#[derive(Debug)]
pub(crate) enum Ended {
    Ran(Box<Result<RunReport, SyncError>>),
    Drained(Result<Drained, SyncError>),
    Killed,
}

/// A process under way.
pub(crate) struct Process {
    /// Its name in `pg_stat_activity`.
    pub(crate) name: String,
    pub(crate) grip: Arc<Grip>,
    ended: oneshot::Receiver<Ended>,
}

/// The test's hold on a process.
#[derive(Debug, Default)]
pub(crate) struct Grip {
    kill: CancellationToken,
    stop: CancellationToken,
    /// The process has ended.
    over: CancellationToken,
    statements: AtomicU64,
    /// Acts when so many statements have been answered; 0 never.
    act_at: AtomicU64,
    /// Told when that many have.
    pub(crate) reached: Notify,
    kills_there: AtomicBool,
    pause: Mutex<Pause>,
    resumed: Condvar,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Pause {
    #[default]
    No,
    /// At the next commit.
    Wanted,
    Paused,
}

impl Grip {
    /// Ends the process wherever it is.
    pub(crate) fn kill(&self) {
        self.kill.cancel();
    }

    /// Asks it to stop in order.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Kills the process when Postgres has answered its `n`th statement.
    pub(crate) fn kill_at_statement(&self, n: u64) {
        self.kills_there.store(true, Ordering::Relaxed);
        self.act_at.store(n, Ordering::Relaxed);
    }

    /// Notifies `reached` when Postgres has answered its `n`th statement.
    pub(crate) fn tell_at_statement(&self, n: u64) {
        self.act_at.store(n, Ordering::Relaxed);
    }

    fn note_statement(&self, is_commit: bool) {
        let number = self.statements.fetch_add(1, Ordering::Relaxed) + 1;
        if number == self.act_at.load(Ordering::Relaxed) {
            if self.kills_there.load(Ordering::Relaxed) {
                self.kill();
            }
            self.reached.notify_one();
        }
        if is_commit {
            self.pause_if_wanted();
        }
    }

    /// Stops the whole process at its next commit, as a machine that is put to sleep does.
    pub(crate) fn pause(&self) {
        *self.pause.lock().unwrap() = Pause::Wanted;
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        *self.pause.lock().unwrap() = Pause::No;
        self.resumed.notify_all();
    }

    fn pause_if_wanted(&self) {
        let mut pause = self.pause.lock().unwrap();
        if *pause == Pause::Wanted {
            *pause = Pause::Paused;
            self.reached.notify_one();
            while *pause == Pause::Paused {
                pause = self.resumed.wait(pause).unwrap();
            }
        }
    }
}

impl Process {
    pub(crate) fn start(setup: Setup, duty: Duty, grip: &Arc<Grip>) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!("process-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let grip = Arc::clone(grip);
        let (sender, ended) = oneshot::channel();
        let (its_name, its_grip) = (name.clone(), Arc::clone(&grip));
        std::thread::spawn(move || {
            let ended = live(setup, duty, its_name, &its_grip);
            let _ = sender.send(ended);
            its_grip.over.cancel();
        });
        Self { name, grip, ended }
    }

    /// Waits for its end, and until Postgres has noticed it.
    pub(crate) async fn ended(mut self, pool: &PgPool) -> Ended {
        let ended = (&mut self.ended).await.expect("the process has not panicked");
        while self.backends(pool, "true").await > 0 {
            tokio::task::yield_now().await;
        }
        ended
    }

    /// Waits until it has got to the instant that its grip was told of; false if it ended before.
    pub(crate) async fn reached(&self) -> bool {
        tokio::select! {
            () = self.grip.reached.notified() => true,
            () = self.grip.over.cancelled() => false,
        }
    }

    /// How many of its connections satisfy a condition on `pg_stat_activity`.
    pub(crate) async fn backends(&self, pool: &PgPool, condition: &str) -> i64 {
        let sql = format!(
            "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = $1 AND {condition}"
        );
        let row: (i64,) = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(&self.name)
            .fetch_one(pool)
            .await
            .unwrap();
        row.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.grip.resume();
        self.grip.kill();
    }
}

/// The life of the process.
fn live(setup: Setup, duty: Duty, name: String, grip: &Arc<Grip>) -> Ended {
    let subscriber = tracing_subscriber::registry().with(Statements(Arc::clone(grip)));
    let _counting = set_default(subscriber);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ended = runtime.block_on(async {
        tokio::select! {
            biased;
            () = grip.kill.cancelled() => Ended::Killed,
            ended = work(setup, duty, name, grip.stop.clone()) => ended,
        }
    });
    // What is left of it is dropped where it stands: sockets close, nobody says goodbye.
    runtime.shutdown_background();
    ended
}

async fn work(setup: Setup, duty: Duty, name: String, stop: CancellationToken) -> Ended {
    match duty {
        Duty::Run(request) => Ended::Ran(Box::new(run(setup, request, name, stop).await)),
        Duty::Drain => Ended::Drained(drain(setup, name, stop).await),
    }
}

async fn run(
    setup: Setup,
    request: RunRequest,
    name: String,
    stop: CancellationToken,
) -> Result<RunReport, SyncError> {
    let (store, jira) = connect(&setup, name).await?;
    let session = store.open_session(identity()).await?;
    let engine = match engine(&setup, &store, jira, session.worker(), stop).await {
        Ok(engine) => engine,
        Err(error) => {
            session.close().await?;
            return Err(error);
        }
    };
    let report = engine.run_project(&request).await;
    session.close().await?;
    store.close().await;
    report
}

async fn drain(setup: Setup, name: String, stop: CancellationToken) -> Result<Drained, SyncError> {
    let (store, jira) = connect(&setup, name).await?;
    let session = store.open_session(identity()).await?;
    let engine = engine(&setup, &store, jira, session.worker(), stop).await?;
    let drained = engine.hydrate(Until::Stopped).await;
    session.close().await?;
    store.close().await;
    drained
}

async fn connect(setup: &Setup, name: String) -> Result<(Store, JiraClient), SyncError> {
    let settings = Settings {
        url: setup.database_url.as_str().into(),
        max_connections: 6,
        statement_timeout: Duration::from_secs(60),
        application_name: name,
    };
    let store = Store::connect(&settings).await?;
    let mut settings = JiraSettings::new(setup.base_url.parse().unwrap());
    settings.requests_per_second = 0.0;
    settings.max_in_flight = setup.max_in_flight + 2;
    settings.max_attempts = 3;
    settings.credentials = setup.credentials.clone();
    settings.backoff_base = Duration::from_millis(2);
    settings.backoff_cap = Duration::from_millis(10);
    let jira = JiraClient::new(&settings)?;
    Ok((store, jira))
}

fn identity() -> WorkerIdentity {
    WorkerIdentity { host: "simulated".to_owned(), pid: 1, version: "0".to_owned() }
}

async fn engine(
    setup: &Setup,
    store: &Store,
    jira: JiraClient,
    worker: WorkerId,
    stop: CancellationToken,
) -> Result<Engine, SyncError> {
    let instance = jira.probe(None).await?;
    let settings = EngineSettings {
        site: Site::new(SITE),
        filter: None,
        overlap: setup.overlap,
        page_rows: 1_000,
        batch_size: setup.batch_size,
        max_in_flight: setup.max_in_flight,
        streams: Vec::new(),
        privacy: extractor::model::Privacy::default(),
        batch_lease: BATCH_LEASE,
    };
    Ok(Engine::new(jira, store.clone(), worker, instance, settings, stop))
}

/// Counts the statements of this thread's process, as sqlx traces them.
struct Statements(Arc<Grip>);

const STATEMENTS: &str = "sqlx::query";

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target() == STATEMENTS
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut is_commit = IsCommit(false);
        event.record(&mut is_commit);
        self.0.note_statement(is_commit.0);
    }
}

struct IsCommit(bool);

impl tracing::field::Visit for IsCommit {
    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        self.0 |= field.name() == "summary" && value == "COMMIT";
    }

    fn record_debug(&mut self, _: &tracing::field::Field, _: &dyn std::fmt::Debug) {}
}
