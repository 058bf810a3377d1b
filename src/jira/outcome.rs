//! What an attempt came to: for the counters, and for what it shows of the instance. Pure, and
//! exhaustive: a new kind of error has to be decided here before it compiles.

use super::breaker::Health;
use super::error::JiraError;

/// What came of a request, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A success.
    Ok,
    /// Refused for what it is.
    Refused,
    /// Jira asks for patience.
    Throttled,
    /// Broken, or a server error.
    Failed,
    /// Not in time.
    TimedOut,
}

/// Judges the result of one attempt. `asked_to_wait`: the answer had a `Retry-After` to be obeyed;
/// a server error with one is an instance that asks for patience, and not one that is down.
pub(super) fn of<T>(result: &Result<T, JiraError>, asked_to_wait: bool) -> (Outcome, Health) {
    let Err(error) = result else { return (Outcome::Ok, Health::Alive) };
    match error {
        JiraError::RateLimited { .. } => (Outcome::Throttled, Health::Alive),
        JiraError::Unavailable { .. } if asked_to_wait => (Outcome::Throttled, Health::Alive),
        JiraError::Unavailable { .. } | JiraError::Unreachable { .. } => {
            (Outcome::Failed, Health::Down)
        }
        JiraError::Timeout { .. } => (Outcome::TimedOut, Health::Unclear),
        JiraError::TooLarge { .. } => (Outcome::Failed, Health::Alive),
        JiraError::Unauthorized { .. }
        | JiraError::NotLoggedIn { .. }
        | JiraError::Forbidden { .. }
        | JiraError::Refused { .. }
        | JiraError::NotFound { .. }
        | JiraError::NoEndpoint { .. }
        | JiraError::Redirected { .. } => (Outcome::Refused, Health::Alive),
        JiraError::Tls { .. }
        | JiraError::BadData { .. }
        | JiraError::Settings { .. }
        | JiraError::Unsupported { .. } => (Outcome::Failed, Health::Unclear),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jira::{Endpoint, Messages};

    fn unavailable() -> Result<(), JiraError> {
        let (host, endpoint) = ("h".to_owned(), Endpoint::Search);
        Err(JiraError::Unavailable { host, endpoint, status: 503, messages: Messages::default() })
    }

    #[test]
    fn a_server_error_that_asks_for_patience_is_no_outage() {
        assert_eq!(of(&unavailable(), false), (Outcome::Failed, Health::Down));
        assert_eq!(of(&unavailable(), true), (Outcome::Throttled, Health::Alive));
    }

    #[test]
    fn who_refuses_is_there_and_who_is_slow_may_be() {
        let host = || "h".to_owned();
        let endpoint = Endpoint::Search;
        let refused = JiraError::NoEndpoint { host: host(), endpoint };
        assert_eq!(of::<()>(&Err(refused), false), (Outcome::Refused, Health::Alive));
        let limit = std::time::Duration::from_secs(1);
        let slow = JiraError::Timeout { host: host(), endpoint, limit };
        assert_eq!(of::<()>(&Err(slow), false), (Outcome::TimedOut, Health::Unclear));
    }
}
