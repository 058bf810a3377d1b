//! Scripted faults as a Cloud client meets them.

use std::time::Duration;

use jira_sim::{Action, Endpoint, Flavor, Rule, SimConfig, TokenFault, When};
use serde_json::{Value, json};

use crate::site::{Site, ids, keys, small_world};

const IN_ORDER: &str = "project = P ORDER BY updated ASC, key ASC";

/// One row a page; the first page is `P-1`.
async fn page(site: &Site, token: Option<&str>) -> (u16, Value) {
    let mut body = json!({"jql": IN_ORDER, "maxResults": 1, "fields": ["key"]});
    if let Some(token) = token {
        body["nextPageToken"] = token.into();
    }
    site.post_v3("search/jql", body).await
}

fn token(page: &Value) -> Option<&str> {
    page["nextPageToken"].as_str()
}

/// The second of three pages is hit; what it shows, and what following its token shows.
#[tokio::test]
async fn a_token_errs_as_scripted_and_the_next_request_is_sound() {
    for (fault, rows, then) in [
        (TokenFault::Dropped, "P-2", None),
        (TokenFault::Repeated, "P-2", Some("P-2")),
        (TokenFault::EmptyPage, "", Some("P-2")),
        (TokenFault::RowsAgain, "P-1", Some("P-2")),
    ] {
        let site = Site::cloud(small_world().0).await;
        site.server.faults().on(Endpoint::NextPage, When::Nth(1), Action::Token(fault));
        let (_, first) = page(&site, None).await;
        let sent = token(&first).unwrap();
        let (status, second) = page(&site, Some(sent)).await;
        assert_eq!((status, keys(&second).join(" ").as_str()), (200, rows), "{fault:?}");
        assert_eq!(token(&second).is_some(), then.is_some(), "{fault:?}");
        assert_eq!(token(&second) == Some(sent), fault == TokenFault::Repeated, "{fault:?}");
        if let Some(then) = then {
            let (_, third) = page(&site, token(&second)).await;
            assert_eq!(keys(&third), [then], "{fault:?}");
            let (_, fourth) = page(&site, token(&third)).await;
            assert_eq!((keys(&fourth), token(&fourth)), (vec!["P-3"], None), "{fault:?}");
        }
        assert_eq!(site.server.requests().count(|record| record.fault == Some("token")), 1);
    }
}

#[tokio::test]
async fn a_first_page_gives_a_token_for_itself_or_none() {
    for (fault, rows, then) in [
        (TokenFault::Dropped, "P-1", None),
        (TokenFault::Repeated, "P-1", Some("P-1")),
        (TokenFault::EmptyPage, "", Some("P-1")),
        (TokenFault::RowsAgain, "P-1", Some("P-1")),
        (TokenFault::Refused, "P-1", Some("P-2")),
        (TokenFault::Expired, "P-1", Some("P-2")),
    ] {
        let site = Site::cloud(small_world().0).await;
        site.server.faults().on(Endpoint::Search, When::Nth(1), Action::Token(fault));
        let (_, first) = page(&site, None).await;
        assert_eq!(keys(&first).join(" "), rows, "{fault:?}");
        assert_eq!(token(&first).is_some(), then.is_some(), "{fault:?}");
        if let Some(then) = then {
            assert_eq!(keys(&page(&site, token(&first)).await.1), [then], "{fault:?}");
        }
    }
}

#[tokio::test]
async fn rows_that_come_again_for_ever_bring_a_new_token_each_time() {
    let site = Site::cloud(small_world().0).await;
    let again = Action::Token(TokenFault::RowsAgain);
    let rule = site.server.faults().on(Endpoint::NextPage, When::Always, again);
    let (_, mut last) = page(&site, None).await;
    let mut seen = vec![token(&last).unwrap().to_owned()];
    for _ in 0..5 {
        last = page(&site, token(&last)).await.1;
        assert_eq!(keys(&last), ["P-1"]);
        let token = token(&last).unwrap().to_owned();
        assert!(!seen.contains(&token));
        seen.push(token);
    }
    assert_eq!(site.server.faults().hits(rule), 5);
}

