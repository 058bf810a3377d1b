//! Recording a page of a listing: what is new or changed goes to the queue, with the checkpoint,
//! in one transaction.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::leases::fence;
use super::queue::PENDING_CHANNEL;
use super::rows::column;
use super::{ProjectLease, Store, StoreError};
use crate::model::{Checkpoint, IssueId, ListedIssue, RunId};

/// What a page brought, in issues.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PageOutcome {
    /// Not listed by this run before.
    pub listed_new: u64,
    /// Queued for hydration; what was in the queue already counts only when it is another run's.
    pub queued: u64,
    /// Listed for the first time and found unchanged.
    pub unchanged: u64,
    /// The oldest `updated` among what was queued for the first time.
    pub oldest_queued: Option<DateTime<Utc>>,
}

/// A page as the statements take it, sorted by id so that writers cannot deadlock.
struct Rows {
    ids: Vec<i64>,
    keys: Vec<String>,
    updated: Vec<Option<DateTime<Utc>>>,
    positions: Vec<i64>,
}

/// Which of a project's failures a run tries again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requeue {
    /// Those whose time has come.
    Due,
    /// Every one.
    All,
}

impl Store {
    /// Records one page and the checkpoint after it.
    ///
    /// A listed issue is queued if it is not stored; or stored under another key, as deleted, or on
    /// the minimal tier; or listed with a newer `updated` than stored; or stored *unsettled*:
    /// fetched within five seconds of its last change, so that a further change in the same second
    /// may have been missed.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`]; [`StoreError::RunNotOpen`]. Then nothing of the page is recorded.
    pub async fn record_page(
        &self,
        lease: &ProjectLease,
        id: RunId,
        page: &[ListedIssue],
        checkpoint: &Checkpoint,
    ) -> Result<PageOutcome, StoreError> {
        let rows = &Rows::of(page);
        self.tx("record_page", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                let listed = list(tx, id, rows).await?;
                let changed = enqueue(tx, lease, id, rows).await?;
                let unchanged = listed.iter().filter(|id| !changed.seen.contains(id)).count();
                let outcome = PageOutcome {
                    listed_new: listed.len() as u64,
                    queued: changed.queued,
                    unchanged: unchanged as u64,
                    oldest_queued: changed.oldest_queued,
                };
                advance(tx, id, &outcome, checkpoint).await?;
                Ok(outcome)
            })
        })
        .await
    }

    /// Records issues that no page of the listing brought, and that Jira shows all the same.
    ///
    /// # Errors
    /// As [`Store::record_page`].
    pub async fn record_late(
        &self,
        lease: &ProjectLease,
        id: RunId,
        issues: &[ListedIssue],
    ) -> Result<(), StoreError> {
        let rows = &Rows::of(issues);
        self.tx("record_late", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                let listed = list(tx, id, rows).await?;
                let changed = enqueue(tx, lease, id, rows).await?;
                sqlx::query!(
                    "UPDATE extractor.runs SET listed = listed + $2, queued = queued + $3
                     WHERE id = $1",
                    id.0,
                    column(listed.len() as u64),
                    column(changed.queued),
                )
                .execute(&mut **tx)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// Queues again, for this run, the project's failures whose time has come, or all of them.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn requeue_failures(
        &self,
        lease: &ProjectLease,
        id: RunId,
        which: Requeue,
    ) -> Result<u64, StoreError> {
        let all = which == Requeue::All;
        self.tx("requeue_failures", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                let queued = sqlx::query!(
                    "INSERT INTO extractor.pending
                     (site, issue_id, project_key, run_id, key, queue_order, queued_at)
                 SELECT site, issue_id, project_key, $3, key,
                     nextval('extractor.pending_order'), clock_timestamp()
                 FROM extractor.failures
                 WHERE site = $1 AND project_key = $2
                   AND ($4 OR next_try <= clock_timestamp())
                 ORDER BY issue_id
                 ON CONFLICT ON CONSTRAINT pending_pk DO NOTHING",
                    lease.site().as_str(),
                    lease.project().as_str(),
                    id.0,
                    all,
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

impl Rows {
    /// The page without duplicates: of two rows with one id the newer stays.
    fn of(page: &[ListedIssue]) -> Self {
        let mut newest: BTreeMap<IssueId, (i64, &ListedIssue)> = BTreeMap::new();
        for (position, row) in (0..).zip(page) {
            let kept = newest.entry(row.id).or_insert((position, row));
            if row.updated >= kept.1.updated {
                kept.1 = row;
            }
        }
        Self {
            ids: newest.keys().map(|id| id.0).collect(),
            keys: newest.values().map(|(_, row)| row.key.to_string()).collect(),
            updated: newest.values().map(|(_, row)| row.updated).collect(),
            positions: newest.values().map(|(position, _)| *position).collect(),
        }
    }
}

/// Adds the page to what the run has listed; answers with what is new.
async fn list(
    connection: &mut PgConnection,
    id: RunId,
    rows: &Rows,
) -> Result<Vec<i64>, StoreError> {
    let listed = sqlx::query_scalar!(
        "INSERT INTO extractor.listed (run_id, issue_id, key, updated)
         SELECT $1, n.issue_id, n.key, n.updated
         FROM unnest($2::bigint[], $3::text[], $4::timestamptz[]) AS n(issue_id, key, updated)
         ON CONFLICT ON CONSTRAINT listed_pk DO NOTHING
         RETURNING issue_id",
        id.0,
        &rows.ids,
        &rows.keys,
        &rows.updated as _,
    )
    .fetch_all(connection)
    .await?;
    Ok(listed)
}

/// What the diff found.
struct Changed {
    /// Every issue that differs from what is stored, queued now or before.
    seen: std::collections::HashSet<i64>,
    /// How many of them were not in this run's queue before.
    queued: u64,
    /// The oldest `updated` of those.
    oldest_queued: Option<DateTime<Utc>>,
}

/// The diff: compares the page with what is stored, and queues what differs in listing order.
///
/// An issue that is in the queue already keeps its place and its lease. One that waits for this run
/// as it is listed is left alone altogether: its row may be locked by the writer who is about to
/// remove it, and waiting for that only to queue it again would fetch it twice. The `LIMIT 1` keep
/// the planner from joining the page with everything stored while the tables have no statistics.
async fn enqueue(
    connection: &mut PgConnection,
    lease: &ProjectLease,
    id: RunId,
    rows: &Rows,
) -> Result<Changed, StoreError> {
    let changed = sqlx::query!(
        r#"WITH changed AS (
             SELECT n.issue_id, n.key, n.updated, n.position, q.run_id AS queued_for,
                 coalesce((q.project_key, q.run_id, q.key) = ($2, $3, n.key)
                     AND (n.updated IS NULL OR q.listed_updated >= n.updated), false) AS waits
             FROM unnest($4::bigint[], $5::text[], $6::timestamptz[], $7::bigint[])
                 AS n(issue_id, key, updated, position)
             LEFT JOIN LATERAL (
                 SELECT id, key, deleted_at, tier, updated, extracted_at FROM jira.issues
                 WHERE site = $1 AND id = n.issue_id LIMIT 1) AS i ON true
             LEFT JOIN LATERAL (
                 SELECT project_key, run_id, key, listed_updated FROM extractor.pending
                 WHERE site = $1 AND issue_id = n.issue_id LIMIT 1) AS q ON true
             WHERE i.id IS NULL
                OR i.key <> n.key
                OR i.deleted_at IS NOT NULL
                OR i.tier = 'minimal'
                OR n.updated > i.updated
                OR (n.updated IS NOT NULL AND i.updated IS NULL)
                OR i.updated > i.extracted_at - interval '5 seconds'
         ), ordered AS MATERIALIZED (
             SELECT *, nextval('extractor.pending_order') AS queue_order
             FROM (SELECT * FROM changed WHERE NOT waits ORDER BY position) AS by_position
         ), queued AS (
             INSERT INTO extractor.pending AS p
                 (site, issue_id, project_key, run_id, key, listed_updated, queue_order, queued_at)
             SELECT $1, issue_id, $2, $3, key, updated, queue_order, clock_timestamp()
             FROM ordered ORDER BY issue_id
             ON CONFLICT ON CONSTRAINT pending_pk DO UPDATE
             SET project_key = excluded.project_key, run_id = excluded.run_id, key = excluded.key,
                 listed_updated = greatest(p.listed_updated, excluded.listed_updated)
             RETURNING issue_id, queue_order
         )
         SELECT c.issue_id AS "issue_id!", c.updated,
             (q.issue_id IS NOT NULL
              AND (c.queued_for IS DISTINCT FROM $3 OR q.queue_order = o.queue_order)) AS "queued!"
         FROM changed c
             LEFT JOIN ordered o ON o.issue_id = c.issue_id
             LEFT JOIN queued q ON q.issue_id = c.issue_id"#,
        lease.site().as_str(),
        lease.project().as_str(),
        id.0,
        &rows.ids,
        &rows.keys,
        &rows.updated as _,
        &rows.positions,
    )
    .fetch_all(connection)
    .await?;
    Ok(Changed {
        queued: changed.iter().filter(|row| row.queued).count() as u64,
        oldest_queued: changed.iter().filter(|row| row.queued).filter_map(|row| row.updated).min(),
        seen: changed.into_iter().map(|row| row.issue_id).collect(),
    })
}

/// Moves the run on: checkpoint and counters; wakes whoever waits for work.
async fn advance(
    connection: &mut PgConnection,
    id: RunId,
    outcome: &PageOutcome,
    checkpoint: &Checkpoint,
) -> Result<(), StoreError> {
    let advanced = sqlx::query!(
        "UPDATE extractor.runs
         SET checkpoint = $2, listed = listed + $3, queued = queued + $4,
             unchanged = unchanged + $5, pages = pages + 1,
             progressed_at = clock_timestamp(), updated_at = clock_timestamp()
         WHERE id = $1 AND state = 'running'",
        id.0,
        Json(checkpoint) as _,
        column(outcome.listed_new),
        column(outcome.queued),
        column(outcome.unchanged),
    )
    .execute(&mut *connection)
    .await?;
    if advanced.rows_affected() != 1 {
        return Err(StoreError::RunNotOpen { id });
    }
    if outcome.queued > 0 {
        sqlx::query!("SELECT pg_notify($1, $2)", PENDING_CHANNEL, id.to_string())
            .execute(connection)
            .await?;
    }
    Ok(())
}
