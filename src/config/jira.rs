//! The section `[jira]`: which instance, who we are there, and how hard it is worked.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::credentials::{CredentialKeys, Credentials};
use super::error::ConfigError;
use super::layers::Settings;
use super::text::unset_if_empty;
use super::{base_url, form};
use crate::model::Site;

/// What kind of Jira it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavor {
    /// Jira is asked once, through `serverInfo`.
    Auto,
    /// Server and Data Center (REST v2).
    Server,
    /// Cloud (REST v3).
    Cloud,
}

/// The section `[jira]`.
#[derive(Debug, Clone)]
pub struct JiraConfig {
    /// The address, without a slash after its context path; [`JiraConfig::instance`] insists on it.
    pub base_url: Option<Url>,
    /// The short name; `None` only when neither it nor the address is set.
    pub site: Option<Site>,
    /// What kind of Jira it is.
    pub flavor: Flavor,
    /// Who we are there.
    pub credentials: Credentials,
    /// A PEM file of authorities to trust besides the system's.
    pub ca_bundle: Option<PathBuf>,
    /// The longest a request may take.
    pub timeout: Duration,
    /// The longest a request for one heavy issue may take.
    pub hub_timeout: Duration,
    /// The longest that opening a connection may take.
    pub connect_timeout: Duration,
    /// Whether HTTP/2 is not offered.
    pub http1_only: bool,
    /// Requests started each second; 0 is no limit.
    pub requests_per_second: f64,
    /// Requests started at once after a pause.
    pub burst: u32,
    /// The most requests in flight.
    pub max_in_flight: u32,
    /// The most issues asked for at once.
    pub batch_size: u32,
    /// How often a request is tried.
    pub max_attempts: u32,
    /// Rows asked for on a listing page.
    pub listing_page_size: u32,
    /// The largest answer that is read, in bytes.
    pub max_body: u64,
    /// The longest `Retry-After` that is waited out.
    pub max_retry_after: Duration,
    /// How long an instance that is down in the middle of the work is waited for.
    pub max_outage: Duration,
}

impl JiraConfig {
    /// The address and the short name of the instance, for the commands that need one.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] when `jira.base_url` is not set.
    pub fn instance(&self) -> Result<(&Url, &Site), ConfigError> {
        match (&self.base_url, &self.site) {
            (Some(url), Some(site)) => Ok((url, site)),
            _ => Err(ConfigError::Missing {
                key: "jira.base_url",
                advice: "set it to the address of Jira with its context path, such as \
                         https://jira.example.com/jira: with the flag --base-url, with the \
                         environment variable EXTRACTOR_JIRA__BASE_URL, or as base_url under [jira] \
                         in ./extractor.toml, /etc/extractor/extractor.toml or the file that \
                         --config names"
                    .to_owned(),
            }),
        }
    }
}

/// The section as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JiraSection {
    #[serde(deserialize_with = "unset_if_empty")]
    base_url: Option<String>,
    #[serde(deserialize_with = "unset_if_empty")]
    site: Option<String>,
    flavor: Flavor,
    #[serde(deserialize_with = "unset_if_empty")]
    token: Option<SecretString>,
    #[serde(deserialize_with = "unset_if_empty")]
    email: Option<String>,
    #[serde(deserialize_with = "unset_if_empty")]
    username: Option<String>,
    #[serde(deserialize_with = "unset_if_empty")]
    password: Option<SecretString>,
    #[serde(deserialize_with = "unset_if_empty")]
    ca_bundle: Option<String>,
    #[serde(with = "humantime_serde")]
    timeout: Duration,
    #[serde(with = "humantime_serde")]
    hub_timeout: Duration,
    #[serde(with = "humantime_serde")]
    connect_timeout: Duration,
    http1_only: bool,
    requests_per_second: f64,
    burst: u32,
    max_in_flight: u32,
    batch_size: u32,
    max_attempts: u32,
    listing_page_size: u32,
    max_body: ByteSize,
    #[serde(with = "humantime_serde")]
    max_retry_after: Duration,
    #[serde(with = "humantime_serde")]
    max_outage: Duration,
}

impl JiraSection {
    /// The section with its address read, its credentials put together and its site named.
    /// What is unwise but allowed is added to `warnings`.
    pub(super) fn resolve(
        self,
        settings: &Settings,
        environment: &BTreeMap<String, String>,
        warnings: &mut Vec<String>,
    ) -> Result<JiraConfig, ConfigError> {
        let base_url = match &self.base_url {
            None => None,
            Some(text) => Some(base_url::parse(text).map_err(|expected| {
                let shown = form::Form::JiraAddress
                    .shown(&text.as_str().into())
                    .unwrap_or_else(|| "an address".to_owned());
                ConfigError::bad_value(
                    "jira.base_url",
                    shown,
                    &settings.origin("jira.base_url"),
                    expected,
                )
            })?),
        };
        let default_site = base_url.as_ref().and_then(base_url::default_site);
        let site = self.site.as_deref().or(default_site).map(Site::new);
        let credentials = CredentialKeys {
            token: self.token,
            email: self.email,
            username: self.username,
            password: self.password,
        }
        .resolve(settings)?;
        if let Some(url) = &base_url {
            warnings.extend(concerns(url, &credentials));
        }
        Ok(JiraConfig {
            base_url,
            site,
            flavor: self.flavor,
            credentials,
            ca_bundle: self.ca_bundle.map(|path| super::text::path(&path, environment)),
            timeout: self.timeout,
            hub_timeout: self.hub_timeout,
            connect_timeout: self.connect_timeout,
            http1_only: self.http1_only,
            requests_per_second: self.requests_per_second,
            burst: self.burst,
            max_in_flight: self.max_in_flight,
            batch_size: self.batch_size,
            max_attempts: self.max_attempts,
            listing_page_size: self.listing_page_size,
            max_body: self.max_body.as_u64(),
            max_retry_after: self.max_retry_after,
            max_outage: self.max_outage,
        })
    }
}

fn concerns(url: &Url, credentials: &Credentials) -> Option<String> {
    match credentials {
        Credentials::Anonymous => Some(
            "no credentials are set (jira.token, or jira.username and jira.password): only what \
             anonymous visitors may see is extracted"
                .to_owned(),
        ),
        Credentials::Token(_) if base_url::is_cloud_site(url) => Some(
            "jira.token is set without jira.email, so it is sent as a bearer token, which a Cloud \
             site does not take at its own address: set jira.email, or set jira.base_url to the \
             gateway, https://api.atlassian.com/ex/jira/CLOUDID"
                .to_owned(),
        ),
        _ if base_url::is_readable_by_others(url) => Some(
            "jira.base_url begins with http:// and names another machine: the credentials can be \
             read on the way; use https:// if Jira offers it"
                .to_owned(),
        ),
        _ => None,
    }
}
