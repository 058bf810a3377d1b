//! Writing a hydrated batch: issues, children, queue, failures and the run's progress in one
//! transaction. What each document means is `decide`'s; the statements on data are `bulk`'s.

mod parts;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use self::parts::{Departures, Leased, Parts, is_written};
use super::decide::{Decision, StoredIssue};
use super::rows::{column, seconds, small};
use super::{BatchToken, Store, StoreError, absences, bulk, failures, people, replay, versions};
use crate::model::{Absence, Failure, IssueDocument, IssueId};

/// What came of a batch, or of a part of it: every id must be leased under the token, and what is
/// not named stays leased.
#[derive(Debug, Clone)]
pub struct BatchResult {
    /// The batch.
    pub token: BatchToken,
    /// What was fetched.
    pub documents: Vec<IssueDocument>,
    /// Not there when asked for by id: the end of their run marks deleted what is stored of them.
    pub gone: Vec<IssueId>,
    /// Given up on, for now.
    pub failed: Vec<Failure>,
    /// To stay in the queue, and not to be tried before this has passed. May be among `documents`.
    pub retry_later: Vec<(IssueId, Duration)>,
    /// The newest erasure of a person that the documents were transformed in the knowledge of.
    pub erasures: i64,
}

/// What a write did, in issues.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchWritten {
    /// Inserted or rewritten.
    pub written: u64,
    /// Equal to what is stored.
    pub unchanged: u64,
    /// Older than what is stored, or poorer at the same age: not written.
    pub refused: u64,
    /// Older than they were listed: kept in the queue for another try.
    pub behind: u64,
    /// Marked as proven absent.
    pub gone: u64,
    /// Recorded as failures.
    pub failed: u64,
    /// Kept in the queue because the caller asked for it.
    pub retried: u64,
}

/// A run's share of a batch.
#[derive(Default)]
struct Progress {
    hydrated: u64,
    written: u64,
    gone: u64,
    failed: u64,
}

impl Store {
    /// Writes a batch. Writing it twice is writing it once: the second finds the lease gone.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when any id is not leased under the token, and then nothing is
    /// written; [`StoreError::DataRejected`] when Postgres cannot hold something in it;
    /// [`StoreError::ErasedMeanwhile`] when the documents may mention somebody erased since.
    pub async fn write_batch(&self, result: &BatchResult) -> Result<BatchWritten, StoreError> {
        let (parts, history) = (&Parts::of(result), self.history);
        self.tx("write_batch", |tx| {
            Box::pin(async move {
                people::guard(tx, parts.site, result.erasures).await?;
                let leased = lock_leased(tx, parts).await?;
                let stored = bulk::load_stored(tx, parts.site, &parts.document_ids()).await?;
                let decisions = parts.decide(&stored);
                let changed = write_data(tx, parts, &decisions, &stored).await?;
                note_departures(tx, parts, &leased, &decisions, &stored).await?;
                if history {
                    versions::record(tx, parts.site, &changed).await?;
                }
                let departures = parts.departures(&leased, &stored);
                record_failures(tx, parts, &departures).await?;
                leave_queue(tx, parts, &departures).await?;
                count_progress(tx, parts, &leased, &decisions, &departures).await?;
                Ok(parts.summary(&decisions, &departures))
            })
        })
        .await
    }
}

/// Locks the queue rows of the batch, which also keeps other writers of the same issues away, and
/// proves that all of them are still leased under its token.
async fn lock_leased(
    tx: &mut PgConnection,
    parts: &Parts<'_>,
) -> Result<BTreeMap<i64, Leased>, StoreError> {
    let ids = parts.all_ids();
    let rows = sqlx::query!(
        // Row by row in the order of the ids, whatever the planner believes of the table.
        r#"SELECT p.issue_id AS "issue_id!", p.run_id AS "run_id!", p.listed_updated,
             p.attempts AS "attempts!"
           FROM unnest($2::bigint[]) AS n(issue_id) CROSS JOIN LATERAL (
               SELECT issue_id, run_id, listed_updated, attempts FROM extractor.pending
               WHERE site = $1 AND issue_id = n.issue_id AND lease_token = $3
               LIMIT 1 FOR UPDATE) AS p"#,
        parts.site.as_str(),
        &ids,
        parts.token,
    )
    .fetch_all(tx)
    .await?;
    if rows.len() != ids.len() {
        return Err(StoreError::LeaseLost { what: "the batch" });
    }
    Ok(rows
        .into_iter()
        .map(|row| {
            let leased = Leased {
                run: row.run_id,
                listed_updated: row.listed_updated,
                attempts: small(row.attempts),
            };
            (row.issue_id, leased)
        })
        .collect())
}

