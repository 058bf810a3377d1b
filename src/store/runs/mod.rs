//! Runs as they are stored, and loading them. What happens to a run is `transitions`', what is asked
//! of runs from outside `control`'s and `standing`'s, what services look for `waiting`'s, and what
//! runs say of themselves `events`'.

mod control;
mod events;
mod standing;
mod transitions;
mod waiting;

pub use control::{Cancelling, MAX_RETRIES, Requested, Retrying, RunWanted};
pub use events::{EVENTS_KEPT, RunEvent, StoredEvent};
pub use waiting::ControlListener;

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use sqlx::types::Json;
use uuid::Uuid;

use super::rows::{count, parse, small};
use super::{ProjectLease, Store, StoreError};
use crate::model::{
    Checkpoint, FailureCategory, ProjectKey, RunCounters, RunId, RunKind, RunState, Site, WorkerId,
};

/// What a new run is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// What it lists and may conclude.
    pub kind: RunKind,
    /// Issues updated from then on are listed; `None`: all.
    pub lists_from: Option<DateTime<Utc>>,
    /// Now, by Jira's clock: where the cursor goes when the run completes.
    pub horizon: DateTime<Utc>,
    /// Extra JQL.
    pub filter: Option<String>,
}

/// A run as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The Jira instance.
    pub site: Site,
    /// The project.
    pub project: ProjectKey,
    /// What it lists and may conclude.
    pub kind: RunKind,
    /// Where it is in its life. `Running` may also be a run whose process was killed.
    pub state: RunState,
    /// Whether a process has taken it up yet. Before, its start and its horizon are when it was
    /// asked for, and stand for nothing else.
    pub begun: bool,
    /// The worker that started or last resumed it.
    pub worker: Option<WorkerId>,
    /// Issues updated from then on are listed; `None`: all.
    pub lists_from: Option<DateTime<Utc>>,
    /// When it started, by Jira's clock.
    pub horizon: DateTime<Utc>,
    /// The extra JQL it was started with.
    pub filter: Option<String>,
    /// Whether whoever asked for it over the run API allows it to mark any number deleted.
    pub allow_mass_delete: bool,
    /// How far the listing has got.
    pub checkpoint: Checkpoint,
    /// Which listing this is: 1, and one more for each repair.
    pub attempt: u32,
    /// How often it was taken up again.
    pub resumes: u32,
    /// How often an operator had it tried again.
    pub retries: u32,
    /// What it has done so far.
    pub counters: RunCounters,
    /// When it started, by the database's clock.
    pub started_at: DateTime<Utc>,
    /// When it was last asked for over the run API, by the database's clock.
    pub queued_at: Option<DateTime<Utc>>,
    /// When its row was last written, by the database's clock.
    pub updated_at: DateTime<Utc>,
    /// When it last stored a page or a batch, by the database's clock.
    pub progressed_at: Option<DateTime<Utc>>,
    /// When an operator asked for its end, by the database's clock.
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// When it ended, by the database's clock.
    pub finished_at: Option<DateTime<Utc>>,
    /// Why it failed.
    pub error: Option<String>,
    /// Who can do something about that.
    pub error_category: Option<FailureCategory>,
}

/// Which runs to load; `None` matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// One run.
    pub id: Option<RunId>,
    /// Runs of one instance.
    pub site: Option<Site>,
    /// Runs of one project.
    pub project: Option<ProjectKey>,
    /// Runs in one state.
    pub state: Option<RunState>,
    /// Only runs that a process has taken up at least once.
    pub begun: bool,
    /// Only runs that a list, the newest first, has after this one.
    pub before: Option<RunId>,
}

struct Row {
    id: Uuid,
    site: String,
    project_key: String,
    kind: String,
    state: String,
    worker: Option<Uuid>,
    lists_from: Option<DateTime<Utc>>,
    horizon: Option<DateTime<Utc>>,
    filter: Option<String>,
    allow_mass_delete: bool,
    checkpoint: Json<Checkpoint>,
    attempt: i32,
    resumes: i32,
    retries: i32,
    listed: i64,
    unchanged: i64,
    queued: i64,
    hydrated: i64,
    written: i64,
    gone: i64,
    failed: i64,
    pages: i64,
    started_at: DateTime<Utc>,
    queued_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
    progressed_at: Option<DateTime<Utc>>,
    cancel_requested_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    error: Option<String>,
    error_category: Option<String>,
}

impl TryFrom<Row> for Run {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let category = row.error_category.as_deref().map(|text| parse("error category", text));
        Ok(Self {
            id: RunId(row.id),
            site: Site::new(row.site),
            project: parse("project key", &row.project_key)?,
            kind: parse("run kind", &row.kind)?,
            state: parse("run state", &row.state)?,
            begun: row.horizon.is_some(),
            worker: row.worker.map(WorkerId),
            lists_from: row.lists_from,
            horizon: row.horizon.unwrap_or(row.started_at),
            filter: row.filter,
            allow_mass_delete: row.allow_mass_delete,
            checkpoint: row.checkpoint.0,
            attempt: small(row.attempt),
            resumes: small(row.resumes),
            retries: small(row.retries),
            counters: RunCounters {
                listed: count(row.listed),
                unchanged: count(row.unchanged),
                queued: count(row.queued),
                hydrated: count(row.hydrated),
                written: count(row.written),
                gone: count(row.gone),
                failed: count(row.failed),
                pages: count(row.pages),
            },
            started_at: row.started_at,
            queued_at: row.queued_at,
            updated_at: row.updated_at,
            progressed_at: row.progressed_at,
            cancel_requested_at: row.cancel_requested_at,
            finished_at: row.finished_at,
            error: row.error,
            error_category: category.transpose()?,
        })
    }
}

