//! What a failed fetch means for the issues it asked for. Pure, and exhaustive: a new kind of
//! error has to be decided here before it compiles.

use std::time::Duration;

use super::fields::Names;
use crate::jira::JiraError;
use crate::model::{Failure, FailureCategory, FailureCause, Tier};
use crate::store::PendingIssue;

/// An issue that did not come whole is fetched again after the first of these, then after the next,
/// and so on; then it is recorded as failed, so that the run ends, and later runs try again.
const AGAIN_AFTER: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];

/// How many field names a reason repeats.
const FIELDS_NAMED: usize = 5;

/// What to do after a request for some issues failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Ask for fewer at once; an issue that fails alone climbs down the ladder.
    Split(Fault),
    /// Nothing is wrong with these issues: the run cannot go on.
    Abort,
}

/// How a request failed that asked for too much, or for the wrong issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It took too long.
    Slow,
    /// Jira failed to answer.
    Broken,
    /// The answer was larger than what is read.
    Large,
    /// The answer was none of Jira's, or a refusal.
    Unusable,
}

/// Decides. A request that was worth retrying as it is has been retried by the client already.
pub(super) fn decide(error: &JiraError) -> Decision {
    match error {
        JiraError::Timeout { .. } | JiraError::Unavailable { status: 504, .. } => {
            Decision::Split(Fault::Slow)
        }
        JiraError::Unavailable { .. } => Decision::Split(Fault::Broken),
        JiraError::TooLarge { .. } => Decision::Split(Fault::Large),
        JiraError::BadData { .. } | JiraError::Refused { .. } | JiraError::NotFound { .. } => {
            Decision::Split(Fault::Unusable)
        }
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

/// Whether a failure has to do with the issues that were asked for, so that others may come.
pub fn is_of_the_issue(error: &JiraError) -> bool {
    match decide(error) {
        Decision::Split(_) => true,
        Decision::Abort => false,
    }
}

/// Whether many issues that fail like this, alone and in a row, mean that Jira gives nothing: a
/// slow or a large issue is a matter of its own.
pub(super) fn speaks_of_jira(fault: Fault) -> bool {
    match fault {
        Fault::Broken | Fault::Unusable => true,
        Fault::Slow | Fault::Large => false,
    }
}

/// When an issue that did not come whole is fetched again; `None` when it was tried often enough.
/// One that an earlier run left on the lowest rung was tried by that run already; and of what no
/// issue of a kind has, there may be as many as the project has issues.
pub(super) fn again(issue: &PendingIssue, shortfall: &Shortfall) -> Option<Duration> {
    let given_up_before = issue.attempts == 0 && issue.stored_tier == Some(Tier::Minimal);
    let is_common = matches!(shortfall, Shortfall::FieldsOfItsKind(_));
    let attempts = usize::try_from(issue.attempts).unwrap_or(usize::MAX);
    AGAIN_AFTER.get(attempts).copied().filter(|_| !given_up_before && !is_common)
}

/// What an issue is stored without, and why.
#[derive(Debug)]
pub(super) enum Shortfall {
    /// Its links.
    Links(JiraError),
    /// Some of another list.
    Children(JiraError),
    /// Some of its changes, although Jira has answered: so many came of so many.
    Changes {
        /// What came.
        held: u64,
        /// What there is, by the issue itself.
        expected: u64,
    },
    /// All but a small set of fields.
    AllButAFew(JiraError),
    /// These fields, which Jira fails to load.
    Fields(Names),
    /// The same, of every issue of its kind that was asked for alone.
    FieldsOfItsKind(Names),
}

/// The record of an issue that is stored, but not whole.
pub(super) fn lacking(issue: &PendingIssue, shortfall: &Shortfall) -> Failure {
    let (without, cause, error) = match shortfall {
        Shortfall::Links(error) => ("its links did not come", FailureCause::LackingLinks, error),
        Shortfall::Children(error) => {
            ("a list of its children did not come whole", FailureCause::LackingChildren, error)
        }
        Shortfall::AllButAFew(error) => {
            ("all but a few fields did not come", FailureCause::LackingFields, error)
        }
        Shortfall::Fields(names) | Shortfall::FieldsOfItsKind(names) => {
            return failing(issue, names);
        }
        Shortfall::Changes { held, expected } => return short(issue, *held, *expected),
    };
    let failure = failure(issue, error);
    Failure { reason: format!("{without}: {}", failure.reason), cause, ..failure }
}

fn short(issue: &PendingIssue, held: u64, expected: u64) -> Failure {
    let reason = format!("of {expected} entries of its changelog {held} came");
    let what_to_do = "nothing: later runs try it again";
    Failure {
        cause: FailureCause::LackingChildren,
        ..recorded(issue, reason, FailureCategory::Temporary, what_to_do)
    }
}

fn failing(issue: &PendingIssue, names: &Names) -> Failure {
    let named: Vec<&str> = names.iter().take(FIELDS_NAMED).map(String::as_str).collect();
    let more = if names.len() > named.len() { " and others" } else { "" };
    let which = match named.as_slice() {
        [] => "some of its fields".to_owned(),
        named => format!("its fields {}{more}", named.join(", ")),
    };
    let reason = format!("Jira fails to load {which}");
    let what_to_do =
        "an app that provides the fields may be broken: open the issue in Jira, and look there";
    Failure {
        cause: FailureCause::LackingFields,
        ..recorded(issue, reason, FailureCategory::AdminRequired, what_to_do)
    }
}

/// The record of an issue that could not be fetched even alone.
pub(super) fn failure(issue: &PendingIssue, error: &JiraError) -> Failure {
    let (category, what_to_do) = match error {
        JiraError::Timeout { .. } => (
            FailureCategory::Temporary,
            "Jira is too slow for this issue: raise jira.hub_timeout, or wait for a quieter hour",
        ),
        JiraError::TooLarge { .. } => {
            (FailureCategory::UserFixable, "the issue is larger than jira.max_body: raise it")
        }
        JiraError::Unavailable { status: 504, .. } => (
            FailureCategory::AdminRequired,
            "a proxy before Jira does not wait long enough for this issue: raise its time-out to \
             jira.hub_timeout",
        ),
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
            (FailureCategory::Temporary, "nothing: later runs try it again")
        }
    };
    Failure { cause: cause(error), ..recorded(issue, error.to_string(), category, what_to_do) }
}

/// The kind of thing that went wrong.
fn cause(error: &JiraError) -> FailureCause {
    match error {
        JiraError::Timeout { .. } | JiraError::Unavailable { status: 504, .. } => {
            FailureCause::Timeout
        }
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::model::{IssueId, RunId};

    #[rstest]
    #[case::first(0, None, Some(2))]
    #[case::second(1, Some(Tier::Minimal), Some(10))]
    #[case::last(2, Some(Tier::Minimal), None)]
    #[case::of_a_hub(0, Some(Tier::Hub), Some(2))]
    #[case::of_an_earlier_run(0, Some(Tier::Minimal), None)]
    fn an_issue_is_tried_again_with_growing_waits_and_not_for_ever(
        #[case] attempts: u32,
        #[case] stored_tier: Option<Tier>,
        #[case] wait_secs: Option<u64>,
    ) {
        let issue = PendingIssue {
            id: IssueId(1),
            key: "PROJ-1".parse().unwrap(),
            run: RunId(uuid::Uuid::nil()),
            listed_updated: None,
            attempts,
            stored_tier,
        };
        let (some, common) = (Shortfall::Fields(Names::new()), Names::new());
        assert_eq!(again(&issue, &some), wait_secs.map(Duration::from_secs));
        assert_eq!(again(&issue, &Shortfall::FieldsOfItsKind(common)), None);
    }
}
