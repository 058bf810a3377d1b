//! Everything that is served, and what every answer goes through: limits, the guard, a catch for
//! panics, and the headers that each answer carries.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tracing::Instrument as _;
use uuid::Uuid;

use super::office::{AppState, Office};
use super::problem::{Kind, PROBLEM_JSON, Problem};
use super::{api, auth, health, login};

/// Bytes of a request's body that are read.
pub(super) const MAX_BODY: usize = 64 * 1024;
/// How long an answer may take to begin.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// The header with the request's id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest request id that is taken over from a client.
const LONGEST_ID: usize = 64;
/// What a document that says nothing else may do in a browser: nothing.
const POLICY: &str =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Everything that is served.
pub fn router(office: Arc<Office>) -> Router {
    let guarded = Router::new()
        .merge(api::routes())
        .merge(super::metrics::routes())
        .merge(super::page::routes())
        .fallback(async || Problem::not_found())
        .layer(from_fn_with_state(office.clone(), auth::guard))
        .layer(from_fn_with_state(office.clone(), shed));
    Router::new()
        .merge(health::routes())
        .merge(login::routes())
        .merge(guarded)
        .layer(RequestBodyLimitLayer::new(MAX_BODY))
        .layer(from_fn(in_time))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(dress))
        .with_state(office)
}

/// Refuses what comes while as much is being answered as may be.
async fn shed(State(office): State<AppState>, request: Request, next: Next) -> Response {
    match office.answers.try_acquire() {
        Ok(_one) => next.run(request).await,
        Err(_) => Problem::new(
            Kind::Overloaded,
            "more is asked of this server than it answers at once",
            "ask again in a second, and less at once",
        )
        .retry_after(1)
        .into_response(),
    }
}

/// Gives up on an answer that does not begin in time.
async fn in_time(request: Request, next: Next) -> Response {
    let answered = tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await;
    answered.unwrap_or_else(|_| {
        Problem::new(
            Kind::TimedOut,
            format!("the answer did not begin within {} seconds", ANSWER_WITHIN.as_secs()),
            "look at /readyz for what the service is waiting for",
        )
        .retry_after(5)
        .into_response()
    })
}

/// A panic is told as a failure, and to the log with its message, which names a place in the code.
fn panicked(payload: Box<dyn Any + Send>) -> Response {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    tracing::error!(error = text.unwrap_or("unknown"), "a request handler panicked");
    Problem::internal().into_response()
}

/// Gives each answer its headers, and a bare refusal a problem document.
async fn dress(request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let span = tracing::info_span!("request", request.id = id.to_str().unwrap_or_default());
    let mut response = next.run(request).instrument(span).await;
    if is_bare(&response) {
        response = Problem::of_status(response.status()).in_place_of(&response);
    }
    tracing::debug!(
        request.id = id.to_str().unwrap_or_default(),
        http.method = %method,
        http.path = path,
        http.status = response.status().as_u16(),
        "request answered"
    );
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    response
}

/// Whether this is a refusal that says nothing of use: a bare status, or a library's few words.
fn is_bare(response: &Response) -> bool {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return false;
    }
    let media_type = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    media_type.is_none_or(|it| it.starts_with(b"text/plain"))
        && media_type != Some(PROBLEM_JSON.as_bytes())
}

/// The client's own id for the request if it is one, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_id = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
        !bytes.is_empty() && bytes.len() <= LONGEST_ID && bytes.iter().all(allowed)
    };
    match headers.get(&REQUEST_ID).filter(is_id) {
        Some(id) => id.clone(),
        None => HeaderValue::from_str(&Uuid::now_v7().to_string())
            .unwrap_or(HeaderValue::from_static("unknown")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_request_id_is_kept_if_it_can_be_logged() {
        let with = |value: &str| {
            HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_str(value).unwrap())])
        };
        assert_eq!(request_id(&with("trace-1.a:b_c")), "trace-1.a:b_c");
        for odd in ["", "with space", "quote\"", &"x".repeat(65)] {
            assert_eq!(request_id(&with(odd)).len(), 36, "{odd:?}");
        }
        assert_eq!(request_id(&HeaderMap::new()).len(), 36);
    }
}
