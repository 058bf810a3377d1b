//! Everything that runs need, started in an order in which a wrong token leaves no trace.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::WiringError;
use super::database::{Database, Schema};
use super::peer::{Peer, close_gates, in_flight, jira_client, pass_on_gates};
use crate::config::Config;
use crate::jira;
use crate::jql::UserFilter;
use crate::model::ProjectKey;
use crate::store::{Session, WorkerIdentity};
use crate::sync::{BATCH_LEASE, Budget, Engine, EngineSettings};

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
            close_gates(&client, &config.jira, database.store()).await;
        }
        let peer = match Peer::meet_by(client.clone(), &config.jira, projects, stop).await {
            Ok(peer) => peer,
            Err(error) => {
                if let Some(database) = existing {
                    pass_on_gates(&client, &config.jira, database.store()).await;
                    database.close().await;
                }
                return Err(error);
            }
        };
        let database = match existing {
            Some(database) => database.prepared(&config.database, stop).await?,
            None => Database::open(&config.database, Schema::AsConfigured, stop).await?,
        };
        let session = match database.store().open_session(identity()).await {
            Ok(session) => session,
            Err(error) => {
                database.close().await;
                return Err(error.into());
            }
        };
        let engine = Engine::new(
            peer.client.clone(),
            database.store().clone().keeping_history(config.sync.history),
            session.worker(),
            peer.instance.clone(),
            engine_settings(config, &peer, filter),
            stop.clone(),
        );
        let (client, store) = (peer.client.clone(), database.store().clone());
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

/// The extra JQL, checked.
///
/// # Errors
/// [`WiringError::Filter`].
pub fn user_filter(config: &Config) -> Result<Option<UserFilter>, WiringError> {
    Ok(config.sync.filter.as_deref().map(UserFilter::parse).transpose()?)
}

/// How far a delta reaches back on this kind of Jira.
pub fn overlap(config: &Config, flavor: jira::Flavor) -> Duration {
    match flavor {
        jira::Flavor::Server => config.sync.overlap.on_server(),
        jira::Flavor::Cloud => config.sync.overlap.on_cloud(),
    }
}

pub(in crate::daemon) fn engine_settings(
    config: &Config,
    peer: &Peer,
    filter: Option<UserFilter>,
) -> EngineSettings {
    EngineSettings {
        site: peer.site.clone(),
        filter,
        overlap: overlap(config, peer.instance.flavor),
        page_rows: config.jira.listing_page_size,
        batch_size: config.jira.batch_size.min(peer.instance.batch_cap),
        max_in_flight: in_flight(&config.jira),
        streams: config.sync.streams.clone(),
        privacy: config.privacy.clone(),
        batch_lease: BATCH_LEASE,
    }
}

pub(in crate::daemon) fn identity() -> WorkerIdentity {
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    WorkerIdentity {
        host: host.unwrap_or_else(|| "unknown".to_owned()),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
