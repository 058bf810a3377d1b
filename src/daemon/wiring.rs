//! Puts the parts together as configured, and takes them apart in order. Besides `main` and `cli`
//! the only place that sees the configuration; what the parts do is theirs.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio_util::sync::CancellationToken;

use crate::config::{
    Config, ConfigError, Credentials, DatabaseConfig, DatabaseLocation, Flavor, JiraConfig,
};
use crate::jira::{self, Instance, JiraClient, JiraError, JiraSettings, Scope};
use crate::jql::{InvalidFilter, UserFilter};
use crate::model::{ProjectKey, Site};
use crate::store::private_postgres::{
    PrivatePostgres, PrivatePostgresError, PrivatePostgresSettings, default_data_dir,
};
use crate::store::{self, Session, Store, StoreError, Throttle, WorkerIdentity};
use crate::sync::{BATCH_LEASE, Budget, Engine, EngineSettings};

/// Connections of a private Postgres at the least: several processes may share it.
const PRIVATE_CONNECTIONS: u32 = 50;
/// Connections a process needs beside its pool: a session, a listener, a migration.
const OUTSIDE_THE_POOL: u32 = 5;

/// Why the parts could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Jira.
    #[error(transparent)]
    Jira(#[from] JiraError),
    /// Postgres.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The private Postgres.
    #[error(transparent)]
    PrivatePostgres(#[from] PrivatePostgresError),
    /// `sync.filter` cannot be used.
    #[error("bad value for sync.filter")]
    Filter(#[from] InvalidFilter),
    /// A private Postgres is wanted, and there is no home to put it in.
    #[error(
        "there is no home directory for the private Postgres; set database.data_dir, or \
         DATABASE_URL to use another database"
    )]
    NoDataDir,
    /// It was told to stop before everything had started.
    #[error("stopped before the work began")]
    Interrupted,
}

/// What may happen to the schema when the database is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// Missing migrations are applied, unless `database.auto_migrate` forbids it.
    AsConfigured,
    /// It is neither looked at nor changed.
    Untouched,
}

/// The database, and the private Postgres that serves it, if one does.
#[derive(Debug)]
pub struct Database {
    store: Store,
    private: Option<PrivatePostgres>,
}

impl Database {
    /// Opens the configured database, starting the private Postgres if none is configured.
    ///
    /// # Errors
    /// [`WiringError`]; a private Postgres is stopped again then.
    pub async fn open(
        config: &DatabaseConfig,
        schema: Schema,
        stop: &CancellationToken,
    ) -> Result<Self, WiringError> {
        let (url, private) = match &config.location {
            DatabaseLocation::Url(url) => (url.clone(), None),
            DatabaseLocation::Private { .. } => {
                let private = PrivatePostgres::start(private_settings(config)?).await?;
                (SecretString::from(private.url()), Some(private))
            }
        };
        match unless_stopped(stop, open_store(config, url, schema)).await {
            Ok(store) => Ok(Self { store, private }),
            Err(error) => {
                stop_private(private).await;
                Err(error)
            }
        }
    }

    /// Opens the configured database if there is one, and leaves it as it is; `None` for a private
    /// Postgres that was never started.
    async fn open_existing(
        config: &DatabaseConfig,
        stop: &CancellationToken,
    ) -> Result<Option<Self>, WiringError> {
        if let DatabaseLocation::Private { .. } = config.location
            && !PrivatePostgres::is_created(&private_settings(config)?.data_dir)
        {
            return Ok(None);
        }
        Ok(Some(Self::open(config, Schema::Untouched, stop).await?))
    }

