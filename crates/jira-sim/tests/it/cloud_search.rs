//! Cloud's `search/jql`, followed from token to token over a world that may move, and its count.

use std::collections::BTreeSet;
use std::time::Duration;

use jira_sim::{Flavor, IndexLag, IsLast, IssueId, SimConfig, World, WorldProfile, generate};
use serde_json::{Value, json};

use crate::site::{Site, at, ids, keys, small_world};

const IN_ORDER: &str = "project = P ORDER BY updated ASC, key ASC";

/// 23 issues in P, of which ten share a second.
fn dense_world() -> World {
    let (mut world, _) = small_world();
    world.create_many("P", 10).unwrap();
    for _ in 0..10 {
        world.advance(Duration::from_secs(3));
        world.create_many("P", 1).unwrap();
    }
    world
}

/// Follows a query to its end, calling back before each page.
async fn follow(site: &Site, body: Value, mut before: impl FnMut(usize)) -> Vec<Vec<IssueId>> {
    let mut pages: Vec<Vec<IssueId>> = Vec::new();
    let mut body = body;
    loop {
        before(pages.len());
        let (status, page) = site.post_v3("search/jql", body.clone()).await;
        assert_eq!(status, 200, "{page}");
        assert!(page.get("total").is_none() && page.get("startAt").is_none(), "{page}");
        pages.push(ids(&page));
        match page["nextPageToken"].as_str() {
            Some(token) => body["nextPageToken"] = token.into(),
            None => return pages,
        }
        assert!(pages.len() < 100, "the search does not end");
    }
}

#[tokio::test]
async fn rows_show_what_was_asked_for_and_nothing_else() {
    let (mut world, issues) = small_world();
    world.edit(issues[0], &[("summary", "new".into())]).unwrap();
    let site = Site::cloud(world).await;
    for (fields, expand, members, some_fields) in [
        (json!(null), "", "id", ""),
        (json!(["id"]), "", "id", ""),
        (json!(["key"]), "", "expand id key self", ""),
        (json!(["updated"]), "", "expand fields id key self", "updated"),
        (json!(["id", "created", "updated"]), "", "expand fields id key self", "created updated"),
        (json!(["updated"]), "changelog", "changelog expand fields id key self", "updated"),
        (json!(["nonsense"]), "", "expand id key self", ""),
    ] {
        let mut body = json!({"jql": "key = P-1", "fields": fields, "expand": expand});
        if fields.is_null() {
            body.as_object_mut().unwrap().remove("fields");
        }
        let (_, page) = site.post_v3("search/jql", body).await;
        let names = |value: &Value| -> String {
            let names: Vec<_> =
                value.as_object().map_or(Vec::new(), |map| map.keys().cloned().collect());
            names.join(" ")
        };
        assert_eq!(names(&page["issues"][0]), members, "{fields}");
        assert_eq!(names(&page["issues"][0]["fields"]), some_fields, "{fields}");
    }
    for (fields, shown, hidden) in [
        ("*all", "comment", "x"),
        ("*all,-comment", "summary", "comment"),
        ("-summary", "status", "comment"),
    ] {
        let (_, page) = site.v3(&format!("search/jql?jql=key=P-1&fields={fields}")).await;
        assert!(page["issues"][0]["fields"].get(shown).is_some(), "{fields}");
        assert!(page["issues"][0]["fields"].get(hidden).is_none(), "{fields}");
    }
    let (_, page) = site.v3("search/jql?jql=key=P-1&fields=updated&expand=names,schema").await;
    assert_eq!(
        (page["names"].clone(), page["schema"]["updated"]["type"].clone()),
        (json!({"updated": "Updated"}), json!("datetime"))
    );
}

#[tokio::test]
async fn pages_are_as_long_as_their_fields_allow() {
    let mut world = small_world().0;
    world.create_many("P", 6_000).unwrap();
    let site = Site::cloud(world).await;
    site.server.configure(|config| config.cloud.page_cap = 300);
    for (fields, asked, rows) in [
        (json!(["id"]), json!(null), 50),
        (json!(["id"]), json!(9_000), 5_000),
        (json!(["key"]), json!(5_000), 5_000),
        (json!(["updated"]), json!(5_000), 300),
        (json!(["updated"]), json!(7), 7),
        (json!(["*all"]), json!(5_000), 100),
        (json!(["*navigable"]), json!(5_000), 100),
        (json!(["-summary"]), json!(5_000), 100),
    ] {
        let mut body = json!({"jql": "project = P", "fields": fields});
        if !asked.is_null() {
            body["maxResults"] = asked.clone();
        }
        let (_, page) = site.post_v3("search/jql", body).await;
        assert_eq!(ids(&page).len(), rows, "{fields} {asked}");
        assert!(page["nextPageToken"].is_string(), "{fields} {asked}");
    }
}

