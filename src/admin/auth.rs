//! Who may ask: the token as a bearer, or the session that a browser was given for it. Without a
//! token everybody who reaches the address may. Where a request may come from is `origin`'s.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, AUTHORIZATION, COOKIE};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::office::{AppState, Office};
use super::origin;
use super::problem::{Kind, Problem};

/// The name of the session's cookie.
pub(super) const COOKIE_NAME: &str = "extractor_session";
/// How long a browser stays logged in.
pub(super) const SESSION: Duration = Duration::from_secs(12 * 3_600);
/// Where a browser logs in.
pub(super) const LOGIN: &str = "/login";

/// How a request has shown that it may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// It carries the token. A browser never adds that by itself.
    Bearer,
    /// It carries a session's cookie, which a browser adds by itself.
    Session,
    /// No token is configured: everybody who reaches the address may ask.
    Anybody,
}

/// Lets pass who may ask, and what no other site can have sent.
pub(super) async fn guard(
    State(office): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let Some(caller) = caller(&office, headers) else {
        if wants_a_page(request.method(), headers, request.uri().path()) {
            return Redirect::to(LOGIN).into_response();
        }
        return refusal(headers).into_response();
    };
    if let Err(problem) = origin::check(caller, request.method(), headers) {
        return problem.into_response();
    }
    next.run(request).await
}

/// Who asks; none when it has not shown that it may.
pub(super) fn caller(office: &Office, headers: &HeaderMap) -> Option<Caller> {
    let Some(token) = &office.token else { return Some(Caller::Anybody) };
    if let Some(shown) = bearer(headers) {
        return is_token(token, shown).then_some(Caller::Bearer);
    }
    let now = office.clock.now();
    cookies(headers).any(|value| is_session(token, value, now)).then_some(Caller::Session)
}

/// Whether `shown` is the token. The time it takes tells nothing about how much of it is right:
/// hashes of one length are compared, and all of them.
pub(super) fn is_token(token: &SecretString, shown: &str) -> bool {
    let [ours, theirs] = [token.expose_secret(), shown].map(|text| blake3::hash(text.as_bytes()));
    ours.as_bytes().ct_eq(theirs.as_bytes()).into()
}

/// A session that lasts until then: the instant, and a mark of it that only who knows the token can
/// make. It is the same in every process that has the token, so that several may stand behind one
/// address, and no session outlives a change of the token.
pub(super) fn session(token: &SecretString, until: DateTime<Utc>) -> String {
    let until = until.timestamp();
    format!("{until}.{}", mark(token, until).to_hex())
}

fn is_session(token: &SecretString, value: &str, now: DateTime<Utc>) -> bool {
    let Some((until, shown)) = value.split_once('.') else { return false };
    let Ok(until) = until.parse::<i64>() else { return false };
    let Ok(shown) = blake3::Hash::from_hex(shown) else { return false };
    let right: bool = mark(token, until).as_bytes().ct_eq(shown.as_bytes()).into();
    right && now.timestamp() < until
}

fn mark(token: &SecretString, until: i64) -> blake3::Hash {
    let key = blake3::derive_key(
        "extractor 2026-11-21 browser session",
        token.expose_secret().as_bytes(),
    );
    blake3::keyed_hash(&key, until.to_string().as_bytes())
}

/// The bearer token of a request (RFC 6750, section 2.1; the scheme's case does not matter).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter_map(|(name, value)| (name == COOKIE_NAME).then_some(value))
}

/// Whether a person's browser asks for something to look at.
fn wants_a_page(method: &Method, headers: &HeaderMap, path: &str) -> bool {
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    method == Method::GET
        && accepts.contains("text/html")
        && !path.starts_with("/api/")
        && path != "/metrics"
}

fn refusal(headers: &HeaderMap) -> Problem {
    let detail = if headers.contains_key(AUTHORIZATION) {
        "the token is not the one this service was given"
    } else {
        "this service asks for a token, and the request carries none"
    };
    Problem::new(
        Kind::Unauthorized,
        detail,
        "send the header Authorization: Bearer TOKEN, with what http.token or http.token_file says",
    )
    .or("in a browser, log in at /login")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_str(value).unwrap())])
    }

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(secs, 0).unwrap()
    }

    #[test]
    fn only_the_token_is_the_token() {
        let token = SecretString::from("correct horse");
        assert!(is_token(&token, "correct horse"));
        for wrong in ["", "correct", "correct horsf", "correct horse ", "Correct horse"] {
            assert!(!is_token(&token, wrong), "{wrong:?}");
        }
    }

    #[test]
    fn a_bearer_is_read_whatever_the_case_of_its_scheme() {
        assert_eq!(bearer(&headers("authorization", "Bearer abc")), Some("abc"));
        assert_eq!(bearer(&headers("authorization", "bearer  abc")), Some("abc"));
        assert_eq!(bearer(&headers("authorization", "Basic abc")), None);
        assert_eq!(bearer(&headers("authorization", "abc")), None);
        assert_eq!(bearer(&HeaderMap::new()), None);
    }

    #[test]
    fn a_session_ends_and_cannot_be_made_up() {
        let token = SecretString::from("correct horse");
        let value = session(&token, at(1_000));
        assert!(is_session(&token, &value, at(999)));
        assert!(!is_session(&token, &value, at(1_000)));
        assert!(!is_session(&SecretString::from("another"), &value, at(999)));
        let longer = value.replacen("1000.", "2000.", 1);
        assert!(!is_session(&token, &longer, at(999)));
        for wrong in ["", ".", "1000", "1000.", "1000.zz", "x.00"] {
            assert!(!is_session(&token, wrong, at(0)), "{wrong:?}");
        }
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let line = format!("a=b; {COOKIE_NAME}=1.ff;c=d");
        assert_eq!(cookies(&headers("cookie", &line)).collect::<Vec<_>>(), ["1.ff"]);
        assert_eq!(cookies(&headers("cookie", "other=1")).count(), 0);
    }

    #[test]
    fn only_a_browser_that_asks_for_a_page_is_sent_to_log_in() {
        let html = headers("accept", "text/html,application/xhtml+xml");
        assert!(wants_a_page(&Method::GET, &html, "/"));
        assert!(!wants_a_page(&Method::POST, &html, "/"));
        assert!(!wants_a_page(&Method::GET, &html, "/api/v1/runs"));
        assert!(!wants_a_page(&Method::GET, &html, "/metrics"));
        assert!(!wants_a_page(&Method::GET, &headers("accept", "*/*"), "/"));
    }
}
