//! The issues that could not be fetched or stored whole, as they are recorded.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::rows::{count, parse, small};
use super::{Store, StoreError};
use crate::model::{
    Failure, FailureCategory, FailureCause, IssueId, IssueKey, ProjectKey, RunId, Site,
};

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

/// Which failures are meant; the default is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FailureFilter {
    /// Of this Jira instance only.
    pub site: Option<Site>,
    /// Of this project only.
    pub project: Option<ProjectKey>,
    /// Of this category only.
    pub category: Option<FailureCategory>,
    /// Of the issues that were listed with one of these keys; none is every issue.
    pub keys: Vec<IssueKey>,
}

/// How many failures of one kind a project has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureCount {
    /// The project.
    pub project: ProjectKey,
    /// Who can do something about them.
    pub category: FailureCategory,
    /// What kind of thing went wrong.
    pub cause: FailureCause,
    /// In issues.
    pub failures: u64,
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
        let (site, project) = (site.cloned(), project.cloned());
        self.find_failures(&FailureFilter { site, project, ..FailureFilter::default() }, limit)
            .await
    }

    /// The failures that `filter` means, the latest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn find_failures(
        &self,
        filter: &FailureFilter,
        limit: u32,
    ) -> Result<Vec<StoredFailure>, StoreError> {
        let keys = filter.key_texts();
        let rows = sqlx::query_as!(
            Row,
            "SELECT site, issue_id, key, project_key, run_id, reason, category, cause, what_to_do,
                 attempts, first_at, last_at, next_try
             FROM extractor.failures
             WHERE ($1::text IS NULL OR site = $1) AND ($2::text IS NULL OR project_key = $2)
               AND ($3::text IS NULL OR category = $3) AND ($4::text[] = '{}' OR key = ANY ($4))
             ORDER BY last_at DESC, issue_id LIMIT $5",
            filter.site.as_ref().map(Site::as_str),
            filter.project.as_ref().map(ProjectKey::as_str),
            filter.category.map(FailureCategory::as_str),
            &keys,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(StoredFailure::try_from).collect()
    }

    /// The failures of one instance that `filter` means, by the issue's id, beginning after `after`: a
    /// page of a list that stays in its order while runs work.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn page_failures(
        &self,
        filter: &FailureFilter,
        after: Option<IssueId>,
        limit: u32,
    ) -> Result<Vec<StoredFailure>, StoreError> {
        let keys = filter.key_texts();
        let rows = sqlx::query_as!(
            Row,
            "SELECT site, issue_id, key, project_key, run_id, reason, category, cause, what_to_do,
                 attempts, first_at, last_at, next_try
             FROM extractor.failures
             WHERE ($1::text IS NULL OR site = $1) AND ($2::text IS NULL OR project_key = $2)
               AND ($3::text IS NULL OR category = $3) AND ($4::text[] = '{}' OR key = ANY ($4))
               AND ($5::bigint IS NULL OR issue_id > $5)
             ORDER BY issue_id LIMIT $6",
            filter.site.as_ref().map(Site::as_str),
            filter.project.as_ref().map(ProjectKey::as_str),
            filter.category.map(FailureCategory::as_str),
            &keys,
            after.map(|id| id.0),
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(StoredFailure::try_from).collect()
    }

    /// Makes the failures that `filter` means due, so that the next run of their project tries them
    /// again, and answers which they are. An issue of theirs that waits in the queue waits no more.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn make_failures_due(
        &self,
        filter: &FailureFilter,
    ) -> Result<Vec<StoredFailure>, StoreError> {
        let keys = &filter.key_texts();
        let rows = self
            .tx("make_failures_due", |tx| {
                Box::pin(async move {
                    let rows = sqlx::query_as!(
                        Row,
                        "UPDATE extractor.failures SET next_try = clock_timestamp()
                         WHERE ($1::text IS NULL OR site = $1)
                           AND ($2::text IS NULL OR project_key = $2)
                           AND ($3::text IS NULL OR category = $3)
                           AND ($4::text[] = '{}' OR key = ANY ($4))
                         RETURNING site, issue_id, key, project_key, run_id, reason, category,
                             cause, what_to_do, attempts, first_at, last_at, next_try",
                        filter.site.as_ref().map(Site::as_str),
                        filter.project.as_ref().map(ProjectKey::as_str),
                        filter.category.map(FailureCategory::as_str),
                        keys,
                    )
                    .fetch_all(&mut **tx)
                    .await?;
                    let sites: Vec<String> = rows.iter().map(|row| row.site.clone()).collect();
                    let ids: Vec<i64> = rows.iter().map(|row| row.issue_id).collect();
                    sqlx::query!(
                        "UPDATE extractor.pending p SET not_before = NULL
                         FROM unnest($1::text[], $2::bigint[]) AS n(site, issue_id)
                         WHERE p.site = n.site AND p.issue_id = n.issue_id
                           AND p.not_before IS NOT NULL",
                        &sites,
                        &ids,
                    )
                    .execute(&mut **tx)
                    .await?;
                    Ok(rows)
                })
            })
            .await?;
        rows.into_iter().map(StoredFailure::try_from).collect()
    }

    /// How many failures each project of an instance has, by category and cause: what metrics are
    /// made of. Every project that is followed, has a cursor or a failure is there with every cause, so that no
    /// series ends when its last failure heals.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn failure_counts(&self, site: &Site) -> Result<Vec<FailureCount>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT project_key AS "project_key!", category AS "category?", cause AS "cause?",
                 count(issue_id) AS "failures!"
               FROM (SELECT project_key FROM extractor.cursors WHERE site = $1
                     UNION SELECT project_key FROM extractor.schedules WHERE site = $1
                     UNION SELECT project_key FROM extractor.failures WHERE site = $1) AS p
                   LEFT JOIN (SELECT * FROM extractor.failures WHERE site = $1) AS f
                   USING (project_key)
               GROUP BY project_key, category, cause"#,
            site.as_str(),
        )
        .fetch_all(&self.pool)
        .await?;
        let mut projects = BTreeSet::new();
        let mut found = BTreeMap::new();
        for row in rows {
            let project: ProjectKey = parse("project key", &row.project_key)?;
            if let (Some(category), Some(cause)) = (row.category, row.cause) {
                let kind = (known(&cause), parse("failure category", &category)?);
                *found.entry((project.clone(), kind)).or_default() += count(row.failures);
            }
            projects.insert(project);
        }
        for (project, cause) in
            projects.iter().flat_map(|project| FailureCause::ALL.map(|cause| (project, cause)))
        {
            found.entry((project.clone(), (cause, cause.category()))).or_default();
        }
        let counts = found.into_iter().map(|((project, (cause, category)), failures)| {
            FailureCount { project, category, cause, failures }
        });
        Ok(counts.collect())
    }
}

