//! Time in status and cycle times of an issue whose course is known.

use std::time::Duration;

use jira_sim::{Draft, World};
use serde_json::{Value, json};

use super::rows;
use crate::app::App;

const START: i64 = 1_704_100_000_000;
const HOUR: Duration = Duration::from_secs(3_600);

/// One issue each hour somewhere else: begun in a status that is gone, done, reopened, done again.
fn world() -> World {
    let mut world = World::new(START);
    world.add_project("P", "P");
    let gone = json!({"id": "77", "name": "Legacy"});
    let id = world.create("P", Draft::new("one").field("status", gone)).unwrap();
    world.create("P", Draft::new("two")).unwrap();
    for status in ["Open", "In Progress", "Resolved", "Closed", "In Progress", "Done"] {
        world.advance(HOUR);
        world.edit(id, &[("status", status.into())]).unwrap();
    }
    world.advance(HOUR);
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issue_s_stays_and_its_cycle_are_what_they_were() {
    let app = App::new(world()).await;
    app.backfill("P").await.unwrap();
    let stays = rows(
        &app,
        "SELECT status, category, status_exists, is_open, seconds FROM jira.status_durations
         WHERE key = 'P-1' ORDER BY stay",
    )
    .await;
    let text: Vec<String> = stays
        .iter()
        .map(|row| {
            format!("{} {}", row["status"].as_str().unwrap(), row["category"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        text,
        [
            "Legacy new",
            "Open new",
            "In Progress indeterminate",
            "Resolved done",
            "Closed done",
            "In Progress indeterminate",
            "Done done"
        ]
    );
    assert_eq!(stays[0]["status_exists"], false);
    assert!(stays[..6].iter().all(|row| row["seconds"] == 3_600 && row["is_open"] == false));
    assert!(stays[6]["is_open"] == true && stays[6]["seconds"].as_f64() > Some(3_600.0));

    let cycles = rows(
        &app,
        "SELECT key, is_done, times_reopened, lead_secs, cycle_secs, new_secs, in_progress_secs,
             extract(epoch FROM first_done_at - created)::int AS done_after
         FROM jira.cycle_times ORDER BY key",
    )
    .await;
    assert_eq!(
        cycles[0],
        json!({"key": "P-1", "is_done": true, "times_reopened": 1, "lead_secs": 21_600,
            "cycle_secs": 14_400, "new_secs": 7_200, "in_progress_secs": 7_200,
            "done_after": 10_800})
    );
    assert_eq!((&cycles[1]["is_done"], &cycles[1]["cycle_secs"]), (&json!(false), &Value::Null));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_issue_stays_in_its_last_status_until_it_was_marked() {
    let app = App::new(world()).await;
    app.backfill("P").await.unwrap();
    let mark = "UPDATE jira.issues SET deleted_reason = 'not_found',
        deleted_at = to_timestamp(1704100000) + interval '1 day' WHERE key = 'P-2'";
    sqlx::query(mark).execute(&app.pool).await.unwrap();
    let stays =
        rows(&app, "SELECT seconds, is_open FROM jira.status_durations WHERE key = 'P-2'").await;
    assert_eq!(stays, [json!({"seconds": 86_400, "is_open": false})]);
    let then = |hours: u32| {
        format!("SELECT count(*) FROM jira.issue_as_of(to_timestamp(1704100000) + interval '{hours} hours')
            WHERE key = 'P-2'")
    };
    assert_eq!((app.number(&then(23)).await, app.number(&then(24)).await), (1, 0));
}
