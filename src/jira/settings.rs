//! What a client must be told before it can speak to one Jira. Reading it from files and the
//! environment is `config`'s business.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

/// Who we say we are.
#[derive(Clone, Default)]
pub enum Credentials {
    /// Nobody: what the instance shows to everyone.
    #[default]
    Anonymous,
    /// A personal access token.
    Bearer(SecretString),
    /// A user name or e-mail address, with a password or API token.
    Basic {
        /// The user name or e-mail address.
        user: String,
        /// The password or API token.
        secret: SecretString,
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "Anonymous",
            Self::Bearer(_) => "Bearer(..)",
            Self::Basic { .. } => "Basic(..)",
        })
    }
}

/// Everything a [`JiraClient`](super::JiraClient) needs to know.
#[derive(Clone)]
pub struct JiraSettings {
    /// Where Jira is, with its context path, without user information.
    pub base_url: Url,
    /// Who we say we are.
    pub credentials: Credentials,
    /// A PEM file of certificates to trust besides the system's.
    pub ca_bundle: Option<PathBuf>,
    /// The longest one request may take, its body included.
    pub timeout: Duration,
    /// The longest a request for one heavy issue may take, its body included, and be silent.
    pub hub_timeout: Duration,
    /// The longest silence inside one answer.
    pub read_timeout: Duration,
    /// The longest that connecting may take.
    pub connect_timeout: Duration,
    /// The sustained rate; 0 is no limit.
    pub requests_per_second: f64,
    /// How many requests may leave at once after a pause; at least 1.
    pub burst: u32,
    /// How many requests may be under way at once; at least 1.
    pub max_in_flight: usize,
    /// How often one request is tried in all; at least 1.
    pub max_attempts: u32,
    /// The largest answer that is read, in bytes after decompression.
    pub max_body_bytes: u64,
    /// The longest `Retry-After` that is waited for; beyond it the caller is told instead.
    pub max_retry_after: Duration,
    /// How long an instance that has answered before and is down now is waited for.
    pub max_outage: Duration,
    /// How long nothing is sent to such an instance before the first look whether it is back; the
    /// pause doubles with each.
    pub probe_after: Duration,
    /// The upper end of the first random pause before a retry; it doubles with each.
    pub backoff_base: Duration,
    /// The upper end that no pause exceeds.
    pub backoff_cap: Duration,
    /// Never negotiate HTTP/2.
    pub http1_only: bool,
}

impl fmt::Debug for JiraSettings {
    /// Only what cannot be a secret: an address may hold a password before it is refused.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JiraSettings")
            .field("host", &self.base_url.host_str())
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

impl JiraSettings {
    /// Settings for the Jira at `base_url` with the defaults of the `balanced` profile.
    pub fn new(base_url: Url) -> Self {
        Self {
            base_url,
            credentials: Credentials::Anonymous,
            ca_bundle: None,
            timeout: Duration::from_secs(60),
            hub_timeout: Duration::from_secs(600),
            read_timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(10),
            requests_per_second: 10.0,
            burst: 10,
            max_in_flight: 8,
            max_attempts: 5,
            max_body_bytes: 256 * 1024 * 1024,
            max_retry_after: Duration::from_secs(960),
            max_outage: Duration::from_secs(120),
            probe_after: Duration::from_secs(1),
            backoff_base: Duration::from_millis(500),
            backoff_cap: Duration::from_secs(30),
            http1_only: false,
        }
    }
}
