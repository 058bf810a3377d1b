//! Runs as they are stored, and loading them. What happens to a run is `transitions`'.

mod transitions;

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
    /// The worker that started or last resumed it.
    pub worker: WorkerId,
    /// Issues updated from then on are listed; `None`: all.
    pub lists_from: Option<DateTime<Utc>>,
    /// When it started, by Jira's clock.
    pub horizon: DateTime<Utc>,
    /// The extra JQL it was started with.
    pub filter: Option<String>,
    /// How far the listing has got.
    pub checkpoint: Checkpoint,
    /// Which listing this is: 1, and one more for each repair.
    pub attempt: u32,
    /// How often it was taken up again.
    pub resumes: u32,
    /// What it has done so far.
    pub counters: RunCounters,
    /// When it started, by the database's clock.
    pub started_at: DateTime<Utc>,
    /// Its last progress, by the database's clock.
    pub updated_at: DateTime<Utc>,
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
}

struct Row {
    id: Uuid,
    site: String,
    project_key: String,
    kind: String,
    state: String,
    worker: Uuid,
    lists_from: Option<DateTime<Utc>>,
    horizon: DateTime<Utc>,
    filter: Option<String>,
    checkpoint: Json<Checkpoint>,
    attempt: i32,
    resumes: i32,
    listed: i64,
    unchanged: i64,
    queued: i64,
    hydrated: i64,
    written: i64,
    gone: i64,
    failed: i64,
    pages: i64,
    started_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
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
            worker: WorkerId(row.worker),
            lists_from: row.lists_from,
            horizon: row.horizon,
            filter: row.filter,
            checkpoint: row.checkpoint.0,
            attempt: small(row.attempt),
            resumes: small(row.resumes),
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
            updated_at: row.updated_at,
            finished_at: row.finished_at,
            error: row.error,
            error_category: category.transpose()?,
        })
    }
}

impl Store {
    /// The newest run of the project, if it ended before its end: killed, interrupted or failed.
    /// Whether its kind and filter make it worth resuming is the caller's to say.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn load_resumable_run(
        &self,
        lease: &ProjectLease,
    ) -> Result<Option<Run>, StoreError> {
        let filter = RunFilter {
            site: Some(lease.site().clone()),
            project: Some(lease.project().clone()),
            ..RunFilter::default()
        };
        let newest = self.list_runs(&filter, 1).await?.pop();
        Ok(newest.filter(|run| resumable(run.state)))
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

fn resumable(state: RunState) -> bool {
    match state {
        RunState::Running | RunState::Interrupted | RunState::Failed => true,
        RunState::Completed | RunState::Incomplete | RunState::Cancelled => false,
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
             checkpoint AS "checkpoint: Json<Checkpoint>", attempt, resumes, listed, unchanged,
             queued, hydrated, written, gone, failed, pages, started_at, updated_at, finished_at,
             error, error_category
           FROM extractor.runs
           WHERE ($1::uuid IS NULL OR id = $1) AND ($2::text IS NULL OR site = $2)
             AND ($3::text IS NULL OR project_key = $3)
           ORDER BY started_at DESC, id DESC LIMIT $4"#,
        filter.id.map(|id| id.0),
        filter.site.as_ref().map(Site::as_str),
        filter.project.as_ref().map(ProjectKey::as_str),
        i64::from(limit),
    )
    .fetch_all(executor)
    .await?;
    rows.into_iter().map(Run::try_from).collect()
}
