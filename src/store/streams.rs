//! Issues that were stored before an optional stream was asked for.

use super::leases::fence;
use super::rows::column;
use super::wholeness::stream_names;
use super::{ProjectLease, Store, StoreError};
use crate::model::{RunId, Stream};

impl Store {
    /// Queues, for this run, the project's stored issues that were fetched without asking for all of
    /// `wanted`; answers how many. It reads the whole project.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn queue_without_streams(
        &self,
        lease: &ProjectLease,
        id: RunId,
        wanted: &[Stream],
    ) -> Result<u64, StoreError> {
        if wanted.is_empty() {
            return Ok(0);
        }
        let names = &stream_names(wanted);
        self.tx("queue_without_streams", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                let queued = sqlx::query!(
                    "INSERT INTO extractor.pending
                         (site, issue_id, project_key, run_id, key, queue_order, queued_at)
                     SELECT site, id, project_key, $3, key, nextval('extractor.pending_order'),
                         clock_timestamp()
                     FROM jira.issues
                     WHERE site = $1 AND project_key = $2 AND deleted_at IS NULL
                       AND NOT coalesce(streams, '{}') @> $4::text[]
                     ORDER BY id
                     ON CONFLICT ON CONSTRAINT pending_pk DO NOTHING",
                    lease.site().as_str(),
                    lease.project().as_str(),
                    id.0,
                    names,
                )
                .execute(&mut **tx)
                .await?
                .rows_affected();
                sqlx::query!(
                    "UPDATE extractor.runs SET queued = queued + $2 WHERE id = $1",
                    id.0,
                    column(queued)
                )
                .execute(&mut **tx)
                .await?;
                Ok(queued)
            })
        })
        .await
    }
}
