//! The life of a run: starting, resuming, repairing, ending. Each write needs the project's lease.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::events::prune_events;
use super::{NewRun, Run, RunFilter, select};
use crate::model::{Checkpoint, FailureCategory, RunId, RunKind, RunState};
use crate::store::leases::{fence, release};
use crate::store::rows::{column, seconds};
use crate::store::schedules::note_start;
use crate::store::{ProjectLease, Store, StoreError};

/// How many old runs the start of a run removes at most, so that no start takes long.
const PRUNED_AT_ONCE: i64 = 500;

impl Store {
    /// Starts a run. One that waits in the queue of the project is taken up: it keeps its id, unless
    /// it was to go on where it stood, and what is done is the wider of both kinds. Earlier runs that
    /// never ended are cancelled, and what they left to hydrate becomes this run's.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn start_run(&self, lease: &ProjectLease, new: &NewRun) -> Result<RunId, StoreError> {
        let fresh = RunId(Uuid::now_v7());
        self.tx("start_run", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                let queued = queued(tx, lease).await?;
                let kind = queued.as_ref().map_or(new.kind, |run| run.kind.wider(new.kind));
                let id = queued.filter(|run| !run.begun).map_or(fresh, |run| run.id);
                supersede(tx, lease, id).await?;
                sqlx::query!(
                    "INSERT INTO extractor.runs AS r (id, site, project_key, kind, state, worker,
                         lists_from, horizon, filter, checkpoint, started_at, updated_at)
                     VALUES ($1, $2, $3, $4, 'running', $5, $6, $7, $8, $9,
                         clock_timestamp(), clock_timestamp())
                     ON CONFLICT ON CONSTRAINT runs_pk DO UPDATE
                     SET kind = excluded.kind, state = excluded.state, worker = excluded.worker,
                         lists_from = excluded.lists_from, horizon = excluded.horizon,
                         filter = excluded.filter, started_at = excluded.started_at,
                         updated_at = excluded.updated_at",
                    id.0,
                    lease.site().as_str(),
                    lease.project().as_str(),
                    kind.as_str(),
                    lease.worker().0,
                    new.lists_from.filter(|_| kind == new.kind),
                    new.horizon,
                    new.filter,
                    Json(Checkpoint::default()) as _,
                )
                .execute(&mut **tx)
                .await?;
                adopt_pending(tx, lease, id).await?;
                note_start(tx, lease, kind).await?;
                prune_events(tx).await?;
                prune_runs(tx, lease, id).await?;
                Ok(id)
            })
        })
        .await
    }

    /// Takes up a run of the project where its checkpoint says. A run that waits in the queue of the
    /// project besides is cancelled, if this one does what it asks for.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`]; [`StoreError::RunNotOpen`] when it has ended for good, has never
    /// begun, or does less than the run that waits.
    pub async fn resume_run(&self, lease: &ProjectLease, id: RunId) -> Result<Run, StoreError> {
        self.tx("resume_run", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                if let Some(waiting) = queued(tx, lease).await?.filter(|run| run.id != id) {
                    absorb(tx, &waiting, id).await?;
                }
                let resumed = sqlx::query!(
                    "UPDATE extractor.runs
                 SET state = 'running', resumes = resumes + 1, worker = $4, error = NULL,
                     error_category = NULL, finished_at = NULL, updated_at = clock_timestamp()
                 WHERE id = $1 AND site = $2 AND project_key = $3 AND horizon IS NOT NULL
                   AND state IN ('queued', 'running', 'interrupted', 'failed')",
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
                let run = select(&mut **tx, &filter, 1).await?.pop();
                let run = run.ok_or(StoreError::RunNotOpen { id })?;
                note_start(tx, lease, run.kind).await?;
                Ok(run)
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
                note_reconcile(tx, lease, id).await?;
                forget_listed(tx, id).await?;
                release(tx, lease).await
            })
        })
        .await
    }

    /// Ends a run that could not finish, and gives the project back. The next run resumes it, unless
    /// an operator has asked for its end: then it is cancelled.
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

    /// Sets a run aside that was told to stop, and gives the project back. The next run resumes it,
    /// unless an operator has asked for its end: then it is cancelled.
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

    /// Ends a run because an operator asked for it, and gives the project back. What it has listed and
    /// queued stays, so that [`Store::request_retry`] can have it go on; no other run resumes it.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`]; [`StoreError::RunNotOpen`].
    pub async fn cancel_run(&self, lease: &ProjectLease, id: RunId) -> Result<(), StoreError> {
        self.tx("cancel_run", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                sqlx::query!(
                    "UPDATE extractor.runs
                     SET cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp())
                     WHERE id = $1 AND state = 'running'",
                    id.0
                )
                .execute(&mut **tx)
                .await?;
                end(tx, id, RunState::Cancelled, None).await?;
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

/// Notes beside the cursor that a reconcile has ended, and whether it proved what is stored.
async fn note_reconcile(
    connection: &mut PgConnection,
    lease: &ProjectLease,
    id: RunId,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE extractor.cursors c
         SET reconcile_run_id = r.id,
             reconciled_at = CASE WHEN n.verdict = 'missing' THEN c.reconciled_at
                 ELSE clock_timestamp() END
         FROM extractor.runs r CROSS JOIN LATERAL (
             SELECT verdict FROM extractor.certificates
             WHERE run_id = r.id ORDER BY attempts DESC LIMIT 1) AS n
         WHERE c.site = $1 AND c.project_key = $2 AND r.id = $3 AND r.kind = 'reconcile'",
        lease.site().as_str(),
        lease.project().as_str(),
        id.0,
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn open(rows: u64, id: RunId) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::RunNotOpen { id }) }
}

