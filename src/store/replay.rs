//! The replay audit: whether changelogs arrive at the present values without a break. What that
//! means, field by field, is written in `extractor.replay_mismatches`; this keeps what it finds.

use sqlx::PgConnection;

use super::leases::fence;
use super::rows::{column, count};
use super::{ProjectLease, Store, StoreError};
use crate::model::{IssueDocument, IssueId, IssueKey, ProjectKey, RunId, Site};

/// Issues of one transaction.
const CHUNK: i64 = 1_000;
/// Issues of a project that are fetched again because of one field. If so many do not replay, the
/// field's changelog is not what it seems, and fetching it again brings the same.
const MOST_REFETCHED: i64 = 100;

/// What an audit came to, in issues.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReplayAudit {
    /// Looked at.
    pub audited: u64,
    /// Of these, how many do not replay.
    pub unreplayed: u64,
}

/// One field of one issue that does not replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayFinding {
    /// The issue.
    pub issue: IssueId,
    /// Its key.
    pub key: IssueKey,
    /// The field, as `jira.issue_field_history` names it.
    pub field: String,
    /// What is wrong.
    pub why: String,
    /// The changelog entry where it shows.
    pub history_id: Option<i64>,
    /// Whether the issue was fetched again because of it.
    pub refetched: bool,
}

impl Store {
    /// Replays the changelogs of the project's issues that were written since the last audit, and
    /// keeps what does not replay; what does now is healed.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn audit_replay(
        &self,
        lease: &ProjectLease,
        run: RunId,
    ) -> Result<ReplayAudit, StoreError> {
        let mut audit = ReplayAudit::default();
        loop {
            let chunk = self
                .tx("audit_replay", |tx| {
                    Box::pin(async move {
                        fence(tx, lease).await?;
                        let ids = take_unaudited(tx, lease).await?;
                        let unreplayed = keep_findings(tx, lease, run, &ids).await?;
                        Ok(ReplayAudit { audited: ids.len() as u64, unreplayed })
                    })
                })
                .await?;
            audit.audited += chunk.audited;
            audit.unreplayed += chunk.unreplayed;
            if chunk.audited == 0 {
                return Ok(audit);
            }
        }
    }

    /// Queues, for this run, the issues that do not replay and were not fetched again because of it,
    /// but no more than a hundred for each field; answers how many. Each finding does so once.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn requeue_unreplayed(
        &self,
        lease: &ProjectLease,
        run: RunId,
    ) -> Result<u64, StoreError> {
        self.tx("requeue_unreplayed", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                let ids = note_refetched(tx, lease).await?;
                if ids.is_empty() {
                    return Ok(0);
                }
                let queued = queue(tx, lease, run, &ids).await?;
                Ok(queued)
            })
        })
        .await
    }

    /// How many issues of the project do not replay: after an audit, although they were fetched again,
    /// or so many others were because of the same field.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn count_unreplayed(
        &self,
        site: &Site,
        project: &ProjectKey,
    ) -> Result<u64, StoreError> {
        let unreplayed = sqlx::query_scalar!(
            r#"SELECT count(DISTINCT f.issue_id) AS "count!"
               FROM extractor.replay_findings f
               JOIN jira.issues i ON i.site = f.site AND i.id = f.issue_id
               WHERE f.site = $1 AND i.project_key = $2 AND i.deleted_at IS NULL"#,
            site.as_str(),
            project.as_str(),
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(count(unreplayed))
    }

    /// What does not replay in the project, by issue and field.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn list_replay_findings(
        &self,
        site: &Site,
        project: &ProjectKey,
        limit: u32,
    ) -> Result<Vec<ReplayFinding>, StoreError> {
        let rows = sqlx::query!(
            "SELECT f.issue_id, i.key, f.field_id, f.why, f.history_id, f.refetched
             FROM extractor.replay_findings f
             JOIN jira.issues i ON i.site = f.site AND i.id = f.issue_id
             WHERE f.site = $1 AND i.project_key = $2 AND i.deleted_at IS NULL
             ORDER BY f.issue_id, f.field_id LIMIT $3",
            site.as_str(),
            project.as_str(),
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(ReplayFinding {
                    issue: IssueId(row.issue_id),
                    key: super::rows::parse("issue key", &row.key)?,
                    field: row.field_id,
                    why: row.why,
                    history_id: row.history_id,
                    refetched: row.refetched,
                })
            })
            .collect()
    }
}

/// Notes that these issues were written, in the transaction that writes them.
pub(super) async fn note_written(
    tx: &mut PgConnection,
    site: &Site,
    documents: &[&IssueDocument],
) -> Result<(), StoreError> {
    if documents.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = documents.iter().map(|document| document.id.0).collect();
    let projects: Vec<String> =
        documents.iter().map(|document| document.key.project().to_string()).collect();
    sqlx::query!(
        "INSERT INTO extractor.unaudited AS u (site, issue_id, project_key)
         SELECT $1, n.id, n.project FROM unnest($2::bigint[], $3::text[]) AS n(id, project)
         ON CONFLICT ON CONSTRAINT unaudited_pk DO UPDATE SET project_key = excluded.project_key
         WHERE u.project_key <> excluded.project_key",
        site.as_str(),
        &ids,
        &projects,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn take_unaudited(
    tx: &mut PgConnection,
    lease: &ProjectLease,
) -> Result<Vec<i64>, StoreError> {
    let ids = sqlx::query_scalar!(
        "DELETE FROM extractor.unaudited WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM extractor.unaudited WHERE site = $1 AND project_key = $2
             ORDER BY issue_id LIMIT $3 FOR UPDATE SKIP LOCKED))
         RETURNING issue_id",
        lease.site().as_str(),
        lease.project().as_str(),
        CHUNK,
    )
    .fetch_all(tx)
    .await?;
    Ok(ids)
}

