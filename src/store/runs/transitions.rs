//! The life of a run: starting, resuming, repairing, ending. Each write needs the project's lease.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{NewRun, Run, RunFilter, select};
use crate::model::{Checkpoint, FailureCategory, RunId, RunState};
use crate::store::leases::{fence, release};
use crate::store::rows::{column, seconds};
use crate::store::{ProjectLease, Store, StoreError};

impl Store {
    /// Starts a run. Earlier runs of the project that never ended are cancelled, and what they left
    /// in the queue becomes this run's.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn start_run(&self, lease: &ProjectLease, new: &NewRun) -> Result<RunId, StoreError> {
        let id = RunId(Uuid::now_v7());
        self.tx("start_run", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                supersede(tx, lease, id).await?;
                sqlx::query!(
                "INSERT INTO extractor.runs (id, site, project_key, kind, state, worker, lists_from,
                     horizon, filter, checkpoint, started_at, updated_at)
                 VALUES ($1, $2, $3, $4, 'running', $5, $6, $7, $8, $9,
                     clock_timestamp(), clock_timestamp())",
                id.0,
                lease.site().as_str(),
                lease.project().as_str(),
                new.kind.as_str(),
                lease.worker().0,
                new.lists_from,
                new.horizon,
                new.filter,
                Json(Checkpoint::default()) as _,
            )
                .execute(&mut **tx)
                .await?;
                adopt_pending(tx, lease, id).await
            })
        })
        .await?;
        Ok(id)
    }

    /// Takes up a run of the project where its checkpoint says.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`]; [`StoreError::RunNotOpen`] when it has ended for good.
    pub async fn resume_run(&self, lease: &ProjectLease, id: RunId) -> Result<Run, StoreError> {
        self.tx("resume_run", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                let resumed = sqlx::query!(
                    "UPDATE extractor.runs
                 SET state = 'running', resumes = resumes + 1, worker = $4, error = NULL,
                     error_category = NULL, finished_at = NULL, updated_at = clock_timestamp()
                 WHERE id = $1 AND site = $2 AND project_key = $3
                   AND state IN ('running', 'interrupted', 'failed')",
                    id.0,
                    lease.site().as_str(),
                    lease.project().as_str(),
                    lease.worker().0,
                )
                .execute(&mut **tx)
                .await?;
                open(resumed.rows_affected(), id)?;
                adopt_pending(tx, lease, id).await?;
                let filter = RunFilter { id: Some(id), ..RunFilter::default() };
                select(&mut **tx, &filter, 1).await?.pop().ok_or(StoreError::RunNotOpen { id })
            })
        })
        .await
    }

    /// Begins the listing again, for a repair: what is listed stays listed.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`]; [`StoreError::RunNotOpen`].
    pub async fn restart_listing(&self, lease: &ProjectLease, id: RunId) -> Result<(), StoreError> {
        self.tx("restart_listing", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                let restarted = sqlx::query!(
                    "UPDATE extractor.runs
                 SET checkpoint = $2, attempt = attempt + 1, updated_at = clock_timestamp()
                 WHERE id = $1 AND state = 'running'",
                    id.0,
                    Json(Checkpoint::default()) as _,
                )
                .execute(&mut **tx)
                .await?;
                open(restarted.rows_affected(), id)
            })
        })
        .await
    }

    /// Ends a run that got to its end, as `Completed`, `Incomplete` or `Cancelled`, and gives the
    /// project back. With a `horizon` the project's cursor moves there, unless it is further.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`]; [`StoreError::RunNotOpen`].
    pub async fn complete_run(
        &self,
        lease: &ProjectLease,
        id: RunId,
        state: RunState,
        horizon: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        self.tx("complete_run", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                end(tx, id, state, None).await?;
                sqlx::query!(
                    "UPDATE extractor.cursors
                 SET completed_until = greatest(completed_until, $4),
                     last_run_id = CASE WHEN $4::timestamptz IS NULL THEN last_run_id ELSE $3 END
                 WHERE site = $1 AND project_key = $2",
                    lease.site().as_str(),
                    lease.project().as_str(),
                    id.0,
                    horizon,
                )
                .execute(&mut **tx)
                .await?;
                forget_listed(tx, id).await?;
                release(tx, lease).await
            })
        })
        .await
    }

    /// Ends a run that could not finish, and gives the project back. The next run resumes it.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`]; [`StoreError::RunNotOpen`].
    pub async fn fail_run(
        &self,
        lease: &ProjectLease,
        id: RunId,
        error: &str,
        category: FailureCategory,
    ) -> Result<(), StoreError> {
        self.tx("fail_run", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                end(tx, id, RunState::Failed, Some((error, category))).await?;
                release(tx, lease).await
            })
        })
        .await
    }

    /// Sets a run aside that was told to stop, and gives the project back. The next run resumes it.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`]; [`StoreError::RunNotOpen`].
    pub async fn interrupt_run(&self, lease: &ProjectLease, id: RunId) -> Result<(), StoreError> {
        self.tx("interrupt_run", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                end(tx, id, RunState::Interrupted, None).await?;
                release(tx, lease).await
            })
        })
        .await
    }

    /// Forgets what a run has listed, for instance before it starts over.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn forget_listed(&self, lease: &ProjectLease, id: RunId) -> Result<(), StoreError> {
        self.tx("forget_listed", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                forget_listed(tx, id).await
            })
        })
        .await
    }

    /// Records how late a row was seen to arrive in Jira's index; the greatest is kept.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn record_index_lag(
        &self,
        lease: &ProjectLease,
        lag: Duration,
    ) -> Result<(), StoreError> {
        self.tx("record_index_lag", |tx| Box::pin(async move {
            fence(tx, lease).await?;
            sqlx::query!(
                "UPDATE extractor.cursors SET max_lag_secs = greatest(max_lag_secs, ceil($3)::bigint)
                 WHERE site = $1 AND project_key = $2",
                lease.site().as_str(),
                lease.project().as_str(),
                seconds(lag),
            )
            .execute(&mut **tx)
            .await?;
            Ok(())
        }))
        .await
    }
}