#[tokio::test]
async fn what_cloud_does_not_run_is_refused_in_its_words() {
    let site = Site::cloud(small_world().0).await;
    let payload = "Invalid request payload. Refer to the REST API documentation and try again.";
    let unbounded = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.";
    for (body, message) in [
        (json!({"jql": ""}), unbounded),
        (json!({"jql": "ORDER BY updated"}), unbounded),
        (json!({}), unbounded),
        (
            json!({"jql": "project = P ORDER BY key, key, key, key, key, key, key, key"}),
            "The ORDER BY clause cannot contain more than 7 fields.",
        ),
        (
            json!({"jql": "project = NOPE"}),
            "The value 'NOPE' does not exist for the field 'project'.",
        ),
        (
            json!({"jql": "project = P", "maxResults": 0}),
            "The maxResults must be a positive number.",
        ),
        (json!({"jql": "project = P", "startAt": 0}), payload),
        (json!({"jql": "project = P", "validateQuery": false}), payload),
        (
            json!({"jql": "project = P", "nextPageToken": "abc"}),
            "The provided next page token is invalid.",
        ),
    ] {
        let (status, refused) = site.post_v3("search/jql", body.clone()).await;
        assert_eq!((status, refused["errorMessages"][0].as_str()), (400, Some(message)), "{body}");
    }
    let (status, refused) = site.post_v3("search/approximate-count", json!({"jql": ""})).await;
    assert_eq!((status, refused["errorMessages"][0].as_str()), (400, Some(unbounded)));
    for version in ["2", "3", "latest"] {
        let url = format!("{}/rest/api/{version}/search?jql=project=P", site.server.base_url());
        for request in [site.client.get(&url), site.client.post(&url).json(&json!({}))] {
            let gone = request.send().await.unwrap();
            assert_eq!(gone.status(), 410);
            let body: Value = gone.json().await.unwrap();
            let text = body["errorMessages"][0].as_str().unwrap();
            assert!(text.starts_with("The requested API has been removed."), "{text}");
        }
    }
    site.server.configure(|config| config.flavor = Flavor::Server);
    assert_eq!(site.v3("search/jql?jql=project=P").await.0, 404);
}

#[tokio::test]
async fn clauses_that_clients_send_are_understood() {
    let (mut world, issues) = small_world();
    world.clear_updated(issues[2]).unwrap();
    world.move_issue(issues[1], "Q").unwrap();
    let site = Site::cloud(world).await;
    let second = at("2024-05-01T10:01:01.000Z");
    for (jql, expected) in [
        (format!("project = \"P\" AND updated >= {second} ORDER BY updated ASC, key ASC"), ""),
        (format!("created < {second} ORDER BY created ASC, key ASC"), "P-1"),
        (format!("created >= {second} ORDER BY created ASC, key ASC"), "Q-2 P-3 Q-1"),
        ("key = \"P-1\"".to_owned(), "P-1"),
        ("project = P AND updated is EMPTY".to_owned(), "P-3"),
        ("id in (10000, 10003, 4711) ORDER BY key".to_owned(), "P-1 Q-1"),
        // What does not exist, or is no key at all, is nothing and no error.
        ("id > 123".to_owned(), ""),
        ("key = P-99".to_owned(), ""),
        ("key = nonsense".to_owned(), ""),
        ("key > P-2".to_owned(), ""),
        ("key in (P-99, Q-1)".to_owned(), "Q-1"),
    ] {
        let (status, page) =
            site.post_v3("search/jql", json!({"jql": jql, "fields": ["key"]})).await;
        assert_eq!((status, keys(&page).join(" ").as_str()), (200, expected), "{jql}");
    }
}

#[tokio::test]
async fn following_the_tokens_shows_every_row_once() {
    let site = Site::cloud(dense_world()).await;
    let all: BTreeSet<IssueId> = site.server.world().issues("P").map(jira_sim::Issue::id).collect();
    for (jql, size) in [
        (IN_ORDER, 1),
        (IN_ORDER, 4),
        (IN_ORDER, 23),
        ("project = P ORDER BY created ASC, key ASC", 5),
        ("project = P ORDER BY updated DESC", 5),
        ("project = P ORDER BY key DESC", 7),
        ("project = P", 6),
        ("project in (P) AND updated >= 0 ORDER BY updated ASC, key ASC", 3),
    ] {
        let pages = follow(&site, json!({"jql": jql, "maxResults": size}), |_| {}).await;
        let rows: Vec<IssueId> = pages.concat();
        assert_eq!(rows.len(), 23, "{jql}");
        assert_eq!(rows.iter().copied().collect::<BTreeSet<_>>(), all, "{jql}");
        assert!(pages.iter().all(|page| !page.is_empty() && page.len() <= size), "{jql}");
    }
}

