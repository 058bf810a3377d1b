//! What Jira tells of deleted and changed worklogs, and of its own index.

use std::time::Duration;

use chrono_tz::Tz;
use jira_sim::{Access, Scope, SimConfig, jira_text};
use serde_json::Value;

use crate::site::{Site, answer, small_world};

const MINUTE: Duration = Duration::from_secs(60);

fn ids(page: &Value) -> Vec<u64> {
    let values = page["values"].as_array().unwrap();
    values.iter().map(|value| value["worklogId"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn deleted_worklogs_are_told_oldest_first_but_for_the_last_minute() {
    let (mut world, issues) = small_world();
    let first = world.add_worklog(issues[0], 60).unwrap();
    let second = world.add_worklog(issues[1], 60).unwrap();
    let third = world.add_worklog(issues[1], 60).unwrap();
    world.advance(MINUTE);
    world.silently(|world| world.delete_worklog(issues[1], second)).unwrap();
    let gone = world.now();
    world.advance(MINUTE * 2);
    world.delete_worklog(issues[0], first).unwrap();
    let site = Site::start(SimConfig::default(), world.clone()).await;
    let page = site.json("worklog/deleted?since=0").await;
    assert_eq!((ids(&page), &page["lastPage"]), (vec![second], &Value::Bool(true)));
    assert_eq!(page["values"][0]["updatedTime"], gone);
    assert!(page.get("nextPage").is_none());
    site.server.world_mut().advance(MINUTE);
    assert_eq!(ids(&site.json("worklog/deleted").await), [second, first]);
    assert_eq!(ids(&site.json(&format!("worklog/deleted?since={}", gone + 1)).await), [first]);
    assert_eq!(ids(&site.json("worklog/updated?since=0").await), [third]);
    let cloud = Site::cloud(world).await;
    cloud.server.world_mut().advance(MINUTE);
    assert_eq!(ids(&cloud.v3("worklog/deleted?since=0").await.1), [second, first]);
    assert_eq!(ids(&cloud.v3("worklog/updated?since=0").await.1), [third]);
}

#[tokio::test]
async fn more_than_a_thousand_worklogs_come_in_pages_that_overlap_in_their_last_instant() {
    let (mut world, issues) = small_world();
    let mut all = Vec::new();
    for _ in 0..1_500 {
        let worklog = world.add_worklog(issues[0], 60).unwrap();
        world.delete_worklog(issues[0], worklog).unwrap();
        world.advance(Duration::from_millis(500));
        all.push(worklog);
    }
    world.advance(MINUTE);
    let site = Site::start(SimConfig::default(), world).await;
    let first = site.json("worklog/deleted?since=0").await;
    assert_eq!((ids(&first).len(), &first["lastPage"]), (1_000, &Value::Bool(false)));
    let next = first["nextPage"].as_str().unwrap();
    assert!(next.ends_with(&format!("since={}", first["until"])), "{next}");
    let (_, second) = answer(site.client.get(next)).await;
    assert_eq!((ids(&second).len(), &second["lastPage"]), (501, &Value::Bool(true)));
    let mut told = [ids(&first), ids(&second)].concat();
    told.dedup();
    assert_eq!(told, all);
}

#[tokio::test]
async fn the_index_summary_counts_what_is_there_indexed_and_archived() {
    let (mut world, issues) = small_world();
    let newest = world.issue(issues[3]).unwrap().updated().unwrap();
    world.archive_issue(issues[0]).unwrap();
    world.keep_in_index(&Scope::All, 0.5);
    let site = Site::start(SimConfig::default(), world).await;
    let summary = site.json("index/summary").await;
    let index = &summary["issueIndex"];
    assert!(summary["nodeId"].is_string() && summary["replicationQueues"].is_object());
    assert_eq!(index["indexReadable"], true);
    // The archived one is first in line, and has no entry to keep.
    assert_eq!((&index["countInDatabase"], &index["countInArchive"]), (&4.into(), &1.into()));
    assert_eq!(index["countInIndex"], 1);
    assert_eq!(index["lastUpdatedInDatabase"], at_text(newest));
    assert_ne!(index["lastUpdatedInIndex"], at_text(newest));
    {
        let mut world = site.server.world_mut();
        world.archive_project("P", true);
        world.reindex_to_document(&Scope::All);
        world.set_rebuilding(Some(40));
        world.set_index_readable(false);
    }
    let summary = site.json("index/summary").await;
    assert_eq!(summary["issueIndex"], serde_json::json!({"indexReadable": false}));
    assert_eq!(site.json("reindex").await["currentProgress"], 40);
    site.server.world_mut().set_index_readable(true);
    assert_eq!(site.json("index/summary").await["issueIndex"]["countInArchive"], 3);
}

fn at_text(instant: i64) -> Value {
    Value::String(jira_text(instant, Tz::UTC))
}

#[tokio::test]
async fn feeds_and_the_index_summary_may_be_kept_from_the_caller() {
    let (world, _) = small_world();
    let site = Site::start(SimConfig::default(), world).await;
    let resources = ["worklog/deleted", "worklog/updated", "index/summary", "reindex"];
    for (access, status) in
        [(Access::Open, 200), (Access::Forbidden, 403), (Access::Absent, 404), (Access::Open, 200)]
    {
        site.server.configure(|config| {
            config.worklog_feed = access;
            config.index_summary = access;
        });
        for resource in resources {
            let (got, body) = answer(site.get(resource)).await;
            assert_eq!(got, status, "{resource} {body}");
        }
    }
    site.server.configure(|config| config.auth.expired = true);
    for resource in resources {
        assert_eq!(answer(site.get(resource)).await.0, 401, "{resource}");
    }
}
