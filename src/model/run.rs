//! Runs: one pass of list, diff, hydrate and certify over one project.

use serde::{Deserialize, Serialize};

/// What a run lists, and so what it may conclude.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    /// From the beginning.
    Backfill,
    /// From the start of the last completed run minus the overlap.
    Delta,
    /// From the beginning, and what is absent is looked into.
    Reconcile,
}

/// Where a run is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Set when an operator asked for the run, or for it to go on; next: running, when a service
    /// takes it up, failed, when none can, or cancelled.
    Queued,
    /// Set when the run starts or is resumed; next: any of the others.
    Running,
    /// Set when the run was told to stop or its process died; the next run of the project resumes it.
    Interrupted,
    /// Set when everything listed is stored and the certificate holds. Final.
    Completed,
    /// Set when the run finished, but left failures or a certificate that does not hold. Final.
    Incomplete,
    /// Set when the run could not finish; `error` says why. The next run of the project resumes it.
    Failed,
    /// Set when an operator cancelled the run, who alone can have it go on; or when a newer run took
    /// its place. Final otherwise.
    Cancelled,
}

/// Gives an enum its names in the database: `as_str`, `Display` and `FromStr`.
macro_rules! text_enum {
    ($name:ident { $($variant:ident => $text:literal),+ $(,)? }) => {
        impl $name {
            /// The name in the database.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::model::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    other => Err(crate::model::UnknownName::new(other)),
                }
            }
        }
    };
}

/// A name in the database that this program does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown name {0:?}")]
pub struct UnknownName(String);

impl UnknownName {
    pub(super) fn new(name: &str) -> Self {
        Self(name.to_owned())
    }
}

pub(super) use text_enum;

text_enum!(RunKind { Backfill => "backfill", Delta => "delta", Reconcile => "reconcile" });
text_enum!(RunState {
    Queued => "queued",
    Running => "running",
    Interrupted => "interrupted",
    Completed => "completed",
    Incomplete => "incomplete",
    Failed => "failed",
    Cancelled => "cancelled",
});

impl RunKind {
    /// Of two kinds the one whose run does what the other's would do, and perhaps more.
    pub fn wider(self, other: Self) -> Self {
        match (self, other) {
            (Self::Reconcile, _) | (_, Self::Reconcile) => Self::Reconcile,
            (Self::Backfill, _) | (_, Self::Backfill) => Self::Backfill,
            (Self::Delta, Self::Delta) => Self::Delta,
        }
    }
}

/// How much a line of a run's log matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventLevel {
    /// It went as it should.
    Info,
    /// It did not, and the run lives with it.
    Warn,
    /// Somebody must act.
    Error,
}

text_enum!(EventLevel { Info => "info", Warn => "warn", Error => "error" });

/// What a run has done so far, in issues unless said otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunCounters {
    /// Distinct issues listed.
    pub listed: u64,
    /// Listed and found unchanged: nothing was fetched.
    pub unchanged: u64,
    /// Queued for hydration.
    pub queued: u64,
    /// Fetched whole.
    pub hydrated: u64,
    /// Rows of `jira.issues` inserted or rewritten.
    pub written: u64,
    /// Proven absent by a look-up: deleted, hidden, or moved to a project that is not followed.
    pub gone: u64,
    /// Recorded in `extractor.failures`.
    pub failed: u64,
    /// Listing requests sent.
    pub pages: u64,
}
