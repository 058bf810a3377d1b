//! An issue that could not be fetched or stored whole, and who can do something about it.

use serde::{Deserialize, Serialize};

use super::run::text_enum;
use super::{IssueId, IssueKey};

/// Who can do something about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// What they can do.
    pub what_to_do: String,
}
