//! How completely an issue was fetched.

use serde::{Deserialize, Serialize};

use super::run::text_enum;

/// The rung of the fetch ladder an issue came from, stored with it. Orders from poor to rich.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// A small set of fields only; lossy, so the issue stays queued for another try.
    Minimal,
    /// Everything, the links fetched apart from the rest.
    Hub,
    /// Everything, in one request.
    Full,
}

text_enum!(Tier { Minimal => "minimal", Hub => "hub", Full => "full" });
