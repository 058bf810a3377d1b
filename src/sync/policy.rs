//! What a failed fetch means for the issues it asked for. Pure, and exhaustive: a new kind of
//! error has to be decided here before it compiles.

use crate::jira::JiraError;
use crate::model::{Failure, FailureCategory, FailureCause};
use crate::store::PendingIssue;

/// What to do after a request for some issues failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Ask for fewer at once; with one issue left it is the issue's own fault.
    Halve {
        /// Jira strains under what it is asked: slow down as well.
        strained: bool,
    },
    /// Nothing is wrong with these issues: the run cannot go on.
    Abort,
}

/// Decides. A request that was worth retrying as it is has been retried by the client already.
pub(super) fn decide(error: &JiraError) -> Decision {
    match error {
        JiraError::Timeout { .. } | JiraError::Unavailable { .. } => {
            Decision::Halve { strained: true }
        }
        JiraError::TooLarge { .. }
        | JiraError::BadData { .. }
        | JiraError::Refused { .. }
        | JiraError::NotFound { .. } => Decision::Halve { strained: false },
        JiraError::Settings { .. }
        | JiraError::Unreachable { .. }
        | JiraError::Tls { .. }
        | JiraError::RateLimited { .. }
        | JiraError::Unauthorized { .. }
        | JiraError::NotLoggedIn { .. }
        | JiraError::Forbidden { .. }
        | JiraError::NoEndpoint { .. }
        | JiraError::Redirected { .. }
        | JiraError::Unsupported { .. } => Decision::Abort,
    }
}

/// The record of an issue that could not be fetched even alone.
pub(super) fn failure(issue: &PendingIssue, error: &JiraError) -> Failure {
    let (category, what_to_do) = match error {
        JiraError::Timeout { .. } => (
            FailureCategory::Temporary,
            "Jira is too slow for this issue: raise jira.timeout, or wait for a quieter hour",
        ),
        JiraError::TooLarge { .. } => {
            (FailureCategory::UserFixable, "the issue is larger than jira.max_body: raise it")
        }
        JiraError::Unavailable { .. } => (
            FailureCategory::AdminRequired,
            "Jira fails to render this issue: open it in Jira, and look into Jira's log",
        ),
        JiraError::BadData { .. } | JiraError::Refused { .. } | JiraError::NotFound { .. } => (
            FailureCategory::AdminRequired,
            "Jira's answer for this issue cannot be read: open it in Jira, and look into its log",
        ),
        JiraError::Settings { .. }
        | JiraError::Unreachable { .. }
        | JiraError::Tls { .. }
        | JiraError::RateLimited { .. }
        | JiraError::Unauthorized { .. }
        | JiraError::NotLoggedIn { .. }
        | JiraError::Forbidden { .. }
        | JiraError::NoEndpoint { .. }
        | JiraError::Redirected { .. }
        | JiraError::Unsupported { .. } => {
            (FailureCategory::Temporary, "nothing: it is tried again by the next run")
        }
    };
    Failure { cause: cause(error), ..recorded(issue, error.to_string(), category, what_to_do) }
}

/// The kind of thing that went wrong.
fn cause(error: &JiraError) -> FailureCause {
    match error {
        JiraError::Timeout { .. } => FailureCause::Timeout,
        JiraError::TooLarge { .. } => FailureCause::TooLarge,
        JiraError::Unavailable { .. } => FailureCause::ServerError,
        JiraError::BadData { .. } => FailureCause::Unreadable,
        JiraError::Refused { .. } | JiraError::NotFound { .. } => FailureCause::Refused,
        JiraError::Settings { .. }
        | JiraError::Unreachable { .. }
        | JiraError::Tls { .. }
        | JiraError::RateLimited { .. }
        | JiraError::Unauthorized { .. }
        | JiraError::NotLoggedIn { .. }
        | JiraError::Forbidden { .. }
        | JiraError::NoEndpoint { .. }
        | JiraError::Redirected { .. }
        | JiraError::Unsupported { .. } => FailureCause::Other,
    }
}

/// The record of an issue of which a list could not be had in full.
pub(super) fn lacking(issue: &PendingIssue, error: &JiraError) -> Failure {
    Failure { cause: FailureCause::LackingChildren, ..failure(issue, error) }
}

/// The record of an issue that came, but whose JSON lacks what an issue must have.
pub(super) fn unreadable(issue: &PendingIssue, reason: &str) -> Failure {
    let what_to_do =
        "Jira delivers this issue in a form that cannot be read: open it in Jira, and report it";
    Failure {
        cause: FailureCause::Unreadable,
        ..recorded(issue, reason.to_owned(), FailureCategory::AdminRequired, what_to_do)
    }
}

/// The record of an issue that Postgres refuses to hold.
pub(super) fn unstorable(issue: &PendingIssue, reason: String) -> Failure {
    let what_to_do =
        "a value in this issue cannot be held by Postgres: report it with the issue's key";
    Failure {
        cause: FailureCause::Unstorable,
        ..recorded(issue, reason, FailureCategory::AdminRequired, what_to_do)
    }
}

/// A failure whose cause is still to be named.
fn recorded(
    issue: &PendingIssue,
    reason: String,
    category: FailureCategory,
    what_to_do: &str,
) -> Failure {
    let (id, key) = (issue.id, issue.key.clone());
    let what_to_do = what_to_do.to_owned();
    Failure { id, key, reason, category, cause: FailureCause::Other, what_to_do }
}
