//! Scripted faults as a client meets them.

use std::time::Duration;

use jira_sim::{Action, Endpoint, Gate, RetryAfter, When};
use serde_json::json;

use crate::site::{Site, keys};

const LISTING: &str = "search?jql=project=P&fields=updated";
const WHOLE: &str = "search?jql=project=P&fields=*all";

#[tokio::test]
async fn faults_hit_the_requests_they_name() {
    let site = Site::small().await;
    let faults = site.server.faults();
    let rule = faults.on(Endpoint::SearchListing, When::Nth(2), Action::Fail(503));
    let statuses = async |resources: &[&str]| {
        let mut statuses = Vec::new();
        for resource in resources {
            statuses.push(site.get(resource).send().await.unwrap().status().as_u16());
        }
        statuses
    };
    assert_eq!(statuses(&[LISTING, WHOLE, LISTING, LISTING]).await, [200, 200, 503, 200]);
    assert_eq!(faults.hits(rule), 1);
    faults.clear();
    faults.on(
        Endpoint::Prefix("serverInfo".to_owned()),
        When::Range(1..=2),
        Action::FailAfterEffect(502),
    );
    assert_eq!(
        statuses(&["serverInfo", "myself", "serverInfo", "serverInfo"]).await,
        [502, 200, 502, 200]
    );
    faults.clear();
    faults.on(Endpoint::Any, When::Chance { probability: 0.5, seed: 3 }, Action::Fail(500));
    let failed =
        statuses(&["myself"; 40]).await.into_iter().filter(|status| *status == 500).count();
    assert!((5..35).contains(&failed), "{failed}");
}

#[tokio::test]
async fn throttling_names_seconds_or_a_date() {
    let site = Site::small().await;
    site.server.faults().on(
        Endpoint::Any,
        When::Nth(1),
        Action::TooManyRequests(RetryAfter::Seconds(7)),
    );
    let answer = site.get(LISTING).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()),
        (429, "7")
    );
    let ahead = Duration::from_secs(30);
    site.server.faults().on(
        Endpoint::Any,
        When::Nth(1),
        Action::TooManyRequests(RetryAfter::Date(ahead)),
    );
    let answer = site.get(LISTING).send().await.unwrap();
    let date =
        |name: &str| httpdate::parse_http_date(answer.headers()[name].to_str().unwrap()).unwrap();
    assert_eq!(date("retry-after").duration_since(date("date")).unwrap(), ahead);
}

#[tokio::test]
async fn bodies_are_cut_malformed_or_something_else() {
    let site = Site::small().await;
    let faults = site.server.faults();
    faults.on(Endpoint::Any, When::Nth(1), Action::Truncate(40));
    let cut = site.get(WHOLE).send().await.unwrap();
    assert_eq!(cut.status(), 200);
    assert!(cut.content_length().unwrap() > 1000);
    assert!(cut.bytes().await.is_err());
    faults.clear();
    faults.on(Endpoint::Any, When::Nth(1), Action::Reset);
    assert!(site.get(WHOLE).send().await.is_err());
    assert_eq!(site.server.requests().all().last().unwrap().status, None);
    assert_eq!(site.get(WHOLE).send().await.unwrap().status(), 200);
    for (action, status, kind) in [
        (Action::MalformedJson, 200, "application/json"),
        (Action::WrongShape, 200, "application/json"),
        (Action::LoginPage, 200, "text/html"),
        (Action::Redirect("http://login.invalid/".to_owned()), 302, "text/html"),
    ] {
        faults.clear();
        faults.on(Endpoint::Any, When::Nth(1), action.clone());
        let answer = site.get(WHOLE).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{action:?}");
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with(kind), "{action:?}");
        let is_jiras = answer.headers().contains_key("x-ausername");
        assert_eq!(is_jiras, kind == "application/json", "{action:?}");
        let parsed = answer.json::<serde_json::Value>().await;
        assert!(!parsed.is_ok_and(|body| body.get("issues").is_some()), "{action:?}");
    }
    faults.clear();
    faults.on(Endpoint::Any, When::Nth(1), Action::Anonymous);
    let answer = site.get(WHOLE).send().await.unwrap();
    assert_eq!(answer.headers()["x-ausername"], "anonymous");
    assert!(keys(&answer.json().await.unwrap()).is_empty());
}

#[tokio::test]
async fn a_stalled_request_waits_for_its_gate() {
    let site = Site::small().await;
    let gate = Gate::new();
    site.server.faults().on(
        Endpoint::SearchHydrate,
        When::Nth(1),
        Action::StallUntil(gate.clone()),
    );
    let stalled = tokio::spawn(site.get(WHOLE).send());
    gate.reached_by(1).await;
    assert_eq!(site.server.requests().in_flight(), 1);
    assert!(!stalled.is_finished());
    gate.release();
    assert_eq!(stalled.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn a_poisoned_issue_spoils_only_the_answers_that_carry_it_whole() {
    let site = Site::small().await;
    site.server.faults().poison(10_001, Action::MalformedJson);
    assert_eq!(site.search(json!({"jql": "project = P", "fields": ["updated"]})).await["total"], 3);
    assert!(site.get(WHOLE).send().await.unwrap().json::<serde_json::Value>().await.is_err());
    assert!(site.get("issue/P-2").send().await.unwrap().json::<serde_json::Value>().await.is_err());
    assert_eq!(site.json("issue/P-2?fields=summary,updated").await["key"], "P-2");
    assert_eq!(site.json("issue/P-3").await["key"], "P-3");
    let spoiled = site.server.requests().count(|record| record.fault == Some("malformed_json"));
    assert_eq!(spoiled, 2);
}

#[tokio::test]
async fn stopping_answers_what_is_stalled() {
    let site = Site::small().await;
    let gate = Gate::new();
    site.server.faults().on(Endpoint::Any, When::Always, Action::StallUntil(gate.clone()));
    let stalled = tokio::spawn(site.get(WHOLE).send());
    gate.reached_by(1).await;
    site.server.stop().await;
    assert_eq!(stalled.await.unwrap().unwrap().status(), 503);
}
