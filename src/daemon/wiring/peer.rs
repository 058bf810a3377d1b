//! Jira as configured: the client, what the instance says it is, and what it has asked earlier
//! processes to wait for.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio_util::sync::CancellationToken;

use super::database::Database;
use super::{WiringError, unless_stopped};
use crate::config::{Config, Credentials, Flavor, JiraConfig};
use crate::jira::{self, Instance, JiraClient, JiraError, JiraSettings, Scope};
use crate::model::{ProjectKey, Site};
use crate::store::{Store, Throttle};

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
    /// shows, or by any; but not while it has asked an earlier process to wait, and no faster than
    /// others leave room for, as far as the configured database can be read.
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
                close_gates(&client, &config.jira, database.store()).await;
                database.close().await;
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(error = %error, "no database to ask what has to wait"),
        }
        Self::meet_by(client, &config.jira, projects, stop).await
    }

    pub(in crate::daemon) async fn meet_by(
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
        let instance = unless_stopped(stop, Box::pin(meeting)).await?;
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

/// Has `client` wait as long as Jira has asked earlier processes to, and leave room for the others
/// that are at work.
pub(in crate::daemon) async fn close_gates(
    client: &JiraClient,
    config: &JiraConfig,
    store: &Store,
) {
    let Ok((_, site)) = config.instance() else { return };
    match store.load_throttles(site).await {
        Ok(throttles) => {
            for throttle in throttles {
                client.close_gate(&Scope::from_text(throttle.scope), throttle.wait);
            }
        }
        Err(error) => tracing::debug!(error = %error, "what has to wait cannot be read"),
    }
    take_share(client, site, store).await;
}

/// Has `client` begin with the share of the request rate that others leave it, who do not know of it
/// yet, and without a burst.
async fn take_share(client: &JiraClient, site: &Site, store: &Store) {
    match store.count_sharing(site).await {
        Ok(0) => {}
        Ok(others) => {
            let others = u32::try_from(others).unwrap_or(u32::MAX);
            client.join(others.saturating_add(1), Duration::ZERO);
        }
        Err(error) => tracing::debug!(error = %error, "who shares the rate cannot be read"),
    }
}

/// Lets later processes wait as long as Jira has asked `client` to, which ends here.
pub(in crate::daemon) async fn pass_on_gates(
    client: &JiraClient,
    config: &JiraConfig,
    store: &Store,
) {
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

pub(super) fn in_flight(config: &JiraConfig) -> usize {
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
