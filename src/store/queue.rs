//! The queue of issues to be fetched whole: leasing batches, keeping and giving back leases.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::listener::Listener;
use super::rows::{count, parse, seconds, small};
use super::{Store, StoreError};
use crate::model::{IssueId, IssueKey, RunId, Site, Tier, WorkerId};

/// Where a listing says that it has queued something; the payload is the run's id.
pub(super) const PENDING_CHANNEL: &str = "extractor_pending";

/// Which part of the queue to work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueScope {
    /// What one run waits for.
    Run(RunId),
    /// Whatever any run of the instance waits for; not what is left of one that was cancelled.
    Site(Site),
}

/// The right to write one batch, minted by [`Store::acquire_batch`] alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchToken {
    site: Site,
    token: i64,
}

impl BatchToken {
    pub(super) fn site(&self) -> &Site {
        &self.site
    }

    pub(super) fn number(&self) -> i64 {
        self.token
    }

    /// A token that was never handed out.
    #[cfg(test)]
    pub(super) fn forged(site: Site, token: i64) -> Self {
        Self { site, token }
    }
}

/// One issue to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingIssue {
    /// Jira's numeric id.
    pub id: IssueId,
    /// The key it was listed with.
    pub key: IssueKey,
    /// The run that waits for it.
    pub run: RunId,
    /// The newest `updated` it was listed with.
    pub listed_updated: Option<DateTime<Utc>>,
    /// How often it was fetched in vain.
    pub attempts: u32,
    /// The tier it is stored on, if it is stored.
    pub stored_tier: Option<Tier>,
}

/// The number of a batch, before it is leased; minted by [`Store::draw_batch`] alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchNumber(i64);

/// Issues leased together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// What a write of these issues must carry.
    pub token: BatchToken,
    /// The issues, in the order of listing.
    pub items: Vec<PendingIssue>,
}

/// How a lease is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// Nothing was tried: as if it had never been leased.
    Untouched,
    /// It was tried in vain: an attempt is counted, and nobody tries again before this has passed.
    RetryAfter(Duration),
}

/// What a run still waits for, in issues.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PendingCounts {
    /// All of it.
    pub total: u64,
    /// Leased to a live worker.
    pub leased: u64,
    /// Free to be leased now.
    pub due: u64,
    /// When nothing is due: how long until the first issue is, if that is only a matter of time.
    pub next_due_in: Option<Duration>,
}

