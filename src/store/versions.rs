//! `jira.issue_versions`: every version of an issue, where history is kept. What a version is, the
//! constraints of the table say; this closes the open one and opens the next.

use sqlx::PgConnection;

use super::leases::fence;
use super::{ProjectLease, Store, StoreError};
use crate::model::Site;

/// Issues of one transaction, when versions are opened for what was stored before.
const CHUNK: i64 = 1_000;

impl Store {
    /// The same store, which keeps every version of an issue from now on, or does not.
    #[must_use]
    pub fn keeping_history(self, history: bool) -> Self {
        Self { history, ..self }
    }

    /// Opens a version for every stored issue of the project that has none, if history is kept;
    /// answers how many. Nothing is fetched.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn open_versions(&self, lease: &ProjectLease) -> Result<u64, StoreError> {
        let (mut opened, mut after) = (0, 0);
        if !self.history {
            return Ok(opened);
        }
        loop {
            let (chunk, last) = self
                .tx("open_versions", |tx| {
                    Box::pin(async move {
                        fence(tx, lease).await?;
                        let ids = without_version(tx, lease, after).await?;
                        Ok((open(tx, lease.site(), &ids).await?, ids.last().copied()))
                    })
                })
                .await?;
            opened += chunk;
            match last {
                Some(last) => after = last,
                None => return Ok(opened),
            }
        }
    }
}

/// Puts down what these issues are now as their newest version, where that is news. To be called in
/// the transaction that changed them, and after it.
pub(super) async fn record(
    tx: &mut PgConnection,
    site: &Site,
    ids: &[i64],
) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    close(tx, site, ids).await?;
    open(tx, site, ids).await.map(drop)
}

/// The next stored issues without a version. Locked, so that nobody writes them meanwhile; who is
/// writing one already opens its version.
async fn without_version(
    tx: &mut PgConnection,
    lease: &ProjectLease,
    after: i64,
) -> Result<Vec<i64>, StoreError> {
    let ids = sqlx::query_scalar!(
        "SELECT i.id FROM jira.issues i
         WHERE i.site = $1 AND i.id > $4 AND i.project_key = $2 AND NOT EXISTS (
             SELECT FROM jira.issue_versions v WHERE v.site = i.site AND v.issue_id = i.id
             LIMIT 1)
         ORDER BY i.id LIMIT $3 FOR UPDATE OF i SKIP LOCKED",
        lease.site().as_str(),
        lease.project().as_str(),
        CHUNK,
        after,
    )
    .fetch_all(tx)
    .await?;
    Ok(ids)
}

/// Ends the open versions that are not what is stored any more. What the database's clock says is
/// only asked where Jira's does not tell, and never goes back.
async fn close(tx: &mut PgConnection, site: &Site, ids: &[i64]) -> Result<(), StoreError> {
    sqlx::query!(
        // By address, and each issue looked up by itself: that needs no statistics.
        "UPDATE jira.issue_versions v
         SET valid_to = (SELECT CASE
             WHEN i.deleted_at > v.valid_from THEN i.deleted_at
             WHEN i.deleted_at IS NULL AND i.updated > v.valid_from THEN i.updated
             ELSE greatest(clock_timestamp(), v.valid_from + interval '1 microsecond') END
             FROM jira.issues i WHERE i.site = $1 AND i.id = v.issue_id LIMIT 1)
         WHERE v.ctid = ANY (ARRAY(
             SELECT o.ctid FROM unnest($2::bigint[]) AS n(id)
             CROSS JOIN LATERAL (
                 SELECT key, updated, deleted_reason, content_hash
                 FROM jira.issues WHERE site = $1 AND id = n.id LIMIT 1) AS i
             CROSS JOIN LATERAL (
                 SELECT ctid, key, updated, deleted_reason, content_hash
                 FROM jira.issue_versions
                 WHERE site = $1 AND issue_id = n.id AND valid_to IS NULL LIMIT 1) AS o
             WHERE (o.content_hash, o.key, o.updated, o.deleted_reason)
                 IS DISTINCT FROM (i.content_hash, i.key, i.updated, i.deleted_reason)))",
        site.as_str(),
        ids,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Opens a version for each of these issues that has no open one.
async fn open(tx: &mut PgConnection, site: &Site, ids: &[i64]) -> Result<u64, StoreError> {
    let opened = sqlx::query!(
        "INSERT INTO jira.issue_versions (site, issue_id, version, valid_from, observed_at, change,
             deleted_reason, key, project_key, summary, issue_type, status, status_category,
             priority, resolution, assignee_id, reporter_id, creator_id, parent_id, labels, created,
             updated, resolved, due, fields, tier, content_hash, privacy)
         SELECT i.site, i.id, coalesce(l.version, 0) + 1,
             coalesce(l.valid_to, i.deleted_at, i.updated, clock_timestamp()), clock_timestamp(),
             CASE WHEN i.deleted_at IS NOT NULL THEN 'deleted' WHEN l.change IS NULL THEN 'created'
                 WHEN l.change = 'deleted' THEN 'restored' ELSE 'changed' END,
             i.deleted_reason, i.key, i.project_key, i.summary, i.issue_type, i.status,
             i.status_category, i.priority, i.resolution, i.assignee_id, i.reporter_id,
             i.creator_id, i.parent_id, i.labels, i.created, i.updated, i.resolved, i.due, i.fields,
             i.tier, i.content_hash, i.privacy
         FROM unnest($2::bigint[]) AS n(id)
         CROSS JOIN LATERAL (SELECT * FROM jira.issues WHERE site = $1 AND id = n.id LIMIT 1) AS i
         LEFT JOIN LATERAL (
             SELECT version, valid_to, change FROM jira.issue_versions
             WHERE site = $1 AND issue_id = n.id ORDER BY version DESC LIMIT 1) AS l ON true
         WHERE l.version IS NULL OR l.valid_to IS NOT NULL",
        site.as_str(),
        ids,
    )
    .execute(tx)
    .await?;
    Ok(opened.rows_affected())
}
