//! The issues that could not be fetched or stored whole, as they are recorded.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::rows::{parse, small};
use super::{Store, StoreError};
use crate::model::{Failure, IssueId, ProjectKey, RunId, Site};

/// One recorded failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFailure {
    /// The Jira instance.
    pub site: Site,
    /// The project whose listing named the issue.
    pub project: ProjectKey,
    /// The run that failed last on it.
    pub run: RunId,
    /// The issue, the reason, and what to do.
    pub failure: Failure,
    /// How many runs have failed on it.
    pub attempts: u32,
    /// First failure, by the database's clock.
    pub first_at: DateTime<Utc>,
    /// Last failure, by the database's clock.
    pub last_at: DateTime<Utc>,
    /// When a run should try again, by the database's clock.
    pub next_try: DateTime<Utc>,
}

impl Store {
    /// The recorded failures, the latest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn list_failures(
        &self,
        site: Option<&Site>,
        project: Option<&ProjectKey>,
        limit: u32,
    ) -> Result<Vec<StoredFailure>, StoreError> {
        let rows = sqlx::query!(
            "SELECT site, issue_id, key, project_key, run_id, reason, category, what_to_do,
                 attempts, first_at, last_at, next_try
             FROM extractor.failures
             WHERE ($1::text IS NULL OR site = $1) AND ($2::text IS NULL OR project_key = $2)
             ORDER BY last_at DESC, issue_id LIMIT $3",
            site.map(Site::as_str),
            project.map(ProjectKey::as_str),
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(StoredFailure {
                    site: Site::new(row.site),
                    project: parse("project key", &row.project_key)?,
                    run: RunId(row.run_id),
                    failure: Failure {
                        id: IssueId(row.issue_id),
                        key: parse("issue key", &row.key)?,
                        reason: row.reason,
                        category: parse("failure category", &row.category)?,
                        what_to_do: row.what_to_do,
                    },
                    attempts: small(row.attempts),
                    first_at: row.first_at,
                    last_at: row.last_at,
                    next_try: row.next_try,
                })
            })
            .collect()
    }
}

/// Records failures of issues that are still in the queue, where project and run are read.
/// The next try waits a quarter of an hour after the first failure, twice as long after each
/// further one, a day at most.
pub(super) async fn record(
    connection: &mut PgConnection,
    site: &Site,
    failures: &[&Failure],
) -> Result<(), StoreError> {
    if failures.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO extractor.failures AS f (site, issue_id, key, project_key, run_id, reason,
             category, what_to_do, attempts, first_at, last_at, next_try)
         SELECT $1, n.issue_id, n.key, p.project_key, p.run_id, n.reason, n.category, n.what_to_do,
             1, clock_timestamp(), clock_timestamp(), clock_timestamp() + interval '15 minutes'
         FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[])
                 AS n(issue_id, key, reason, category, what_to_do)
             JOIN extractor.pending p ON p.site = $1 AND p.issue_id = n.issue_id
         ORDER BY n.issue_id
         ON CONFLICT ON CONSTRAINT failures_pk DO UPDATE
         SET key = excluded.key, project_key = excluded.project_key, run_id = excluded.run_id,
             reason = excluded.reason, category = excluded.category,
             what_to_do = excluded.what_to_do, attempts = f.attempts + 1,
             last_at = excluded.last_at,
             next_try = excluded.last_at + least(
                 interval '15 minutes' * power(2, least(f.attempts, 10)), interval '1 day')",
        site.as_str(),
        &failures.iter().map(|f| f.id.0).collect::<Vec<_>>(),
        &failures.iter().map(|f| f.key.to_string()).collect::<Vec<_>>(),
        &failures.iter().map(|f| f.reason.as_str()).collect::<Vec<_>>() as _,
        &failures.iter().map(|f| f.category.as_str()).collect::<Vec<_>>() as _,
        &failures.iter().map(|f| f.what_to_do.as_str()).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets the failures of issues that are stored now, or proven absent.
pub(super) async fn heal(
    connection: &mut PgConnection,
    site: &Site,
    ids: &[i64],
) -> Result<(), StoreError> {
    sqlx::query!(
        "DELETE FROM extractor.failures WHERE site = $1 AND issue_id = ANY($2)",
        site.as_str(),
        ids,
    )
    .execute(connection)
    .await?;
    Ok(())
}
