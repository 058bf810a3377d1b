//! The projects: how far behind each is, what is stored of it, and when it is run next.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::views::{CertificateView, RunView, TombstonesView, TroubleView};
use crate::admin::desk::Trouble;
use crate::admin::office::AppState;
use crate::admin::problem::Problem;
use crate::model::ProjectKey;
use crate::store::{ProjectCounts, ProjectFacts, Schedule, ScheduleTrouble};

/// How old the counts of stored issues may be: counting them is dear.
const COUNTS_KEPT: Duration = Duration::from_secs(60);

/// The routes of the family.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Every project.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Projects)]
struct ProjectsView {
    /// The projects, by key.
    projects: Vec<ProjectView>,
}

/// A project that is followed, or of which something is stored.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Project)]
struct ProjectView {
    /// Its key.
    key: String,
    /// Whether the service runs it on its schedule.
    followed: bool,
    /// When its next run is due; null when it is not followed.
    next_run_at: Option<DateTime<Utc>>,
    /// Runs that failed since one got to its end.
    failures_in_a_row: u32,
    /// Why its last run failed, if it did.
    trouble: Option<TroubleView>,
    /// Until when everything is stored, by Jira's clock; null before the first run has completed.
    completed_until: Option<DateTime<Utc>>,
    /// How long ago that is, in seconds.
    lag_secs: Option<u64>,
    /// The process that holds it.
    held_by: Option<Uuid>,
    /// Stored issues.
    issues: IssuesView,
    /// Its part of the queue.
    queue: QueueView,
    /// Issues that are recorded as failures.
    failures: u64,
    /// Its newest run.
    last_run: Option<RunView>,
    /// Its newest certificate.
    certificate: Option<CertificateView>,
    /// When its next reconcile is due; null when no service reconciles it.
    next_reconcile_at: Option<DateTime<Utc>>,
    /// When a reconcile last held; null before one did.
    reconciled_at: Option<DateTime<Utc>>,
    /// Why its last reconcile failed, if it did.
    reconcile_trouble: Option<TroubleView>,
    /// The certificate of its last reconcile.
    reconcile_certificate: Option<CertificateView>,
}

/// Stored issues.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = IssueCounts)]
struct IssuesView {
    /// Everything, in one request.
    full: u64,
    /// Everything, the links apart.
    hub: u64,
    /// A small set of fields.
    minimal: u64,
    /// Of those before: something is known to be lacking.
    incomplete: u64,
    /// Marked deleted.
    deleted: u64,
    /// Those by reason.
    tombstones: Vec<TombstonesView>,
}

/// A project's part of the queue, in issues.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = QueueCounts)]
struct QueueView {
    /// Waiting to be fetched, those that are being fetched included.
    depth: u64,
    /// Being fetched.
    leased: u64,
}

/// Lists every project that is followed, or of which something is stored.
#[utoipa::path(get, path = "/api/v1/projects", tag = "projects", operation_id = "list_projects",
    responses((status = 200, description = "The projects.", body = ProjectsView)))]
async fn list(State(office): State<AppState>) -> Result<Json<ProjectsView>, Problem> {
    let facts = office.facts().await?;
    let site = &office.desk.site;
    let counts = office.ask(async |store| store.recent_counts(site, COUNTS_KEPT).await).await?;
    let now = office.clock.now();
    let mut projects: BTreeMap<ProjectKey, ProjectView> = BTreeMap::new();
    for facts in facts.iter() {
        projects.entry(facts.project.clone()).or_default().add_facts(facts, now);
    }
    for counts in counts.value.iter() {
        projects.entry(counts.project.clone()).or_default().add_counts(counts);
    }
    for followed in &office.desk.status.borrow().projects {
        projects.entry(followed.key.clone()).or_default().followed = true;
    }
    let named = projects.into_iter().map(|(key, view)| ProjectView { key: key.into(), ..view });
    Ok(Json(ProjectsView { projects: named.collect() }))
}

impl ProjectView {
    fn add_facts(&mut self, facts: &ProjectFacts, now: DateTime<Utc>) {
        let cursor = facts.cursor.as_ref();
        self.completed_until = cursor.and_then(|cursor| cursor.completed_until);
        self.held_by = cursor.and_then(|cursor| cursor.held_by).map(|worker| worker.0);
        self.lag_secs = facts.lag.map(|lag| lag.as_secs());
        self.issues.incomplete = facts.incomplete;
        self.queue = QueueView { depth: facts.queue.depth, leased: facts.queue.leased };
        self.failures = facts.failures;
        self.last_run = facts.runs.first().map(|run| RunView::of(run, None, now, None));
        self.certificate = facts.certificate().map(CertificateView::of);
        self.reconciled_at = cursor.and_then(|cursor| cursor.reconciled_at);
        let reconciled = facts.reconciled.as_ref();
        self.reconcile_certificate =
            reconciled.map(|certified| CertificateView::of(&certified.certificate));
        if let Some(schedule) = &facts.schedule {
            self.add_schedule(schedule);
        }
        if let Some(schedule) = &facts.reconciles {
            self.next_reconcile_at = Some(schedule.next_run_at);
            self.reconcile_trouble = schedule.trouble.as_ref().map(trouble);
        }
    }

    fn add_counts(&mut self, counts: &ProjectCounts) {
        self.issues.full = counts.issues.full;
        self.issues.hub = counts.issues.hub;
        self.issues.minimal = counts.issues.minimal;
        self.issues.deleted = counts.deleted;
        self.issues.tombstones = TombstonesView::of(&counts.tombstones);
    }

    fn add_schedule(&mut self, schedule: &Schedule) {
        self.followed = true;
        self.next_run_at = Some(schedule.next_run_at);
        self.failures_in_a_row = schedule.failures_in_a_row;
        self.trouble = schedule.trouble.as_ref().map(trouble);
    }
}

fn trouble(trouble: &ScheduleTrouble) -> TroubleView {
    let ScheduleTrouble { text, category, remedy } = trouble.clone();
    TroubleView::of(&Trouble { text, category, remedy })
}
