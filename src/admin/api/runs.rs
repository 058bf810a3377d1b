//! Runs as a family: starting one, and listing them.

use axum::Json;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::input::{Body, Parameters};
use super::names::{KindName, StateName};
use super::outcome;
use super::views::RunView;
use crate::admin::desk::Phase;
use crate::admin::office::{AppState, Office};
use crate::admin::problem::{Kind, Problem, ProblemDocument};
use crate::admin::refusals::ASK_AGAIN_SECS;
use crate::model::{ProjectKey, RunId, RunKind, RunState};
use crate::store::{RunFilter, RunWanted};

/// The routes of the family.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, start))
}

/// What is to be run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRun)]
struct NewRunBody {
    /// The key of a project that the service follows.
    #[schema(value_type = String, pattern = "^[A-Z][A-Z0-9_]*$", example = "PROJ")]
    project: ProjectKey,
    /// What it is to list.
    #[schema(value_type = KindName)]
    kind: RunKind,
    /// Whether a reconcile may mark any number of issues deleted, when it is known that so many are;
    /// else it refuses more than people usually delete. Of a reconcile only.
    #[serde(default)]
    #[schema(default = false)]
    allow_mass_delete: bool,
}

/// A run that was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AcceptedRun)]
pub(super) struct AcceptedView {
    /// Its id.
    pub(super) id: Uuid,
    /// Where to look how it is getting on.
    pub(super) href: String,
    /// Whether it goes on with what an earlier run, or this one, had begun.
    pub(super) resumed: bool,
    /// How often an operator had it tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) retries: Option<u32>,
}

/// Which runs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Only runs of this project.
    #[param(value_type = Option<String>, pattern = "^[A-Z][A-Z0-9_]*$", nullable = false)]
    project: Option<ProjectKey>,
    /// Only runs in this state.
    #[param(value_type = Option<StateName>, nullable = false)]
    state: Option<RunState>,
    /// How many at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50, nullable = false)]
    limit: Option<super::Limit>,
    /// Where to go on: `next_cursor` of the page before.
    #[param(value_type = Option<Uuid>, nullable = false)]
    cursor: Option<Uuid>,
}

/// A page of runs, the newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RunPage)]
struct RunPage {
    /// The runs.
    runs: Vec<RunView>,
    /// The `cursor` of the next page; null when this is the last.
    next_cursor: Option<Uuid>,
}

/// Lists runs, the newest first.
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs", operation_id = "list_runs", params(Which),
    responses((status = 200, description = "A page of runs.", body = RunPage)))]
async fn list(
    State(office): State<AppState>,
    Parameters(which): Parameters<Which>,
) -> Result<Json<RunPage>, Problem> {
    let limit = which.limit.unwrap_or_default();
    let filter = RunFilter {
        site: Some(office.desk.site.clone()),
        project: which.project,
        state: which.state,
        before: which.cursor.map(RunId),
        ..RunFilter::default()
    };
    let runs =
        office.ask(async |store| store.list_runs(&filter, limit.with_one_more()).await).await?;
    let (runs, more) = limit.page_of(runs);
    let now = office.clock.now();
    let status = office.desk.status.borrow();
    let views = runs.iter().map(|run| {
        let live = status.runs.iter().find(|live| live.id == run.id);
        RunView::of(run, live, now, None)
    });
    Ok(Json(RunPage {
        next_cursor: runs.last().filter(|_| more).map(|run| run.id.0),
        runs: views.collect(),
    }))
}

/// Starts a run of a project, or takes up again the one it was in the middle of.
///
/// A service process of the site takes it up within seconds. One project has one run at a time:
/// asking twice does not start two. A reconcile lists the whole project, marks as deleted what is
/// proven to be gone, and certifies the rest.
#[utoipa::path(post, path = "/api/v1/runs", tag = "runs", operation_id = "start_run",
    request_body = NewRunBody,
    responses(
        (status = 202, description = "The run waits to be taken up.", body = AcceptedView,
            headers(("Location" = String, description = "The address of the run."))),
        (status = 409, description = "The project already has a run; `run_id` says which.",
            body = ProblemDocument, content_type = "application/problem+json",
            headers(("Location" = String, description = "The address of that run."))),
        (status = 422, description = "The body does not say what it should, the project is not \
            followed, or `allow_mass_delete` does not go with this kind of run.",
            body = ProblemDocument, content_type = "application/problem+json"),
    ))]
async fn start(
    State(office): State<AppState>,
    Body(NewRunBody { project, kind, allow_mass_delete }): Body<NewRunBody>,
) -> Result<Response, Problem> {
    if allow_mass_delete && kind != RunKind::Reconcile {
        return Err(Problem::new(
            Kind::MisplacedOverride,
            format!(
                "allow_mass_delete does not go with a {kind}: only a reconcile marks what is gone"
            ),
            "leave allow_mass_delete out, or start a reconcile",
        ));
    }
    check_followed(&office, &project).await?;
    let site = &office.desk.site;
    let wanted = RunWanted { kind, allow_mass_delete };
    let requested =
        office.ask(async |store| store.request_run(site, &project, wanted).await).await?;
    let accepted = outcome::of_request(requested, &project)?;
    tracing::info!(
        run.id = %accepted.id,
        project.key = %project,
        run.kind = %kind,
        run.allow_mass_delete = allow_mass_delete,
        "run asked for over http"
    );
    Ok(accepted.into_response())
}

/// Refuses a project that no service would take up.
async fn check_followed(office: &Office, project: &ProjectKey) -> Result<(), Problem> {
    let (knows, phase) = {
        let status = office.desk.status.borrow();
        (status.projects.iter().any(|followed| followed.key == *project), status.phase)
    };
    if knows {
        return Ok(());
    }
    let site = &office.desk.site;
    let schedules = office.ask(async |store| store.load_schedules(site).await).await?;
    if schedules.iter().any(|schedule| schedule.project == *project) {
        return Ok(());
    }
    if phase == Phase::Starting {
        return Err(Problem::new(
            Kind::Starting,
            "the service does not know yet which projects it follows",
            "ask again when /readyz says that it is ready",
        )
        .retry_after(ASK_AGAIN_SECS));
    }
    Err(Problem::new(
        Kind::NotFollowed,
        format!("the service does not follow {project}"),
        "add the project to sync.projects, and reload the configuration",
    )
    .or("run `extractor backfill` for it, which needs no service"))
}

impl IntoResponse for AcceptedView {
    fn into_response(self) -> Response {
        let location = HeaderValue::from_str(&self.href);
        let mut response = (StatusCode::ACCEPTED, Json(self)).into_response();
        if let Ok(location) = location {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }
}
