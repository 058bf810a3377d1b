//! Puts the parts together as configured, and takes them apart in order. Besides `main` and `cli`
//! the only place that sees the configuration; what the parts do is theirs.

mod database;
mod peer;
mod services;

use tokio_util::sync::CancellationToken;

use crate::config::ConfigError;
use crate::jira::JiraError;
use crate::jql::InvalidFilter;
use crate::store::StoreError;
use crate::store::private_postgres::PrivatePostgresError;

pub use database::{Database, Schema, private_settings};
pub use peer::{Peer, jira_client};
pub(super) use peer::{close_gates, pass_on_gates};
pub use services::{Services, overlap, user_filter};
pub(super) use services::{engine_settings, identity};

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

async fn unless_stopped<T, E: Into<WiringError>>(
    stop: &CancellationToken,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, WiringError> {
    tokio::select! {
        done = work => done.map_err(Into::into),
        () = stop.cancelled() => Err(WiringError::Interrupted),
    }
}