impl Store {
    /// Leases up to `limit` issues for `lease`; `None` when nothing is free now. Leases that have
    /// run out or whose worker is dead count as free. No two callers get the same issue.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn acquire_batch(
        &self,
        worker: WorkerId,
        scope: &QueueScope,
        limit: u32,
        lease: Duration,
    ) -> Result<Option<Batch>, StoreError> {
        let number = self.draw_batch().await?;
        self.lease_batch(number, worker, scope, limit, lease).await
    }

    /// Draws the number of a batch that is to be leased. To have it before is to know what to give
    /// back when the answer to the lease itself is lost.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn draw_batch(&self) -> Result<BatchNumber, StoreError> {
        let number = sqlx::query_scalar!(r#"SELECT nextval('extractor.batch_token') AS "number!""#);
        Ok(BatchNumber(number.fetch_one(&self.pool).await?))
    }

    /// As [`Store::acquire_batch`], under this number.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn lease_batch(
        &self,
        BatchNumber(number): BatchNumber,
        worker: WorkerId,
        scope: &QueueScope,
        limit: u32,
        lease: Duration,
    ) -> Result<Option<Batch>, StoreError> {
        let rows = self
            .tx_in_index_order("acquire_batch", |tx| {
                Box::pin(async move {
                    match scope {
                        QueueScope::Run(run) => {
                            lease_of_run(
                                tx,
                                *run,
                                (worker, number),
                                i64::from(limit),
                                seconds(lease),
                            )
                            .await
                        }
                        QueueScope::Site(site) => {
                            lease_of_site(
                                tx,
                                site,
                                (worker, number),
                                i64::from(limit),
                                seconds(lease),
                            )
                            .await
                        }
                    }
                })
            })
            .await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let token = BatchToken { site: Site::new(first.site.clone()), token: first.lease_token };
        let items = rows.into_iter().map(PendingIssue::try_from).collect::<Result<_, _>>()?;
        Ok(Some(Batch { token, items }))
    }

    /// Prolongs a lease from now.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when nothing of the batch is left under this token.
    pub async fn renew_batch(&self, token: &BatchToken, lease: Duration) -> Result<(), StoreError> {
        let renewed = self
            .tx("renew_batch", |tx| {
                Box::pin(async move {
                    let renewed = sqlx::query!(
                        "UPDATE extractor.pending
                     SET leased_until = clock_timestamp() + make_interval(secs => $3)
                     WHERE site = $1 AND lease_token = $2",
                        token.site.as_str(),
                        token.token,
                        seconds(lease),
                    )
                    .execute(&mut **tx)
                    .await?;
                    Ok(renewed.rows_affected())
                })
            })
            .await?;
        if renewed == 0 { Err(StoreError::LeaseLost { what: "the batch" }) } else { Ok(()) }
    }

    /// Gives back `ids` of a batch, or all that is left of it when `ids` is `None`. What somebody
    /// else has taken over meanwhile is left alone; answers how many were given back.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn release_batch(
        &self,
        token: &BatchToken,
        ids: Option<&[IssueId]>,
        how: Release,
    ) -> Result<u64, StoreError> {
        let ids: Option<Vec<i64>> = ids.map(|ids| ids.iter().map(|id| id.0).collect());
        let ids = ids.as_deref();
        let retry_after = match how {
            Release::Untouched => None,
            Release::RetryAfter(wait) => Some(seconds(wait)),
        };
        self.tx("release_batch", |tx| {
            Box::pin(async move {
                let released = sqlx::query!(
                    "UPDATE extractor.pending
                 SET lease_worker = NULL, lease_token = NULL, leased_until = NULL,
                     attempts = attempts + CASE WHEN $4::float8 IS NULL THEN 0 ELSE 1 END,
                     not_before = CASE WHEN $4::float8 IS NULL THEN not_before
                         ELSE clock_timestamp() + make_interval(secs => $4) END
                 WHERE site = $1 AND lease_token = $2
                   AND ($3::bigint[] IS NULL OR issue_id = ANY($3))",
                    token.site.as_str(),
                    token.token,
                    ids,
                    retry_after,
                )
                .execute(&mut **tx)
                .await?;
                Ok(released.rows_affected())
            })
        })
        .await
    }

    /// Gives back whatever is leased under a number, untouched: for a batch that never arrived.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn release_stray_batch(&self, number: BatchNumber) -> Result<u64, StoreError> {
        self.tx("release_stray_batch", |tx| {
            Box::pin(async move {
                let released = sqlx::query!(
                    "UPDATE extractor.pending
                     SET lease_worker = NULL, lease_token = NULL, leased_until = NULL
                     WHERE lease_token = $1",
                    number.0
                )
                .execute(&mut **tx)
                .await?;
                Ok(released.rows_affected())
            })
        })
        .await
    }

    /// What is left in a part of the queue.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn pending_remaining(&self, scope: &QueueScope) -> Result<PendingCounts, StoreError> {
        let (run, site) = match scope {
            QueueScope::Run(run) => (Some(run.0), None),
            QueueScope::Site(site) => (None, Some(site.as_str())),
        };
        let row = sqlx::query!(
            r#"WITH live AS MATERIALIZED (SELECT id FROM extractor.live_workers),
             now AS (SELECT clock_timestamp() AS at),
             queue AS (
                 SELECT leased_until > now.at AND lease_worker IN (SELECT id FROM live) AS leased,
                     coalesce(not_before > now.at, false) AS early, not_before, now.at
                 FROM extractor.pending, now
                 WHERE ($1::uuid IS NULL OR run_id = $1)
                   AND ($2::text IS NULL OR (site = $2 AND run_id NOT IN (
                       SELECT id FROM extractor.runs WHERE site = $2 AND state = 'cancelled')))
             )
             SELECT count(*) AS "total!", count(*) FILTER (WHERE leased) AS "leased!",
                 count(*) FILTER (WHERE leased IS NOT TRUE AND NOT early) AS "due!",
                 extract(epoch FROM min(not_before - at)
                     FILTER (WHERE leased IS NOT TRUE AND early))::float8 AS next_due_in
             FROM queue"#,
            run,
            site
        )
        .fetch_one(&self.pool)
        .await?;
        let due = count(row.due);
        Ok(PendingCounts {
            total: count(row.total),
            leased: count(row.leased),
            due,
            next_due_in: row
                .next_due_in
                .filter(|_| due == 0)
                .and_then(|secs| Duration::try_from_secs_f64(secs.max(0.0)).ok()),
        })
    }

    /// Listens for listings that queue something, over a connection of its own.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn listen_pending(&self) -> Result<PendingListener, StoreError> {
        Ok(PendingListener(self.listen(PENDING_CHANNEL).await?))
    }
}