#[tokio::test]
async fn an_issue_touched_meanwhile_moves_behind_and_is_seen_again() {
    let site = Site::cloud(dense_world()).await;
    let body = json!({"jql": IN_ORDER, "maxResults": 5});
    let first = site.server.world().issues("P").next().unwrap().id();
    let last = site.server.world().issues("P").last().unwrap().id();
    let pages = follow(&site, body, |page| {
        let mut world = site.server.world_mut();
        world.advance(Duration::from_secs(10));
        if page == 2 {
            world.touch(first).unwrap();
            world.delete(last).unwrap();
        }
    })
    .await;
    let rows = pages.concat();
    assert_eq!(rows.iter().filter(|id| **id == first).count(), 2);
    assert_eq!((rows[0], *rows.last().unwrap()), (first, first));
    assert!(!rows.contains(&last));
    assert_eq!(rows.len(), 23);
}

#[tokio::test]
async fn searches_and_counts_lag_behind_the_documents() {
    let (mut world, issues) = small_world();
    world.set_index_lag(IndexLag::All(60_000));
    world.touch(issues[0]).unwrap();
    let created = world.create_many("P", 2).unwrap();
    let site = Site::cloud(world).await;
    let count = async || {
        site.post_v3("search/approximate-count", json!({"jql": "project = P"})).await.1["count"]
            .as_u64()
    };
    assert_eq!(count().await, Some(3));
    let listed = follow(&site, json!({"jql": IN_ORDER}), |_| {}).await.concat();
    assert_eq!(listed, [issues[0], issues[1], issues[2]]);
    let (_, fetched) =
        site.post_v3("issue/bulkfetch", json!({"issueIdsOrKeys": [created[0].to_string()]})).await;
    assert_eq!(ids(&fetched), [created[0]]);
    site.server.world_mut().advance(Duration::from_secs(60));
    assert_eq!(count().await, Some(5));
    let listed = follow(&site, json!({"jql": IN_ORDER}), |_| {}).await.concat();
    assert_eq!(listed, [issues[1], issues[2], issues[0], created[0], created[1]]);
}

#[tokio::test]
async fn a_ghost_makes_a_page_shorter_without_ending_it() {
    let (mut world, issues) = small_world();
    world.delete_leaving_ghost(issues[0]).unwrap();
    let site = Site::cloud(world).await;
    let pages = follow(&site, json!({"jql": IN_ORDER, "maxResults": 1}), |_| {}).await;
    assert_eq!(pages, [vec![], vec![issues[1]], vec![issues[2]]]);
}

#[tokio::test]
async fn the_last_page_has_no_token_and_may_or_may_not_say_so() {
    for (policy, said) in
        [(IsLast::Always, vec![8]), (IsLast::Never, vec![0]), (IsLast::Sometimes, (1..8).collect())]
    {
        let mut config = SimConfig::cloud();
        config.cloud.is_last = policy;
        let site = Site::start(config, small_world().0).await;
        let mut counted = 0;
        for asked in [1, 3, 4, 50, 1, 3, 4, 50] {
            let (_, page) =
                site.post_v3("search/jql", json!({"jql": IN_ORDER, "maxResults": asked})).await;
            assert_eq!(page["nextPageToken"].is_string(), asked == 1, "{asked}");
            counted += usize::from(page.get("isLast").is_some());
            if let Some(last) = page["isLast"].as_bool() {
                assert_eq!(last, asked != 1);
            }
        }
        assert!(said.contains(&counted), "{policy:?}: {counted}");
    }
}

#[tokio::test]
async fn both_flavours_list_the_same_rows_of_one_world() {
    let world = generate(&WorldProfile::new("GEN", 400, 21)).unwrap();
    let site = Site::cloud(world).await;
    let jql = "project = GEN ORDER BY updated ASC, key ASC";
    let body = json!({"jql": jql, "maxResults": 150, "fields": ["updated"]});
    let cloud = follow(&site, body, |_| {}).await.concat();
    site.server.configure(|config| config.flavor = Flavor::Server);
    let server = site.search(json!({"jql": jql, "maxResults": 1000, "fields": ["updated"]})).await;
    assert_eq!(cloud, ids(&server));
    assert_eq!(cloud.len(), 400);
}
