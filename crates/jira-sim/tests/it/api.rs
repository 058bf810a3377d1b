//! REST v2 over HTTP.

use jira_sim::{Auth, ChangelogEndpoint, ResultWindow, SimConfig};
use serde_json::json;

use crate::site::{Site, keys, small_world};

#[tokio::test]
async fn a_search_pages_counts_and_echoes() {
    let site = Site::small().await;
    let page = site
        .search(json!({"jql": "project = P ORDER BY key", "maxResults": 2, "fields": ["updated"]}))
        .await;
    assert_eq!(keys(&page), ["P-1", "P-2"]);
    assert_eq!(
        (page["total"].as_u64(), page["maxResults"].as_u64(), page["startAt"].as_u64()),
        (Some(3), Some(2), Some(0))
    );
    assert_eq!(page["issues"][0]["fields"], json!({"updated": "2024-05-01T10:00:00.000+0000"}));
    let page =
        site.json("search?jql=project%20%3D%20P%20ORDER%20BY%20key&startAt=2&fields=key").await;
    assert_eq!(keys(&page), ["P-3"]);
    assert_eq!(page["maxResults"], 50);
    assert!(page["issues"][0].get("fields").is_none());
    let page = site.json("search?jql=key=P-1&expand=changelog,names,schema").await;
    assert_eq!(page["issues"][0]["changelog"]["total"], 0);
    assert_eq!(page["names"]["summary"], "Summary");
    assert_eq!(page["schema"]["updated"]["type"], "datetime");
    assert!(page["issues"][0]["fields"].get("comment").is_none());
    let refused = site.get("search?jql=foo%20%3D%20bar").send().await.unwrap();
    assert_eq!(refused.status(), 400);
    let body: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(
        body["errorMessages"][0],
        "Field 'foo' does not exist or you do not have permission to view it."
    );
}

#[tokio::test]
async fn caps_and_the_result_window_cut_pages() {
    let mut world = small_world().0;
    world.create_many("P", 20).unwrap();
    let site = Site::start(
        SimConfig { page_cap: 10, silent_page_cap: Some(4), ..SimConfig::default() },
        world,
    )
    .await;
    let page = site.search(json!({"jql": "project = P", "maxResults": 600})).await;
    assert_eq!(
        (page["maxResults"].as_u64(), keys(&page).len(), page["total"].as_u64()),
        (Some(10), 4, Some(23))
    );
    let window = ResultWindow { limit: 15, answers_empty: false, clamps_total: true };
    site.server.configure(|config| {
        config.silent_page_cap = None;
        config.result_window = Some(window);
    });
    let page = site.search(json!({"jql": "project = P", "maxResults": 10, "startAt": 5})).await;
    assert_eq!((keys(&page).len(), page["total"].as_u64()), (10, Some(15)));
    let beyond = site.get("search?jql=project=P&startAt=6&maxResults=10").send().await.unwrap();
    assert_eq!(beyond.status(), 500);
    site.server.configure(|config| {
        config.result_window = Some(ResultWindow { answers_empty: true, ..window })
    });
    let page = site.search(json!({"jql": "project = P", "maxResults": 10, "startAt": 6})).await;
    assert!(keys(&page).is_empty());
}

#[tokio::test]
async fn an_issue_is_found_by_id_key_and_old_key() {
    let (mut world, ids) = small_world();
    world.move_issue(ids[0], "Q").unwrap();
    world.hide(ids[1]).unwrap();
    let site = Site::start(SimConfig::default(), world).await;
    for name in ["10000", "Q-2", "P-1"] {
        let issue = site.json(&format!("issue/{name}?expand=changelog")).await;
        assert_eq!(
            (issue["id"].as_str(), issue["key"].as_str()),
            (Some("10000"), Some("Q-2")),
            "{name}"
        );
        assert_eq!(issue["fields"]["project"]["key"], "Q");
        assert_eq!(issue["changelog"]["total"], 1);
        assert_eq!(issue["fields"]["worklog"]["maxResults"], 20);
    }
    for name in ["P-2", "10001", "P-77", "nonsense"] {
        let missing = site.get(&format!("issue/{name}")).send().await.unwrap();
        assert_eq!(missing.status(), 404, "{name}");
        assert_eq!(
            missing.text().await.unwrap(),
            r#"{"errorMessages":["Issue Does Not Exist"],"errors":{}}"#
        );
    }
}

#[tokio::test]
async fn worklogs_are_cut_inline_and_whole_in_their_endpoint() {
    let (mut world, ids) = small_world();
    for _ in 0..25 {
        world.add_worklog(ids[0], 600).unwrap();
    }
    world.add_comment(ids[0], "hello").unwrap();
    let site = Site::start(SimConfig::default(), world).await;
    let issue = site.json("issue/P-1").await;
    let inline = &issue["fields"]["worklog"];
    assert_eq!(
        (inline["total"].as_u64(), inline["worklogs"].as_array().unwrap().len()),
        (Some(25), 20)
    );
    assert_eq!(issue["fields"]["comment"]["comments"][0]["body"], "hello");
    let all = site.json("issue/P-1/worklog").await;
    assert_eq!(all["worklogs"].as_array().unwrap().len(), 25);
    let comments = site.json("issue/P-1/comment").await;
    assert_eq!(comments["total"], 1);
}

