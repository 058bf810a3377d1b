//! The gate that `Retry-After` closes, and the limits on size and number.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use futures::future::join_all;
use rstest::rstest;
use tokio::sync::Barrier;

use super::server::Reply;
use super::*;

fn one() -> Reply {
    Reply::json(r#"{"total":1,"issues":[]}"#)
}

fn throttle(retry_after: &str) -> Reply {
    Reply::of(429, &[("retry-after", retry_after)], "")
}

#[tokio::test]
async fn nobody_asks_before_the_seconds_that_one_was_told_have_passed() {
    // Four are told at once to wait a second, while four more want to ask.
    let together = Arc::new(Barrier::new(4));
    let told = Reply::Together(together, Box::new(throttle("1")));
    let jira = FakeJira::scripted([told.clone(), told.clone(), told.clone(), told, one()]).await;
    let settings = JiraSettings { max_in_flight: 4, ..settings(jira.url()) };
    let client = JiraClient::new(&settings).unwrap();

    let answers = join_all((0..8).map(|_| client.count(JQL))).await;

    assert!(answers.into_iter().all(|answer| answer.unwrap() == 1));
    let asked = jira.asked();
    assert_eq!(asked.len(), 12);
    // None of the four answers was given before the fourth question had come.
    let told_at = asked[..4].iter().map(|asked| asked.at).max().unwrap();
    for late in &asked[4..] {
        let waited = late.at - told_at;
        assert!(waited >= Duration::from_secs(1), "asked again after {waited:?}");
    }
    assert_eq!(client.stats().throttled, 4);
    assert!(client.stats().gate.count >= 4);
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a date that Jira sends is compared with the time")]
async fn a_date_is_obeyed_like_seconds() {
    let until = SystemTime::now() + Duration::from_secs(2);
    let date = httpdate::fmt_http_date(until);
    let until = httpdate::parse_http_date(&date).unwrap();
    let busy = Reply::of(503, &[("retry-after", &date)], "");
    let jira = FakeJira::scripted([busy, one()]).await;
    client(&jira).count(JQL).await.unwrap();
    assert!(SystemTime::now() >= until);
}

#[tokio::test]
async fn a_wait_beyond_the_limit_ends_in_an_error_that_says_until_when() {
    let jira = FakeJira::scripted([throttle("3600")]).await;
    let client = client(&jira);
    for _ in 0..2 {
        let error = client.count(JQL).await.unwrap_err();
        assert!(matches!(error, JiraError::RateLimited { until: Some(_), .. }), "{error}");
        assert!(text(&error).contains("not before 20"), "{error}");
        assert_eq!(error.class().exit_code(), 75);
    }
    assert_eq!(jira.asked().len(), 1);
}

#[tokio::test]
async fn the_zero_that_comes_with_every_success_is_no_throttling() {
    let headers = [("retry-after", "0"), ("x-ratelimit-remaining", "49")];
    let jira = FakeJira::scripted([Reply::of(200, &headers, r#"{"total":1}"#)]).await;
    let client = client(&jira);
    client.count(JQL).await.unwrap();
    client.count(JQL).await.unwrap();
    assert_eq!(client.stats().gate.count, 0);
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_not_read_to_its_end() {
    let large = format!("{{\"total\":1,\"pad\":\"{}\"}}", "x".repeat(70_000));
    let jira = FakeJira::scripted([Reply::json(large)]).await;
    let client = client(&jira);
    let error = client.count(JQL).await.unwrap_err();
    assert!(matches!(error, JiraError::TooLarge { limit_bytes: 65_536, .. }), "{error}");
    assert!(client.stats().bytes <= 65_536 * 2);
    assert_eq!(jira.asked().len(), 1);
}

/// Two requests to a server that answers only when two are waiting.
async fn two_at_once(max_in_flight: usize, timeout: Duration) -> Result<u64, JiraError> {
    let pair = Arc::new(Barrier::new(2));
    let jira = FakeJira::scripted([Reply::Together(pair, Box::new(one()))]).await;
    let limits = JiraSettings { max_in_flight, timeout, max_attempts: 1, ..settings(jira.url()) };
    let client = JiraClient::new(&limits).unwrap();
    let (first, _) = tokio::join!(client.count(JQL), client.count(JQL));
    first
}

#[tokio::test]
async fn as_many_as_allowed_are_under_way_and_no_more() {
    assert_eq!(two_at_once(2, Duration::from_secs(20)).await.unwrap(), 1);
    let alone = two_at_once(1, Duration::from_millis(200)).await;
    assert!(matches!(alone, Err(JiraError::Timeout { .. })), "{alone:?}");
}

#[tokio::test]
async fn the_rate_is_kept() {
    let jira = FakeJira::scripted([one()]).await;
    let limits = JiraSettings { requests_per_second: 50.0, burst: 1, ..settings(jira.url()) };
    let client = JiraClient::new(&limits).unwrap();
    let start = Instant::now();
    join_all((0..11).map(|_| client.count(JQL))).await;
    assert!(start.elapsed() >= Duration::from_millis(200), "{:?}", start.elapsed());
}

/// A client of `server` that has had an answer: only then the breaker can open.
async fn met(server: &FakeJira, settings: &JiraSettings) -> JiraClient {
    let client = JiraClient::new(settings).unwrap();
    client.count(JQL).await.unwrap();
    assert_eq!(server.asked().len(), 1);
    client
}

#[tokio::test]
async fn a_burst_limit_closes_the_gate_of_its_endpoint_and_no_other() {
    let limited =
        Reply::of(429, &[("retry-after", "3600"), ("ratelimit-reason", "jira-burst-based")], "");
    let project = Reply::json(r#"{"id":"1","key":"P","name":"Project"}"#);
    let jira = FakeJira::answering(move |asked| match asked.uri.path() {
        "/jira/rest/api/2/search" => limited.clone(),
        _ => project.clone(),
    })
    .await;
    let client = client(&jira);
    for _ in 0..2 {
        let error = client.count(JQL).await.unwrap_err();
        assert!(matches!(error, JiraError::RateLimited { until: Some(_), .. }), "{error}");
    }
    assert!(client.project(&"P".parse().unwrap()).await.unwrap().is_some());
    assert_eq!(jira.asked().len(), 2);
    let gates = client.told_gates();
    assert_eq!(gates.len(), 1);
    assert_eq!(gates[0].0.as_str(), "POST search");
    assert!(gates[0].1 > Duration::from_secs(3500));
}

#[tokio::test]
async fn any_other_reason_closes_the_gate_for_everything() {
    let limited = Reply::of(
        429,
        &[("retry-after", "3600"), ("ratelimit-reason", "jira-quota-tenant-based")],
        "",
    );
    let jira = FakeJira::scripted([limited]).await;
    let client = client(&jira);
    client.count(JQL).await.unwrap_err();
    client.project(&"P".parse().unwrap()).await.unwrap_err();
    assert_eq!(jira.asked().len(), 1);
    assert_eq!(client.told_gates()[0].0, Scope::EVERYTHING);
}

#[tokio::test]
async fn what_another_process_was_told_is_obeyed_and_not_told_again() {
    let jira = FakeJira::scripted([one()]).await;
    let client = client(&jira);
    let mut told = client.told_to_wait();
    client.close_gate(&Scope::EVERYTHING, Duration::from_secs(3600));
    let error = client.count(JQL).await.unwrap_err();
    assert_eq!(error.class().exit_code(), 75);
    assert_eq!(jira.asked().len(), 0);
    assert_eq!(client.told_gates(), []);
    assert!(!told.has_changed().unwrap());
    told.mark_unchanged();
}

#[rstest]
#[case::data_center(&[
    ("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", "10"),
    ("x-ratelimit-interval-seconds", "1"), ("x-ratelimit-fillrate", "10"),
])]
#[case::cloud(&[("x-ratelimit-nearlimit", "true")])]
#[case::a_429_that_says_no_more(&[])]
#[tokio::test]
async fn a_quota_that_runs_out_slows_everybody_down(#[case] headers: &[(&'static str, &str)]) {
    let first = if headers.is_empty() {
        Reply::status(429)
    } else {
        Reply::of(200, headers, r#"{"total":1}"#)
    };
    let jira = FakeJira::scripted([first, one()]).await;
    let client = client(&jira);
    client.count(JQL).await.unwrap();
    assert_eq!(client.stats().allowed_per_second, Some(10.0));
    let start = Instant::now();
    join_all((0..6).map(|_| client.count(JQL))).await;
    assert!(start.elapsed() >= Duration::from_millis(400), "{:?}", start.elapsed());
    assert!(client.stats().slowdown.count >= 5, "{:?}", client.stats());
}

#[tokio::test]
async fn plenty_in_the_bucket_ends_the_slowdown() {
    let bucket = |left: &'static str| {
        let headers = [
            ("x-ratelimit-limit", "100"),
            ("x-ratelimit-remaining", left),
            ("x-ratelimit-interval-seconds", "60"),
            ("x-ratelimit-fillrate", "600"),
        ];
        Reply::of(200, &headers, r#"{"total":1}"#)
    };
    let jira = FakeJira::scripted([bucket("20"), bucket("21")]).await;
    let client = client(&jira);
    client.count(JQL).await.unwrap();
    assert_eq!(client.stats().allowed_per_second, Some(10.0));
    client.count(JQL).await.unwrap();
    assert_eq!(client.stats().allowed_per_second, None);
}

#[rstest]
#[case(Reply::status(503), "status 503")]
#[case(Reply::status(500), "status 500")]
#[case(Reply::Reset, "connection failed or broke")]
#[tokio::test]
async fn an_outage_is_waited_for_so_long_and_then_told_as_it_was(
    #[case] fault: Reply,
    #[case] says: &str,
) {
    let jira = FakeJira::scripted([one(), fault]).await;
    let settings = JiraSettings {
        max_attempts: 5,
        probe_after: Duration::from_millis(20),
        max_outage: Duration::from_millis(300),
        ..settings(jira.url())
    };
    let client = met(&jira, &settings).await;
    let start = Instant::now();
    let errors = join_all((0..8).map(|_| client.count(JQL))).await;
    assert!(start.elapsed() >= Duration::from_millis(300));
    for error in errors {
        let error = error.unwrap_err();
        assert_eq!(error.class().exit_code(), 69, "{error}");
        assert!(text(&error).contains(says), "{error}");
    }
    let stats = client.stats();
    assert_eq!((stats.breaker_openings, stats.breaker_state), (1, BreakerState::Open));
    // What was under way when it opened, and probes after 20, 40, 80 and 160 ms.
    let asked = jira.asked();
    assert!(asked.len() <= 1 + 8 + 4, "{} requests", asked.len());
    let probes = asked.iter().filter(|asked| asked.uri.path().ends_with("/serverInfo")).count();
    assert!((1..=4).contains(&probes), "{probes}");
    assert_eq!(stats.failed, asked.len() as u64 - 1);
}

#[tokio::test]
async fn an_attempt_behind_the_breaker_is_no_attempt() {
    // Down for six requests: with two attempts each, nobody would get through by retries alone.
    let down = std::iter::repeat_n(Reply::status(503), 6);
    let replies = std::iter::once(one()).chain(down).chain([one()]);
    let jira = FakeJira::scripted(replies).await;
    let settings = JiraSettings {
        max_attempts: 2,
        probe_after: Duration::from_millis(5),
        ..settings(jira.url())
    };
    let client = met(&jira, &settings).await;
    let answers = join_all((0..4).map(|_| client.count(JQL))).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap() == 1));
    let stats = client.stats();
    assert_eq!((stats.breaker_openings, stats.breaker_state), (1, BreakerState::Closed));
    assert_eq!(stats.failed, 6);
    assert_eq!(stats.retries, 4);
    assert!(stats.breaker.time > Duration::ZERO);
}

#[tokio::test]
async fn a_server_error_that_asks_to_wait_is_no_outage() {
    let busy = Reply::of(503, &[("retry-after", "1")], "");
    let together = Arc::new(Barrier::new(4));
    let told = Reply::Together(together, Box::new(busy));
    let replies = [one(), told.clone(), told.clone(), told.clone(), told, one()];
    let jira = FakeJira::scripted(replies).await;
    let settings = JiraSettings { max_in_flight: 4, ..settings(jira.url()) };
    let client = met(&jira, &settings).await;
    let answers = join_all((0..4).map(|_| client.count(JQL))).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap() == 1));
    let stats = client.stats();
    assert_eq!((stats.breaker_openings, stats.throttled), (0, 4));
}

#[tokio::test]
async fn a_jira_that_never_answered_is_given_up_after_the_retries() {
    let jira = FakeJira::scripted([Reply::status(503)]).await;
    let settings = JiraSettings { max_attempts: 8, ..settings(jira.url()) };
    let client = JiraClient::new(&settings).unwrap();
    client.count(JQL).await.unwrap_err();
    assert_eq!(jira.asked().len(), 8);
    assert_eq!(client.stats().breaker_openings, 0);
}

#[tokio::test]
async fn every_request_is_counted_by_its_outcome() {
    let jira = FakeJira::scripted([
        one(),
        Reply::status(503),
        one(),
        Reply::of(400, &[], r#"{"errorMessages":["bad"]}"#),
        Reply::of(429, &[("retry-after", "1")], ""),
        Reply::Silence,
    ])
    .await;
    let settings = JiraSettings { timeout: Duration::from_millis(200), ..settings(jira.url()) };
    let client = JiraClient::new(&settings).unwrap();
    assert_eq!(client.stats(), ClientStats::default());
    client.count(JQL).await.unwrap();
    client.count(JQL).await.unwrap();
    client.count(JQL).await.unwrap_err();
    client.count(JQL).await.unwrap_err();
    let stats = client.stats();
    assert_eq!((stats.ok, stats.failed, stats.refused), (2, 1, 1));
    assert_eq!((stats.throttled, stats.timed_out, stats.retries), (1, 3, 4));
    assert_eq!(stats.requests, 8);
    assert_eq!(stats.gate.count, 1);
    assert!(stats.gate.time >= Duration::from_millis(900), "{stats:?}");
}
