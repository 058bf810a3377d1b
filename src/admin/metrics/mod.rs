//! `/metrics`, for Prometheus: what the service knows of itself, of Jira and of the database, put
//! on a [`mod@sheet`] at each scrape. It counts nothing itself, and what it cannot learn in a moment it
//! leaves as it was.

mod database;
mod facts;
mod jira;
mod machine;
mod projects;
mod runs;
mod service;
mod sheet;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use self::facts::FactsMemory;
use self::sheet::Sheet;
use super::office::AppState;
use super::{Office, health};
use crate::telemetry::metric_names as names;

const OPEN_METRICS: &str = "application/openmetrics-text";
const OPEN_METRICS_TYPE: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
const OLDER_TYPE: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// What is kept from one scrape to the next.
#[derive(Debug, Default)]
struct Memory {
    facts: FactsMemory,
}

/// The routes of this module.
pub(super) fn routes() -> Router<AppState> {
    let memory = Arc::new(Memory::default());
    let show = move |State(office): State<AppState>, headers: HeaderMap| {
        let memory = Arc::clone(&memory);
        async move { show(&office, &memory, &headers).await }
    };
    Router::new().route("/metrics", get(show))
}

async fn show(office: &Office, memory: &Memory, headers: &HeaderMap) -> Response {
    let Ok(text) = sheet(office, memory).await.open_metrics(&office.desk.site) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    match wants_open_metrics(headers) {
        true => ([(CONTENT_TYPE, OPEN_METRICS_TYPE)], text).into_response(),
        false => ([(CONTENT_TYPE, OLDER_TYPE)], sheet::older_text(&text)).into_response(),
    }
}

fn wants_open_metrics(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.contains(OPEN_METRICS))
}

/// Everything that is known now.
async fn sheet(office: &Office, memory: &Memory) -> Sheet {
    let desk = &office.desk;
    let store = desk.store.borrow().clone();
    let known = memory.facts.recall(store.clone(), &desk.site, &office.clock).await;
    let status = desk.status.borrow().clone();
    let (now, wall) = (office.clock.instant(), office.clock.now());
    let mut sheet = Sheet::new();
    let ready = health::load(office).await.is_ready();
    service::show(&mut sheet, desk, &status, now);
    sheet.flag(&names::READY, [], ready);
    service::show_machine(&mut sheet, &machine::look());
    jira::show(&mut sheet, &status);
    if let Some(store) = store {
        database::show(&mut sheet, &store.stats());
    }
    runs::show(&mut sheet, desk, &status, wall);
    projects::show(&mut sheet, &status, &known, now);
    sheet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_open_metrics_gets_it() {
        let mut headers = HeaderMap::new();
        assert!(!wants_open_metrics(&headers));
        headers.insert(ACCEPT, HeaderValue::from_static("text/plain;version=0.0.4"));
        assert!(!wants_open_metrics(&headers));
        // What a Prometheus of version 2.42 sends.
        headers.insert(
            ACCEPT,
            HeaderValue::from_static(
                "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            ),
        );
        assert!(wants_open_metrics(&headers));
    }
}