/// The project's run that waits to be taken up.
async fn queued(
    connection: &mut PgConnection,
    lease: &ProjectLease,
) -> Result<Option<Run>, StoreError> {
    let filter =
        RunFilter { state: Some(RunState::Queued), ..RunFilter::of(lease.site(), lease.project()) };
    Ok(select(connection, &filter, 1).await?.pop())
}

/// Ends a run that waits because `successor`, which is resumed, does what it asks for.
async fn absorb(
    connection: &mut PgConnection,
    waiting: &Run,
    successor: RunId,
) -> Result<(), StoreError> {
    let enough: Vec<&str> = [RunKind::Delta, RunKind::Backfill, RunKind::Reconcile]
        .into_iter()
        .filter(|kind| kind.wider(waiting.kind) == *kind)
        .map(RunKind::as_str)
        .collect();
    let absorbed = sqlx::query!(
        "UPDATE extractor.runs w
         SET state = 'cancelled', error = 'superseded by run ' || s.id,
             finished_at = clock_timestamp(), updated_at = clock_timestamp()
         FROM extractor.runs s
         WHERE w.id = $1 AND w.state = 'queued' AND s.id = $2 AND s.kind = ANY($3)",
        waiting.id.0,
        successor.0,
        &enough as _,
    )
    .execute(connection)
    .await?;
    open(absorbed.rows_affected(), successor)
}

/// Closes the project's runs that never ended; `successor` takes their place. What runs that were
/// cancelled before have listed goes as well: nothing can resume them any more.
async fn supersede(
    connection: &mut PgConnection,
    lease: &ProjectLease,
    successor: RunId,
) -> Result<(), StoreError> {
    let mut superseded = sqlx::query_scalar!(
        "UPDATE extractor.runs
         SET state = 'cancelled', error = coalesce(error, 'superseded by run ' || $3::text),
             finished_at = coalesce(finished_at, clock_timestamp()), updated_at = clock_timestamp()
         WHERE site = $1 AND project_key = $2 AND id::text <> $3
           AND state IN ('queued', 'running', 'interrupted', 'failed')
         RETURNING id",
        lease.site().as_str(),
        lease.project().as_str(),
        successor.to_string(),
    )
    .fetch_all(&mut *connection)
    .await?;
    let cancelled = sqlx::query_scalar!(
        "SELECT id FROM extractor.runs
         WHERE site = $1 AND project_key = $2 AND state = 'cancelled'
           AND cancel_requested_at IS NOT NULL",
        lease.site().as_str(),
        lease.project().as_str(),
    )
    .fetch_all(&mut *connection)
    .await?;
    superseded.extend(cancelled);
    sqlx::query!("DELETE FROM extractor.listed WHERE run_id = ANY($1)", &superseded)
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes runs of the project that began more than ninety days ago, the oldest first and not too many
/// at once. The last that completed stays: the next delta follows it.
async fn prune_runs(
    connection: &mut PgConnection,
    lease: &ProjectLease,
    id: RunId,
) -> Result<(), StoreError> {
    sqlx::query!(
        "WITH pruned AS (
             DELETE FROM extractor.runs WHERE id IN (
                 SELECT r.id FROM extractor.runs r
                 WHERE r.site = $1 AND r.project_key = $2
                   AND r.started_at < now() - interval '90 days'
                   AND r.id <> $3 AND NOT EXISTS (
                       SELECT FROM extractor.cursors c
                       WHERE c.site = r.site AND c.project_key = r.project_key
                         AND c.last_run_id = r.id)
                 ORDER BY r.started_at LIMIT $4)
             RETURNING id)
         DELETE FROM extractor.absences a USING pruned WHERE a.run_id = pruned.id",
        lease.site().as_str(),
        lease.project().as_str(),
        id.0,
        PRUNED_AT_ONCE,
    )
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

/// Ends a run that is under way. One that an operator wants ended does not wait to be resumed.
async fn end(
    connection: &mut PgConnection,
    id: RunId,
    state: RunState,
    error: Option<(&str, FailureCategory)>,
) -> Result<(), StoreError> {
    let ended = sqlx::query!(
        "UPDATE extractor.runs
         SET state = CASE WHEN cancel_requested_at IS NOT NULL AND $2 IN ('interrupted', 'failed')
                 THEN 'cancelled' ELSE $2 END,
             error = $3, error_category = $4,
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
