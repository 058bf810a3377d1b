//! When each followed project is due, and how its last runs went: what all the services of a site
//! agree on, and what a restart goes on from. All times are the database's; how long to wait is the
//! caller's to say.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::leases::fence;
use super::rows::{parse, seconds, small};
use super::{ProjectLease, Store, StoreError};
use crate::model::{FailureCategory, ProjectKey, Site, WorkerId};

/// Why a project's last run failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleTrouble {
    /// What happened, in one sentence without secrets or issue text.
    pub text: String,
    /// Who can do something about it.
    pub category: FailureCategory,
    /// What they can do.
    pub remedy: String,
}

/// One followed project's schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The project.
    pub project: ProjectKey,
    /// When its next run is due, by the database's clock.
    pub next_run_at: DateTime<Utc>,
    /// How long until then when this was read; zero when it is due.
    pub due_in: Duration,
    /// Runs that failed since one got to its end.
    pub failures_in_a_row: u32,
    /// Why the last of them failed; none when the last run got to its end.
    pub trouble: Option<ScheduleTrouble>,
    /// When a run of the project last started or was resumed, by the database's clock.
    pub last_started_at: Option<DateTime<Utc>>,
    /// When a service first followed the project, by the database's clock.
    pub followed_since: DateTime<Utc>,
}

/// What following a list of projects has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Followed {
    /// Projects that were not followed before, by key.
    pub added: Vec<ProjectKey>,
    /// Projects that were followed before, by key.
    pub removed: Vec<ProjectKey>,
}

