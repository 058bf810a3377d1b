//! What can go wrong with Jira, told apart by what a caller can do about it.
//! Texts name the host and the endpoint; never credentials, never a query, never a body.

use std::error::Error;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::endpoint::Endpoint;
use super::refusal::Messages;
use super::retry::Failure;
use super::shape::Came;

/// The cause of a failure below HTTP.
pub type Cause = Box<dyn Error + Send + Sync + 'static>;

/// A call to Jira that gave no answer one can use.
#[derive(Debug, thiserror::Error)]
pub enum JiraError {
    /// The settings cannot be used; mend the named key.
    #[error("{key}: {problem}")]
    Settings {
        /// The configuration key at fault.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
        /// The cause, if there is one.
        #[source]
        source: Option<Cause>,
    },
    /// No connection, or it broke, on every attempt.
    #[error("no answer from Jira at {host}: the connection failed or broke")]
    Unreachable {
        /// Host and port.
        host: String,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// Jira's certificate is not trusted, or no TLS version fits.
    #[error(
        "no TLS connection to Jira at {host}; if its certificate is from a private authority, \
         name that authority's file in jira.ca_bundle"
    )]
    Tls {
        /// Host and port.
        host: String,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// The answer did not come in time: ask for less, or later.
    #[error("Jira at {host} did not answer {endpoint} within {limit:?}")]
    Timeout {
        /// Host and port.
        host: String,
        /// What was asked.
        endpoint: Endpoint,
        /// The limit that passed.
        limit: Duration,
    },
    /// The answer is larger than the limit: ask for less.
    #[error("the answer to {endpoint} is larger than {limit_bytes} bytes")]
    TooLarge {
        /// What was asked.
        endpoint: Endpoint,
        /// The limit.
        limit_bytes: u64,
    },
    /// Jira answered with a server error on every attempt.
    #[error("Jira at {host} answered {endpoint} with status {status}{messages}")]
    Unavailable {
        /// Host and port.
        host: String,
        /// What was asked.
        endpoint: Endpoint,
        /// The last status.
        status: u16,
        /// What Jira said.
        messages: Messages,
    },
    /// Jira asked us to wait longer than the limit, or said 429 on every attempt.
    #[error("Jira at {host} limits our rate{}", until_text(.until))]
    RateLimited {
        /// Host and port.
        host: String,
        /// Not before this instant, if Jira named one.
        until: Option<DateTime<Utc>>,
    },
    /// 401, or 403 with a reason why the log-in was denied: the credentials were not accepted.
    #[error("Jira at {host} refused the credentials{detail}; {remedy}")]
    Unauthorized {
        /// Host and port.
        host: String,
        /// What the headers add.
        detail: String,
        /// What to do.
        remedy: &'static str,
    },
    /// Jira answers, but does not take us for whom we say we are.
    #[error(
        "Jira at {host} did not log us in ({sign}): its answers would lack what the account may \
         see; renew jira.token, or log in to Jira once in a browser if it asks for a captcha"
    )]
    NotLoggedIn {
        /// Host and port.
        host: String,
        /// What showed it.
        sign: String,
    },
    /// 403: the account may not do this.
    #[error("the account may not read {endpoint} (403){messages}")]
    Forbidden {
        /// What was asked.
        endpoint: Endpoint,
        /// What Jira said.
        messages: Messages,
    },
    /// 400 and other client errors: the request itself was refused.
    #[error("Jira refused {endpoint} (status {status}){messages}")]
    Refused {
        /// What was asked.
        endpoint: Endpoint,
        /// The status.
        status: u16,
        /// What Jira said.
        messages: Messages,
    },
    /// 404, where Jira itself says that the thing is not there for us.
    #[error("Jira has no such thing under {endpoint}{messages}")]
    NotFound {
        /// What was asked.
        endpoint: Endpoint,
        /// What Jira said.
        messages: Messages,
    },
    /// 404, where nothing answers under that path at all.
    #[error("no {endpoint} resource at {host}: is jira.base_url right, with its context path?")]
    NoEndpoint {
        /// Host and port.
        host: String,
        /// What was asked.
        endpoint: Endpoint,
    },
    /// A success whose body is not what was asked for.
    #[error("the answer to {endpoint} is not the expected JSON: {came}")]
    BadData {
        /// What was asked.
        endpoint: Endpoint,
        /// What came instead.
        came: Came,
    },
    /// A redirect: a log-in page, or an address that is not exact. Never followed.
    #[error(
        "Jira redirects {endpoint} to {to} (status {status}): this is a log-in page that the \
         credentials do not pass, or jira.base_url is not the exact address"
    )]
    Redirected {
        /// What was asked.
        endpoint: Endpoint,
        /// The status.
        status: u16,
        /// The host it points to.
        to: String,
    },
    /// This Jira cannot be extracted by this version.
    #[error("{what}")]
    Unsupported {
        /// What is missing, and what to do.
        what: String,
    },
}

fn until_text(until: &Option<DateTime<Utc>>) -> String {
    match until {
        Some(until) => format!("; not before {}", until.format("%Y-%m-%dT%H:%M:%SZ")),
        None => String::new(),
    }
}

/// What a failure means for the program, as its exit code says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// Jira's answer or its refusal cannot be worked with.
    BadData,
    /// Nobody answers.
    Unreachable,
    /// Later it may work.
    TryLater,
    /// The account is not let in.
    Refused,
    /// The configuration must be mended.
    Configuration,
}

impl ErrorClass {
    /// The exit code after sysexits.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::BadData => 65,
            Self::Unreachable => 69,
            Self::TryLater => 75,
            Self::Refused => 77,
            Self::Configuration => 78,
        }
    }
}

impl JiraError {
    /// What this failure means for the program.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Settings { .. } | Self::NoEndpoint { .. } | Self::Unsupported { .. } => {
                ErrorClass::Configuration
            }
            Self::Unreachable { .. }
            | Self::Tls { .. }
            | Self::Timeout { .. }
            | Self::Unavailable { .. } => ErrorClass::Unreachable,
            Self::RateLimited { .. } => ErrorClass::TryLater,
            Self::Unauthorized { .. } | Self::NotLoggedIn { .. } | Self::Forbidden { .. } => {
                ErrorClass::Refused
            }
            Self::TooLarge { .. }
            | Self::Refused { .. }
            | Self::NotFound { .. }
            | Self::BadData { .. }
            | Self::Redirected { .. } => ErrorClass::BadData,
        }
    }

    /// How the retry decision sees this failure.
    pub(super) fn failure(&self) -> Failure {
        match self {
            Self::Unreachable { .. } => Failure::Broken,
            Self::Timeout { .. } => Failure::TimedOut,
            Self::Unavailable { status: 504, .. } => Failure::GatewayTimedOut,
            Self::Unavailable { .. } => Failure::ServerError,
            Self::RateLimited { .. } => Failure::Throttled,
            Self::BadData { came, .. } if came.may_be_an_accident() => Failure::Garbled,
            Self::BadData { .. }
            | Self::Settings { .. }
            | Self::Tls { .. }
            | Self::TooLarge { .. }
            | Self::Unauthorized { .. }
            | Self::NotLoggedIn { .. }
            | Self::Forbidden { .. }
            | Self::Refused { .. }
            | Self::NotFound { .. }
            | Self::NoEndpoint { .. }
            | Self::Redirected { .. }
            | Self::Unsupported { .. } => Failure::Final,
        }
    }
}