fn open(rows: u64, id: RunId) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::RunNotOpen { id }) }
}

/// Closes the project's runs that never ended; `successor` takes their place.
async fn supersede(
    connection: &mut PgConnection,
    lease: &ProjectLease,
    successor: RunId,
) -> Result<(), StoreError> {
    let superseded = sqlx::query_scalar!(
        "UPDATE extractor.runs
         SET state = 'cancelled', error = coalesce(error, 'superseded by run ' || $3::text),
             finished_at = coalesce(finished_at, clock_timestamp()), updated_at = clock_timestamp()
         WHERE site = $1 AND project_key = $2 AND state IN ('running', 'interrupted', 'failed')
         RETURNING id",
        lease.site().as_str(),
        lease.project().as_str(),
        successor.to_string(),
    )
    .fetch_all(&mut *connection)
    .await?;
    sqlx::query!("DELETE FROM extractor.listed WHERE run_id = ANY($1)", &superseded)
        .execute(connection)
        .await?;
    Ok(())
}

/// Makes everything queued for the project this run's, so that the run waits for it.
async fn adopt_pending(
    connection: &mut PgConnection,
    lease: &ProjectLease,
    id: RunId,
) -> Result<(), StoreError> {
    let adopted = sqlx::query!(
        "UPDATE extractor.pending SET run_id = $3
         WHERE site = $1 AND project_key = $2 AND run_id <> $3",
        lease.site().as_str(),
        lease.project().as_str(),
        id.0,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE extractor.runs SET queued = queued + $2 WHERE id = $1",
        id.0,
        column(adopted.rows_affected()),
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn end(
    connection: &mut PgConnection,
    id: RunId,
    state: RunState,
    error: Option<(&str, FailureCategory)>,
) -> Result<(), StoreError> {
    let ended = sqlx::query!(
        "UPDATE extractor.runs
         SET state = $2, error = $3, error_category = $4,
             finished_at = clock_timestamp(), updated_at = clock_timestamp()
         WHERE id = $1 AND state = 'running'",
        id.0,
        state.as_str(),
        error.map(|(text, _)| text),
        error.map(|(_, category)| category.as_str()),
    )
    .execute(connection)
    .await?;
    open(ended.rows_affected(), id)
}

async fn forget_listed(connection: &mut PgConnection, id: RunId) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM extractor.listed WHERE run_id = $1", id.0)
        .execute(connection)
        .await?;
    Ok(())
}