#[tokio::test]
async fn tokens_are_refused_when_scripted_old_or_foreign() {
    let expired = "The provided next page token has expired.";
    let invalid = "The provided next page token is invalid.";
    for (fault, message) in [(TokenFault::Refused, invalid), (TokenFault::Expired, expired)] {
        let site = Site::cloud(small_world().0).await;
        site.server.faults().on(Endpoint::NextPage, When::Nth(1), Action::Token(fault));
        let (_, first) = page(&site, None).await;
        let (status, refused) = page(&site, token(&first)).await;
        assert_eq!((status, refused["errorMessages"][0].as_str()), (400, Some(message)));
        // The token itself was good.
        assert_eq!(keys(&page(&site, token(&first)).await.1), ["P-2"]);
    }
    let site = Site::cloud(small_world().0).await;
    let (_, first) = page(&site, None).await;
    let mut other = json!({"jql": "project = P ORDER BY key", "maxResults": 1});
    other["nextPageToken"] = token(&first).unwrap().into();
    let (status, refused) = site.post_v3("search/jql", other).await;
    assert_eq!((status, refused["errorMessages"][0].as_str()), (400, Some(invalid)));

    let day = Duration::from_secs(24 * 60 * 60);
    site.server.world_mut().advance(7 * day);
    assert_eq!(page(&site, token(&first)).await.0, 200);
    site.server.world_mut().advance(Duration::from_secs(1));
    let (status, refused) = page(&site, token(&first)).await;
    assert_eq!((status, refused["errorMessages"][0].as_str()), (400, Some(expired)));
}

#[tokio::test]
async fn a_chain_of_tokens_is_cut_after_as_many_pages_as_configured() {
    let mut config = SimConfig::cloud();
    config.cloud.token_pages = Some(2);
    let site = Site::start(config, small_world().0).await;
    let (_, first) = page(&site, None).await;
    let (_, second) = page(&site, token(&first)).await;
    assert_eq!(keys(&second), ["P-2"]);
    assert_eq!(page(&site, token(&second)).await.0, 400);
}

#[tokio::test]
async fn a_field_that_does_not_load_is_absent_or_fails_who_asks_for_that() {
    let site = Site::cloud(small_world().0).await;
    let omit = || Action::OmitField("summary".to_owned());
    site.server.faults().poison(10_001, omit());
    let body = json!({"issueIdsOrKeys": ["P-1", "P-2"], "fields": ["*all"]});
    let (status, page) = site.post_v3("issue/bulkfetch", body).await;
    let summary = |at: usize| page["issues"][at]["fields"].get("summary").is_some();
    assert_eq!((status, summary(0), summary(1)), (200, true, false));
    assert!(page["issues"][1]["fields"].get("status").is_some());
    for (resource, status) in
        [("issue/P-2", 200), ("issue/P-2?failFast=true", 500), ("issue/P-1?failFast=true", 200)]
    {
        let (got, issue) = site.v3(resource).await;
        assert_eq!(got, status, "{resource}");
        assert_eq!(issue["fields"].get("summary").is_some(), resource.contains("P-1"));
    }
    site.server.faults().clear();
    site.server.faults().on(Endpoint::SearchListing, When::Always, omit());
    let (_, page) = site.v3("search/jql?jql=project=P&fields=summary,updated").await;
    for issue in page["issues"].as_array().unwrap() {
        assert!(issue["fields"].get("summary").is_none() && issue["fields"]["updated"].is_string());
    }
    assert_eq!(site.v3("search/jql?jql=project=P&fields=summary&failFast=true").await.0, 500);
}

#[tokio::test]
async fn issues_are_omitted_though_they_exist_on_either_flavour() {
    let site = Site::cloud(small_world().0).await;
    let omit = Action::OmitIssues(vec![10_001]);
    site.server.faults().on(Endpoint::SearchHydrate, When::Always, omit);
    let body = json!({"issueIdsOrKeys": ["10000", "10001"], "fields": ["*all"]});
    let (status, page) = site.post_v3("issue/bulkfetch", body).await;
    assert_eq!((status, ids(&page), page["issueErrors"].clone()), (200, vec![10_000], json!([])));
    let (_, page) = site.v3("search/jql?jql=project=P&fields=key").await;
    assert_eq!(ids(&page).len(), 3);
    site.server.configure(|config| config.flavor = Flavor::Server);
    let page = site.search(json!({"jql": "project = P", "fields": ["*all"]})).await;
    assert_eq!((ids(&page).len(), page["total"].as_u64()), (2, Some(3)));
}

