//! The database: the one that is configured, or a private Postgres.

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::{WiringError, unless_stopped};
use crate::config::{DatabaseConfig, DatabaseLocation};
use crate::store::private_postgres::{PrivatePostgres, PrivatePostgresSettings, default_data_dir};
use crate::store::{self, Store, StoreError};

/// Connections of a private Postgres at the least: several processes may share it.
const PRIVATE_CONNECTIONS: u32 = 50;
/// Connections a process needs beside its pool: a session, a listener, a migration.
const OUTSIDE_THE_POOL: u32 = 5;

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
        match unless_stopped(stop, Box::pin(open_store(config, url, schema))).await {
            Ok(store) => Ok(Self { store, private }),
            Err(error) => {
                stop_private(private).await;
                Err(error)
            }
        }
    }

    /// Opens the configured database if there is one, and leaves it as it is; `None` for a private
    /// Postgres that was never started.
    pub(super) async fn open_existing(
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
    pub(super) async fn prepared(
        self,
        config: &DatabaseConfig,
        stop: &CancellationToken,
    ) -> Result<Self, WiringError> {
        match unless_stopped(stop, Box::pin(prepare_schema(&self.store, config.auto_migrate))).await
        {
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

async fn stop_private(private: Option<PrivatePostgres>) {
    if let Some(private) = private
        && let Err(error) = private.stop().await
    {
        tracing::warn!(error = %error, "private postgres not stopped in order");
    }
}