impl FailureFilter {
    fn key_texts(&self) -> Vec<String> {
        self.keys.iter().map(ToString::to_string).collect()
    }
}

struct Row {
    site: String,
    issue_id: i64,
    key: String,
    project_key: String,
    run_id: Uuid,
    reason: String,
    category: String,
    cause: String,
    what_to_do: String,
    attempts: i32,
    first_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
    next_try: DateTime<Utc>,
}

impl TryFrom<Row> for StoredFailure {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            site: Site::new(row.site),
            project: parse("project key", &row.project_key)?,
            run: RunId(row.run_id),
            failure: Failure {
                id: IssueId(row.issue_id),
                key: parse("issue key", &row.key)?,
                reason: row.reason,
                category: parse("failure category", &row.category)?,
                cause: known(&row.cause),
                what_to_do: row.what_to_do,
            },
            attempts: small(row.attempts),
            first_at: row.first_at,
            last_at: row.last_at,
            next_try: row.next_try,
        })
    }
}

/// The cause by its name. Releases add causes: one that this program does not know is some other.
fn known(cause: &str) -> FailureCause {
    cause.parse().unwrap_or(FailureCause::Other)
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
             category, cause, what_to_do, attempts, first_at, last_at, next_try)
         SELECT $1, n.issue_id, n.key, p.project_key, p.run_id, n.reason, n.category, n.cause,
             n.what_to_do, 1, clock_timestamp(), clock_timestamp(),
             clock_timestamp() + interval '15 minutes'
         FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
                 AS n(issue_id, key, reason, category, cause, what_to_do)
             JOIN extractor.pending p ON p.site = $1 AND p.issue_id = n.issue_id
         ORDER BY n.issue_id
         ON CONFLICT ON CONSTRAINT failures_pk DO UPDATE
         SET key = excluded.key, project_key = excluded.project_key, run_id = excluded.run_id,
             reason = excluded.reason, category = excluded.category, cause = excluded.cause,
             what_to_do = excluded.what_to_do, attempts = f.attempts + 1,
             last_at = excluded.last_at,
             next_try = excluded.last_at + least(
                 interval '15 minutes' * power(2, least(f.attempts, 10)), interval '1 day')",
        site.as_str(),
        &failures.iter().map(|f| f.id.0).collect::<Vec<_>>(),
        &failures.iter().map(|f| f.key.to_string()).collect::<Vec<_>>(),
        &failures.iter().map(|f| f.reason.as_str()).collect::<Vec<_>>() as _,
        &failures.iter().map(|f| f.category.as_str()).collect::<Vec<_>>() as _,
        &failures.iter().map(|f| f.cause.as_str()).collect::<Vec<_>>() as _,
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
