//! How completely an issue was fetched.

use std::fmt;

use serde::{Deserialize, Serialize};

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

impl Tier {
    /// The tier's name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Hub => "hub",
            Self::Full => "full",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