/// Answers which issues were written.
async fn write_data(
    tx: &mut PgConnection,
    parts: &Parts<'_>,
    decisions: &BTreeMap<i64, Decision>,
    stored: &BTreeMap<i64, StoredIssue>,
) -> Result<Vec<i64>, StoreError> {
    let rewritten = parts.documents_that(decisions, is_written);
    let partial: Vec<&IssueDocument> =
        rewritten.iter().filter(|document| !document.has_every_field()).copied().collect();
    let joined = bulk::join_stored_fields(tx, parts.site, &partial).await?;
    let rewritten = with_joined(rewritten, &joined);
    let settled = parts.documents_that(decisions, |decision| decision == Decision::Settle);
    for chunk in bulk::chunks(&rewritten) {
        bulk::upsert_issues(tx, parts.site, chunk).await?;
        let (known, new): (Vec<&IssueDocument>, Vec<&IssueDocument>) =
            chunk.iter().partition(|document| stored.contains_key(&document.id.0));
        let moved: Vec<&IssueDocument> = known
            .into_iter()
            .filter(|document| stored.get(&document.id.0).is_some_and(|s| s.key != document.key))
            .collect();
        bulk::retire_keys(tx, parts.site, &moved).await?;
        bulk::upsert_keys(tx, parts.site, &[new, moved].concat()).await?;
        bulk::insert_former_keys(tx, parts.site, chunk).await?;
        bulk::replace_children(tx, parts.site, chunk, |id| stored.contains_key(&id.0)).await?;
    }
    bulk::settle(tx, parts.site, &settled).await?;
    replay::note_written(tx, parts.site, &rewritten).await?;
    // Last, since every writer has these rows in common.
    bulk::upsert_sprints(tx, parts.site, &rewritten).await?;
    bulk::upsert_users(tx, parts.site, &rewritten).await?;
    Ok(rewritten.iter().map(|document| document.id.0).collect())
}

/// Issues that are not there, and issues that are, but have left the followed projects: moved, or
/// archived.
async fn note_departures(
    tx: &mut PgConnection,
    parts: &Parts<'_>,
    leased: &BTreeMap<i64, Leased>,
    decisions: &BTreeMap<i64, Decision>,
    stored: &BTreeMap<i64, StoredIssue>,
) -> Result<(), StoreError> {
    let run = |id: &i64| leased.get(id).map(|leased| leased.run);
    let gone: Vec<(i64, Uuid)> = parts.gone.iter().filter_map(|id| Some((*id, run(id)?))).collect();
    absences::note_gone(tx, parts.site, &gone).await?;
    let rewritten = parts.documents_that(decisions, is_written);
    let wanderers: Vec<String> = rewritten
        .iter()
        .filter(|document| stored.get(&document.id.0).is_some_and(|s| may_have_left(s, document)))
        .map(|document| document.key.project().to_string())
        .collect();
    let unfollowed = match wanderers.is_empty() {
        true => BTreeSet::new(),
        false => absences::unfollowed(tx, parts.site, &wanderers).await?,
    };
    let departed: Vec<(i64, Absence, Uuid)> = rewritten
        .iter()
        .filter_map(|document| {
            let moved = unfollowed.contains(document.key.project().as_str());
            let reason = match (document.archived, moved) {
                (true, _) => Absence::Archived,
                (false, true) => Absence::Moved,
                (false, false) => return None,
            };
            Some((document.id.0, reason, run(&document.id.0)?))
        })
        .collect();
    absences::mark_departed(tx, parts.site, &departed).await
}

fn may_have_left(stored: &StoredIssue, document: &IssueDocument) -> bool {
    stored.deleted || stored.key.project() != document.key.project()
}