/// Hears of work in the queue. A hint, to be joined by polling: a broken connection loses some.
#[derive(Debug)]
pub struct PendingListener(Listener);

impl PendingListener {
    /// Waits until some run has queued something, and says which.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the connection cannot be had again.
    pub async fn next(&mut self) -> Result<RunId, StoreError> {
        loop {
            if let Some(note) = self.0.next().await? {
                return Ok(RunId(parse("run id", note.payload())?));
            }
        }
    }
}

struct Row {
    site: String,
    issue_id: i64,
    key: String,
    run_id: Uuid,
    listed_updated: Option<DateTime<Utc>>,
    attempts: i32,
    lease_token: i64,
    stored_tier: Option<String>,
}

impl TryFrom<Row> for PendingIssue {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: IssueId(row.issue_id),
            key: parse("issue key", &row.key)?,
            run: RunId(row.run_id),
            listed_updated: row.listed_updated,
            attempts: small(row.attempts),
            stored_tier: row.stored_tier.as_deref().map(|text| parse("tier", text)).transpose()?,
        })
    }
}

/// Leases what is free of one run, in the order of listing.
async fn lease_of_run(
    connection: &mut sqlx::PgConnection,
    run: RunId,
    (worker, number): (WorkerId, i64),
    limit: i64,
    lease_secs: f64,
) -> Result<Vec<Row>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"WITH live AS MATERIALIZED (SELECT id FROM extractor.live_workers),
         free AS (
             SELECT p.site, p.issue_id FROM extractor.pending p
             WHERE p.run_id = $1 AND (p.not_before IS NULL OR p.not_before <= clock_timestamp())
               AND (p.lease_worker IS NULL OR p.leased_until <= clock_timestamp()
                    OR p.lease_worker <> ALL (ARRAY(SELECT id FROM live)))
             ORDER BY p.queue_order
             LIMIT $3 FOR UPDATE SKIP LOCKED
         ), leased AS (
             UPDATE extractor.pending p
             SET lease_worker = $2, lease_token = $5,
                 leased_until = clock_timestamp() + make_interval(secs => $4)
             FROM free
             WHERE p.site = free.site AND p.issue_id = free.issue_id
             RETURNING p.site, p.issue_id, p.key, p.run_id, p.listed_updated, p.attempts,
                 p.lease_token, p.queue_order
         )
         SELECT l.site, l.issue_id, l.key, l.run_id, l.listed_updated, l.attempts,
             l.lease_token AS "lease_token!", i.tier AS "stored_tier?"
         FROM leased l LEFT JOIN jira.issues i ON i.site = l.site AND i.id = l.issue_id
         ORDER BY l.queue_order"#,
        run.0,
        worker.0,
        limit,
        lease_secs,
        number,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

/// The oldest run of the site goes first. What an operator has cancelled is nobody's to fetch.
async fn lease_of_site(
    connection: &mut sqlx::PgConnection,
    site: &Site,
    by: (WorkerId, i64),
    limit: i64,
    lease_secs: f64,
) -> Result<Vec<Row>, StoreError> {
    for run in runs_with_work(connection, site).await? {
        let rows = lease_of_run(connection, RunId(run), by, limit, lease_secs).await?;
        if !rows.is_empty() {
            return Ok(rows);
        }
    }
    Ok(Vec::new())
}

/// The runs of the site that have something in the queue, found by going from one to the next in the
/// index, past all that each has there.
async fn runs_with_work(
    connection: &mut sqlx::PgConnection,
    site: &Site,
) -> Result<Vec<Uuid>, StoreError> {
    let runs = sqlx::query_scalar!(
        r#"WITH RECURSIVE waiting AS (
             (SELECT run_id FROM extractor.pending ORDER BY run_id LIMIT 1)
             UNION ALL
             SELECT n.run_id FROM waiting w CROSS JOIN LATERAL (
                 SELECT run_id FROM extractor.pending
                 WHERE run_id > w.run_id ORDER BY run_id LIMIT 1) AS n
         )
         SELECT r.id AS "id!" FROM waiting w JOIN extractor.runs r ON r.id = w.run_id
         WHERE r.site = $1 AND r.state <> 'cancelled' ORDER BY r.id"#,
        site.as_str(),
    )
    .fetch_all(connection)
    .await?;
    Ok(runs)
}
