//! Logging in with a browser: a form that asks for the token, and the session that comes of it.

use std::time::Duration;

use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER, SET_COOKIE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Form, Router};
use secrecy::SecretString;
use serde::Deserialize;

use super::attempts::Caller;
use super::auth::{COOKIE_NAME, LOGIN, SESSION, is_token, session};
use super::office::AppState;
use super::origin;

/// What the page that asks for the token may do: show itself, and send its form.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";
const STYLE: &str = include_str!("login.css");

/// What is served without a token, so that a browser can get a session.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route(LOGIN, get(ask).post(enter))
        .route("/login.css", get(style))
        .route("/logout", post(leave))
}

/// What the form sends.
#[derive(Deserialize)]
struct Entry {
    token: SecretString,
}

async fn ask(State(office): State<AppState>) -> Response {
    if office.token.is_none() {
        return Redirect::to("/").into_response();
    }
    form(StatusCode::OK, None)
}

async fn enter(
    State(office): State<AppState>,
    caller: Option<Extension<Caller>>,
    headers: HeaderMap,
    entry: Result<Form<Entry>, FormRejection>,
) -> Response {
    let Some(token) = &office.token else { return Redirect::to("/").into_response() };
    if let Err(problem) = origin::check_form(&headers) {
        return problem.into_response();
    }
    let Ok(Form(entry)) = entry else {
        return form(StatusCode::BAD_REQUEST, Some("Enter the token."));
    };
    // Not so for bearer tokens: whoever shares an address with somebody who guesses, behind a proxy for
    // one, must not be shut out from metrics and API.
    let (address, now) = (caller.map(|Extension(caller)| caller.0), office.clock.instant());
    if let Some(wait) = office.attempts.must_wait(address, now) {
        return later(wait);
    }
    if !is_token(token, secrecy::ExposeSecret::expose_secret(&entry.token).trim()) {
        office.attempts.note_wrong(address, now);
        tracing::warn!("log-in with a wrong token refused");
        return form(StatusCode::UNAUTHORIZED, Some("This is not the token."));
    }
    let value = session(token, office.clock.now() + SESSION);
    with_cookie(&value, SESSION.as_secs(), is_encrypted(&headers), "/")
}

async fn leave(headers: HeaderMap) -> Response {
    if let Err(problem) = origin::check_form(&headers) {
        return problem.into_response();
    }
    with_cookie("", 0, is_encrypted(&headers), LOGIN)
}

async fn style() -> Response {
    let headers = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "max-age=3600")];
    (headers, STYLE).into_response()
}

/// Whether the browser speaks TLS with whoever stands in front of this server.
fn is_encrypted(headers: &HeaderMap) -> bool {
    headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https")
}

fn with_cookie(value: &str, seconds: u64, encrypted: bool, next: &str) -> Response {
    let secure = if encrypted { "; Secure" } else { "" };
    let cookie = format!(
        "{COOKIE_NAME}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
    );
    let mut response = Redirect::to(next).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// Asks to come again: so many wrong tokens came from this address that none is looked at.
fn later(wait: Duration) -> Response {
    let trouble = "Too many wrong tokens came from this address. Wait a minute, then try again.";
    let mut response = form(StatusCode::TOO_MANY_REQUESTS, Some(trouble));
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    response
}

fn form(status: StatusCode, trouble: Option<&str>) -> Response {
    let page = maud::html! {
        (maud::DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "extractor: log in" }
                link rel="stylesheet" href="/login.css";
            }
            body {
                main {
                    h1 { "extractor" }
                    form method="post" action=(LOGIN) {
                        label for="token" { "Token" }
                        @if let Some(trouble) = trouble {
                            p role="alert" id="trouble" { (trouble) }
                        }
                        input type="password" name="token" id="token" required autofocus
                            autocomplete="current-password" aria-describedby=[trouble.map(|_| "trouble")];
                        button type="submit" { "Log in" }
                    }
                    p { "The token is what " code { "http.token" } " or " code { "http.token_file" }
                        " says in the configuration of the service." }
                }
            }
        }
    };
    let policy = [(CONTENT_SECURITY_POLICY, POLICY)];
    (status, policy, Html(page.into_string())).into_response()
}
