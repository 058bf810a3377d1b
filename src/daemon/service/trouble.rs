//! What an error means to the service: whether it ends it at the start, whether it speaks of a peer
//! or of one project, and how it is told. Pure, and exhaustive.

use crate::admin::desk::Trouble;
use crate::daemon::advice;
use crate::daemon::wiring::WiringError;
use crate::jira::{ErrorClass, JiraError};
use crate::model::FailureCategory;
use crate::store::StoreError;
use crate::store::private_postgres::PrivatePostgresError;
use crate::sync::SyncError;

const NOTHING: &str = "nothing: it is tried again";

/// What an error means before the service has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outlook {
    /// Somebody has to mend the configuration or the credentials: the service ends.
    Hopeless,
    /// It may go away by itself.
    Wait,
}

/// What a run's error says of its project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blame {
    /// The project failed and is left alone for a while.
    Project,
    /// Perhaps Jira as a whole is away, or refuses us: it has to be asked.
    Jira,
    /// The database is away.
    Database,
    /// Another process has the project, or has taken it over.
    Elsewhere,
    /// An operator wanted it so.
    Operator,
    /// The service itself wanted it so: it ends, or is configured anew.
    Service,
}

/// Whether an error at the start can go away by itself.
pub(super) fn outlook(error: &WiringError) -> Outlook {
    match error {
        WiringError::Config(_) | WiringError::Filter(_) | WiringError::NoDataDir => {
            Outlook::Hopeless
        }
        WiringError::Jira(error) => outlook_of_jira(error),
        WiringError::Store(error) => outlook_of_store(error),
        WiringError::PrivatePostgres(error) => outlook_of_private(error),
        WiringError::Interrupted => Outlook::Wait,
    }
}

fn outlook_of_jira(error: &JiraError) -> Outlook {
    match error.class() {
        ErrorClass::Refused | ErrorClass::Configuration => Outlook::Hopeless,
        ErrorClass::BadData | ErrorClass::Unreachable | ErrorClass::TryLater => Outlook::Wait,
    }
}

fn outlook_of_store(error: &StoreError) -> Outlook {
    match error {
        StoreError::InvalidUrl(_)
        | StoreError::DatabaseMissing { .. }
        | StoreError::ServerTooOld { .. }
        | StoreError::SchemaNewer { .. }
        | StoreError::SchemaOutdated { .. }
        | StoreError::SchemaDirty { .. }
        | StoreError::SchemaModified { .. }
        | StoreError::SchemaForeign { .. }
        | StoreError::AuthenticationFailed { .. }
        | StoreError::NotPermitted(_) => Outlook::Hopeless,
        StoreError::Unreachable { .. }
        | StoreError::Tls { .. }
        | StoreError::LeaseLost { .. }
        | StoreError::ErasedMeanwhile
        | StoreError::ProjectHeld(_)
        | StoreError::RunNotOpen { .. }
        | StoreError::DataRejected(_)
        | StoreError::Unavailable(_)
        | StoreError::DiskFull(_)
        | StoreError::TimedOut(_)
        | StoreError::Contended(_)
        | StoreError::Unreadable { .. }
        | StoreError::Failed(_) => Outlook::Wait,
    }
}

fn outlook_of_private(error: &PrivatePostgresError) -> Outlook {
    match error {
        PrivatePostgresError::NotInstalled { .. }
        | PrivatePostgresError::VersionMismatch { .. }
        | PrivatePostgresError::NoServerUser
        | PrivatePostgresError::NotAllowed { .. } => Outlook::Hopeless,
        PrivatePostgresError::HeldByOther { .. }
        | PrivatePostgresError::StillStarting { .. }
        | PrivatePostgresError::DownloadFailed { .. }
        | PrivatePostgresError::DiskFull { .. }
        | PrivatePostgresError::InitFailed { .. }
        | PrivatePostgresError::StartFailed { .. }
        | PrivatePostgresError::StopFailed { .. }
        | PrivatePostgresError::Refused { .. }
        | PrivatePostgresError::Io { .. } => Outlook::Wait,
    }
}