#[tokio::test]
async fn the_changelog_endpoint_is_absent_in_its_own_words_or_paginated() {
    let (mut world, ids) = small_world();
    for n in 0..3 {
        world.edit(ids[0], &[("summary", format!("{n}").into())]).unwrap();
    }
    let site = Site::start(SimConfig::default(), world).await;
    let absent = site.get("issue/P-1/changelog").send().await.unwrap();
    assert_eq!(absent.status(), 404);
    assert!(absent.text().await.unwrap().contains("null for uri"));
    site.server.configure(|config| config.changelog_endpoint = ChangelogEndpoint::Paginated);
    let page = site.json("issue/P-1/changelog?startAt=1&maxResults=1").await;
    assert_eq!((page["total"].as_u64(), page["values"].as_array().unwrap().len()), (Some(3), 1));
}

#[tokio::test]
async fn callers_are_who_their_credentials_say() {
    let config = SimConfig {
        auth: Auth { basic: Some(("me".to_owned(), "pw".to_owned())), ..Auth::token("secret") },
        ..SimConfig::default()
    };
    let site = Site::start(config, small_world().0).await;
    let search = || site.get("search?jql=project=P");
    let good = search().bearer_auth("secret").send().await.unwrap();
    assert_eq!(good.headers()["x-ausername"], "extractor");
    assert_eq!(good.headers()["date"], "Wed, 01 May 2024 10:04:06 GMT");
    assert_eq!(keys(&good.json().await.unwrap()).len(), 3);
    assert_eq!(search().basic_auth("me", Some("pw")).send().await.unwrap().status(), 200);
    let wrong = search().bearer_auth("wrong").send().await.unwrap();
    assert_eq!(wrong.status(), 401);
    assert!(wrong.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    let anonymous = search().send().await.unwrap();
    assert_eq!(
        (anonymous.status().as_u16(), anonymous.headers()["x-ausername"].to_str().unwrap()),
        (200, "anonymous")
    );
    assert!(keys(&anonymous.json().await.unwrap()).is_empty());
    assert_eq!(site.get("myself").send().await.unwrap().status(), 401);
    assert_eq!(site.json("serverInfo").await["serverTime"], json!(null));
    site.server.configure(|config| config.auth.expired = true);
    let expired = search().bearer_auth("secret").send().await.unwrap();
    assert_eq!(expired.status(), 200);
    assert_eq!(expired.headers()["x-seraph-loginreason"], "AUTHENTICATED_FAILED");
    assert!(keys(&expired.json().await.unwrap()).is_empty());
}

#[tokio::test]
async fn the_instance_describes_itself_under_a_context_path() {
    let config = SimConfig {
        context_path: "/jira".to_owned(),
        user_zone: chrono_tz::Tz::Europe__Berlin,
        ..SimConfig::default()
    };
    let mut world = small_world().0;
    world.set_zone(chrono_tz::Tz::America__New_York);
    world.forbid_project("Q", true);
    let site = Site::start(config, world).await;
    assert!(site.server.base_url().ends_with("/jira"));
    assert_eq!(site.json("myself").await["timeZone"], "Europe/Berlin");
    let info = site.json("serverInfo").await;
    assert_eq!(info["deploymentType"], "Server");
    assert_eq!(info["serverTime"], "2024-05-01T06:04:06.000-0400");
    assert_eq!(info["baseUrl"], site.server.base_url());
    let projects = site.json("project").await;
    assert_eq!(projects.as_array().unwrap().len(), 1);
    assert_eq!(site.get("project/Q").send().await.unwrap().status(), 404);
    assert_eq!(
        site.json("mypermissions?projectKey=P").await["permissions"]["BROWSE_PROJECTS"]["havePermission"],
        true
    );
    for list in ["field", "status", "issuetype", "priority", "resolution", "project/P/statuses"] {
        assert!(!site.json(list).await.as_array().unwrap().is_empty(), "{list}");
    }
    assert!(site.json("issueLinkType").await["issueLinkTypes"].is_array());
    assert_eq!(site.json("index/summary").await["issueIndex"]["countInIndex"], 4);
    for object in
        ["project/P", "reindex", "configuration", "user?username=extractor", "issue/P-1/properties"]
    {
        assert!(site.json(object).await.is_object(), "{object}");
    }
    let latest = format!("{}/rest/api/latest/issue/P-1", site.server.base_url());
    assert_eq!(site.client.get(latest).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_hook_changes_the_world_between_two_pages_and_requests_are_logged() {
    let site = Site::small().await;
    let mut pages = 0;
    site.server.on_request(move |seen, world| {
        if seen.is_search() {
            pages += 1;
            if pages == 2 {
                world.delete(10_000).unwrap();
            }
        }
    });
    let arrived = site.server.requests().expect(2, |seen| seen.is_search());
    let body = json!({"jql": "project = P ORDER BY key", "fields": ["updated"]});
    assert_eq!(site.search(body.clone()).await["total"], 3);
    assert_eq!(site.search(body).await["total"], 2);
    arrived.wait().await;
    let logged = site.server.requests().listings();
    assert_eq!(logged.iter().map(|record| record.rows()).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(logged[1].issues, [10_001, 10_002]);
    assert_eq!((logged[0].status, logged[0].in_flight), (Some(200), 1));
    site.server.stop().await;
}

#[tokio::test]
async fn a_running_clock_stamps_changes_made_between_requests() {
    let (world, ids) = small_world();
    let stood_at = world.now();
    let config = SimConfig { clock_runs: true, ..SimConfig::default() };
    let site = Site::start(config, world).await;
    site.server.world_mut().touch(ids[0]).unwrap();
    let touched = site.server.world().issue(ids[0]).unwrap().updated().unwrap();
    assert!(touched >= stood_at);
    assert!(site.server.world_mut().now() >= touched);
}
