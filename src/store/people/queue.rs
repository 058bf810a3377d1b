//! Issues that were stored when people were treated otherwise.

use crate::model::{RunId, Site};
use crate::store::leases::fence;
use crate::store::rows::{column, count};
use crate::store::{ProjectLease, Store, StoreError};

impl Store {
    /// Queues, for this run, the project's stored issues in which people are treated otherwise than
    /// `fingerprint` says; answers how many. It reads the whole project.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn queue_under_other_privacy(
        &self,
        lease: &ProjectLease,
        id: RunId,
        fingerprint: Option<&str>,
    ) -> Result<u64, StoreError> {
        self.tx("queue_under_other_privacy", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                let queued = sqlx::query!(
                    "INSERT INTO extractor.pending
                         (site, issue_id, project_key, run_id, key, queue_order, queued_at)
                     SELECT site, id, project_key, $3, key, nextval('extractor.pending_order'),
                         clock_timestamp()
                     FROM jira.issues
                     WHERE site = $1 AND project_key = $2 AND deleted_at IS NULL
                       AND privacy IS DISTINCT FROM $4
                     ORDER BY id
                     ON CONFLICT ON CONSTRAINT pending_pk DO NOTHING",
                    lease.site().as_str(),
                    lease.project().as_str(),
                    id.0,
                    fingerprint,
                )
                .execute(&mut **tx)
                .await?
                .rows_affected();
                if queued > 0 {
                    sqlx::query!(
                        "UPDATE extractor.runs SET queued = queued + $2 WHERE id = $1",
                        id.0,
                        column(queued)
                    )
                    .execute(&mut **tx)
                    .await?;
                }
                Ok(queued)
            })
        })
        .await
    }

    /// How many issues of the site, or of all sites, are stored under another treatment of people than this.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn count_under_other_privacy(
        &self,
        site: Option<&Site>,
        fingerprint: Option<&str>,
    ) -> Result<u64, StoreError> {
        let issues = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM jira.issues
               WHERE ($1::text IS NULL OR site = $1) AND deleted_at IS NULL
                 AND privacy IS DISTINCT FROM $2"#,
            site.map(Site::as_str),
            fingerprint,
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(count(issues))
    }
}
