//! Who may ask: with a token, in a browser, and from another site.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use chrono::DateTime;
use extractor::clock::ManualClock;

use super::stage::{Answer, Stage, TOKEN, request};

async fn guarded() -> (Stage, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap()));
    (Stage::with(&["PROJ"], Some(TOKEN), Arc::clone(&clock) as _).await, clock)
}

async fn with(stage: &Stage, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut asked = request(method, path);
    for (name, value) in headers {
        asked = asked.header(*name, *value);
    }
    stage.ask(asked.body(Body::empty()).unwrap()).await
}

async fn log_in(stage: &Stage, token: &str, headers: &[(&str, &str)]) -> Answer {
    let mut asked =
        request("POST", "/login").header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        asked = asked.header(*name, *value);
    }
    stage.ask(asked.body(Body::from(format!("token={token}"))).unwrap()).await
}

#[tokio::test]
async fn with_a_token_everything_but_health_asks_for_it() {
    let (stage, _) = guarded().await;
    let right = format!("Bearer {TOKEN}");
    for path in ["/api/v1/runs", "/api/v1/openapi.json", "/metrics", "/", "/nothing"] {
        for headers in [
            &[][..],
            &[("authorization", "Bearer wrong")],
            &[("authorization", "Basic YTpi")],
            &[("cookie", "extractor_session=9999999999.00")],
        ] {
            let refused = with(&stage, "GET", path, headers).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{path} {headers:?}");
            assert_eq!(refused.problem(), "unauthorized");
            assert!(refused.header("www-authenticate").starts_with("Bearer"));
            assert!(!refused.text.contains(TOKEN));
        }
        let let_in = with(&stage, "GET", path, &[("authorization", &right)]).await;
        assert_ne!(let_in.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(stage.get("/healthz").await.status, StatusCode::OK);
    assert_eq!(stage.get("/readyz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn who_has_no_token_is_told_no_reasons() {
    let (stage, _) = guarded().await;
    stage.store.close().await;
    let stranger = stage.get("/readyz").await;
    assert_eq!(stranger.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(stranger.text.contains("\"database\"") && !stranger.text.contains("reason"));
    let right = format!("Bearer {TOKEN}");
    let known = with(&stage, "GET", "/readyz", &[("authorization", &right)]).await;
    assert!(known.text.contains("reason") && known.text.contains("remedy"));
}

#[tokio::test]
async fn a_browser_logs_in_for_half_a_day() {
    let (stage, clock) = guarded().await;
    let html = [("accept", "text/html")];
    let sent = with(&stage, "GET", "/", &html).await;
    assert_eq!((sent.status, sent.header("location")), (StatusCode::SEE_OTHER, "/login"));
    let form = with(&stage, "GET", "/login", &html).await;
    assert_eq!(form.status, StatusCode::OK);
    assert!(form.header("content-security-policy").contains("form-action 'self'"));
    assert!(form.text.contains("type=\"password\""));
    assert_eq!(stage.get("/login.css").await.header("content-type"), "text/css; charset=utf-8");

    let wrong = log_in(&stage, "wrong", &[]).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert_eq!(wrong.header("set-cookie"), "");
    let foreign = log_in(&stage, TOKEN, &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(foreign.problem(), "cross-site");

    let right = log_in(&stage, TOKEN, &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!((right.status, right.header("location")), (StatusCode::SEE_OTHER, "/"));
    let cookie = right.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains(TOKEN) && !cookie.contains("Secure"));
    let encrypted = log_in(&stage, TOKEN, &[("x-forwarded-proto", "https")]).await;
    assert!(encrypted.header("set-cookie").ends_with("; Secure"));

    let cookie = cookie.split(';').next().unwrap();
    let session = [("cookie", cookie)];
    assert_eq!(with(&stage, "GET", "/api/v1/runs", &session).await.status, StatusCode::OK);
    clock.advance(Duration::from_secs(43_200));
    let late = with(&stage, "GET", "/api/v1/runs", &session).await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn who_guesses_has_to_wait_and_shuts_out_no_program() {
    let (stage, clock) = guarded().await;
    for _ in 0..10 {
        assert_eq!(log_in(&stage, "wrong", &[]).await.status, StatusCode::UNAUTHORIZED);
    }
    let right = log_in(&stage, TOKEN, &[]).await;
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS, "it is not even looked at");
    assert_eq!(right.header("retry-after"), "6");
    let bearer = format!("Bearer {TOKEN}");
    let program = with(&stage, "GET", "/api/v1/runs", &[("authorization", &bearer)]).await;
    assert_eq!(program.status, StatusCode::OK);
    clock.advance(Duration::from_secs(6));
    assert_eq!(log_in(&stage, TOKEN, &[]).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_session_cannot_be_used_from_another_site() {
    let (stage, _) = guarded().await;
    let cookie = log_in(&stage, TOKEN, &[]).await.header("set-cookie").to_owned();
    let cookie = ("cookie", cookie.split(';').next().unwrap());
    let path = format!("/api/v1/runs/{}/cancel", uuid::Uuid::nil());
    let json = ("content-type", "application/json");
    for headers in [
        &[cookie][..],
        &[cookie, ("content-type", "text/plain")],
        &[cookie, json, ("sec-fetch-site", "cross-site")],
        &[cookie, json, ("sec-fetch-site", "same-site")],
        &[cookie, json, ("origin", "https://evil.example")],
    ] {
        let refused = with(&stage, "POST", &path, headers).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert_eq!(refused.problem(), "cross-site");
    }
    let own = [cookie, json, ("sec-fetch-site", "same-origin")];
    assert_eq!(with(&stage, "POST", &path, &own).await.problem(), "run-not-found");
    let right = format!("Bearer {TOKEN}");
    let bearer = with(&stage, "POST", &path, &[("authorization", &right)]).await;
    assert_eq!(bearer.problem(), "run-not-found");
}

#[tokio::test]
async fn without_a_token_only_this_machines_names_are_answered() {
    let stage = Stage::of(&["PROJ"]).await;
    for path in ["/", "/api/v1/runs", "/metrics", "/events"] {
        let rebound = axum::http::Request::get(path).header("host", "evil.example:8080");
        let refused = stage.ask(rebound.body(Body::empty()).unwrap()).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(refused.problem(), "foreign-host");
    }
    let body = r#"{"project": "PROJ", "kind": "delta"}"#;
    let posted = async |name: &str, value: &str| {
        let asked = request("POST", "/api/v1/runs").header(name, value);
        stage.ask(asked.body(Body::from(body)).unwrap()).await
    };
    assert_eq!(posted("content-type", "text/plain").await.problem(), "cross-site");
    assert_eq!(posted("content-type", "application/json").await.status, StatusCode::ACCEPTED);
}
