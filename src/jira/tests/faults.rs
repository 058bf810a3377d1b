//! Faults of HTTP: what is tried again, how often, and what is said in the end.

use rstest::rstest;
use tokio::net::TcpSocket;

use super::server::Reply;
use super::*;

fn one() -> Reply {
    Reply::json(r#"{"total":1,"issues":[],"maxResults":0,"startAt":0}"#)
}

#[rstest]
#[case(Reply::status(500))]
#[case(Reply::status(502))]
#[case(Reply::status(503))]
#[case(Reply::status(429))]
#[case(Reply::of(429, &[("retry-after", "0")], ""))]
#[case(Reply::Reset)]
#[case(Reply::Truncated)]
#[case(Reply::of(200, &[("content-type", "text/html")], "<html><title>Busy</title>"))]
#[case(Reply::json("{\"total\":"))]
#[tokio::test]
async fn what_may_pass_is_asked_again(#[case] fault: Reply) {
    let jira = FakeJira::scripted([fault.clone(), fault, one()]).await;
    let client = client(&jira);
    assert_eq!(client.count(JQL).await.unwrap(), 1);
    let stats = client.stats();
    assert_eq!((stats.requests, stats.retries), (3, 2));
}

#[rstest]
#[case(Reply::status(503), 4, "status 503")]
#[case(Reply::of(500, &[], r#"{"errorMessages":["Search limit exceeded"]}"#), 4, "Search limit exceeded")]
#[case(Reply::status(429), 4, "limits our rate")]
#[case(Reply::Reset, 4, "connection failed or broke")]
#[case(Reply::Truncated, 3, "broke off after 21 bytes")]
#[case(Reply::of(200, &[("content-type", "text/html")], "<title>Log in</title>"), 3, "text/html with the title \"Log in\"")]
#[case(Reply::status(200), 3, "it is empty")]
#[case(Reply::json("{\"issues\":[]}"), 1, "missing field `total`")]
#[case(Reply::json("[1]"), 1, "it is a list")]
#[case(Reply::json("\"a text\""), 1, "expected a search page")]
#[case(Reply::status(404), 1, "jira.base_url")]
#[case(Reply::of(404, &[], "<html>no such page</html>"), 1, "jira.base_url")]
#[case(Reply::of(404, &[], r#"{"errorMessages":["Gone"],"errors":{}}"#), 1, "Gone")]
#[case(Reply::of(400, &[], r#"{"errorMessages":["bad","worse"],"errors":{}}"#), 1, "bad; worse")]
#[case(Reply::of(400, &[], r#"[{"errorMessages":["in an array"]}]"#), 1, "in an array")]
#[case(Reply::of(403, &[], r#"{"errorMessages":["not you"]}"#), 1, "not you")]
#[case(Reply::status(418), 1, "status 418")]
#[tokio::test]
async fn what_stays_is_named(#[case] fault: Reply, #[case] requests: u64, #[case] says: &str) {
    let jira = FakeJira::scripted([fault]).await;
    let client = client(&jira);
    let error = client.count(JQL).await.unwrap_err();
    assert!(text(&error).contains(says), "{error}");
    assert_eq!(client.stats().requests, requests, "{error}");
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let login = FakeJira::scripted([one()]).await;
    let location = format!("{}login?os_destination=x", login.url());
    let jira = FakeJira::scripted([Reply::of(302, &[("location", &location)], "")]).await;
    let error = client(&jira).count(JQL).await.unwrap_err();
    let host = format!("127.0.0.1:{}", login.url().port().unwrap());
    assert!(text(&error).contains(&host), "{error}");
    assert!(!text(&error).contains("os_destination"), "{error}");
    assert_eq!(login.asked().len(), 0);
    assert_eq!(jira.asked().len(), 1);
}

#[tokio::test]
async fn a_host_that_refuses_connections_is_unreachable() {
    // Bound and never listening: the port stays ours, and connecting to it is refused.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap()).parse().unwrap();
    let client = JiraClient::new(&settings(url)).unwrap();
    let error = client.count(JQL).await.unwrap_err();
    assert!(matches!(error, JiraError::Unreachable { .. }), "{}", text(&error));
    assert_eq!(error.class().exit_code(), 69);
    assert_eq!(client.stats().requests, 4);
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_told_apart() {
    let jira = FakeJira::scripted([one()]).await;
    let mut url = jira.url();
    url.set_scheme("https").unwrap();
    let client = JiraClient::new(&settings(url)).unwrap();
    let error = client.count(JQL).await.unwrap_err();
    assert!(matches!(error, JiraError::Tls { .. }), "{}", text(&error));
    assert_eq!(client.stats().requests, 1);
}

#[tokio::test]
async fn a_heavy_request_that_takes_too_long_is_the_callers_to_shrink() {
    let jira = FakeJira::scripted([Reply::Silence]).await;
    let settings = JiraSettings { timeout: Duration::from_millis(100), ..settings(jira.url()) };
    let client = JiraClient::new(&settings).unwrap();
    for error in [
        client.fetch_issues(&[id(1)]).await.unwrap_err(),
        client.list(JQL, &PageStart::FIRST, 10).await.unwrap_err(),
    ] {
        assert!(matches!(error, JiraError::Timeout { .. }), "{}", text(&error));
    }
    assert_eq!(client.stats().requests, 2);
}

#[tokio::test]
async fn a_small_request_that_takes_too_long_is_asked_again() {
    let project = Reply::json(r#"{"id":"1","key":"P","name":"Project"}"#);
    let jira = FakeJira::scripted([Reply::Silence, project]).await;
    let settings = JiraSettings { timeout: Duration::from_millis(300), ..settings(jira.url()) };
    let client = JiraClient::new(&settings).unwrap();
    let found = client.project(&"P".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(found.name, "Project");
    assert!(client.stats().requests >= 2);
}