/// Whose matter a run's error is.
pub(super) fn blame(error: &SyncError) -> Blame {
    match error {
        SyncError::Jira(error) => match error.class() {
            ErrorClass::Unreachable | ErrorClass::TryLater | ErrorClass::Refused => Blame::Jira,
            ErrorClass::BadData | ErrorClass::Configuration => Blame::Project,
        },
        SyncError::Store(StoreError::LeaseLost { .. } | StoreError::ProjectHeld(_)) => {
            Blame::Elsewhere
        }
        SyncError::Store(error) if is_absence(error) => Blame::Database,
        SyncError::Held { .. } | SyncError::NotDue { .. } | SyncError::NotQueued { .. } => {
            Blame::Elsewhere
        }
        SyncError::Cancelled => Blame::Operator,
        SyncError::Interrupted => Blame::Service,
        SyncError::Store(_)
        | SyncError::Scan { .. }
        | SyncError::ProjectNotVisible { .. }
        | SyncError::ProjectArchived { .. }
        | SyncError::ProjectChanged { .. }
        | SyncError::Crashed(_)
        | SyncError::Panicked => Blame::Project,
    }
}

/// Whether Postgres as a whole does not answer, or not us.
pub(super) fn is_absence(error: &StoreError) -> bool {
    match error {
        StoreError::Unreachable { .. }
        | StoreError::AuthenticationFailed { .. }
        | StoreError::DatabaseMissing { .. }
        | StoreError::Tls { .. }
        | StoreError::Unavailable(_) => true,
        StoreError::InvalidUrl(_)
        | StoreError::ServerTooOld { .. }
        | StoreError::SchemaNewer { .. }
        | StoreError::SchemaOutdated { .. }
        | StoreError::SchemaDirty { .. }
        | StoreError::SchemaModified { .. }
        | StoreError::SchemaForeign { .. }
        | StoreError::LeaseLost { .. }
        | StoreError::ErasedMeanwhile
        | StoreError::ProjectHeld(_)
        | StoreError::RunNotOpen { .. }
        | StoreError::DataRejected(_)
        | StoreError::DiskFull(_)
        | StoreError::NotPermitted(_)
        | StoreError::TimedOut(_)
        | StoreError::Contended(_)
        | StoreError::Unreadable { .. }
        | StoreError::Failed(_) => false,
    }
}

/// The trouble of a service that cannot begin.
pub(super) fn of_wiring(error: &WiringError) -> Trouble {
    let told = match error {
        WiringError::Jira(error) => return of_jira(error),
        WiringError::Store(error) => return of_store(error),
        WiringError::Config(_) | WiringError::Filter(_) | WiringError::NoDataDir => {
            (FailureCategory::UserFixable, "correct the configuration")
        }
        WiringError::PrivatePostgres(_) => (FailureCategory::AdminRequired, NOTHING),
        WiringError::Interrupted => (FailureCategory::Temporary, NOTHING),
    };
    told_as(error, told)
}

pub(super) fn of_jira(error: &JiraError) -> Trouble {
    let category = match error.class() {
        ErrorClass::BadData | ErrorClass::Unreachable | ErrorClass::TryLater => {
            FailureCategory::Temporary
        }
        ErrorClass::Refused => FailureCategory::AdminRequired,
        ErrorClass::Configuration => FailureCategory::UserFixable,
    };
    told_as(error, (category, advice::of_jira(error).unwrap_or(NOTHING)))
}

pub(super) fn of_store(error: &StoreError) -> Trouble {
    let category = match outlook_of_store(error) {
        Outlook::Hopeless => FailureCategory::AdminRequired,
        Outlook::Wait => FailureCategory::Temporary,
    };
    told_as(error, (category, advice::of_store(error).unwrap_or(NOTHING)))
}

/// The trouble of a project whose run failed.
pub(super) fn of_run(error: &SyncError) -> Trouble {
    let remedy = match error {
        SyncError::Jira(error) => advice::of_jira(error),
        SyncError::Store(error) => advice::of_store(error),
        SyncError::Scan { source, .. } => Some(advice::of_scan(source)),
        SyncError::Crashed(_) | SyncError::Panicked => Some(advice::REPORT),
        SyncError::ProjectNotVisible { .. } => {
            Some("check the key, and the account's Browse Projects permission")
        }
        SyncError::ProjectArchived { .. } => {
            Some("restore the project, or take it out of sync.projects")
        }
        SyncError::ProjectChanged { .. }
        | SyncError::Held { .. }
        | SyncError::NotDue { .. }
        | SyncError::NotQueued { .. }
        | SyncError::Cancelled
        | SyncError::Interrupted => None,
    };
    told_as(error, (error.category(), remedy.unwrap_or(NOTHING)))
}

fn told_as(error: &dyn std::error::Error, (category, remedy): (FailureCategory, &str)) -> Trouble {
    Trouble { text: advice::sentence(error), category, remedy: remedy.to_owned() }
}

#[cfg(test)]
#[path = "trouble_tests.rs"]
mod tests;