    /// Brings the schema up to date as configured; what cannot be used is closed.
    async fn prepared(
        self,
        config: &DatabaseConfig,
        stop: &CancellationToken,
    ) -> Result<Self, WiringError> {
        match unless_stopped(stop, prepare_schema(&self.store, config.auto_migrate)).await {
            Ok(()) => Ok(self),
            Err(error) => {
                self.close().await;
                Err(error)
            }
        }
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The private Postgres, if it is one.
    pub fn private(&self) -> Option<&PrivatePostgres> {
        self.private.as_ref()
    }

    /// Closes the connections, then leaves the private Postgres; its last user stops it.
    pub async fn close(self) {
        self.store.close().await;
        stop_private(self.private).await;
    }
}

/// The Jira that was configured, after it has been asked what it is.
#[derive(Debug)]
pub struct Peer {
    /// The way to it.
    pub client: JiraClient,
    /// What it is.
    pub instance: Instance,
    /// Its short name.
    pub site: Site,
}

impl Peer {
    /// Asks Jira who it is and what it can do, by the issues of the first of `projects` that it
    /// shows, or by any; but not while it has asked an earlier process to wait, as far as the
    /// configured database can be read.
    ///
    /// # Errors
    /// [`WiringError`].
    pub async fn meet(
        config: &Config,
        projects: &[ProjectKey],
        stop: &CancellationToken,
    ) -> Result<Self, WiringError> {
        let client = jira_client(&config.jira)?;
        match Database::open_existing(&config.database, stop).await {
            Ok(Some(database)) => {
                close_gates(&client, &config.jira, &database.store).await;
                database.close().await;
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(error = %error, "no database to ask what has to wait"),
        }
        Self::meet_by(client, &config.jira, projects, stop).await
    }

    async fn meet_by(
        client: JiraClient,
        config: &JiraConfig,
        projects: &[ProjectKey],
        stop: &CancellationToken,
    ) -> Result<Self, WiringError> {
        let site = config.instance()?.1.clone();
        let meeting = Box::pin(async {
            client.identify().await?;
            let project = first_visible(&client, projects).await?;
            Ok::<_, WiringError>(client.probe(project).await?)
        });
        let instance = unless_stopped(stop, meeting).await?;
        tracing::info!(
            jira.host = client.host(), jira.version = instance.version, site = %site,
            jira.flavor = %instance.flavor,
            jira.epoch_millis = instance.epoch_millis(), jira.page_cap = instance.page_cap,
            "jira answers"
        );
        Ok(Self { client, instance, site })
    }

    /// Every project this account sees that is not archived, in Jira's order.
    ///
    /// # Errors
    /// Any [`JiraError`].
    pub async fn visible_projects(&self) -> Result<Vec<ProjectKey>, JiraError> {
        let mut keys = Vec::new();
        for project in self.client.projects().await? {
            match project.key.parse() {
                Ok(key) if !project.archived => keys.push(key),
                Ok(_) => {}
                Err(error) => tracing::warn!(error = %error, "a project is left out"),
            }
        }
        Ok(keys)
    }
}

/// Everything that runs need. Ends with [`Services::close`].
#[derive(Debug)]
pub struct Services {
    /// The pipeline.
    pub engine: Arc<Engine>,
    /// Jira.
    pub peer: Peer,
    /// The database.
    pub database: Database,
    budget: Budget,
    session: Session,
}

impl Services {
    /// Starts everything: first what can only be configured wrongly, then Jira, then whatever
    /// changes the database, so that a wrong token leaves no trace. A database that is there
    /// already is read before Jira is asked anything: an earlier process may have been told to wait.
    ///
    /// # Errors
    /// [`WiringError`]; what had started is stopped again.
    pub async fn start(
        config: &Config,
        projects: &[ProjectKey],
        stop: &CancellationToken,
    ) -> Result<Self, WiringError> {
        let filter = user_filter(config)?;
        let client = jira_client(&config.jira)?;
        let existing = Database::open_existing(&config.database, stop).await?;
        if let Some(database) = &existing {
            close_gates(&client, &config.jira, &database.store).await;
        }
        let peer = match Peer::meet_by(client.clone(), &config.jira, projects, stop).await {
            Ok(peer) => peer,
            Err(error) => {
                if let Some(database) = existing {
                    pass_on_gates(&client, &config.jira, &database.store).await;
                    database.close().await;
                }
                return Err(error);
            }
        };
        let database = match existing {
            Some(database) => database.prepared(&config.database, stop).await?,
            None => Database::open(&config.database, Schema::AsConfigured, stop).await?,
        };
        let session = match database.store.open_session(identity()).await {
            Ok(session) => session,
            Err(error) => {
                database.close().await;
                return Err(error.into());
            }
        };
        let engine = Engine::new(
            peer.client.clone(),
            database.store.clone(),
            session.worker(),
            peer.instance.clone(),
            engine_settings(config, &peer, filter),
            stop.clone(),
        );
        let (client, store) = (peer.client.clone(), database.store.clone());
        let budget = Budget::start(client, store, peer.site.clone(), session.worker()).await;
        Ok(Self { engine: Arc::new(engine), peer, database, budget, session })
    }

