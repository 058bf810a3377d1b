//! The gate that `Retry-After` closes, and the limits on size and number.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use futures::future::join_all;
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
    let limits = JiraSettings { max_in_flight, timeout, ..settings(jira.url()) };
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
