//! What a command can fail with: its exit code, its causes in one line, and what to do about it.
//! Every error of every module is decided here, without a catch-all.

use std::error::Error;
use std::io;

use serde_json::{Value, json};

use super::exit::ExitCode;
use crate::config::ConfigError;
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
            Self::NoCursor { .. } => ExitCode::Usage,
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
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let next = in_plain_words(&error.to_string());
            // Some errors repeat their cause in their own words.
            if !next.is_empty() && !text.contains(&next) {
                text.push_str(": ");
                text.push_str(&next);
            }
            cause = error.source();
        }
        text
    }

    /// What to do about it, where the error itself does not say it.
    pub(super) fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Wiring(WiringError::Store(error)) | Self::Store(error) => store_advice(error),
            Self::Sync(SyncError::Store(error)) => store_advice(error),
            Self::Wiring(WiringError::Jira(error)) | Self::Jira(error) => jira_advice(error),
            Self::Sync(SyncError::Jira(error)) => jira_advice(error),
            Self::Sync(SyncError::Scan { source, .. }) => Some(scan_advice(source)),
            Self::Sync(SyncError::Crashed(_)) => Some(REPORT),
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
            Self::World(_) | Self::Telemetry(_) | Self::SimulatorAddress => Some(REPORT),
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

/// What a library wraps around Postgres's and the system's own words is of no use to a reader.
fn in_plain_words(cause: &str) -> String {
    let text = ["error returned from database: ", "error communicating with database: "]
        .iter()
        .find_map(|prefix| cause.strip_prefix(prefix))
        .unwrap_or(cause)
        .trim_start_matches("error with configuration: ");
    match text.rsplit_once(" at line ") {
        Some((words, line)) if line.bytes().all(|byte| byte.is_ascii_digit()) => words.to_owned(),
        _ => text.to_owned(),
    }
}

const REPORT: &str = "this is a mistake in extractor: please report it with the log";
const RESUMES: &str = "start it again when that is mended: the run goes on where it stopped";
const LATER: &str = "try again later: the run goes on where it stopped";

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
        SyncError::Held { .. } | SyncError::Interrupted => ExitCode::TryAgain,
        SyncError::ProjectNotVisible { .. } | SyncError::ProjectArchived { .. } => {
            ExitCode::Refused
        }
        SyncError::Crashed(_) => ExitCode::Internal,
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
        StoreError::LeaseLost { .. } | StoreError::ProjectHeld(_) | StoreError::Contended(_) => {
            ExitCode::TryAgain
        }
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

fn store_advice(error: &StoreError) -> Option<&'static str> {
    match error {
        StoreError::InvalidUrl(_) => Some(
            "write database.url (or DATABASE_URL) as postgres://user:password@host:5432/database",
        ),
        StoreError::Unreachable { .. } => Some(
            "start it, or correct database.url (or DATABASE_URL); without one, extractor runs a \
             private Postgres of its own",
        ),
        StoreError::AuthenticationFailed { .. } => {
            Some("correct the user and the password in database.url (or DATABASE_URL)")
        }
        StoreError::DatabaseMissing { .. } => {
            Some("create it (createdb), or correct its name in database.url (or DATABASE_URL)")
        }
        StoreError::Tls { .. } => {
            Some("set sslmode, or sslrootcert for a private authority, in database.url")
        }
        StoreError::ServerTooOld { .. } => Some("upgrade it, or use another one"),
        StoreError::SchemaModified { .. } => Some(
            "it was migrated by another build of extractor: run that one, or use another database",
        ),
        StoreError::LeaseLost { .. } => Some("another process has taken over; let it finish"),
        StoreError::ProjectHeld(_) => Some("wait for it, or stop it"),
        StoreError::Unavailable(_) => Some(RESUMES),
        StoreError::DiskFull(_) => {
            Some("make room, then start it again: the run goes on where it stopped")
        }
        StoreError::NotPermitted(_) => Some(
            "let the role own the database, or grant it to create the schemas jira and extractor \
             and to write in them",
        ),
        StoreError::TimedOut(_) => {
            Some("see in pg_stat_activity what it waits for, or raise database.statement_timeout")
        }
        StoreError::Contended(_) => Some(LATER),
        StoreError::RunNotOpen { .. }
        | StoreError::DataRejected(_)
        | StoreError::Unreadable { .. }
        | StoreError::Failed(_) => Some(REPORT),
        StoreError::SchemaNewer { .. }
        | StoreError::SchemaOutdated { .. }
        | StoreError::SchemaDirty { .. }
        | StoreError::SchemaForeign { .. } => None,
    }
}

fn jira_advice(error: &JiraError) -> Option<&'static str> {
    match error {
        JiraError::Unreachable { .. } => Some(
            "check jira.base_url, the network and the proxy (HTTPS_PROXY); the run, if one had \
             begun, goes on where it stopped",
        ),
        JiraError::Timeout { .. } => Some("raise jira.timeout, or try again in a quieter hour"),
        JiraError::TooLarge { .. } => Some("raise jira.max_body"),
        JiraError::Unavailable { .. } => Some("Jira has trouble of its own; try again later"),
        JiraError::RateLimited { .. } => Some(LATER),
        JiraError::Forbidden { .. } => {
            Some("ask an administrator of Jira what this account may see")
        }
        JiraError::Refused { .. } => Some("check sync.filter, if one is set"),
        JiraError::BadData { .. } => {
            Some("check that jira.base_url leads to Jira itself and not to a proxy's page")
        }
        JiraError::Settings { .. }
        | JiraError::Tls { .. }
        | JiraError::Unauthorized { .. }
        | JiraError::NotLoggedIn { .. }
        | JiraError::NotFound { .. }
        | JiraError::NoEndpoint { .. }
        | JiraError::Redirected { .. }
        | JiraError::Unsupported { .. } => None,
    }
}

fn scan_advice(error: &ScanError) -> &'static str {
    match error {
        ScanError::NoTotal => "check that jira.base_url leads to a Jira Server or Data Center",
        ScanError::Refused { .. } => "check sync.filter, if one is set, and the project's key",
        ScanError::TokensBroken { .. } => "Jira's search has trouble of its own; try again later",
        ScanError::TooHeavy { .. } => "raise jira.timeout, or try again in a quieter hour",
        ScanError::Stuck { .. } => {
            "Jira's search index may be rebuilding: try again later, and look at its state in Jira"
        }
    }
}

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
