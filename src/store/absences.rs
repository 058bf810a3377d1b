//! What a run looked for and did not find: noticed, looked up, and only then acted upon.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::leases::fence;
use super::rows::{column, count, parse};
use super::{ProjectLease, Store, StoreError, versions};
use crate::model::{Absence, IssueId, IssueKey, RunId, Site};

/// What a look-up by id said of an issue that was missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// There is no such issue for this account.
    NotFound,
    /// It is archived.
    Archived,
    /// It has another key, of another project.
    Elsewhere(IssueKey),
    /// It is in the project, and the search shows it after all.
    Listed,
    /// It is in the project, and no search shows it.
    Unlisted,
    /// It is in the project, and does not match `sync.filter`.
    OutsideFilter,
}

impl Found {
    fn name(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Archived => "archived",
            Self::Elsewhere(_) => "elsewhere",
            Self::Listed => "listed",
            Self::Unlisted => "unlisted",
            Self::OutsideFilter => "outside_filter",
        }
    }

    fn key(&self) -> Option<String> {
        match self {
            Self::Elsewhere(key) => Some(key.to_string()),
            Self::NotFound
            | Self::Archived
            | Self::Listed
            | Self::Unlisted
            | Self::OutsideFilter => None,
        }
    }
}

/// How many issues a run has missed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Missed {
    /// Stored, not listed, and not looked up yet.
    pub absent: u64,
    /// Stored, and not marked deleted.
    pub stored: u64,
}

/// How many issues may be marked deleted because they were not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// The most; `None`: however many.
    pub most: Option<u64>,
    /// The reason that is written down for those.
    pub not_found: Absence,
    /// The reason that is written down for archived ones, which are marked in any case.
    pub archived: Absence,
}

/// What became of what was missed, in issues.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// Not found, and not marked, because they are too many.
    pub refused: u64,
    /// Queued to be fetched where they are now.
    pub queued: u64,
}

/// What a run found out about the issues it missed, in issues.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AbsenceCounts {
    /// Not looked up.
    pub unknown: u64,
    /// Not found, marked or not.
    pub not_found: u64,
    /// Not found, and not marked.
    pub unmarked: u64,
    /// There, and shown by no search.
    pub unlisted: u64,
    /// There, and left out by the filter.
    pub outside_filter: u64,
    /// Found in another project that is followed.
    pub moved: u64,
    /// Marked deleted by the run, by reason.
    pub tombstoned: BTreeMap<Absence, u64>,
}

