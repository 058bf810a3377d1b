//! Cursors: how far completed runs have got, and an operator's reset.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::leases::{fence, holder};
use super::rows::{count, parse};
use super::{ProjectLease, Store, StoreError};
use crate::model::{ProjectKey, RunId, Site, WorkerId};

/// One project's cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorFacts {
    /// The Jira instance.
    pub site: Site,
    /// The project.
    pub project: ProjectKey,
    /// Start, by Jira's clock, of the last completed run.
    pub completed_until: Option<DateTime<Utc>>,
    /// That run.
    pub last_run: Option<RunId>,
    /// The latest a row was seen to arrive in Jira's index after its change.
    pub max_index_lag: Duration,
    /// The last reconcile that got to a certificate.
    pub reconcile_run: Option<RunId>,
    /// When the last reconcile ended whose certificate holds, by the database's clock.
    pub reconciled_at: Option<DateTime<Utc>>,
    /// The live worker that holds the project.
    pub held_by: Option<WorkerId>,
    /// When the row was last written, by the database's clock.
    pub updated_at: DateTime<Utc>,
}

impl Store {
    /// The cursors of one instance, or of all, by site and project.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn list_cursors(&self, site: Option<&Site>) -> Result<Vec<CursorFacts>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT c.site, c.project_key, c.completed_until, c.last_run_id, c.max_lag_secs,
                 c.reconcile_run_id, c.reconciled_at, w.id AS "held_by?: Uuid", c.updated_at
               FROM extractor.cursors c LEFT JOIN extractor.live_workers w ON w.id = c.lease_worker
               WHERE $1::text IS NULL OR c.site = $1
               ORDER BY c.site, c.project_key"#,
            site.map(Site::as_str),
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(CursorFacts {
                    site: Site::new(row.site),
                    project: parse("project key", &row.project_key)?,
                    completed_until: row.completed_until,
                    last_run: row.last_run_id.map(RunId),
                    max_index_lag: Duration::from_secs(count(row.max_lag_secs)),
                    reconcile_run: row.reconcile_run_id.map(RunId),
                    reconciled_at: row.reconciled_at,
                    held_by: row.held_by.map(WorkerId),
                    updated_at: row.updated_at,
                })
            })
            .collect()
    }

    /// Forgets how far the project has got, so that its next run begins at the beginning. What is
    /// stored stays. Answers whether there was a cursor.
    ///
    /// # Errors
    /// [`StoreError::ProjectHeld`] while a live worker holds the project.
    pub async fn reset_cursor(
        &self,
        site: &Site,
        project: &ProjectKey,
    ) -> Result<bool, StoreError> {
        self.tx("reset_cursor", |tx| {
            Box::pin(async move {
                let live = sqlx::query_scalar!(
                    r#"SELECT EXISTS (
                     SELECT FROM extractor.live_workers w WHERE w.id = c.lease_worker
                   ) AS "live!"
                   FROM extractor.cursors c WHERE site = $1 AND project_key = $2 FOR UPDATE"#,
                    site.as_str(),
                    project.as_str(),
                )
                .fetch_optional(&mut **tx)
                .await?;
                let Some(live) = live else { return Ok(false) };
                if live && let Some(holder) = holder(tx, site, project).await? {
                    return Err(StoreError::ProjectHeld(holder));
                }
                sqlx::query!(
                    "UPDATE extractor.cursors
                 SET completed_until = NULL, last_run_id = NULL, lease_worker = NULL,
                     leased_at = NULL, lease_token = lease_token + 1, updated_at = clock_timestamp()
                 WHERE site = $1 AND project_key = $2",
                    site.as_str(),
                    project.as_str(),
                )
                .execute(&mut **tx)
                .await?;
                cancel_open_runs(tx, site, project).await?;
                Ok(true)
            })
        })
        .await
    }

    /// Forgets how far the project has got, so that its next run lists everything.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn restart_cursor(&self, lease: &ProjectLease) -> Result<(), StoreError> {
        self.tx("restart_cursor", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                sqlx::query!(
                    "UPDATE extractor.cursors SET completed_until = NULL
                     WHERE site = $1 AND project_key = $2",
                    lease.site().as_str(),
                    lease.project().as_str(),
                )
                .execute(&mut **tx)
                .await?;
                Ok(())
            })
        })
        .await
    }
}

/// No run may resume where it stood before the reset.
pub(super) async fn cancel_open_runs(
    connection: &mut sqlx::PgConnection,
    site: &Site,
    project: &ProjectKey,
) -> Result<(), StoreError> {
    let cancelled = sqlx::query_scalar!(
        "UPDATE extractor.runs
         SET state = 'cancelled', error = coalesce(error, 'cursor reset'),
             cancel_requested_at = NULL,
             finished_at = coalesce(finished_at, clock_timestamp()), updated_at = clock_timestamp()
         WHERE site = $1 AND project_key = $2 AND horizon IS NOT NULL
           AND (state IN ('queued', 'running', 'interrupted', 'failed')
                OR (state = 'cancelled' AND cancel_requested_at IS NOT NULL))
         RETURNING id",
        site.as_str(),
        project.as_str(),
    )
    .fetch_all(&mut *connection)
    .await?;
    sqlx::query!("DELETE FROM extractor.listed WHERE run_id = ANY($1)", &cancelled)
        .execute(connection)
        .await?;
    Ok(())
}