    /// Ends everything in order: its share of the request rate and what it had leased are free at
    /// once, then the database.
    pub async fn close(self) {
        self.budget.close().await;
        if let Err(error) = self.session.close().await {
            tracing::warn!(error = %error, "session not closed in order");
        }
        self.database.close().await;
    }
}

/// A client for the configured Jira. Nothing is sent yet.
///
/// # Errors
/// [`WiringError::Config`] without an address, [`WiringError::Jira`] when the settings cannot be
/// used.
pub fn jira_client(config: &JiraConfig) -> Result<JiraClient, WiringError> {
    let (base_url, _) = config.instance()?;
    let settings = JiraSettings {
        credentials: credentials(&config.credentials),
        ca_bundle: config.ca_bundle.clone(),
        timeout: config.timeout,
        hub_timeout: config.hub_timeout,
        read_timeout: config.timeout,
        connect_timeout: config.connect_timeout,
        requests_per_second: config.requests_per_second,
        burst: config.burst,
        max_in_flight: in_flight(config),
        max_attempts: config.max_attempts,
        max_body_bytes: config.max_body,
        max_retry_after: config.max_retry_after,
        max_outage: config.max_outage,
        http1_only: config.http1_only,
        ..JiraSettings::new(base_url.clone())
    };
    let client = JiraClient::new(&settings)?;
    match config.flavor {
        Flavor::Auto => {}
        Flavor::Server => client.assume_flavor(jira::Flavor::Server),
        Flavor::Cloud => client.assume_flavor(jira::Flavor::Cloud),
    }
    Ok(client)
}

/// The extra JQL, checked.
///
/// # Errors
/// [`WiringError::Filter`].
pub fn user_filter(config: &Config) -> Result<Option<UserFilter>, WiringError> {
    Ok(config.sync.filter.as_deref().map(UserFilter::parse).transpose()?)
}

/// How the private Postgres is run; the configuration must ask for one.
///
/// # Errors
/// [`WiringError::NoDataDir`].
pub fn private_settings(config: &DatabaseConfig) -> Result<PrivatePostgresSettings, WiringError> {
    let (data_dir, bin_dir) = match &config.location {
        DatabaseLocation::Private { data_dir, postgres_bin } => (data_dir, postgres_bin),
        DatabaseLocation::Url(_) => (&None, &None),
    };
    let data_dir = data_dir.clone().or_else(default_data_dir).ok_or(WiringError::NoDataDir)?;
    let mut settings = PrivatePostgresSettings::new(data_dir);
    settings.bin_dir.clone_from(bin_dir);
    settings.max_connections = PRIVATE_CONNECTIONS.max(config.max_connections + OUTSIDE_THE_POOL);
    Ok(settings)
}

/// Has `client` wait as long as Jira has asked earlier processes to.
async fn close_gates(client: &JiraClient, config: &JiraConfig, store: &Store) {
    let Ok((_, site)) = config.instance() else { return };
    match store.load_throttles(site).await {
        Ok(throttles) => {
            for throttle in throttles {
                client.close_gate(&Scope::from_text(throttle.scope), throttle.wait);
            }
        }
        Err(error) => tracing::debug!(error = %error, "what has to wait cannot be read"),
    }
}

/// Lets later processes wait as long as Jira has asked `client` to, which ends here.
async fn pass_on_gates(client: &JiraClient, config: &JiraConfig, store: &Store) {
    let Ok((_, site)) = config.instance() else { return };
    let told = client.told_gates().into_iter();
    let told: Vec<Throttle> =
        told.map(|(scope, wait)| Throttle { scope: scope.as_str().to_owned(), wait }).collect();
    if told.is_empty() {
        return;
    }
    if let Err(error) = store.record_throttles(site, None, &told).await {
        tracing::debug!(error = %error, "what has to wait cannot be written");
    }
}

/// How far a delta reaches back on this kind of Jira.
pub fn overlap(config: &Config, flavor: jira::Flavor) -> Duration {
    match flavor {
        jira::Flavor::Server => config.sync.overlap.on_server(),
        jira::Flavor::Cloud => config.sync.overlap.on_cloud(),
    }
}

fn engine_settings(config: &Config, peer: &Peer, filter: Option<UserFilter>) -> EngineSettings {
    EngineSettings {
        site: peer.site.clone(),
        filter,
        overlap: overlap(config, peer.instance.flavor),
        page_rows: config.jira.listing_page_size,
        batch_size: config.jira.batch_size.min(peer.instance.batch_cap),
        max_in_flight: in_flight(&config.jira),
        streams: config.sync.streams.clone(),
        batch_lease: BATCH_LEASE,
    }
}

fn in_flight(config: &JiraConfig) -> usize {
    usize::try_from(config.max_in_flight).unwrap_or(usize::MAX)
}

fn credentials(configured: &Credentials) -> jira::Credentials {
    let basic = |user: &str, secret: &SecretString| jira::Credentials::Basic {
        user: user.to_owned(),
        secret: secret.expose_secret().into(),
    };
    match configured {
        Credentials::Anonymous => jira::Credentials::Anonymous,
        Credentials::Token(token) => jira::Credentials::Bearer(token.clone()),
        Credentials::EmailAndToken { email, token } => basic(email, token),
        Credentials::UserAndPassword { username, password } => basic(username, password),
    }
}

async fn open_store(
    config: &DatabaseConfig,
    url: SecretString,
    schema: Schema,
) -> Result<Store, WiringError> {
    let store = Store::connect(&store::Settings {
        url,
        max_connections: config.max_connections,
        statement_timeout: config.statement_timeout,
        application_name: concat!("extractor ", env!("CARGO_PKG_VERSION")).to_owned(),
    })
    .await?;
    let ready = match schema {
        Schema::Untouched => Ok(()),
        Schema::AsConfigured => prepare_schema(&store, config.auto_migrate).await,
    };
    if ready.is_err() {
        store.close().await;
    }
    Ok(ready.map(|()| store)?)
}

/// Looks first, because migrating needs privileges that a role for daily use need not have.
async fn prepare_schema(store: &Store, auto_migrate: bool) -> Result<(), StoreError> {
    match store.check_schema().await {
        Err(StoreError::SchemaOutdated { .. }) if auto_migrate => store.migrate().await,
        checked => checked,
    }
}

async fn first_visible<'a>(
    client: &JiraClient,
    projects: &'a [ProjectKey],
) -> Result<Option<&'a ProjectKey>, JiraError> {
    for key in projects {
        if client.project(key).await?.is_some_and(|project| !project.archived) {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

fn identity() -> WorkerIdentity {
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    WorkerIdentity {
        host: host.unwrap_or_else(|| "unknown".to_owned()),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

async fn stop_private(private: Option<PrivatePostgres>) {
    if let Some(private) = private
        && let Err(error) = private.stop().await
    {
        tracing::warn!(error = %error, "private postgres not stopped in order");
    }
}

async fn unless_stopped<T, E: Into<WiringError>>(
    stop: &CancellationToken,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, WiringError> {
    tokio::select! {
        done = work => done.map_err(Into::into),
        () = stop.cancelled() => Err(WiringError::Interrupted),
    }
}
