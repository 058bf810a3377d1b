//! Whole issues and their children, as Cloud gives them.

use std::collections::BTreeMap;
use std::time::Duration;

use jira_sim::{CloudView, SimConfig, WorldProfile, generate};
use serde_json::{Value, json};

use crate::site::{Site, ids, small_world};

fn list<'a>(value: &'a Value, name: &str) -> Vec<&'a str> {
    value[name].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_bulk_fetch_answers_in_the_order_of_ids_and_says_nothing_of_the_rest() {
    let (mut world, issues) = small_world();
    world.move_issue(issues[0], "Q").unwrap();
    world.hide(issues[1]).unwrap();
    let site = Site::cloud(world).await;
    let wanted = json!(["Q-1", "10002", "P-1", "Q-2", "10001", "P-2", "4711", "nonsense"]);
    let (status, page) = site.post_v3("issue/bulkfetch", json!({"issueIdsOrKeys": wanted})).await;
    assert_eq!(status, 200);
    assert_eq!(
        (ids(&page), page["issueErrors"].clone()),
        (vec![10_000, 10_002, 10_003], json!([]))
    );
    assert_eq!(page["issues"][0]["key"], "Q-2");
    assert!(page["issues"][0]["fields"].get("comment").is_none());
    assert!(page["issues"][0]["fields"].get("summary").is_some());
    let body = json!({"issueIdsOrKeys": ["Q-1"], "fields": ["*all", "-summary"], "expand": ["changelog", "names"]});
    let (_, page) = site.post_v3("issue/bulkfetch", body).await;
    let issue = &page["issues"][0];
    assert!(issue["fields"].get("comment").is_some() && issue["fields"].get("summary").is_none());
    assert_eq!(
        (issue["changelog"]["total"].clone(), page["names"]["status"].clone()),
        (json!(0), json!("Status"))
    );
    let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    for body in [
        json!({"issueIdsOrKeys": many}),
        json!({"issueIdsOrKeys": []}),
        json!({"issueIdsOrKeys": ["P-3"], "jql": "project = P"}),
    ] {
        assert_eq!(site.post_v3("issue/bulkfetch", body.clone()).await.0, 400, "{body}");
    }
    assert_eq!(
        site.post_v3("issue/bulkfetch", json!({"issueIdsOrKeys": &many[..100]})).await.0,
        200
    );
}

#[tokio::test]
async fn one_issue_is_found_by_id_key_and_old_key() {
    let (mut world, issues) = small_world();
    world.move_issue(issues[0], "Q").unwrap();
    world.hide(issues[1]).unwrap();
    let site = Site::cloud(world).await;
    for name in ["10000", "Q-2", "P-1"] {
        let (status, issue) = site.v3(&format!("issue/{name}?expand=changelog,names")).await;
        assert_eq!((status, issue["key"].as_str()), (200, Some("Q-2")), "{name}");
        assert_eq!(issue["changelog"]["total"], 1);
        assert_eq!(issue["names"]["summary"], "Summary");
        assert!(issue["fields"]["worklog"].is_object());
        assert!(issue["self"].as_str().unwrap().ends_with("/rest/api/3/issue/10000"));
    }
    for name in ["P-2", "10001", "P-77", "nonsense"] {
        for rest in ["", "/comment", "/changelog", "/remotelink"] {
            let (status, missing) = site.v3(&format!("issue/{name}{rest}")).await;
            let text = "Issue does not exist or you do not have permission to see it.";
            assert_eq!((status, missing["errorMessages"][0].as_str()), (404, Some(text)), "{name}");
        }
    }
    let (_, issue) = site.v3("issue/P-3?fields=updated").await;
    assert_eq!(issue["fields"].as_object().unwrap().len(), 1);
    assert_eq!(site.v3("issue/P-3/nonsense").await.0, 404);
}

#[tokio::test]
async fn children_are_cut_inline_and_whole_in_their_endpoints() {
    let (mut world, issues) = small_world();
    let id = issues[0];
    let mut comments = Vec::new();
    for n in 0..130 {
        world.advance(Duration::from_secs(1));
        comments.push(world.add_comment(id, &format!("comment {n}")).unwrap().to_string());
        world.add_worklog(id, 600).unwrap();
        world.edit(id, &[("summary", format!("{n}").into())]).unwrap();
    }
    let mut config = SimConfig::cloud();
    config.cloud.inline_comments = 30;
    let site = Site::start(config, world).await;
    let (_, issue) = site.v3("issue/P-1?expand=changelog").await;
    let inline = &issue["fields"]["comment"];
    assert_eq!(list(inline, "comments"), comments[100..]);
    assert_eq!((inline["total"].as_u64(), inline["maxResults"].as_u64()), (Some(130), Some(30)));
    let worklogs = &issue["fields"]["worklog"];
    assert_eq!((list(worklogs, "worklogs").len(), worklogs["total"].as_u64()), (20, Some(130)));
    let log = &issue["changelog"];
    assert_eq!((list(log, "histories").len(), log["total"].as_u64()), (40, Some(130)));
    let newest: Vec<&Value> =
        log["histories"].as_array().unwrap().iter().map(|it| &it["items"][0]["toString"]).collect();
    assert_eq!((newest[0], newest[39]), (&json!("129"), &json!("90")));

    let (_, page) = site.v3("issue/P-1/comment").await;
    assert_eq!(list(&page, "comments"), comments[..100]);
    assert_eq!((page["maxResults"].as_u64(), page["total"].as_u64()), (Some(100), Some(130)));
    let (_, page) = site.v3("issue/P-1/comment?startAt=100&maxResults=5000").await;
    assert_eq!(list(&page, "comments"), comments[100..]);
    let (_, page) = site.v3("issue/P-1/worklog").await;
    assert_eq!(list(&page, "worklogs").len(), 130);
    let (_, page) = site.v3("issue/P-1/changelog").await;
    let oldest: Vec<&Value> =
        page["values"].as_array().unwrap().iter().map(|it| &it["items"][0]["toString"]).collect();
    assert_eq!((oldest.len(), oldest[0], oldest[99]), (100, &json!("0"), &json!("99")));
    assert_eq!((page["isLast"].as_bool(), page["total"].as_u64()), (Some(false), Some(130)));
    let (_, page) = site.v3("issue/P-1/changelog?startAt=100").await;
    assert_eq!((list(&page, "values").len(), page["isLast"].as_bool()), (30, Some(true)));
}

