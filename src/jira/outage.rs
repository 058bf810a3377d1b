//! The failure that opened the breaker, for everybody who waited behind it in vain.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::endpoint::Endpoint;
use super::error::{Cause, JiraError};
use super::refusal::Messages;

/// An error of the whole instance that can be told more than once.
#[derive(Debug, Clone)]
pub(super) enum Outage {
    /// No connection.
    Unreachable { host: String, cause: SharedCause },
    /// A server error.
    Unavailable { host: String, endpoint: Endpoint, status: u16, messages: Messages },
}

impl Outage {
    /// Keeps `error`, and gives it back as it was; `None` when it is none of the whole instance.
    pub(super) fn keep(error: JiraError) -> (Option<Self>, JiraError) {
        match error {
            JiraError::Unreachable { host, source } => {
                let outage = Self::Unreachable { host, cause: SharedCause(Arc::new(source)) };
                (Some(outage.clone()), outage.error())
            }
            JiraError::Unavailable { host, endpoint, status, messages } => {
                let outage = Self::Unavailable { host, endpoint, status, messages };
                (Some(outage.clone()), outage.error())
            }
            other => (None, other),
        }
    }

    /// The error once more.
    pub(super) fn error(self) -> JiraError {
        match self {
            Self::Unreachable { host, cause } => {
                JiraError::Unreachable { host, source: Box::new(cause) }
            }
            Self::Unavailable { host, endpoint, status, messages } => {
                JiraError::Unavailable { host, endpoint, status, messages }
            }
        }
    }
}

/// A cause that several errors have.
#[derive(Debug, Clone)]
pub(super) struct SharedCause(Arc<Cause>);

impl fmt::Display for SharedCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for SharedCause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
