//! How far a project has read Jira's feed of deleted worklogs, and which issues that concerns.

use chrono::{DateTime, Utc};

use super::leases::fence;
use super::rows::column;
use super::{ProjectLease, Store, StoreError};
use crate::model::RunId;

impl Store {
    /// Until when the project has read the feed; `None` before the first time.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn worklogs_until(
        &self,
        lease: &ProjectLease,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let until = sqlx::query_scalar!(
            "SELECT worklogs_until FROM extractor.cursors WHERE site = $1 AND project_key = $2",
            lease.site().as_str(),
            lease.project().as_str(),
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(until.flatten())
    }

    /// Queues the project's issues of which one of these worklogs is stored, and notes that the feed
    /// was read until `until`; that never falls. Answers how many issues were queued.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn queue_deleted_worklogs(
        &self,
        lease: &ProjectLease,
        run: RunId,
        worklogs: &[i64],
        until: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        self.tx("queue_deleted_worklogs", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                let queued = sqlx::query!(
                    "WITH concerned AS (
                         SELECT DISTINCT w.issue_id FROM jira.worklogs w
                         WHERE w.site = $1 AND w.worklog_id = ANY($4))
                     INSERT INTO extractor.pending
                         (site, issue_id, project_key, run_id, key, queue_order, queued_at)
                     SELECT i.site, i.id, i.project_key, $3, i.key,
                         nextval('extractor.pending_order'), clock_timestamp()
                     FROM concerned c JOIN jira.issues i ON i.site = $1 AND i.id = c.issue_id
                     WHERE i.project_key = $2 AND i.deleted_at IS NULL
                     ORDER BY i.id
                     ON CONFLICT ON CONSTRAINT pending_pk DO NOTHING",
                    lease.site().as_str(),
                    lease.project().as_str(),
                    run.0,
                    worklogs,
                )
                .execute(&mut **tx)
                .await?
                .rows_affected();
                sqlx::query!(
                    "UPDATE extractor.runs SET queued = queued + $2 WHERE id = $1",
                    run.0,
                    column(queued)
                )
                .execute(&mut **tx)
                .await?;
                sqlx::query!(
                    "UPDATE extractor.cursors SET worklogs_until = greatest(worklogs_until, $3)
                     WHERE site = $1 AND project_key = $2",
                    lease.site().as_str(),
                    lease.project().as_str(),
                    until,
                )
                .execute(&mut **tx)
                .await?;
                Ok(queued)
            })
        })
        .await
    }
}