impl Store {
    /// Now, by the database's clock.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn database_time(&self) -> Result<DateTime<Utc>, StoreError> {
        Ok(sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#)
            .fetch_one(&self.pool)
            .await?)
    }

    /// Says that a worker follows exactly these projects of an instance. The instant beside each is
    /// when its first run is due, by the database's clock; it says nothing of a project that is
    /// followed already, whose schedule stays as it is. Other projects are followed no longer, but
    /// for those that another live worker was the last to follow: processes may have different
    /// projects. One that both follow may lose its schedule when the other drops it, and has to be
    /// followed anew. Several processes may call this at once.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn follow_projects(
        &self,
        site: &Site,
        worker: WorkerId,
        projects: &[(ProjectKey, DateTime<Utc>)],
    ) -> Result<Followed, StoreError> {
        let keys: Vec<&str> = projects.iter().map(|(project, _)| project.as_str()).collect();
        let due: Vec<DateTime<Utc>> = projects.iter().map(|(_, due)| *due).collect();
        let (keys, due) = (&keys, &due);
        self.tx("follow_projects", |tx| {
            Box::pin(async move {
                // One at a time, so that the rows are taken in the same order by all.
                sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('extractor.schedules:' || $1, 0))", site.as_str())
                    .execute(&mut **tx)
                    .await?;
                let named = sqlx::query!(
                    r#"INSERT INTO extractor.schedules AS s
                         (site, project_key, next_run_at, followed_since, followed_by, updated_at)
                     SELECT $1, n.key, min(n.due), clock_timestamp(), $4, clock_timestamp()
                     FROM unnest($2::text[], $3::timestamptz[]) AS n(key, due)
                     GROUP BY n.key ORDER BY n.key
                     ON CONFLICT ON CONSTRAINT schedules_pk DO UPDATE
                     SET followed_by = excluded.followed_by
                     RETURNING s.project_key, s.xmax = 0 AS "added!""#,
                    site.as_str(),
                    keys as _,
                    due,
                    worker.0,
                )
                .fetch_all(&mut **tx)
                .await?;
                let removed = sqlx::query_scalar!(
                    "DELETE FROM extractor.schedules AS s
                     WHERE site = $1 AND project_key <> ALL ($2)
                       AND (followed_by = $3 OR NOT EXISTS (
                           SELECT FROM extractor.live_workers AS w WHERE w.id = s.followed_by))
                     RETURNING project_key",
                    site.as_str(),
                    keys as _,
                    worker.0,
                )
                .fetch_all(&mut **tx)
                .await?;
                let added: Vec<String> =
                    named.into_iter().filter(|row| row.added).map(|row| row.project_key).collect();
                Ok(Followed { added: sorted(&added)?, removed: sorted(&removed)? })
            })
        })
        .await
    }

    /// Has followed projects wait no longer than until the instant beside each, by the database's
    /// clock: another schedule counts at once. Those that failed last keep their distance.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn bring_forward(
        &self,
        site: &Site,
        projects: &[(ProjectKey, DateTime<Utc>)],
    ) -> Result<(), StoreError> {
        let keys: Vec<&str> = projects.iter().map(|(project, _)| project.as_str()).collect();
        let latest: Vec<DateTime<Utc>> = projects.iter().map(|(_, latest)| *latest).collect();
        let (keys, latest) = (&keys, &latest);
        self.tx("bring_forward", |tx| {
            Box::pin(async move {
                sqlx::query!(
                    "UPDATE extractor.schedules AS s
                     SET next_run_at = n.latest, updated_at = clock_timestamp()
                     FROM unnest($2::text[], $3::timestamptz[]) AS n(key, latest)
                     WHERE s.site = $1 AND s.project_key = n.key AND s.next_run_at > n.latest
                       AND s.failures_in_a_row = 0",
                    site.as_str(),
                    keys as _,
                    latest,
                )
                .execute(&mut **tx)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// The schedules of an instance's followed projects, by project.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn load_schedules(&self, site: &Site) -> Result<Vec<Schedule>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            r#"SELECT project_key, next_run_at, failures_in_a_row, trouble, trouble_category,
                 trouble_remedy, last_started_at, followed_since,
                 extract(epoch FROM next_run_at - clock_timestamp())::float8 AS "due_in_secs!"
               FROM extractor.schedules WHERE site = $1 ORDER BY project_key"#,
            site.as_str(),
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Schedule::try_from).collect()
    }

    /// Whether the project of this lease is still due by its schedule; if it is, its next run is due
    /// `next_in` from now. So of several services that found it due, one runs it. A project that is
    /// not followed any more is never due.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn claim_due_run(
        &self,
        lease: &ProjectLease,
        next_in: Duration,
    ) -> Result<bool, StoreError> {
        self.tx("claim_due_run", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                let claimed = sqlx::query!(
                    "UPDATE extractor.schedules
                     SET next_run_at = clock_timestamp() + make_interval(secs => $3),
                         updated_at = clock_timestamp()
                     WHERE site = $1 AND project_key = $2 AND next_run_at <= clock_timestamp()",
                    lease.site().as_str(),
                    lease.project().as_str(),
                    seconds(next_in),
                )
                .execute(&mut **tx)
                .await?;
                Ok(claimed.rows_affected() == 1)
            })
        })
        .await
    }

    /// Records that a run of the project got to its end: the next is due `next_in` from now, and
    /// failures count from none again.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like. A project that is not followed is left alone.
    pub async fn record_success(
        &self,
        site: &Site,
        project: &ProjectKey,
        next_in: Duration,
    ) -> Result<(), StoreError> {
        self.tx("record_success", |tx| {
            Box::pin(async move {
                sqlx::query!(
                    "UPDATE extractor.schedules
                     SET next_run_at = clock_timestamp() + make_interval(secs => $3),
                         failures_in_a_row = 0, trouble = NULL, trouble_category = NULL,
                         trouble_remedy = NULL, updated_at = clock_timestamp()
                     WHERE site = $1 AND project_key = $2",
                    site.as_str(),
                    project.as_str(),
                    seconds(next_in),
                )
                .execute(&mut **tx)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// Records that a run of the project failed, or could not be started: the next is due `next_in`
    /// from now. Answers how many have failed in a row; zero when the project is not followed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn record_failure(
        &self,
        site: &Site,
        project: &ProjectKey,
        next_in: Duration,
        trouble: &ScheduleTrouble,
    ) -> Result<u32, StoreError> {
        self.tx("record_failure", |tx| {
            Box::pin(async move {
                let failures = sqlx::query_scalar!(
                    "UPDATE extractor.schedules
                     SET next_run_at = clock_timestamp() + make_interval(secs => $3),
                         failures_in_a_row = least(failures_in_a_row, 2147483646) + 1,
                         trouble = $4, trouble_category = $5, trouble_remedy = $6,
                         updated_at = clock_timestamp()
                     WHERE site = $1 AND project_key = $2
                     RETURNING failures_in_a_row",
                    site.as_str(),
                    project.as_str(),
                    seconds(next_in),
                    trouble.text,
                    trouble.category.as_str(),
                    trouble.remedy,
                )
                .fetch_optional(&mut **tx)
                .await?;
                Ok(failures.map_or(0, small))
            })
        })
        .await
    }
}

/// Notes in the schedule, if there is one, that a run of the project starts.
pub(super) async fn note_start(
    connection: &mut PgConnection,
    lease: &ProjectLease,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE extractor.schedules
         SET last_started_at = clock_timestamp(), updated_at = clock_timestamp()
         WHERE site = $1 AND project_key = $2",
        lease.site().as_str(),
        lease.project().as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn sorted(keys: &[String]) -> Result<Vec<ProjectKey>, StoreError> {
    let mut keys: Vec<ProjectKey> =
        keys.iter().map(|key| parse("project key", key)).collect::<Result<_, _>>()?;
    keys.sort();
    Ok(keys)
}

struct Row {
    project_key: String,
    next_run_at: DateTime<Utc>,
    failures_in_a_row: i32,
    trouble: Option<String>,
    trouble_category: Option<String>,
    trouble_remedy: Option<String>,
    last_started_at: Option<DateTime<Utc>>,
    followed_since: DateTime<Utc>,
    due_in_secs: f64,
}

impl TryFrom<Row> for Schedule {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let trouble = match (row.trouble, row.trouble_category, row.trouble_remedy) {
            (Some(text), Some(category), Some(remedy)) => Some(ScheduleTrouble {
                text,
                category: parse("failure category", &category)?,
                remedy,
            }),
            _ => None,
        };
        Ok(Self {
            project: parse("project key", &row.project_key)?,
            next_run_at: row.next_run_at,
            due_in: Duration::try_from_secs_f64(row.due_in_secs.max(0.0)).unwrap_or_default(),
            failures_in_a_row: small(row.failures_in_a_row),
            trouble,
            last_started_at: row.last_started_at,
            followed_since: row.followed_since,
        })
    }
}
