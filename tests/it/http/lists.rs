//! Lists come in pages that leave nothing out; events can be followed; projects and the service tell
//! how they stand.

use std::collections::BTreeSet;

use extractor::clock::{Clock as _, SystemClock};
use extractor::model::{EventLevel, RunId};
use extractor::store::RunEvent;
use serde_json::{Value, json};

use super::stage::Stage;

/// Every row of a list, page by page.
async fn all(stage: &Stage, path: &str, rows: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let at = match &cursor {
            Value::Null => path.to_owned(),
            Value::String(cursor) => format!("{path}&cursor={cursor}"),
            cursor => format!("{path}&cursor={cursor}"),
        };
        let page = stage.get(&at).await.json();
        let rows = page[rows].as_array().unwrap();
        assert!(rows.len() <= 2, "more than was asked for");
        found.extend(rows.iter().cloned());
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            return found;
        }
        assert!(found.len() < 100, "it does not end");
    }
}

#[tokio::test]
async fn runs_come_in_pages_the_newest_first() {
    let projects = ["A", "B", "C", "D", "E"];
    let stage = Stage::of(&projects).await;
    for project in projects {
        stage.start(project).await;
    }
    let first = stage.get("/api/v1/runs?project=C").await.json()["runs"][0]["id"].clone();
    let path = format!("/api/v1/runs/{}/cancel", first.as_str().unwrap());
    stage.post(&path, &Value::Null).await;
    let listed = all(&stage, "/api/v1/runs?limit=2", "runs").await;
    let named: Vec<&str> = listed.iter().map(|run| run["project"].as_str().unwrap()).collect();
    assert_eq!(named, ["E", "D", "C", "B", "A"]);
    let queued = all(&stage, "/api/v1/runs?state=queued&limit=2", "runs").await;
    assert_eq!(queued.len(), 4);
    let cancelled = stage.get("/api/v1/runs?state=cancelled").await.json();
    assert_eq!(cancelled["runs"][0]["id"], first);
    let exact = stage.get("/api/v1/runs?limit=5").await.json();
    assert_eq!((exact["runs"].as_array().unwrap().len(), &exact["next_cursor"]), (5, &Value::Null));
}

#[tokio::test]
async fn failures_come_in_pages_and_tell_what_to_do() {
    let stage = Stage::of(&["PROJ"]).await;
    for (id, project, category) in [
        (11, "PROJ", "temporary"),
        (12, "PROJ", "admin_required"),
        (13, "PROJ", "temporary"),
        (14, "OTHER", "temporary"),
        (15, "PROJ", "temporary"),
    ] {
        sqlx::query(
            "INSERT INTO extractor.failures (site, issue_id, key, project_key, run_id, reason,
                 category, cause, what_to_do, attempts, first_at, last_at, next_try)
             VALUES ('sim', $1, $2, $3, $4, 'it timed out', $5, 'timeout', 'wait', 2, now(), now(),
                 now())",
        )
        .bind(i64::from(id))
        .bind(format!("{project}-{id}"))
        .bind(project)
        .bind(uuid::Uuid::now_v7())
        .bind(category)
        .execute(&stage.pool)
        .await
        .unwrap();
    }
    let ids = |rows: Vec<Value>| -> Vec<i64> {
        rows.iter().map(|row| row["issue_id"].as_i64().unwrap()).collect()
    };
    let path = "/api/v1/failures?limit=2";
    assert_eq!(ids(all(&stage, path, "failures").await), [11, 12, 13, 14, 15]);
    let of_project = format!("{path}&project=PROJ&category=temporary");
    let found = all(&stage, &of_project, "failures").await;
    assert_eq!(found[0]["remedy"], "wait");
    assert_eq!(found[0]["key"], "PROJ-11");
    assert_eq!(ids(found), [11, 13, 15]);
}

#[tokio::test]
async fn a_runs_log_can_be_followed() {
    let stage = Stage::of(&["PROJ"]).await;
    let id = stage.start("PROJ").await.json()["id"].as_str().unwrap().to_owned();
    let run = RunId(id.parse().unwrap());
    let line = |number: u32| RunEvent {
        at: SystemClock.now(),
        level: EventLevel::Info,
        message: format!("line {number}"),
        fields: json!({"page.rows": number}),
    };
    let write = async |lines: std::ops::RangeInclusive<u32>| {
        let lines: Vec<_> = lines.map(|number| (run, line(number))).collect();
        stage.store.record_events(&lines).await.unwrap();
    };
    let path = format!("/api/v1/runs/{id}/events");
    assert_eq!(stage.get(&path).await.json(), json!({"events": [], "next_after": 0}));
    write(1..=5).await;
    let last = stage.get(&format!("{path}?limit=2")).await.json();
    assert_eq!(last["events"][0]["message"], "line 4");
    assert_eq!(last["events"][1]["fields"], json!({"page.rows": 5}));
    let after = last["next_after"].as_i64().unwrap();
    write(6..=6).await;
    let more = stage.get(&format!("{path}?after={after}")).await.json();
    assert_eq!(more["events"].as_array().unwrap().len(), 1);
    assert_eq!(more["events"][0]["message"], "line 6");
    let none = stage.get(&format!("{path}?after={}", more["next_after"])).await.json();
    assert_eq!(none, json!({"events": [], "next_after": more["next_after"]}));
}

#[tokio::test]
async fn projects_and_the_service_tell_how_they_stand() {
    let stage = Stage::of(&["PROJ", "QUIET"]).await;
    stage.start("PROJ").await;
    let projects = stage.get("/api/v1/projects").await.json();
    let keys: BTreeSet<&str> = projects["projects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|project| project["key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, BTreeSet::from(["PROJ", "QUIET"]));
    let project = &projects["projects"][0];
    assert_eq!(project["followed"], true);
    assert_eq!(project["last_run"]["state"], "queued");
    assert!(project["next_run_at"].is_string() && project["lag_secs"].is_null());

    let status = stage.get("/api/v1/status").await.json();
    assert_eq!((&status["phase"], &status["ready"]), (&json!("running"), &json!(true)), "{status}");
    assert_eq!(status["site"], "sim");
    assert_eq!(status["jira"]["up"], true);
}