impl Store {
    /// Notes which issues of the project are stored and were not listed by the run.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn record_absent(
        &self,
        lease: &ProjectLease,
        run: RunId,
    ) -> Result<Missed, StoreError> {
        self.tx("record_absent", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                forget_found_again(tx, run).await?;
                note_unlisted(tx, lease, run).await?;
                missed(tx, lease, run).await
            })
        })
        .await
    }

    /// Issues that were missed and have not been looked up, by id after `after`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn list_absent(
        &self,
        run: RunId,
        after: IssueId,
        limit: u32,
    ) -> Result<Vec<IssueId>, StoreError> {
        let ids = sqlx::query_scalar!(
            "SELECT issue_id FROM extractor.absences
             WHERE run_id = $1 AND issue_id > $2 AND found IS NULL ORDER BY issue_id LIMIT $3",
            run.0,
            after.0,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(ids.into_iter().map(IssueId).collect())
    }

    /// Records what look-ups said.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn record_found(
        &self,
        lease: &ProjectLease,
        run: RunId,
        found: &[(IssueId, Found)],
    ) -> Result<(), StoreError> {
        let ids: Vec<i64> = found.iter().map(|(id, _)| id.0).collect();
        let names: Vec<&str> = found.iter().map(|(_, found)| found.name()).collect();
        let keys: Vec<Option<String>> = found.iter().map(|(_, found)| found.key()).collect();
        let (ids, names, keys) = (&ids, &names, &keys);
        self.tx("record_found", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                sqlx::query!(
                    "UPDATE extractor.absences a SET found = n.found, found_key = n.key
                     FROM unnest($2::bigint[], $3::text[], $4::text[]) AS n(id, found, key)
                     WHERE a.run_id = $1 AND a.issue_id = n.id AND NOT a.settled",
                    run.0,
                    ids,
                    names as _,
                    keys as _,
                )
                .execute(&mut **tx)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// Acts upon what was found, in one transaction: marks deleted what is not there, unless it is
    /// more than allowed, and then none of it; marks what is archived; queues what is elsewhere, and
    /// what no search shows.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn settle_absences(
        &self,
        lease: &ProjectLease,
        run: RunId,
        allowance: Allowance,
    ) -> Result<Settled, StoreError> {
        let history = self.history;
        self.tx("settle_absences", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                let queued = queue_found(tx, lease, run).await?;
                let mut marked = mark(tx, run, "archived", allowance.archived).await?;
                let not_found = count_not_found(tx, run).await?;
                let refused = match allowance.most {
                    Some(most) if not_found.all > most => not_found.unmarked,
                    Some(_) | None => {
                        marked.extend(mark(tx, run, "not_found", allowance.not_found).await?);
                        0
                    }
                };
                if history {
                    versions::record(tx, lease.site(), &marked).await?;
                }
                Ok(Settled { refused, queued })
            })
        })
        .await
    }

    /// How many issues of the project are stored and not marked deleted.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn stored_of_project(&self, lease: &ProjectLease) -> Result<u64, StoreError> {
        let stored = sqlx::query_scalar!(
            r#"SELECT count(*) AS "stored!" FROM jira.issues
               WHERE site = $1 AND project_key = $2 AND deleted_at IS NULL"#,
            lease.site().as_str(),
            lease.project().as_str(),
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(count(stored))
    }

    /// What the run has found out so far about the issues it missed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn absence_counts(&self, run: RunId) -> Result<AbsenceCounts, StoreError> {
        let row = sqlx::query!(
            r#"SELECT
                 count(*) FILTER (WHERE a.found IS NULL) AS "unknown!",
                 count(*) FILTER (WHERE a.found = 'not_found') AS "not_found!",
                 count(*) FILTER (WHERE a.found = 'not_found' AND i.deleted_at IS NULL
                     AND i.key = a.key) AS "unmarked!",
                 count(*) FILTER (WHERE a.found = 'unlisted' AND i.deleted_at IS NULL)
                     AS "unlisted!",
                 count(*) FILTER (WHERE a.found = 'outside_filter') AS "outside_filter!",
                 count(*) FILTER (WHERE a.found = 'elsewhere' AND i.deleted_at IS NULL) AS "moved!"
               FROM extractor.absences a JOIN jira.issues i ON i.site = a.site AND i.id = a.issue_id
               WHERE a.run_id = $1"#,
            run.0
        )
        .fetch_one(&self.pool)
        .await?;
        let marked = sqlx::query!(
            r#"SELECT deleted_reason AS "reason!", count(*) AS "issues!" FROM jira.issues
               WHERE deleted_by_run = $1 GROUP BY deleted_reason"#,
            run.0
        )
        .fetch_all(&self.pool)
        .await?;
        let tombstoned = marked
            .into_iter()
            .map(|row| Ok((parse("reason of a tombstone", &row.reason)?, count(row.issues))))
            .collect::<Result<_, StoreError>>()?;
        Ok(AbsenceCounts {
            unknown: count(row.unknown),
            not_found: count(row.not_found),
            unmarked: count(row.unmarked),
            unlisted: count(row.unlisted),
            outside_filter: count(row.outside_filter),
            moved: count(row.moved),
            tombstoned,
        })
    }
}