/// The documents, with those in the place of their originals that were joined with what is stored.
fn with_joined<'a>(
    documents: Vec<&'a IssueDocument>,
    joined: &'a BTreeMap<i64, IssueDocument>,
) -> Vec<&'a IssueDocument> {
    documents.into_iter().map(|document| joined.get(&document.id.0).unwrap_or(document)).collect()
}

async fn record_failures(
    tx: &mut PgConnection,
    parts: &Parts<'_>,
    departures: &Departures,
) -> Result<(), StoreError> {
    let failed: Vec<&Failure> = parts.failed.values().copied().collect();
    failures::record(tx, parts.site, &failed).await?;
    let healed: Vec<i64> =
        departures.leaving.iter().filter(|id| !parts.failed.contains_key(id)).copied().collect();
    failures::heal(tx, parts.site, &healed).await
}

async fn leave_queue(
    tx: &mut PgConnection,
    parts: &Parts<'_>,
    departures: &Departures,
) -> Result<(), StoreError> {
    let removed = sqlx::query!(
        // By address: the rows are locked, and looking them up one by one needs no statistics.
        "DELETE FROM extractor.pending WHERE ctid = ANY (ARRAY(
             SELECT p.ctid FROM unnest($2::bigint[]) AS n(issue_id) CROSS JOIN LATERAL (
                 SELECT ctid FROM extractor.pending
                 WHERE site = $1 AND issue_id = n.issue_id AND lease_token = $3 LIMIT 1) AS p))",
        parts.site.as_str(),
        &departures.leaving,
        parts.token,
    )
    .execute(&mut *tx)
    .await?;
    let kept = defer(tx, parts, departures).await?;
    let expected = (departures.leaving.len() + departures.staying.len()) as u64;
    if removed.rows_affected() + kept == expected {
        Ok(())
    } else {
        Err(StoreError::LeaseLost { what: "the batch" })
    }
}

/// Gives back what stays in the queue, to be tried later.
async fn defer(
    tx: &mut PgConnection,
    parts: &Parts<'_>,
    departures: &Departures,
) -> Result<u64, StoreError> {
    if departures.staying.is_empty() {
        return Ok(0);
    }
    let ids: Vec<i64> = departures.staying.keys().copied().collect();
    let waits: Vec<f64> = departures.staying.values().map(|wait| seconds(*wait)).collect();
    let kept = sqlx::query!(
        "UPDATE extractor.pending p
         SET lease_worker = NULL, lease_token = NULL, leased_until = NULL,
             attempts = attempts + 1, not_before = clock_timestamp() + make_interval(secs => n.wait)
         FROM unnest($3::bigint[], $4::float8[]) AS n(issue_id, wait)
         WHERE p.site = $1 AND p.lease_token = $2 AND p.issue_id = ANY($3)
           AND p.issue_id = n.issue_id",
        parts.site.as_str(),
        parts.token,
        &ids,
        &waits,
    )
    .execute(tx)
    .await?;
    Ok(kept.rows_affected())
}

/// Adds to the counters of each run the batch worked for. Last: these rows are the hottest.
async fn count_progress(
    tx: &mut PgConnection,
    parts: &Parts<'_>,
    leased: &BTreeMap<i64, Leased>,
    decisions: &BTreeMap<i64, Decision>,
    departures: &Departures,
) -> Result<(), StoreError> {
    let mut by_run: BTreeMap<Uuid, Progress> = BTreeMap::new();
    for (id, row) in leased {
        let progress = by_run.entry(row.run).or_default();
        let stays = departures.staying.contains_key(id);
        let failed = parts.failed.contains_key(id);
        progress.hydrated += u64::from(decisions.contains_key(id) && !stays && !failed);
        progress.written += u64::from(decisions.get(id).is_some_and(|d| is_written(*d)));
        progress.gone += u64::from(parts.gone.contains(id));
        progress.failed += u64::from(failed);
    }
    for (run, progress) in by_run {
        sqlx::query!(
            "UPDATE extractor.runs
             SET hydrated = hydrated + $2, written = written + $3, gone = gone + $4,
                 failed = failed + $5, updated_at = clock_timestamp(),
                 progressed_at = CASE WHEN $2 + $4 + $5 > 0 THEN clock_timestamp()
                     ELSE progressed_at END
             WHERE id = $1",
            run,
            column(progress.hydrated),
            column(progress.written),
            column(progress.gone),
            column(progress.failed),
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
