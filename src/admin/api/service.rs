//! The service itself: its phase, its peers, its configuration, and whether it is ready.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::views::TroubleView;
use crate::admin::desk::{InstanceFacts, Link, ServiceStatus};
use crate::admin::health::{self, Check, phase_name};
use crate::admin::office::AppState;
use crate::jira::Flavor;

/// The routes of the family.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(status))
}

/// How the service stands: the process that answers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServiceStatus)]
struct StatusView {
    /// The short name of the Jira instance.
    site: String,
    /// The version of the program.
    version: String,
    /// When the process started.
    started_at: DateTime<Utc>,
    /// `starting`, `running` or `stopping`.
    #[schema(value_type = super::names::PhaseName)]
    phase: &'static str,
    /// Whether it does its work: what `/readyz` says.
    ready: bool,
    /// What being ready is made of.
    checks: Vec<CheckView>,
    /// The process among the workers of the database.
    worker: Option<Uuid>,
    /// The database, as the service's loop sees it.
    database: LinkView,
    /// Jira, as the service's loop sees it.
    jira: LinkView,
    /// What Jira said it is.
    instance: Option<InstanceView>,
    /// The runs that the process has under way.
    runs: Vec<Uuid>,
    /// How many projects it follows.
    followed_projects: u64,
    /// Since when its configuration is in force.
    configuration_loaded_at: DateTime<Utc>,
    /// Why the last reload of the configuration was refused, if it was.
    configuration_refused: Option<TroubleView>,
}

/// One part of being ready.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReadinessCheck)]
struct CheckView {
    /// What is looked at.
    name: &'static str,
    /// Whether all is well.
    ok: bool,
    /// What is amiss.
    reason: Option<String>,
    /// What to do about it.
    remedy: Option<String>,
}

/// A peer that the service depends on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Link)]
struct LinkView {
    /// Whether it answers; null before it was asked.
    up: Option<bool>,
    /// Since when that is so.
    since: Option<DateTime<Utc>>,
    /// Why it does not answer.
    trouble: Option<TroubleView>,
}

/// What Jira said it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Instance)]
struct InstanceView {
    /// Its host.
    host: String,
    /// `server` or `cloud`.
    #[schema(value_type = super::names::FlavorName)]
    flavor: &'static str,
    /// Its version.
    version: String,
}

/// How the service stands: the process that answers.
#[utoipa::path(get, path = "/api/v1/status", tag = "service", operation_id = "show_status",
    responses((status = 200, description = "How it stands.", body = StatusView)))]
async fn status(State(office): State<AppState>) -> Json<StatusView> {
    let readiness = health::load(&office).await;
    let status = office.desk.status.borrow();
    let ServiceStatus {
        phase,
        worker,
        database,
        jira,
        instance,
        projects,
        runs,
        configuration,
        client: _,
    } = &*status;
    Json(StatusView {
        site: office.desk.site.to_string(),
        version: office.desk.version.to_owned(),
        started_at: office.desk.started_at,
        phase: phase_name(*phase),
        ready: readiness.is_ready(),
        checks: readiness.checks.iter().map(CheckView::of).collect(),
        worker: worker.map(|worker| worker.0),
        database: LinkView::of(database),
        jira: LinkView::of(jira),
        instance: instance.as_ref().map(InstanceView::of),
        runs: runs.iter().map(|run| run.id.0).collect(),
        followed_projects: projects.len() as u64,
        configuration_loaded_at: configuration.loaded_at,
        configuration_refused: configuration.refused.as_ref().map(TroubleView::of),
    })
}

impl CheckView {
    fn of(check: &Check) -> Self {
        Self {
            name: check.name,
            ok: check.trouble.is_none(),
            reason: check.trouble.as_ref().map(|lack| lack.reason.clone()),
            remedy: check.trouble.as_ref().map(|lack| lack.remedy.clone()),
        }
    }
}

impl LinkView {
    fn of(link: &Link) -> Self {
        match link {
            Link::Unknown => Self { up: None, since: None, trouble: None },
            Link::Up { since } => Self { up: Some(true), since: Some(*since), trouble: None },
            Link::Down { since, trouble } => Self {
                up: Some(false),
                since: Some(*since),
                trouble: Some(TroubleView::of(trouble)),
            },
        }
    }
}

impl InstanceView {
    fn of(instance: &InstanceFacts) -> Self {
        Self {
            host: instance.host.clone(),
            flavor: match instance.flavor {
                Flavor::Server => "server",
                Flavor::Cloud => "cloud",
            },
            version: instance.version.clone(),
        }
    }
}
