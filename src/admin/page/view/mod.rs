//! What the page says, without any markup: words, numbers and tones made of what is known. Pure;
//! the markup is `html`'s.

pub(super) mod chart;
pub(super) mod failures;
pub(super) mod live;
pub(super) mod log;
pub(super) mod overall;
pub(super) mod projects;
pub(super) mod runs;
pub(super) mod traffic;

#[cfg(test)]
pub(super) mod stage;

use chrono::{DateTime, Utc};

use super::board::Picture;
use crate::admin::desk::ServiceStatus;
use crate::jira::ClientStats;

/// Everything that the words are made of, at one instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight<'a> {
    /// What the service says.
    pub(super) status: &'a ServiceStatus,
    /// What its client has sent.
    pub(super) stats: Option<ClientStats>,
    /// What the database was seen to hold.
    pub(super) picture: &'a Picture,
    /// The present, by this process's clock.
    pub(super) now: DateTime<Utc>,
}

/// How something is doing. It is always told in words too: colour alone says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tone {
    /// As it should be.
    Good,
    /// At work.
    Busy,
    /// Neither good nor bad.
    Quiet,
    /// Somebody should look at it.
    Warn,
    /// Something is wrong.
    Bad,
}

impl Tone {
    /// Its name in the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Busy => "busy",
            Self::Quiet => "quiet",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// A few words and how they are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// How it is meant.
    pub(super) tone: Tone,
    /// The words.
    pub(super) text: String,
}

impl Word {
    pub(super) fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { tone, text: text.into() }
    }
}
