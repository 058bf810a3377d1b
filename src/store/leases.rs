//! Who holds a project. A lease lasts as long as its worker lives; it has no clock of its own.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::rows::{count, small};
use super::{Store, StoreError};
use crate::model::{ProjectKey, RunId, Site, WorkerId};

/// The right to run one project, minted by [`Store::acquire_project`] alone.
#[derive(Debug)]
pub struct ProjectLease {
    site: Site,
    project: ProjectKey,
    worker: WorkerId,
    token: i64,
    completed_until: Option<DateTime<Utc>>,
    index_lag: Duration,
}

impl ProjectLease {
    /// The Jira instance.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The project.
    pub fn project(&self) -> &ProjectKey {
        &self.project
    }

    /// The worker that holds it.
    pub fn worker(&self) -> WorkerId {
        self.worker
    }

    /// Start, by Jira's clock, of the last completed run when the lease was acquired.
    pub fn completed_until(&self) -> Option<DateTime<Utc>> {
        self.completed_until
    }

    /// The latest that a row has been seen to arrive in Jira's index, after its change.
    pub fn index_lag(&self) -> Duration {
        self.index_lag
    }
}

/// Who holds a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The worker.
    pub worker: WorkerId,
    /// Its machine.
    pub host: String,
    /// Its process id there.
    pub pid: u32,
    /// When it acquired the project, by the database's clock.
    pub since: DateTime<Utc>,
    /// The run it is in, if it has started one.
    pub run: Option<RunId>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {} since {}", self.pid, self.host, self.since.format("%FT%TZ"))?;
        match self.run {
            Some(run) => write!(f, " (run {run})"),
            None => Ok(()),
        }
    }
}

/// The answer to a request for a project.
#[derive(Debug)]
pub enum ProjectClaim {
    /// It is yours.
    Acquired(ProjectLease),
    /// A live process holds it, perhaps this one.
    Held(Holder),
}

impl Store {
    /// Takes the project unless a live worker holds it. `worker` must have an open session.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like; being held is not an error.
    pub async fn acquire_project(
        &self,
        site: &Site,
        project: &ProjectKey,
        worker: WorkerId,
    ) -> Result<ProjectClaim, StoreError> {
        self.tx("acquire_project", |tx| {
            Box::pin(async move {
                let row = sqlx::query!(
                    "INSERT INTO extractor.cursors AS c
                     (site, project_key, lease_worker, lease_token, leased_at, updated_at)
                 VALUES ($1, $2, $3, 1, clock_timestamp(), clock_timestamp())
                 ON CONFLICT ON CONSTRAINT cursors_pk DO UPDATE
                 SET lease_worker = excluded.lease_worker, lease_token = c.lease_token + 1,
                     leased_at = excluded.leased_at, updated_at = excluded.updated_at
                 WHERE c.lease_worker IS NULL
                    OR NOT EXISTS (
                        SELECT FROM extractor.live_workers w WHERE w.id = c.lease_worker
                    )
                 RETURNING lease_token, completed_until, max_lag_secs",
                    site.as_str(),
                    project.as_str(),
                    worker.0,
                )
                .fetch_optional(&mut **tx)
                .await?;
                let Some(row) = row else {
                    // The refused upsert has locked the row, so its holder cannot leave meanwhile.
                    let holder = holder(tx, site, project).await?;
                    return holder
                        .map(ProjectClaim::Held)
                        .ok_or(StoreError::LeaseLost { what: "the project" });
                };
                Ok(ProjectClaim::Acquired(ProjectLease {
                    site: site.clone(),
                    project: project.clone(),
                    worker,
                    token: row.lease_token,
                    completed_until: row.completed_until,
                    index_lag: Duration::from_secs(count(row.max_lag_secs)),
                }))
            })
        })
        .await
    }

    /// Frees the project if `worker` holds it, whatever its lease: for one whose lease never arrived,
    /// because the answer to its acquisition was lost.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like; that it does not hold it is not an error.
    pub async fn release_stray_project(
        &self,
        site: &Site,
        project: &ProjectKey,
        worker: WorkerId,
    ) -> Result<(), StoreError> {
        self.tx("release_stray_project", |tx| {
            Box::pin(async move {
                sqlx::query!(
                    "UPDATE extractor.cursors
                     SET lease_worker = NULL, leased_at = NULL, updated_at = clock_timestamp()
                     WHERE site = $1 AND project_key = $2 AND lease_worker = $3",
                    site.as_str(),
                    project.as_str(),
                    worker.0,
                )
                .execute(&mut **tx)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// Gives the project back without a word about its run.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when somebody else has it already.
    pub async fn release_project(&self, lease: &ProjectLease) -> Result<(), StoreError> {
        self.tx("release_project", |tx| Box::pin(async move { release(tx, lease).await })).await
    }
}

/// Who holds the project, alive or not.
pub(super) async fn holder(
    connection: &mut PgConnection,
    site: &Site,
    project: &ProjectKey,
) -> Result<Option<Holder>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT w.id, w.host, w.pid, c.leased_at AS "since!",
             (SELECT r.id FROM extractor.runs r
              WHERE r.site = c.site AND r.project_key = c.project_key AND r.state = 'running'
              ORDER BY r.started_at DESC LIMIT 1) AS run
           FROM extractor.cursors c JOIN extractor.workers w ON w.id = c.lease_worker
           WHERE c.site = $1 AND c.project_key = $2"#,
        site.as_str(),
        project.as_str(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Holder {
        worker: WorkerId(row.id),
        host: row.host,
        pid: small(row.pid),
        since: row.since,
        run: row.run.map(RunId),
    }))
}

/// Proves that the lease still holds, and locks it for the rest of the transaction.
pub(super) async fn fence(
    connection: &mut PgConnection,
    lease: &ProjectLease,
) -> Result<(), StoreError> {
    let fenced = sqlx::query!(
        "UPDATE extractor.cursors SET updated_at = clock_timestamp()
         WHERE site = $1 AND project_key = $2 AND lease_token = $3 AND lease_worker = $4",
        lease.site.as_str(),
        lease.project.as_str(),
        lease.token,
        lease.worker.0,
    )
    .execute(connection)
    .await?;
    exactly_one(fenced.rows_affected())
}

/// Gives the lease back, if it still holds.
pub(super) async fn release(
    connection: &mut PgConnection,
    lease: &ProjectLease,
) -> Result<(), StoreError> {
    let released = sqlx::query!(
        "UPDATE extractor.cursors
         SET lease_worker = NULL, leased_at = NULL, updated_at = clock_timestamp()
         WHERE site = $1 AND project_key = $2 AND lease_token = $3 AND lease_worker = $4",
        lease.site.as_str(),
        lease.project.as_str(),
        lease.token,
        lease.worker.0,
    )
    .execute(connection)
    .await?;
    exactly_one(released.rows_affected())
}

fn exactly_one(rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::LeaseLost { what: "the project" }) }
}