impl Store {
    /// The newest run of the project that a process has taken up, if it is to go on: killed,
    /// interrupted or failed, or put back into the queue. Whether its kind and filter make it worth
    /// resuming is the caller's to say.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn load_resumable_run(
        &self,
        lease: &ProjectLease,
    ) -> Result<Option<Run>, StoreError> {
        let newest =
            select(&self.pool, &RunFilter::begun(lease.site(), lease.project()), 1).await?;
        Ok(newest.into_iter().find(Run::is_resumable))
    }

    /// The run of the project that waits to be taken up, new or to be resumed. Whoever holds the
    /// project and is about to run it does what this one asks for, see [`RunKind::wider`]:
    /// [`Store::start_run`] and [`Store::resume_run`] take it up or put theirs in its place.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn load_queued_run(&self, lease: &ProjectLease) -> Result<Option<Run>, StoreError> {
        let filter = RunFilter {
            state: Some(RunState::Queued),
            ..RunFilter::of(lease.site(), lease.project())
        };
        Ok(select(&self.pool, &filter, 1).await?.pop())
    }

    /// One run.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn load_run(&self, id: RunId) -> Result<Option<Run>, StoreError> {
        let filter = RunFilter { id: Some(id), ..RunFilter::default() };
        Ok(self.list_runs(&filter, 1).await?.pop())
    }

    /// Runs, the newest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn list_runs(&self, filter: &RunFilter, limit: u32) -> Result<Vec<Run>, StoreError> {
        select(&self.pool, filter, limit).await
    }
}

impl Run {
    /// Whether the next run of the project may go on with this one. What an operator wants ended is
    /// not gone on with, even if its process died before it could obey.
    fn is_resumable(&self) -> bool {
        match self.state {
            RunState::Queued | RunState::Running | RunState::Interrupted | RunState::Failed => {
                self.begun && self.cancel_requested_at.is_none()
            }
            RunState::Completed | RunState::Incomplete | RunState::Cancelled => false,
        }
    }
}

impl RunFilter {
    fn of(site: &Site, project: &ProjectKey) -> Self {
        Self { site: Some(site.clone()), project: Some(project.clone()), ..Self::default() }
    }

    fn begun(site: &Site, project: &ProjectKey) -> Self {
        Self { begun: true, ..Self::of(site, project) }
    }
}

async fn select(
    executor: impl PgExecutor<'_>,
    filter: &RunFilter,
    limit: u32,
) -> Result<Vec<Run>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, site, project_key, kind, state, worker, lists_from, horizon, filter,
             allow_mass_delete, checkpoint AS "checkpoint: Json<Checkpoint>", attempt, resumes, retries, listed,
             unchanged, queued, hydrated, written, gone, failed, pages, started_at, queued_at,
             updated_at, progressed_at, cancel_requested_at, finished_at, error, error_category
           FROM extractor.runs
           WHERE ($1::uuid IS NULL OR id = $1) AND ($2::text IS NULL OR site = $2)
             AND ($3::text IS NULL OR project_key = $3) AND ($4::text IS NULL OR state = $4)
             AND (NOT $5 OR horizon IS NOT NULL)
             AND ($7::uuid IS NULL OR (started_at, id) <
                 (SELECT b.started_at, b.id FROM extractor.runs b WHERE b.id = $7))
           ORDER BY started_at DESC, id DESC LIMIT $6"#,
        filter.id.map(|id| id.0),
        filter.site.as_ref().map(Site::as_str),
        filter.project.as_ref().map(ProjectKey::as_str),
        filter.state.map(RunState::as_str),
        filter.begun,
        i64::from(limit),
        filter.before.map(|id| id.0),
    )
    .fetch_all(executor)
    .await?;
    rows.into_iter().map(Run::try_from).collect()
}

/// The last runs of each of some projects, given as sites and keys in parallel; of a project the newest
/// first.
pub(super) async fn select_last(
    executor: impl PgExecutor<'_>,
    sites: &[String],
    keys: &[String],
    limit: u32,
) -> Result<Vec<Run>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT r.id, r.site, r.project_key, r.kind, r.state, r.worker, r.lists_from, r.horizon,
             r.filter, r.allow_mass_delete, r.checkpoint AS "checkpoint: Json<Checkpoint>", r.attempt, r.resumes,
             r.retries, r.listed, r.unchanged, r.queued, r.hydrated, r.written, r.gone, r.failed,
             r.pages, r.started_at, r.queued_at, r.updated_at, r.progressed_at,
             r.cancel_requested_at, r.finished_at, r.error, r.error_category
           FROM unnest($1::text[], $2::text[]) AS p(site, project_key)
           CROSS JOIN LATERAL (
               SELECT * FROM extractor.runs
               WHERE site = p.site AND project_key = p.project_key
               ORDER BY started_at DESC, id DESC LIMIT $3) AS r
           ORDER BY r.site, r.project_key, r.started_at DESC, r.id DESC"#,
        sites,
        keys,
        i64::from(limit),
    )
    .fetch_all(executor)
    .await?;
    rows.into_iter().map(Run::try_from).collect()
}
