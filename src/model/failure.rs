//! An issue that could not be fetched or stored whole, and who can do something about it.

use serde::{Deserialize, Serialize};

use super::run::text_enum;
use super::{IssueId, IssueKey};

/// Who can do something about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCategory {
    /// Whoever configured or started the run.
    UserFixable,
    /// Nobody needs to: it is tried again.
    Temporary,
    /// An administrator of Jira, of Postgres or of the network.
    AdminRequired,
}

text_enum!(FailureCategory {
    UserFixable => "user_fixable",
    Temporary => "temporary",
    AdminRequired => "admin_required",
});

/// What kind of thing went wrong, for scripts and metrics: there are few, and they keep their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCause {
    /// Jira did not answer in time, even for the issue alone.
    Timeout,
    /// The issue is larger than `jira.max_body`.
    TooLarge,
    /// Jira's answer is not what an issue looks like.
    Unreadable,
    /// Jira refuses to give out the issue.
    Refused,
    /// Jira fails while it puts the issue together.
    ServerError,
    /// Postgres cannot hold a value of the issue.
    Unstorable,
    /// Everything but the links is stored.
    LackingLinks,
    /// A list of the issue's other children is not whole.
    LackingChildren,
    /// Only a small set of fields is stored.
    LackingFields,
    /// None of these; the reason says more.
    Other,
}

text_enum!(FailureCause {
    Timeout => "timeout",
    TooLarge => "too_large",
    Unreadable => "unreadable",
    Refused => "refused",
    ServerError => "server_error",
    Unstorable => "unstorable",
    LackingLinks => "lacking_links",
    LackingChildren => "lacking_children",
    LackingFields => "lacking_fields",
    Other => "other",
});

impl FailureCause {
    /// Every cause, in the order in which counters show them.
    pub const ALL: [Self; 10] = [
        Self::Timeout,
        Self::TooLarge,
        Self::Unreadable,
        Self::Refused,
        Self::ServerError,
        Self::Unstorable,
        Self::LackingLinks,
        Self::LackingChildren,
        Self::LackingFields,
        Self::Other,
    ];

    /// Who can usually do something about it.
    pub fn category(self) -> FailureCategory {
        match self {
            Self::Timeout
            | Self::LackingLinks
            | Self::LackingChildren
            | Self::LackingFields
            | Self::Other => FailureCategory::Temporary,
            Self::TooLarge => FailureCategory::UserFixable,
            Self::Unreadable | Self::Refused | Self::ServerError | Self::Unstorable => {
                FailureCategory::AdminRequired
            }
        }
    }
}

/// Why one issue is not stored whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Jira's numeric id.
    pub id: IssueId,
    /// The key it was listed with.
    pub key: IssueKey,
    /// What went wrong, in one sentence without secrets.
    pub reason: String,
    /// Who can do something about it.
    pub category: FailureCategory,
    /// What kind of thing went wrong.
    pub cause: FailureCause,
    /// What they can do.
    pub what_to_do: String,
}
