//! How a project stands when something is asked of its runs, and the statements that change it. All
//! need the project's row locked, but for the notification.

use sqlx::PgConnection;
use sqlx::types::Json;

use super::control::RunWanted;
use super::{Run, RunFilter, select};
use crate::model::{Checkpoint, ProjectKey, RunId, RunState, Site};
use crate::store::StoreError;
use crate::store::tx::Tx;

/// The channel on which services are told that something was asked; the payload is the site.
pub(super) const CONTROL_CHANNEL: &str = "extractor_control";

/// How a project stands while its row is locked.
pub(super) struct Standing {
    /// A live process holds it.
    pub(super) live: bool,
    /// A run of it has completed.
    pub(super) completed: bool,
    /// Its run that waits or is under way, if only by its state.
    open: Option<(RunId, RunState)>,
}

impl Standing {
    /// The run that stands in the way of another.
    pub(super) fn busy_with(&self) -> Option<RunId> {
        self.open.filter(|(_, state)| *state == RunState::Queued || self.live).map(|(run, _)| run)
    }

    /// Takes the project, and what it has under way, from a process that is dead.
    pub(super) async fn evict(
        &self,
        tx: &mut Tx<'_>,
        site: &Site,
        project: &ProjectKey,
    ) -> Result<(), StoreError> {
        let Some((run, RunState::Running)) = self.open else { return Ok(()) };
        sqlx::query!(
            "UPDATE extractor.cursors
             SET lease_worker = NULL, leased_at = NULL, lease_token = lease_token + 1,
                 updated_at = clock_timestamp()
             WHERE site = $1 AND project_key = $2",
            site.as_str(),
            project.as_str(),
        )
        .execute(&mut **tx)
        .await?;
        end_without_owner(tx, run).await
    }
}

/// Locks the project's row, made if it is not there, for the rest of the transaction. Who lives is
/// asked in a statement after that: the lock's own would see the workers of before the wait for it.
pub(super) async fn lock_project(
    tx: &mut Tx<'_>,
    site: &Site,
    project: &ProjectKey,
) -> Result<Standing, StoreError> {
    sqlx::query!(
        "INSERT INTO extractor.cursors (site, project_key, lease_token, updated_at)
         VALUES ($1, $2, 0, clock_timestamp())
         ON CONFLICT ON CONSTRAINT cursors_pk DO UPDATE SET updated_at = excluded.updated_at",
        site.as_str(),
        project.as_str(),
    )
    .execute(&mut **tx)
    .await?;
    let standing = sqlx::query!(
        r#"SELECT completed_until IS NOT NULL AS "completed!",
             EXISTS (SELECT FROM extractor.live_workers w WHERE w.id = c.lease_worker) AS "live!"
           FROM extractor.cursors c WHERE site = $1 AND project_key = $2"#,
        site.as_str(),
        project.as_str(),
    )
    .fetch_one(&mut **tx)
    .await?;
    let mut open = None;
    for state in [RunState::Queued, RunState::Running] {
        let filter = RunFilter { state: Some(state), ..RunFilter::of(site, project) };
        open = open.or(select(&mut **tx, &filter, 1).await?.pop());
    }
    Ok(Standing {
        live: standing.live,
        completed: standing.completed,
        open: open.map(|run| (run.id, run.state)),
    })
}

/// One run, as this transaction sees it.
pub(super) async fn one(tx: &mut Tx<'_>, id: RunId) -> Result<Option<Run>, StoreError> {
    let filter = RunFilter { id: Some(id), ..RunFilter::default() };
    Ok(select(&mut **tx, &filter, 1).await?.pop())
}

/// Queues a run that has not begun.
pub(super) async fn queue_new(
    connection: &mut PgConnection,
    id: RunId,
    site: &Site,
    project: &ProjectKey,
    wanted: RunWanted,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO extractor.runs
             (id, site, project_key, kind, state, checkpoint, queued_at, started_at, updated_at,
              allow_mass_delete)
         SELECT $1, $2, $3, $4, 'queued', $5, now, now, now, $6 FROM clock_timestamp() AS now",
        id.0,
        site.as_str(),
        project.as_str(),
        wanted.kind.as_str(),
        Json(Checkpoint::default()) as _,
        wanted.allow_mass_delete,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Puts a run back into the queue, to go on where it stood.
pub(super) async fn requeue(
    connection: &mut PgConnection,
    id: RunId,
    retries: i32,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE extractor.runs
         SET state = 'queued', queued_at = now, retries = retries + $2, error = NULL,
             error_category = NULL, cancel_requested_at = NULL, finished_at = NULL,
             updated_at = now
         FROM clock_timestamp() AS now WHERE id = $1",
        id.0,
        retries,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Allows a reconcile that is to go on to mark any number of issues deleted.
pub(super) async fn allow_mass_delete(
    connection: &mut PgConnection,
    id: RunId,
) -> Result<(), StoreError> {
    sqlx::query!("UPDATE extractor.runs SET allow_mass_delete = true WHERE id = $1", id.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// Says that an operator wants the run ended.
pub(super) async fn mark_cancelled(
    connection: &mut PgConnection,
    id: RunId,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE extractor.runs
         SET cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp()),
             updated_at = clock_timestamp()
         WHERE id = $1",
        id.0
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends a run that no live process has: it can be resumed, unless an operator wants it ended.
pub(super) async fn end_without_owner(
    connection: &mut PgConnection,
    id: RunId,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE extractor.runs
         SET state = CASE WHEN cancel_requested_at IS NULL THEN 'interrupted' ELSE 'cancelled' END,
             finished_at = clock_timestamp(), updated_at = clock_timestamp()
         WHERE id = $1",
        id.0
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Tells the services of the site that something was asked.
pub(super) async fn notify(tx: &mut Tx<'_>, site: &Site) -> Result<(), StoreError> {
    sqlx::query!("SELECT pg_notify($1, $2)", CONTROL_CHANNEL, site.as_str())
        .execute(&mut **tx)
        .await?;
    Ok(())
}