/// What a listing after the first has shown is not absent. What was not found when it was fetched
/// stays: that it was listed says less.
async fn forget_found_again(tx: &mut PgConnection, run: RunId) -> Result<(), StoreError> {
    sqlx::query!(
        "DELETE FROM extractor.absences a USING extractor.listed l
         WHERE a.run_id = $1 AND l.run_id = $1 AND l.issue_id = a.issue_id AND NOT a.settled
           AND a.found IS DISTINCT FROM 'not_found'",
        run.0
    )
    .execute(&mut *tx)
    .await?;
    // What was looked up before and not acted upon is asked again: the run may have failed because
    // those answers could not be believed.
    sqlx::query!(
        "UPDATE extractor.absences a SET found = NULL, found_key = NULL
         WHERE a.run_id = $1 AND NOT a.settled AND a.found IS NOT NULL AND NOT EXISTS (
             SELECT FROM extractor.listed l WHERE l.run_id = $1 AND l.issue_id = a.issue_id)",
        run.0
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn note_unlisted(
    tx: &mut PgConnection,
    lease: &ProjectLease,
    run: RunId,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO extractor.absences (run_id, issue_id, site, key, noticed_at)
         SELECT $3, i.id, i.site, i.key, clock_timestamp() FROM jira.issues i
         WHERE i.site = $1 AND i.project_key = $2 AND i.deleted_at IS NULL AND NOT EXISTS (
             SELECT FROM extractor.listed l WHERE l.run_id = $3 AND l.issue_id = i.id)
         ON CONFLICT ON CONSTRAINT absences_pk DO NOTHING",
        lease.site().as_str(),
        lease.project().as_str(),
        run.0,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn missed(
    tx: &mut PgConnection,
    lease: &ProjectLease,
    run: RunId,
) -> Result<Missed, StoreError> {
    let row = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM extractor.absences
                   WHERE run_id = $3 AND found IS NULL) AS "absent!",
                  (SELECT count(*) FROM jira.issues
                   WHERE site = $1 AND project_key = $2 AND deleted_at IS NULL) AS "stored!""#,
        lease.site().as_str(),
        lease.project().as_str(),
        run.0,
    )
    .fetch_one(tx)
    .await?;
    Ok(Missed { absent: count(row.absent), stored: count(row.stored) })
}

/// Queues what is elsewhere or unlisted, so that what is stored of it follows.
async fn queue_found(
    tx: &mut PgConnection,
    lease: &ProjectLease,
    run: RunId,
) -> Result<u64, StoreError> {
    let queued = sqlx::query!(
        "WITH found AS (
             UPDATE extractor.absences SET settled = true
             WHERE run_id = $3 AND found IN ('elsewhere', 'unlisted') AND NOT settled
             RETURNING issue_id, coalesce(found_key, key) AS key)
         INSERT INTO extractor.pending
             (site, issue_id, project_key, run_id, key, queue_order, queued_at)
         SELECT $1, issue_id, $2, $3, key, nextval('extractor.pending_order'), clock_timestamp()
         FROM found ORDER BY issue_id
         ON CONFLICT ON CONSTRAINT pending_pk DO NOTHING",
        lease.site().as_str(),
        lease.project().as_str(),
        run.0,
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    sqlx::query!(
        "UPDATE extractor.runs SET queued = queued + $2 WHERE id = $1",
        run.0,
        column(queued)
    )
    .execute(tx)
    .await?;
    Ok(queued)
}

/// Marks issues deleted of which the run found `found`, unless they have been seen under another
/// key since; answers which.
async fn mark(
    tx: &mut PgConnection,
    run: RunId,
    found: &str,
    reason: Absence,
) -> Result<Vec<i64>, StoreError> {
    let ids = sqlx::query_scalar!(
        "WITH marked AS (
             UPDATE extractor.absences SET settled = true
             WHERE run_id = $1 AND found = $2 AND NOT settled
             RETURNING site, issue_id, key)
         UPDATE jira.issues i
         SET deleted_at = clock_timestamp(), deleted_reason = $3, deleted_by_run = $1
         FROM marked m
         WHERE i.site = m.site AND i.id = m.issue_id AND i.key = m.key AND i.deleted_at IS NULL
         RETURNING i.id",
        run.0,
        found,
        reason.as_str(),
    )
    .fetch_all(tx)
    .await?;
    Ok(ids)
}

