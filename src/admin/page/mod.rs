//! The status page: for people who would rather look than read. Three layers: `board` reads the
//! database for all visitors, `view` puts what is known into words (pure), `html` into markup.
//! `events` tells pages what changed; `assets` are its style sheet and its script. It changes
//! nothing: its buttons ask the run API.

mod assets;
mod board;
mod events;
mod html;
mod samples;
mod view;
mod visit;
mod words;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use uuid::Uuid;

pub(super) use board::{Board, watch};

use super::office::{AppState, Office};
use crate::model::RunId;
use visit::{Lack, View, Visit};

/// What the page may do in a browser: show itself, hear of its changes, ask the run API; nothing
/// that comes from or goes anywhere else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";

/// The pages, their changes and their assets.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(overview))
        .route("/projects/{key}", get(project))
        .route("/runs/{id}", get(run))
        .route("/failures", get(failures))
        .route("/events", get(events::events))
        .route("/assets/{name}", get(assets::serve))
}

async fn overview(State(office): State<AppState>) -> Response {
    show(&office, &View::Overview).await
}

async fn failures(State(office): State<AppState>) -> Response {
    show(&office, &View::Failures).await
}

async fn project(State(office): State<AppState>, Path(key): Path<String>) -> Response {
    match key.parse() {
        Ok(key) => show(&office, &View::Project(key)).await,
        Err(_) => lacking(&office, Lack::Unknown),
    }
}

async fn run(State(office): State<AppState>, Path(id): Path<String>) -> Response {
    match id.parse::<Uuid>() {
        Ok(id) => show(&office, &View::Run(RunId(id))).await,
        Err(_) => lacking(&office, Lack::Unknown),
    }
}

async fn show(office: &Office, view: &View) -> Response {
    match view.page(office).await {
        Ok(page) => {
            let live = view.events_path();
            let document = html::document(&page, &Visit::of(office), Some(&live));
            answer(StatusCode::OK, document.into_string())
        }
        Err(lack) => lacking(office, lack),
    }
}

fn lacking(office: &Office, lack: Lack) -> Response {
    let (status, title, text) = match lack {
        Lack::Unknown => (
            StatusCode::NOT_FOUND,
            "There is nothing here",
            "No project or run of this name is known.",
        ),
        Lack::Silence => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Postgres does not answer",
            "What this page shows is in the database. The overview says more.",
        ),
    };
    let page = html::instead(title, text);
    answer(status, html::document(&page, &Visit::of(office), None).into_string())
}

fn answer(status: StatusCode, document: String) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, Html(document)).into_response()
}