/// Brings the findings of these issues in line with what is found now; answers how many issues have
/// some. What was found before and refetched in vain stays refetched.
async fn keep_findings(
    tx: &mut PgConnection,
    lease: &ProjectLease,
    run: RunId,
    ids: &[i64],
) -> Result<u64, StoreError> {
    if ids.is_empty() {
        return Ok(0);
    }
    let found = sqlx::query!(
        r#"SELECT issue_id AS "issue_id!", field_id AS "field_id!", why AS "why!", history_id
           FROM extractor.replay_mismatches($1, $2)"#,
        lease.site().as_str(),
        ids,
    )
    .fetch_all(&mut *tx)
    .await?;
    let issues: Vec<i64> = found.iter().map(|row| row.issue_id).collect();
    let fields: Vec<&str> = found.iter().map(|row| row.field_id.as_str()).collect();
    let why: Vec<&str> = found.iter().map(|row| row.why.as_str()).collect();
    let histories: Vec<Option<i64>> = found.iter().map(|row| row.history_id).collect();
    sqlx::query!(
        "DELETE FROM extractor.replay_findings f
         WHERE f.site = $1 AND f.issue_id = ANY($2) AND NOT EXISTS (
             SELECT FROM unnest($3::bigint[], $4::text[]) AS n(issue_id, field_id)
             WHERE (n.issue_id, n.field_id) = (f.issue_id, f.field_id))",
        lease.site().as_str(),
        ids,
        &issues,
        &fields as _,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "INSERT INTO extractor.replay_findings AS f
             (site, issue_id, field_id, project_key, why, history_id, run_id, found_at, refetched)
         SELECT $1, n.issue_id, n.field_id, $2, n.why, n.history_id, $3, clock_timestamp(), false
         FROM unnest($4::bigint[], $5::text[], $6::text[], $7::bigint[])
             AS n(issue_id, field_id, why, history_id)
         ON CONFLICT ON CONSTRAINT replay_findings_pk DO UPDATE
         SET project_key = excluded.project_key, why = excluded.why,
             history_id = excluded.history_id, run_id = excluded.run_id,
             found_at = excluded.found_at, refetched = false
         WHERE (f.why, f.history_id) IS DISTINCT FROM (excluded.why, excluded.history_id)",
        lease.site().as_str(),
        lease.project().as_str(),
        run.0,
        &issues,
        &fields as _,
        &why as _,
        &histories as _,
    )
    .execute(tx)
    .await?;
    let mut distinct = issues;
    distinct.dedup();
    Ok(distinct.len() as u64)
}

async fn note_refetched(
    tx: &mut PgConnection,
    lease: &ProjectLease,
) -> Result<Vec<i64>, StoreError> {
    let mut ids = sqlx::query_scalar!(
        "UPDATE extractor.replay_findings f SET refetched = true
         FROM (SELECT o.site, o.issue_id, o.field_id, row_number()
                   OVER (PARTITION BY o.field_id ORDER BY NOT o.refetched, o.issue_id) AS n
               FROM extractor.replay_findings o
               JOIN jira.issues i ON i.site = o.site AND i.id = o.issue_id
               WHERE o.site = $1 AND i.project_key = $2 AND i.deleted_at IS NULL) AS of_field
         WHERE f.site = of_field.site AND f.issue_id = of_field.issue_id
           AND f.field_id = of_field.field_id AND NOT f.refetched AND of_field.n <= $3
         RETURNING f.issue_id",
        lease.site().as_str(),
        lease.project().as_str(),
        MOST_REFETCHED,
    )
    .fetch_all(tx)
    .await?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

async fn queue(
    tx: &mut PgConnection,
    lease: &ProjectLease,
    run: RunId,
    ids: &[i64],
) -> Result<u64, StoreError> {
    let queued = sqlx::query!(
        "INSERT INTO extractor.pending
             (site, issue_id, project_key, run_id, key, queue_order, queued_at)
         SELECT i.site, i.id, $2, $3, i.key, nextval('extractor.pending_order'), clock_timestamp()
         FROM unnest($4::bigint[]) AS n(id) CROSS JOIN LATERAL (
             SELECT site, id, key FROM jira.issues WHERE site = $1 AND id = n.id LIMIT 1) AS i
         ON CONFLICT ON CONSTRAINT pending_pk DO NOTHING",
        lease.site().as_str(),
        lease.project().as_str(),
        run.0,
        ids,
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    sqlx::query!(
        "UPDATE extractor.runs SET queued = queued + $2 WHERE id = $1",
        run.0,
        column(queued),
    )
    .execute(tx)
    .await?;
    Ok(queued)
}