struct NotFound {
    /// Marked by this run or to be marked.
    all: u64,
    /// To be marked.
    unmarked: u64,
}

async fn count_not_found(tx: &mut PgConnection, run: RunId) -> Result<NotFound, StoreError> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "all!", count(*) FILTER (WHERE i.deleted_at IS NULL) AS "unmarked!"
           FROM extractor.absences a JOIN jira.issues i ON i.site = a.site AND i.id = a.issue_id
           WHERE a.run_id = $1 AND a.found = 'not_found' AND i.key = a.key
             AND (i.deleted_at IS NULL OR i.deleted_by_run = $1)"#,
        run.0
    )
    .fetch_one(tx)
    .await?;
    Ok(NotFound { all: count(row.all), unmarked: count(row.unmarked) })
}

/// Notes that issues were not found when they were fetched by id, as far as they are stored: the end
/// of their run decides.
pub(super) async fn note_gone(
    tx: &mut PgConnection,
    site: &Site,
    gone: &[(i64, Uuid)],
) -> Result<(), StoreError> {
    if gone.is_empty() {
        return Ok(());
    }
    let (ids, runs): (Vec<i64>, Vec<Uuid>) = gone.iter().copied().unzip();
    sqlx::query!(
        "INSERT INTO extractor.absences (run_id, issue_id, site, key, found, noticed_at)
         SELECT n.run, n.id, $1, i.key, 'not_found', clock_timestamp()
         FROM unnest($2::bigint[], $3::uuid[]) AS n(id, run) CROSS JOIN LATERAL (
             SELECT key FROM jira.issues
             WHERE site = $1 AND id = n.id AND deleted_at IS NULL LIMIT 1) AS i
         ON CONFLICT ON CONSTRAINT absences_pk DO UPDATE
         SET found = 'not_found', found_key = NULL, key = excluded.key, settled = false",
        site.as_str(),
        &ids,
        &runs,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Which of these projects nobody follows: none of their runs was ever begun here.
pub(super) async fn unfollowed(
    tx: &mut PgConnection,
    site: &Site,
    projects: &[String],
) -> Result<BTreeSet<String>, StoreError> {
    let unfollowed = sqlx::query_scalar!(
        r#"SELECT DISTINCT n.key AS "key!" FROM unnest($2::text[]) AS n(key)
           WHERE NOT EXISTS (
               SELECT FROM extractor.cursors c WHERE c.site = $1 AND c.project_key = n.key)"#,
        site.as_str(),
        projects,
    )
    .fetch_all(tx)
    .await?;
    Ok(unfollowed.into_iter().collect())
}

/// Marks issues that were written as they are now, but have left the followed projects.
pub(super) async fn mark_departed(
    tx: &mut PgConnection,
    site: &Site,
    departed: &[(i64, Absence, Uuid)],
) -> Result<(), StoreError> {
    if departed.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = departed.iter().map(|(id, _, _)| *id).collect();
    let reasons: Vec<&str> = departed.iter().map(|(_, reason, _)| reason.as_str()).collect();
    let runs: Vec<Uuid> = departed.iter().map(|(_, _, run)| *run).collect();
    sqlx::query!(
        "UPDATE jira.issues i
         SET deleted_at = clock_timestamp(), deleted_reason = n.reason, deleted_by_run = n.run
         FROM unnest($2::bigint[], $3::text[], $4::uuid[]) AS n(id, reason, run)
         WHERE i.site = $1 AND i.id = n.id AND i.id = ANY($2)",
        site.as_str(),
        &ids,
        &reasons as _,
        &runs,
    )
    .execute(tx)
    .await?;
    Ok(())
}
