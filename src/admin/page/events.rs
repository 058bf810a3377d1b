//! Changes as they happen: a stream of the parts of a page that changed, at most once a second,
//! until the visitor leaves or the server closes.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use uuid::Uuid;

use super::visit::View;
use crate::admin::office::{AppState, Office};

/// After this long a page is looked at again even if nobody said that anything changed: time passes.
const AT_LEAST: Duration = Duration::from_secs(5);
/// How often a visitor who hears nothing else is told that the connection stands.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// When a browser may come back after a refusal, in seconds.
const COME_BACK_SECS: &str = "10";

/// Which page the changes are of.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    project: Option<String>,
    run: Option<Uuid>,
    failures: Option<u8>,
}

/// The stream of a page's changes, its first message being the page as it is.
pub(super) async fn events(
    State(office): State<AppState>,
    Query(wanted): Query<Wanted>,
) -> Response {
    let failures = wanted.failures.is_some();
    let Some(view) = View::named(wanted.project.as_deref(), wanted.run, failures) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Some(place) = office.board.admit() else {
        let headers = [(header::RETRY_AFTER, COME_BACK_SECS)];
        return (StatusCode::SERVICE_UNAVAILABLE, headers).into_response();
    };
    let alive = KeepAlive::new().interval(KEEP_ALIVE);
    Sse::new(changes(Watcher::new(office, view, place))).keep_alive(alive).into_response()
}

fn changes(watcher: Watcher) -> impl Stream<Item = Result<Event, Infallible>> {
    futures::stream::unfold(watcher, async |mut watcher| {
        let event = watcher.next().await?;
        Some((Ok(event), watcher))
    })
}

/// One visitor.
struct Watcher {
    office: Arc<Office>,
    view: View,
    /// What the visitor sees, by the hash of each part.
    seen: BTreeMap<&'static str, blake3::Hash>,
    title: String,
    picture: tokio::sync::watch::Receiver<Arc<super::board::Picture>>,
    status: tokio::sync::watch::Receiver<crate::admin::desk::ServiceStatus>,
    last: Option<Instant>,
    _place: OwnedSemaphorePermit,
}

impl Watcher {
    fn new(office: Arc<Office>, view: View, place: OwnedSemaphorePermit) -> Self {
        Self {
            picture: office.board.subscribe(),
            status: office.desk.status.clone(),
            office,
            view,
            seen: BTreeMap::new(),
            title: String::new(),
            last: None,
            _place: place,
        }
    }

    /// The next change; none when the server closes.
    async fn next(&mut self) -> Option<Event> {
        let closing = self.office.closing.clone();
        loop {
            tokio::select! {
                biased;
                () = closing.cancelled() => return None,
                () = self.turn() => {}
            }
            let change = tokio::select! {
                () = closing.cancelled() => return None,
                change = self.change() => change,
            };
            if let Some(event) = change {
                return Some(event);
            }
        }
    }

    /// Waits until there may be something to tell, and it is not too early to tell it.
    async fn turn(&mut self) {
        let Some(last) = self.last else {
            self.last = Some(Instant::now());
            return;
        };
        tokio::time::sleep_until(last + self.view.pace()).await;
        tokio::select! {
            () = tokio::time::sleep(AT_LEAST) => {}
            changed = self.picture.changed() => ended(changed.is_err()).await,
            changed = self.status.changed() => ended(changed.is_err()).await,
        }
        self.last = Some(Instant::now());
    }

    /// What has changed since the visitor was told; none if nothing has.
    async fn change(&mut self) -> Option<Event> {
        self.picture.mark_unchanged();
        self.status.mark_unchanged();
        let page = self.view.page(&self.office).await.ok()?;
        let mut parts = serde_json::Map::new();
        for (name, part) in page.parts {
            let html = part.into_string();
            let hash = blake3::hash(html.as_bytes());
            if self.seen.insert(name, hash) != Some(hash) {
                parts.insert(name.to_owned(), html.into());
            }
        }
        if parts.is_empty() && self.title == page.title {
            return None;
        }
        self.title.clone_from(&page.title);
        let data = serde_json::json!({"title": page.title, "parts": parts});
        Event::default().event("change").json_data(data).ok()
    }
}

/// Nobody tells of changes any more: the time that passes is left.
async fn ended(has_ended: bool) {
    if has_ended {
        tokio::time::sleep(AT_LEAST).await;
    }
}
