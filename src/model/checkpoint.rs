//! Where a listing stands, in the form that survives a restart.

use serde::{Deserialize, Serialize};

use super::{EpochSecond, IssueKey};

/// A listing's checkpoint, stored after every page in the transaction that stores its rows.
///
/// Everything whose *index* time lies before `frontier` has been listed. `after` speaks of the
/// one over-full stretch that begins at `frontier`: everything in it up to and including that
/// key, in key order, has been listed too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// `None`: the beginning, nothing is listed yet.
    pub frontier: Option<EpochSecond>,
    /// The anchor inside an over-full stretch at the frontier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<IssueKey>,
    /// The issues with an `updated` are all listed; only those without one are left.
    #[serde(default)]
    pub dated_done: bool,
    /// The listing is complete.
    #[serde(default)]
    pub done: bool,
}
