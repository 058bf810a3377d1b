//! Profiles: how hard Jira is worked, as a named layer between the defaults and the file.

use std::fmt;

use serde::Deserialize;

const PROFILES: &str = include_str!("../../config/profiles.toml");

/// A named set of request rate, concurrency, batch size and retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// 20 requests a second.
    Fast,
    /// 10 requests a second.
    Balanced,
    /// 5 requests a second.
    Conservative,
}

impl Profile {
    /// Every profile, fastest first.
    pub const ALL: [Self; 3] = [Self::Fast, Self::Balanced, Self::Conservative];

    /// The name as it is written in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Balanced => "balanced",
            Self::Conservative => "conservative",
        }
    }

    /// The profile of that name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == name)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text of the file that says what each profile sets.
pub(super) fn text() -> &'static str {
    PROFILES
}
