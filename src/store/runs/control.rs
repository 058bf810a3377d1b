//! What is asked of runs from outside the process that has them: start, cancel, try again. It is
//! written into the database, so that any process may be asked and any service may do it.
//!
//! All of it is decided with the project's row locked, which is also what a lease's writes lock. A
//! run whose process is dead is taken from it for good: the lease's number rises, so that a process
//! which was only asleep finds it lost.

use uuid::Uuid;

use super::standing::{
    allow_mass_delete, end_without_owner, lock_project, mark_cancelled, notify, one, queue_new,
    requeue,
};
use super::{Run, RunFilter, select};
use crate::model::{FailureCategory, ProjectKey, RunId, RunKind, RunState, Site};
use crate::store::{Store, StoreError};

/// How often an operator may have one run tried again. The database has the same number in the
/// constraint `runs_retries_ck`.
pub const MAX_RETRIES: u32 = 3;

/// What somebody wants to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunWanted {
    /// The kind.
    pub kind: RunKind,
    /// Whether a reconcile may mark any number of issues deleted.
    pub allow_mass_delete: bool,
}

impl From<RunKind> for RunWanted {
    fn from(kind: RunKind) -> Self {
        Self { kind, allow_mass_delete: false }
    }
}

/// The answer to a request for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requested {
    /// A service will take it up.
    Queued {
        /// The run.
        run: RunId,
        /// Whether it goes on with what an earlier one began.
        resumed: bool,
    },
    /// The project has a run that waits or is under way.
    Busy {
        /// That run.
        run: RunId,
    },
}

/// The answer to a request to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelling {
    /// The process that has the run was told.
    Requested,
    /// No process had it: it is cancelled.
    Cancelled,
    /// It had ended before, like this.
    Ended(RunState),
    /// There is no such run.
    Unknown,
}

/// The answer to a request to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retrying {
    /// A service will take it up where it stood.
    Queued {
        /// How often it has been tried again, this time included.
        retries: u32,
    },
    /// The project has a run that waits or is under way, perhaps this one.
    Busy {
        /// That run.
        run: RunId,
    },
    /// It has been tried again so often already.
    TooOften {
        /// The most.
        limit: u32,
    },
    /// It got to its end, or the cursor was reset since: a new run does what is wanted.
    NotRetryable(RunState),
    /// A newer run has begun since.
    Superseded {
        /// The newest.
        by: RunId,
    },
    /// There is no such run.
    Unknown,
}

impl Store {
    /// Queues a run of the project, or its unfinished newest run to be resumed if it is of the same
    /// kind. A first backfill that did not get to its end is also what a delta resumes. Whether the
    /// project is one that any service follows is the caller's to know.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like; that the project is busy is not an error.
    pub async fn request_run(
        &self,
        site: &Site,
        project: &ProjectKey,
        wanted: impl Into<RunWanted>,
    ) -> Result<Requested, StoreError> {
        let wanted: RunWanted = wanted.into();
        let kind = wanted.kind;
        let fresh = RunId(Uuid::now_v7());
        self.tx("request_run", |tx| {
            Box::pin(async move {
                let standing = lock_project(tx, site, project).await?;
                if let Some(run) = standing.busy_with() {
                    return Ok(Requested::Busy { run });
                }
                standing.evict(tx, site, project).await?;
                let newest = select(&mut **tx, &RunFilter::begun(site, project), 1).await?.pop();
                let unfinished = newest.filter(|run| {
                    let first = run.kind == RunKind::Backfill && !standing.completed;
                    run.is_resumable() && (run.kind == kind || (first && kind == RunKind::Delta))
                });
                let requested = match unfinished {
                    Some(run) => {
                        requeue(tx, run.id, 0).await?;
                        if wanted.allow_mass_delete {
                            allow_mass_delete(tx, run.id).await?;
                        }
                        Requested::Queued { run: run.id, resumed: true }
                    }
                    None => {
                        queue_new(tx, fresh, site, project, wanted).await?;
                        Requested::Queued { run: fresh, resumed: false }
                    }
                };
                notify(tx, site).await?;
                Ok(requested)
            })
        })
        .await
    }