/// All entries by issue, put together from the pages.
async fn bulk_changelogs(site: &Site, mut body: Value) -> (BTreeMap<String, Vec<Value>>, usize) {
    let mut all: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for pages in 1.. {
        let (status, page) = site.post_v3("changelog/bulkfetch", body.clone()).await;
        assert_eq!(status, 200, "{page}");
        for issue in page["issueChangeLogs"].as_array().unwrap() {
            let histories = issue["changeHistories"].as_array().unwrap().iter().cloned();
            all.entry(issue["issueId"].as_str().unwrap().to_owned()).or_default().extend(histories);
        }
        match page.get("nextPageToken") {
            Some(token) => body["nextPageToken"] = token.clone(),
            None => return (all, pages),
        }
        assert!(pages < 200);
    }
    unreachable!()
}

#[tokio::test]
async fn changelogs_of_many_issues_come_whole_and_oldest_first_over_pages() {
    let site = Site::cloud(generate(&WorldProfile::new("GEN", 60, 9)).unwrap()).await;
    let wanted: Vec<String> =
        site.server.world().issues("GEN").map(|issue| issue.id().to_string()).collect();
    let config = SimConfig::cloud();
    let expected: BTreeMap<String, Vec<Value>> = {
        let world = site.server.world();
        let view = CloudView::new(&world, &config);
        let of = |issue: &jira_sim::Issue| {
            let parsed =
                |json: &jira_sim::Json| serde_json::from_str(&readable(json.as_str())).unwrap();
            (issue.id().to_string(), view.histories(issue).iter().map(parsed).collect())
        };
        world
            .issues("GEN")
            .map(of)
            .filter(|(_, entries): &(_, Vec<Value>)| !entries.is_empty())
            .collect()
    };
    let total: usize = expected.values().map(Vec::len).sum();
    for size in [7, 100, 10_000] {
        let body = json!({"issueIdsOrKeys": wanted, "maxResults": size});
        let (all, pages) = bulk_changelogs(&site, body).await;
        assert_eq!(pages, total.div_ceil(size), "{size}");
        assert_eq!(all, expected, "{size}");
    }
    let body = json!({"issueIdsOrKeys": wanted, "fieldIds": ["status"]});
    let (all, _) = bulk_changelogs(&site, body).await;
    let items = all.values().flatten().flat_map(|entry| entry["items"].as_array().unwrap());
    assert!(items.clone().count() > 0 && items.clone().all(|item| item["fieldId"] == "status"));

    site.server.configure(|config| config.cloud.numeric_changelog_times = true);
    let (all, _) = bulk_changelogs(&site, json!({"issueIdsOrKeys": wanted})).await;
    for (id, entries) in &all {
        for (numeric, text) in entries.iter().zip(&expected[id]) {
            let text = jira_sim::parse_jira(text["created"].as_str().unwrap());
            assert_eq!(numeric["created"].as_i64(), text);
        }
    }
    let many: Vec<String> = (0..1001).map(|n| n.to_string()).collect();
    for body in [
        json!({"issueIdsOrKeys": many}),
        json!({"issueIdsOrKeys": wanted, "maxResults": 10_001}),
        json!({"issueIdsOrKeys": wanted, "startAt": 0}),
        json!({"issueIdsOrKeys": wanted, "nextPageToken": "x"}),
    ] {
        assert_eq!(site.post_v3("changelog/bulkfetch", body).await.0, 400);
    }
}

/// JSON that serde can hold: halves of surrogate pairs become something else.
fn readable(json: &str) -> String {
    json.replace(r"\ud83d alone", "half").replace(r"alone \udc00", "half")
}

#[tokio::test]
async fn what_both_flavours_share_below_an_issue_is_answered_in_clouds_spelling() {
    let site = Site::cloud(small_world().0).await;
    for (list, is_array) in
        [("remotelink", true), ("watchers", false), ("votes", false), ("properties", false)]
    {
        let (status, body) = site.v3(&format!("issue/P-1/{list}")).await;
        assert_eq!(
            (status, body.is_array(), body.is_object()),
            (200, is_array, !is_array),
            "{list}"
        );
        assert!(!body.to_string().contains("/rest/api/2/"), "{list}: {body}");
    }
}
