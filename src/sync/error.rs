//! Why a run could not finish, told apart by what its caller can do.

use crate::jira::{ErrorClass, JiraError};
use crate::model::{FailureCategory, ProjectKey, RunId};
use crate::seek::ScanError;
use crate::store::{Holder, StoreError};

/// A run that did not get to its end.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// Jira. The class says whether to mend something, or to come back.
    #[error(transparent)]
    Jira(#[from] JiraError),
    /// Postgres.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The listing cannot get on.
    #[error("listing {project}: {source}")]
    Scan {
        /// Which project.
        project: ProjectKey,
        /// Why.
        source: ScanError,
    },
    /// Another live process is extracting the project.
    #[error("{project} is being extracted by {holder}; wait for it, or stop it")]
    Held {
        /// Which project.
        project: ProjectKey,
        /// Who, and since when.
        holder: Holder,
    },
    /// Jira shows no such project to this account.
    #[error(
        "project {project} does not exist, or this account may not see it (Jira does not say \
         which); check the key, and the account's Browse Projects permission"
    )]
    ProjectNotVisible {
        /// Which project.
        project: ProjectKey,
    },
    /// Jira leaves the project's issues out of every search.
    #[error(
        "project {project} is archived, and Jira's search leaves archived issues out; restore it to \
         extract it, or take it out of sync.projects"
    )]
    ProjectArchived {
        /// Which project.
        project: ProjectKey,
    },
    /// It was lost, or came back, while the run concluded from what is absent.
    #[error(
        "project {project} was archived, restored, deleted or hidden while its absent issues were \
         looked up; nothing is concluded, run it again"
    )]
    ProjectChanged {
        /// Which project.
        project: ProjectKey,
    },
    /// By the time the project was free it was no longer due: another process has run it.
    #[error("project {project} is not due any more: another process has run it")]
    NotDue {
        /// Which project.
        project: ProjectKey,
    },
    /// The queued run is not there any more: another process has taken it up, or it was cancelled.
    #[error("run {run} is not queued any more")]
    NotQueued {
        /// Which run.
        run: RunId,
    },
    /// An operator has ended it for good.
    #[error("cancelled by an operator; what was stored stays")]
    Cancelled,
    /// It was told to stop; the next run goes on from the checkpoint.
    #[error("stopped before the end; the next run goes on from the checkpoint")]
    Interrupted,
    /// A task of the run panicked: a defect.
    #[error("a task of the run ended abnormally")]
    Crashed(#[source] tokio::task::JoinError),
    /// The run itself panicked: a defect.
    #[error("the run ended abnormally")]
    Panicked,
}

impl SyncError {
    /// Who can do something about it, as stored with the run.
    pub fn category(&self) -> FailureCategory {
        match self {
            Self::Jira(error) => match error.class() {
                ErrorClass::BadData | ErrorClass::Unreachable | ErrorClass::TryLater => {
                    FailureCategory::Temporary
                }
                ErrorClass::Refused => FailureCategory::AdminRequired,
                ErrorClass::Configuration => FailureCategory::UserFixable,
            },
            Self::Store(StoreError::DiskFull(_) | StoreError::NotPermitted(_)) => {
                FailureCategory::AdminRequired
            }
            Self::Store(_)
            | Self::Held { .. }
            | Self::ProjectChanged { .. }
            | Self::NotDue { .. }
            | Self::NotQueued { .. }
            | Self::Cancelled
            | Self::Interrupted
            | Self::Crashed(_)
            | Self::Panicked => FailureCategory::Temporary,
            Self::Scan { source: ScanError::Refused { .. }, .. } => FailureCategory::UserFixable,
            Self::Scan { .. } => FailureCategory::Temporary,
            Self::ProjectNotVisible { .. } | Self::ProjectArchived { .. } => {
                FailureCategory::AdminRequired
            }
        }
    }
}