    /// Asks for the end of a run: at once if no live process has it, else its process is told. What
    /// it has listed and queued stays, for [`Store::request_retry`].
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn request_cancel(&self, id: RunId) -> Result<Cancelling, StoreError> {
        let Some(Run { site, project, .. }) = self.load_run(id).await? else {
            return Ok(Cancelling::Unknown);
        };
        let (site, project) = (&site, &project);
        self.tx("request_cancel", |tx| {
            Box::pin(async move {
                let standing = lock_project(tx, site, project).await?;
                let Some(run) = one(tx, id).await? else { return Ok(Cancelling::Unknown) };
                let answer = match run.state {
                    RunState::Running if standing.live => {
                        mark_cancelled(tx, id).await?;
                        Cancelling::Requested
                    }
                    RunState::Running => {
                        mark_cancelled(tx, id).await?;
                        standing.evict(tx, site, project).await?;
                        Cancelling::Cancelled
                    }
                    RunState::Queued | RunState::Interrupted => {
                        mark_cancelled(tx, id).await?;
                        end_without_owner(tx, id).await?;
                        Cancelling::Cancelled
                    }
                    RunState::Completed
                    | RunState::Incomplete
                    | RunState::Failed
                    | RunState::Cancelled => return Ok(Cancelling::Ended(run.state)),
                };
                notify(tx, site).await?;
                Ok(answer)
            })
        })
        .await
    }

    /// Puts a run that failed, was interrupted or was cancelled by an operator back into the queue,
    /// to go on where it stood; [`MAX_RETRIES`] times at most. Only the newest run of a project can
    /// be tried again: what an older one was to do, a newer one has done or will.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn request_retry(&self, id: RunId) -> Result<Retrying, StoreError> {
        let Some(Run { site, project, .. }) = self.load_run(id).await? else {
            return Ok(Retrying::Unknown);
        };
        let (site, project) = (&site, &project);
        self.tx("request_retry", |tx| {
            Box::pin(async move {
                let standing = lock_project(tx, site, project).await?;
                let Some(run) = one(tx, id).await? else { return Ok(Retrying::Unknown) };
                if matches!(run.state, RunState::Completed | RunState::Incomplete) {
                    return Ok(Retrying::NotRetryable(run.state));
                }
                if let Some(run) = standing.busy_with() {
                    return Ok(Retrying::Busy { run });
                }
                let newest = select(&mut **tx, &RunFilter::begun(site, project), 1).await?.pop();
                if let Some(newest) = newest.filter(|newest| newest.started_at > run.started_at) {
                    return Ok(Retrying::Superseded { by: newest.id });
                }
                if run.state == RunState::Cancelled && run.cancel_requested_at.is_none() {
                    return Ok(Retrying::NotRetryable(run.state));
                }
                if run.retries >= MAX_RETRIES {
                    return Ok(Retrying::TooOften { limit: MAX_RETRIES });
                }
                standing.evict(tx, site, project).await?;
                requeue(tx, id, 1).await?;
                notify(tx, site).await?;
                Ok(Retrying::Queued { retries: run.retries + 1 })
            })
        })
        .await
    }

    /// Ends a run in the queue that no service can take up, and says why.
    ///
    /// # Errors
    /// [`StoreError::RunNotOpen`] when it is not in the queue any more.
    pub async fn refuse_run(
        &self,
        id: RunId,
        error: &str,
        category: FailureCategory,
    ) -> Result<(), StoreError> {
        self.tx("refuse_run", |tx| {
            Box::pin(async move {
                let refused = sqlx::query!(
                    "UPDATE extractor.runs
                     SET state = 'failed', error = $2, error_category = $3,
                         finished_at = clock_timestamp(), updated_at = clock_timestamp()
                     WHERE id = $1 AND state = 'queued'",
                    id.0,
                    error,
                    category.as_str(),
                )
                .execute(&mut **tx)
                .await?;
                if refused.rows_affected() == 1 {
                    Ok(())
                } else {
                    Err(StoreError::RunNotOpen { id })
                }
            })
        })
        .await
    }
}