#[tokio::test]
async fn endpoints_name_the_same_kind_of_request_on_both_flavours() {
    for (endpoint, cloud, server) in [
        (Endpoint::SearchListing, "POST search/jql updated", "POST search updated"),
        (Endpoint::SearchHydrate, "POST issue/bulkfetch *all", "POST search *all"),
        (Endpoint::WholeIssues, "POST issue/bulkfetch *all", "GET issue/P-1"),
        (Endpoint::Issue, "GET issue/P-1", "GET issue/P-1"),
        (Endpoint::Children, "GET issue/P-1/changelog", "GET issue/P-1/comment"),
        (Endpoint::Children, "POST changelog/bulkfetch *all", "GET issue/P-1/worklog"),
        (Endpoint::Children, "GET issue/P-1/remotelink", "GET issue/P-1/watchers"),
        (Endpoint::Children, "GET issue/P-1/votes", "GET issue/P-1/properties"),
        (Endpoint::Prefix("project".to_owned()), "GET project/search", "GET project"),
    ] {
        let site = Site::cloud(small_world().0).await;
        site.server.faults().on(endpoint.clone(), When::Always, Action::Fail(503));
        let answers = async |version: u8, request: &str| {
            let mut words = request.split(' ');
            let (method, resource, fields) = (words.next(), words.next(), words.next());
            let url =
                format!("{}/rest/api/{version}/{}", site.server.base_url(), resource.unwrap());
            let request = match method {
                Some("POST") => site.client.post(url).json(&json!({"fields": [fields]})),
                _ => site.client.get(url),
            };
            request.send().await.unwrap().status().as_u16()
        };
        assert_eq!(answers(3, cloud).await, 503, "{endpoint:?} {cloud}");
        assert_ne!(answers(3, "GET serverInfo").await, 503, "{endpoint:?}");
        site.server.configure(|config| config.flavor = Flavor::Server);
        assert_eq!(answers(2, server).await, 503, "{endpoint:?} {server}");
    }
}

#[tokio::test]
async fn the_log_knows_listings_and_hydrations() {
    let site = Site::cloud(small_world().0).await;
    site.v3("search/jql?jql=project=P&fields=updated").await;
    site.post_v3("issue/bulkfetch", json!({"issueIdsOrKeys": ["P-1"], "fields": ["*all"]})).await;
    site.post_v3("issue/bulkfetch", json!({"issueIdsOrKeys": ["P-1"], "fields": ["updated"]}))
        .await;
    site.v3("issue/P-1").await;
    site.v3("issue/P-1/comment").await;
    let log = site.server.requests();
    assert_eq!((log.listings().len(), log.hydrations().len()), (1, 1));
    assert_eq!((log.times_hydrated(10_000), log.times_hydrated(10_001)), (2, 0));
    assert_eq!(log.hydrations()[0].seen.wanted, ["P-1"]);
}

#[tokio::test]
async fn a_rule_can_be_about_the_children_of_one_issue() {
    for flavor in [Flavor::Server, Flavor::Cloud] {
        let mut world = small_world().0;
        world.edit(10_001, &[("summary", "changed".into())]).unwrap();
        let site = Site::start(SimConfig { flavor, ..SimConfig::default() }, world).await;
        site.server.faults().add(Rule {
            endpoint: Endpoint::Children,
            when: When::Always,
            issue: Some(10_001),
            action: Action::FailAfterEffect(502),
        });
        for (resource, status) in
            [("issue/P-2/comment", 502), ("issue/P-1/comment", 200), ("issue/P-2", 200)]
        {
            let answer = site.get(resource).send().await.unwrap();
            assert_eq!(answer.status(), status, "{flavor:?} {resource}");
        }
        if flavor == Flavor::Cloud {
            let wanted = json!({"issueIdsOrKeys": ["P-1", "P-2"]});
            assert_eq!(site.post_v3("changelog/bulkfetch", wanted).await.0, 502);
        }
    }
}
