//! One run: how it stands, what it decided, and what an operator may ask of it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::input::{NamedRun, Parameters};
use super::outcome;
use super::runs::AcceptedView;
use super::views::{EventView, RunView};
use crate::admin::office::{AppState, Office};
use crate::admin::problem::{Problem, ProblemDocument};
use crate::model::RunId;
use crate::store::Run;

/// The routes of the family.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(events))
        .routes(routes!(cancel))
        .routes(routes!(retry))
}

/// Which lines of a run's log to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Only lines after the one with this number; without it, the last lines are listed.
    #[param(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991i64, nullable = false)]
    after: Option<super::RowNumber>,
    /// How many at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50, nullable = false)]
    limit: Option<super::Limit>,
}

/// Lines of a run's log, in their order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RunEvents)]
struct EventsView {
    /// The lines.
    events: Vec<EventView>,
    /// The number to go on after, to follow the log.
    next_after: i64,
}

/// A run whose end was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CancelledRun)]
struct CancelView {
    /// Its id.
    id: Uuid,
    /// Where to look how it stands.
    href: String,
    /// Whether it is over; else its process was told, and ends it as soon as it can.
    ended: bool,
}

/// How a run stands, with its progress and its certificate.
#[utoipa::path(get, path = "/api/v1/runs/{id}", tag = "runs", operation_id = "show_run",
    params(("id" = Uuid, Path, description = "The id of the run.")),
    responses(
        (status = 200, description = "The run.", body = RunView),
        (status = 404, description = "There is no such run.",
            body = ProblemDocument, content_type = "application/problem+json"),
    ))]
async fn show(
    State(office): State<AppState>,
    NamedRun(id): NamedRun,
) -> Result<Json<RunView>, Problem> {
    let run = load(&office, id).await?;
    let certificate = office.ask(async |store| store.load_certificate(id).await).await?;
    let now = office.clock.now();
    let status = office.desk.status.borrow();
    let live = status.runs.iter().find(|live| live.id == id);
    Ok(Json(RunView::of(&run, live, now, certificate.as_ref())))
}

/// What a run decided: its log, from the level info on. Of each run the newest lines are kept.
#[utoipa::path(get, path = "/api/v1/runs/{id}/events", tag = "runs", operation_id = "list_run_events",
    params(("id" = Uuid, Path, description = "The id of the run."), Which),
    responses(
        (status = 200, description = "Lines of its log.", body = EventsView),
        (status = 404, description = "There is no such run.",
            body = ProblemDocument, content_type = "application/problem+json"),
    ))]
async fn events(
    State(office): State<AppState>,
    NamedRun(id): NamedRun,
    Parameters(which): Parameters<Which>,
) -> Result<Json<EventsView>, Problem> {
    load(&office, id).await?;
    let after = which.after.map(|after| after.0);
    let limit = which.limit.unwrap_or_default().0;
    let lines = office.ask(async |store| store.list_events(id, after, limit).await).await?;
    let next_after = lines.last().map_or(after.unwrap_or(0), |line| line.seq);
    let events = lines.into_iter().map(EventView::of).collect();
    Ok(Json(EventsView { events, next_after }))
}

/// Asks for the end of a run. What it has stored stays, and so does where it stood: it can be
/// retried.
#[utoipa::path(post, path = "/api/v1/runs/{id}/cancel", tag = "runs", operation_id = "cancel_run",
    params(("id" = Uuid, Path, description = "The id of the run.")),
    responses(
        (status = 202, description = "The run is over, or its process was told.", body = CancelView),
        (status = 404, description = "There is no such run.",
            body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The run has ended before.",
            body = ProblemDocument, content_type = "application/problem+json"),
    ))]
async fn cancel(
    State(office): State<AppState>,
    NamedRun(id): NamedRun,
) -> Result<Response, Problem> {
    load(&office, id).await?;
    let answer = office.ask(async |store| store.request_cancel(id).await).await?;
    let ended = outcome::of_cancel(answer, id)?;
    tracing::info!(run.id = %id, run.ended = ended, "run's end asked for over http");
    let view = CancelView { id: id.0, href: outcome::href(id), ended };
    Ok((StatusCode::ACCEPTED, Json(view)).into_response())
}

/// Has a run tried again that failed, was interrupted or was cancelled. It goes on where it stood;
/// 3 times at most.
#[utoipa::path(post, path = "/api/v1/runs/{id}/retry", tag = "runs", operation_id = "retry_run",
    params(("id" = Uuid, Path, description = "The id of the run.")),
    responses(
        (status = 202, description = "The run waits to be taken up.", body = AcceptedView,
            headers(("Location" = String, description = "The address of the run."))),
        (status = 404, description = "There is no such run.",
            body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The run waits or is under way, got to its end, was retried as \
            often as it may, or a newer run has taken its place.",
            body = ProblemDocument, content_type = "application/problem+json"),
    ))]
async fn retry(
    State(office): State<AppState>,
    NamedRun(id): NamedRun,
) -> Result<Response, Problem> {
    let run = load(&office, id).await?;
    let answer = office.ask(async |store| store.request_retry(id).await).await?;
    let accepted = outcome::of_retry(answer, id)?;
    tracing::info!(
        run.id = %id,
        project.key = %run.project,
        run.retries = accepted.retries,
        "run's retry asked for over http"
    );
    Ok(accepted.into_response())
}

/// A run of this site: those of others are none of this service's.
async fn load(office: &Office, id: RunId) -> Result<Run, Problem> {
    let run = office.ask(async |store| store.load_run(id).await).await?;
    run.filter(|run| run.site == office.desk.site).ok_or_else(|| outcome::unknown(id))
}
