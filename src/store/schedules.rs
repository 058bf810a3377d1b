//! When each followed project is due, and how its last runs went: what all the services of a site
//! agree on, and what a restart goes on from. All times are the database's; how long to wait is the
//! caller's to say.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::leases::fence;
use super::rows::{parse, seconds, small};
use super::{ProjectLease, Store, StoreError};
use crate::model::{FailureCategory, ProjectKey, RunKind, Site, WorkerId};

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

/// One followed project's schedule of one kind of runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The project.
    pub project: ProjectKey,
    /// The runs: deltas or reconciles.
    pub kind: RunKind,
    /// When its next run is due, by the database's clock.
    pub next_run_at: DateTime<Utc>,
    /// How long until then when this was read; zero when it is due.
    pub due_in: Duration,
    /// Such runs that failed since one got to its end.
    pub failures_in_a_row: u32,
    /// Why the last of them failed; none when the last run got to its end.
    pub trouble: Option<ScheduleTrouble>,
    /// When such a run of the project last started or was resumed, by the database's clock; of
    /// deltas, when any run was.
    pub last_started_at: Option<DateTime<Utc>>,
    /// When a service first followed the project, by the database's clock.
    pub followed_since: DateTime<Utc>,
}

/// One schedule that a service wants a project to have, and an instant of it, by the database's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The project.
    pub project: ProjectKey,
    /// Deltas or reconciles.
    pub kind: RunKind,
    /// When the run is due that the caller speaks of.
    pub due: DateTime<Utc>,
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

    /// Says that a worker follows exactly these projects of an instance, by these schedules. The
    /// instant in each is when its first run is due; it says nothing of a schedule that is there
    /// already, which stays as it is. Other schedules are removed, but for those that another live
    /// worker was the last to want: processes may have different projects. One that both want may be
    /// lost when the other drops it, and has to be wanted anew. Several processes may call this at
    /// once. What has changed is told of deltas: a project is followed as long as it has those.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn follow_projects(
        &self,
        site: &Site,
        worker: WorkerId,
        wanted: &[Wanted],
    ) -> Result<Followed, StoreError> {
        let rows = &Rows::of(wanted);
        self.tx("follow_projects", |tx| {
            Box::pin(async move {
                // One at a time, so that the rows are taken in the same order by all.
                sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('extractor.schedules:' || $1, 0))", site.as_str())
                    .execute(&mut **tx)
                    .await?;
                let named = sqlx::query!(
                    r#"INSERT INTO extractor.schedules AS s
                         (site, project_key, kind, next_run_at, followed_since, followed_by, updated_at)
                     SELECT $1, n.key, n.kind, min(n.due), clock_timestamp(), $4, clock_timestamp()
                     FROM unnest($2::text[], $5::text[], $3::timestamptz[]) AS n(key, kind, due)
                     GROUP BY n.key, n.kind ORDER BY n.key, n.kind
                     ON CONFLICT ON CONSTRAINT schedules_pk DO UPDATE
                     SET followed_by = excluded.followed_by
                     RETURNING s.project_key, s.xmax = 0 AND s.kind = 'delta' AS "added!""#,
                    site.as_str(),
                    &rows.keys as _,
                    &rows.due,
                    worker.0,
                    &rows.kinds as _,
                )
                .fetch_all(&mut **tx)
                .await?;
                let removed = sqlx::query!(
                    "DELETE FROM extractor.schedules AS s
                     WHERE site = $1
                       AND (project_key, kind) NOT IN (
                           SELECT n.key, n.kind FROM unnest($2::text[], $4::text[]) AS n(key, kind))
                       AND (followed_by = $3 OR NOT EXISTS (
                           SELECT FROM extractor.live_workers AS w WHERE w.id = s.followed_by))
                     RETURNING project_key, kind",
                    site.as_str(),
                    &rows.keys as _,
                    worker.0,
                    &rows.kinds as _,
                )
                .fetch_all(&mut **tx)
                .await?;
                let removed: Vec<String> = removed
                    .into_iter()
                    .filter(|row| row.kind == RunKind::Delta.as_str())
                    .map(|row| row.project_key)
                    .collect();
                let added: Vec<String> =
                    named.into_iter().filter(|row| row.added).map(|row| row.project_key).collect();
                Ok(Followed { added: sorted(&added)?, removed: sorted(&removed)? })
            })
        })
        .await
    }

    /// Has the runs of these schedules wait no longer than until the instant in each: another
    /// configuration counts at once. Those that failed last keep their distance.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn bring_forward(&self, site: &Site, latest: &[Wanted]) -> Result<(), StoreError> {
        let rows = &Rows::of(latest);
        self.tx("bring_forward", |tx| {
            Box::pin(async move {
                sqlx::query!(
                    "UPDATE extractor.schedules AS s
                     SET next_run_at = n.latest, updated_at = clock_timestamp()
                     FROM unnest($2::text[], $4::text[], $3::timestamptz[]) AS n(key, kind, latest)
                     WHERE s.site = $1 AND s.project_key = n.key AND s.kind = n.kind
                       AND s.next_run_at > n.latest
                       AND s.failures_in_a_row = 0",
                    site.as_str(),
                    &rows.keys as _,
                    &rows.due,
                    &rows.kinds as _,
                )
                .execute(&mut **tx)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// The schedules of an instance's followed projects, by project and kind.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn load_schedules(&self, site: &Site) -> Result<Vec<Schedule>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            r#"SELECT project_key, kind, next_run_at, failures_in_a_row, trouble, trouble_category,
                 trouble_remedy, last_started_at, followed_since,
                 extract(epoch FROM next_run_at - clock_timestamp())::float8 AS "due_in_secs!"
               FROM extractor.schedules WHERE site = $1 ORDER BY project_key, kind"#,
            site.as_str(),
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Schedule::try_from).collect()
    }

    /// Whether the project of this lease is still due for such a run; if it is, the next is due
    /// `next_in` from now. So of several services that found it due, one runs it. A project that is
    /// not followed any more is never due.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn claim_due_run(
        &self,
        lease: &ProjectLease,
        kind: RunKind,
        next_in: Duration,
    ) -> Result<bool, StoreError> {
        self.tx("claim_due_run", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                let claimed = sqlx::query!(
                    "UPDATE extractor.schedules
                     SET next_run_at = clock_timestamp() + make_interval(secs => $3),
                         updated_at = clock_timestamp()
                     WHERE site = $1 AND project_key = $2 AND kind = $4
                       AND next_run_at <= clock_timestamp()",
                    lease.site().as_str(),
                    lease.project().as_str(),
                    seconds(next_in),
                    scheduled(kind),
                )
                .execute(&mut **tx)
                .await?;
                Ok(claimed.rows_affected() == 1)
            })
        })
        .await
    }

    /// Records that such a run of the project got to its end: the next is due `next_in` from now, and
    /// failures count from none again.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like. A project that is not followed is left alone.
    pub async fn record_success(
        &self,
        site: &Site,
        project: &ProjectKey,
        kind: RunKind,
        next_in: Duration,
    ) -> Result<(), StoreError> {
        self.tx("record_success", |tx| {
            Box::pin(async move {
                sqlx::query!(
                    "UPDATE extractor.schedules
                     SET next_run_at = clock_timestamp() + make_interval(secs => $3),
                         failures_in_a_row = 0, trouble = NULL, trouble_category = NULL,
                         trouble_remedy = NULL, updated_at = clock_timestamp()
                     WHERE site = $1 AND project_key = $2 AND kind = $4",
                    site.as_str(),
                    project.as_str(),
                    seconds(next_in),
                    scheduled(kind),
                )
                .execute(&mut **tx)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// Records that the next such run of the project is due `next_in` from now, and nothing else: the
    /// last one was cancelled.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like. A project that is not followed is left alone.
    pub async fn record_pause(
        &self,
        site: &Site,
        project: &ProjectKey,
        kind: RunKind,
        next_in: Duration,
    ) -> Result<(), StoreError> {
        self.tx("record_pause", |tx| {
            Box::pin(async move {
                sqlx::query!(
                    "UPDATE extractor.schedules
                     SET next_run_at = clock_timestamp() + make_interval(secs => $3),
                         updated_at = clock_timestamp()
                     WHERE site = $1 AND project_key = $2 AND kind = $4",
                    site.as_str(),
                    project.as_str(),
                    seconds(next_in),
                    scheduled(kind),
                )
                .execute(&mut **tx)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// Records that such a run of the project failed, or could not be started: the next is due `next_in`
    /// from now. Answers how many have failed in a row; zero when the project is not followed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn record_failure(
        &self,
        site: &Site,
        project: &ProjectKey,
        kind: RunKind,
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
                     WHERE site = $1 AND project_key = $2 AND kind = $7
                     RETURNING failures_in_a_row",
                    site.as_str(),
                    project.as_str(),
                    seconds(next_in),
                    trouble.text,
                    trouble.category.as_str(),
                    trouble.remedy,
                    scheduled(kind),
                )
                .fetch_optional(&mut **tx)
                .await?;
                Ok(failures.map_or(0, small))
            })
        })
        .await
    }
}

/// Notes in the schedules, as far as there are some, that a run of the project starts.
pub(super) async fn note_start(
    connection: &mut PgConnection,
    lease: &ProjectLease,
    kind: RunKind,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE extractor.schedules
         SET last_started_at = clock_timestamp(), updated_at = clock_timestamp()
         WHERE site = $1 AND project_key = $2 AND kind IN ('delta', $3)",
        lease.site().as_str(),
        lease.project().as_str(),
        kind.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The schedule that runs of a kind go by: a backfill stands in for a delta.
fn scheduled(kind: RunKind) -> &'static str {
    match kind {
        RunKind::Backfill | RunKind::Delta => RunKind::Delta.as_str(),
        RunKind::Reconcile => RunKind::Reconcile.as_str(),
    }
}

/// Schedules as the statements take them.
struct Rows<'a> {
    keys: Vec<&'a str>,
    kinds: Vec<&'static str>,
    due: Vec<DateTime<Utc>>,
}

impl<'a> Rows<'a> {
    fn of(wanted: &'a [Wanted]) -> Self {
        Self {
            keys: wanted.iter().map(|wanted| wanted.project.as_str()).collect(),
            kinds: wanted.iter().map(|wanted| scheduled(wanted.kind)).collect(),
            due: wanted.iter().map(|wanted| wanted.due).collect(),
        }
    }
}

fn sorted(keys: &[String]) -> Result<Vec<ProjectKey>, StoreError> {
    let mut keys: Vec<ProjectKey> =
        keys.iter().map(|key| parse("project key", key)).collect::<Result<_, _>>()?;
    keys.sort();
    Ok(keys)
}

struct Row {
    project_key: String,
    kind: String,
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
            kind: parse("run kind", &row.kind)?,
            next_run_at: row.next_run_at,
            due_in: Duration::try_from_secs_f64(row.due_in_secs.max(0.0)).unwrap_or_default(),
            failures_in_a_row: small(row.failures_in_a_row),
            trouble,
            last_started_at: row.last_started_at,
            followed_since: row.followed_since,
        })
    }
}
