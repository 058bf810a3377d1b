//! What a command can fail with: its exit code, its causes in one line, and what to do about it.
//! Every error of every module is decided here, without a catch-all.

use std::io;

use serde_json::{Value, json};

use super::exit::ExitCode;
use crate::config::ConfigError;
use crate::daemon::advice;
use crate::daemon::wiring::WiringError;
use crate::jira::{ErrorClass, JiraError};
use crate::model::{IssueKey, ProjectKey};
use crate::seek::ScanError;
use crate::store::StoreError;
use crate::store::private_postgres::PrivatePostgresError;
use crate::sync::SyncError;
use crate::telemetry::TelemetryError;

/// A command that did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Wiring(#[from] WiringError),
    #[error(transparent)]
    Sync(#[from] SyncError),
    #[error(transparent)]
    Jira(#[from] JiraError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    PrivatePostgres(#[from] PrivatePostgresError),
    #[error("logging cannot be set up")]
    Telemetry(#[from] TelemetryError),
    #[error("there is no service to ask: http.listen is empty")]
    NoHttp,
    #[error("no project to work on: none is named, and sync.projects is empty")]
    NoProjects,
    #[error("this account sees no project, so sync.projects = \"*\" names none")]
    NoVisibleProjects,
    #[error("there is no cursor of project {project}")]
    NoCursor { project: ProjectKey },
    #[error("nobody is stored whom {who:?} could be")]
    NoPerson { who: String },
    #[error("{who:?} could be several people: {ids}")]
    AmbiguousPerson { who: String, ids: String },
    #[error("nothing was erased: that cannot be undone, and was not confirmed")]
    Unconfirmed,
    #[error("there is no issue {key}, or this account may not see it")]
    NoIssue { key: IssueKey },
    #[error("several Jira instances in this database have a project {project}: {sites}")]
    AmbiguousSite { project: ProjectKey, sites: String },
    #[error("the payloads cannot be served")]
    Payloads(#[source] jira_sim::LoadError),
    #[error("the simulated Jira did not start")]
    Simulator(#[source] jira_sim::StartError),
    #[error("the simulated Jira has no address that can be asked")]
    SimulatorAddress,
    #[error("the simulated project could not be generated")]
    World(#[source] jira_sim::WorldError),
    #[error("could not {doing}")]
    Io { doing: &'static str, source: io::Error },
}

impl Failure {
    /// How the program ends.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) | Self::NoHttp | Self::NoProjects | Self::AmbiguousSite { .. } => {
                ExitCode::Config
            }
            Self::Wiring(error) => of_wiring(error),
            Self::Sync(error) => of_sync(error),
            Self::Jira(error) => of_jira(error),
            Self::Store(error) => of_store(error),
            Self::PrivatePostgres(error) => of_private_postgres(error),
            Self::NoCursor { .. }
            | Self::NoPerson { .. }
            | Self::AmbiguousPerson { .. }
            | Self::Unconfirmed => ExitCode::Usage,
            Self::NoVisibleProjects | Self::NoIssue { .. } => ExitCode::Refused,
            Self::Payloads(_) => ExitCode::BadData,
            Self::Telemetry(_) | Self::World(_) | Self::SimulatorAddress => ExitCode::Internal,
            Self::Simulator(_) | Self::Io { .. } => ExitCode::Unavailable,
        }
    }

    /// Whether it failed because it was told to stop.
    pub(super) fn is_interruption(&self) -> bool {
        matches!(self, Self::Sync(SyncError::Interrupted) | Self::Wiring(WiringError::Interrupted))
    }

    /// The error with its causes, in one sentence.
    pub(super) fn sentence(&self) -> String {
        advice::sentence(self)
    }

    /// What to do about it, where the error itself does not say it.
    pub(super) fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Wiring(WiringError::Store(error)) | Self::Store(error) => advice::of_store(error),
            Self::Sync(SyncError::Store(error)) => advice::of_store(error),
            Self::Wiring(WiringError::Jira(error)) | Self::Jira(error) => advice::of_jira(error),
            Self::Sync(SyncError::Jira(error)) => advice::of_jira(error),
            Self::Sync(SyncError::Scan { source, .. }) => Some(advice::of_scan(source)),
            Self::Sync(SyncError::Crashed(_) | SyncError::Panicked) => Some(advice::REPORT),
            Self::NoProjects => Some(
                "name one, as in `extractor sync PROJ`, or set sync.projects (in the environment \
                 EXTRACTOR_SYNC__PROJECTS=PROJ,OPS)",
            ),
            Self::NoVisibleProjects => {
                Some("check the credentials and the account's Browse Projects permission")
            }
            Self::NoCursor { .. } => {
                Some("`extractor cursor` lists them; a project without one is backfilled anyway")
            }
            Self::NoIssue { .. } => {
                Some("check the key, and the account's Browse Projects permission")
            }
            Self::AmbiguousSite { .. } => Some("say which one with --site"),
            Self::NoPerson { .. } => Some("`extractor users find TEXT` looks for parts of names"),
            Self::AmbiguousPerson { .. } => {
                Some("name one by the id, and the Jira instance with --site")
            }
            Self::Unconfirmed => Some("look at it with --dry-run, then say --yes"),
            Self::World(_) | Self::Telemetry(_) | Self::SimulatorAddress => Some(advice::REPORT),
            Self::Config(_)
            | Self::NoHttp
            | Self::Wiring(_)
            | Self::Sync(_)
            | Self::PrivatePostgres(_)
            | Self::Payloads(_)
            | Self::Simulator(_)
            | Self::Io { .. } => None,
        }
    }

    /// The failure as a script reads it.
    pub(super) fn json(&self) -> Value {
        json!({
            "message": self.sentence(),
            "what_to_do": self.advice(),
            "exit_code": self.exit_code().code(),
            "meaning": self.exit_code().meaning(),
        })
    }
}

fn of_wiring(error: &WiringError) -> ExitCode {
    match error {
        WiringError::Config(_) | WiringError::Filter(_) | WiringError::NoDataDir => {
            ExitCode::Config
        }
        WiringError::Jira(error) => of_jira(error),
        WiringError::Store(error) => of_store(error),
        WiringError::PrivatePostgres(error) => of_private_postgres(error),
        WiringError::Interrupted => ExitCode::TryAgain,
    }
}

fn of_sync(error: &SyncError) -> ExitCode {
    match error {
        SyncError::Jira(error) => of_jira(error),
        SyncError::Store(error) => of_store(error),
        SyncError::Scan { source, .. } => match source {
            ScanError::NoTotal
            | ScanError::Refused { .. }
            | ScanError::TokensBroken { .. }
            | ScanError::TooHeavy { .. }
            | ScanError::Stuck { .. } => ExitCode::BadData,
        },
        SyncError::Held { .. }
        | SyncError::NotDue { .. }
        | SyncError::NotQueued { .. }
        | SyncError::ProjectChanged { .. }
        | SyncError::Interrupted => ExitCode::TryAgain,
        SyncError::Cancelled => ExitCode::Incomplete,
        SyncError::ProjectNotVisible { .. } | SyncError::ProjectArchived { .. } => {
            ExitCode::Refused
        }
        SyncError::Crashed(_) | SyncError::Panicked => ExitCode::Internal,
    }
}

pub(super) fn of_jira(error: &JiraError) -> ExitCode {
    match error.class() {
        ErrorClass::BadData => ExitCode::BadData,
        ErrorClass::Unreachable => ExitCode::Unavailable,
        ErrorClass::TryLater => ExitCode::TryAgain,
        ErrorClass::Refused => ExitCode::Refused,
        ErrorClass::Configuration => ExitCode::Config,
    }
}

pub(super) fn of_store(error: &StoreError) -> ExitCode {
    match error {
        StoreError::InvalidUrl(_)
        | StoreError::DatabaseMissing { .. }
        | StoreError::ServerTooOld { .. }
        | StoreError::SchemaNewer { .. }
        | StoreError::SchemaOutdated { .. }
        | StoreError::SchemaDirty { .. }
        | StoreError::SchemaModified { .. }
        | StoreError::SchemaForeign { .. } => ExitCode::Config,
        StoreError::Unreachable { .. }
        | StoreError::Tls { .. }
        | StoreError::Unavailable(_)
        | StoreError::DiskFull(_)
        | StoreError::TimedOut(_) => ExitCode::Unavailable,
        StoreError::AuthenticationFailed { .. } | StoreError::NotPermitted(_) => ExitCode::Refused,
        StoreError::LeaseLost { .. }
        | StoreError::ErasedMeanwhile
        | StoreError::ProjectHeld(_)
        | StoreError::Contended(_) => ExitCode::TryAgain,
        StoreError::RunNotOpen { .. }
        | StoreError::DataRejected(_)
        | StoreError::Unreadable { .. }
        | StoreError::Failed(_) => ExitCode::Internal,
    }
}

fn of_private_postgres(error: &PrivatePostgresError) -> ExitCode {
    match error {
        PrivatePostgresError::HeldByOther { .. } | PrivatePostgresError::StillStarting { .. } => {
            ExitCode::TryAgain
        }
        PrivatePostgresError::NotAllowed { .. } => ExitCode::Refused,
        PrivatePostgresError::NotInstalled { .. }
        | PrivatePostgresError::VersionMismatch { .. }
        | PrivatePostgresError::NoServerUser => ExitCode::Config,
        PrivatePostgresError::DownloadFailed { .. }
        | PrivatePostgresError::DiskFull { .. }
        | PrivatePostgresError::InitFailed { .. }
        | PrivatePostgresError::StartFailed { .. }
        | PrivatePostgresError::StopFailed { .. }
        | PrivatePostgresError::Refused { .. }
        | PrivatePostgresError::Io { .. } => ExitCode::Unavailable,
    }
}

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
