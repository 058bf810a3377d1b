//! Every command of the real program: what it does, how it ends, and what its JSON has.

use std::collections::BTreeMap;
use std::time::Duration;

use jira_sim::{SimConfig, World, WorldProfile, generate, populate};
use serde_json::Value;
use sqlx::AssertSqlSafe;

use crate::app::{App, new_database};
use crate::binary::{Home, assert_keys};
use crate::compare::assert_equal;

const ISSUES: usize = 70;

const COUNTERS: [&str; 8] =
    ["listed", "unchanged", "queued", "hydrated", "written", "gone", "failed", "pages"];
const RUN: [&str; 12] = [
    "project",
    "run_id",
    "kind",
    "state",
    "resumed",
    "counters",
    "listing",
    "certificate",
    "requests",
    "bytes",
    "elapsed_secs",
    "exit_code",
];
const CERTIFICATE: [&str; 20] = [
    "as_of",
    "counted",
    "basis",
    "listed",
    "stored",
    "failed",
    "attempts",
    "verdict",
    "findings",
    "tiers",
    "incomplete",
    "healed",
    "moved",
    "tombstoned",
    "refused",
    "unlisted",
    "outside_filter",
    "unreplayed",
    "index",
    "conclusion",
];
const CURSOR: [&str; 9] = [
    "site",
    "project",
    "completed_until",
    "last_run_id",
    "max_index_lag_secs",
    "reconciled_at",
    "reconcile_run_id",
    "held_by",
    "updated_at",
];

fn world() -> World {
    let mut world = generate(&WorldProfile::new("PROJ", ISSUES, 51).plain(700)).unwrap();
    populate(&mut world, &WorldProfile::new("OPS", 30, 52).plain(700)).unwrap();
    world
}

async fn app() -> (App, Home) {
    (App::new(world()).await, Home::new())
}

/// How many rows each table of ours has.
async fn rows(app: &App) -> BTreeMap<String, i64> {
    let tables: Vec<(String,)> = sqlx::query_as(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables
         WHERE table_schema IN ('jira', 'extractor') AND table_type = 'BASE TABLE'",
    )
    .fetch_all(&app.pool)
    .await
    .unwrap();
    let mut rows = BTreeMap::new();
    for (table,) in tables {
        let count = app.number(&format!("SELECT count(*) FROM {table}")).await;
        rows.insert(table, count);
    }
    rows
}

#[tokio::test]
async fn backfill_has_a_summary_for_people() {
    let (app, home) = app().await;
    let ended = home.extractor_at(&app, "backfill PROJ").run().await.with(0);
    for part in ["PROJ: backfill completed", "written      70", "complete; Jira counts 70, stored"]
    {
        assert!(ended.stdout.contains(part), "no {part:?} in {}", ended.stdout);
    }
    assert!(ended.complaint().is_empty(), "{}", ended.complaint());
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn several_projects_are_backfilled_with_one_document() {
    let (app, home) = app().await;
    let ended = home.extractor_at(&app, "--backfill PROJ,OPS --json").run().await.with(0);
    let json = ended.json();
    assert_keys(&json, &["runs", "exit_code"]);
    let runs = json["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2);
    for (run, (project, issues)) in runs.iter().zip([("PROJ", ISSUES), ("OPS", 30)]) {
        assert_keys(run, &RUN);
        assert_keys(&run["counters"], &COUNTERS);
        assert_keys(&run["certificate"], &CERTIFICATE);
        assert_eq!(run["project"], project);
        assert_eq!((&run["kind"], &run["state"]), (&"backfill".into(), &"completed".into()));
        assert_eq!(run["counters"]["written"], issues);
        assert_eq!(run["certificate"]["counted"], issues);
        assert_eq!(run["certificate"]["verdict"], "complete");
        assert_equal(&app, project).await;
    }
}

#[tokio::test]
async fn sync_backfills_what_is_new_and_then_fetches_what_has_changed() {
    let (app, home) = app().await;
    let sync = home.extractor_at(&app, "sync --once --json").set("sync.projects", "PROJ,OPS");
    let first = sync.run().await.with(0).json();
    assert_eq!(first["runs"][0]["counters"]["written"], ISSUES);
    {
        let mut world = app.sim.world_mut();
        let id = world.issues("PROJ").next().unwrap().id();
        world.edit(id, &[("summary", "changed since".into())]).unwrap();
        world.create_many("PROJ", 3).unwrap();
        // Within the second of a change another could follow unseen, so such issues are asked again.
        world.advance(Duration::from_secs(60));
    }
    let second = sync.run().await.with(0).json();
    assert_eq!(second["runs"][0]["kind"], "delta");
    assert_eq!(second["runs"][0]["counters"]["written"], 4);
    assert_eq!(second["runs"][1]["counters"]["written"], 0);
    assert_equal(&app, "PROJ").await;
    assert_equal(&app, "OPS").await;
    let third = sync.run().await.with(0).json();
    assert_eq!(third["runs"][0]["counters"]["hydrated"], 0);
}

#[tokio::test]
async fn a_dry_backfill_needs_no_database_and_leaves_nothing() {
    let (app, home) = app().await;
    let dry = home.extractor("backfill PROJ OPS --dry-run --json").jira(&app.sim);
    let json = dry.run().await.with(0).json();
    assert_keys(&json, &["dry_runs", "exit_code"]);
    let dry = &json["dry_runs"][0];
    assert_keys(dry, &["project", "lists_from", "counted", "basis", "listed", "requests"]);
    assert_eq!((&dry["counted"], &dry["listed"]), (&ISSUES.into(), &ISSUES.into()));
    assert_eq!(dry["lists_from"], Value::Null);
    assert!(home.entries().is_empty(), "{:?}", home.entries());
    assert!(app.sim.requests().hydrations().is_empty());
}

#[tokio::test]
async fn dry_runs_write_nothing() {
    let (app, home) = app().await;
    home.extractor_at(&app, "--backfill PROJ").run().await.with(0);
    app.sim.world_mut().create_many("PROJ", 3).unwrap();
    let before = rows(&app).await;
    app.sim.requests().clear();
    for command in ["--backfill PROJ --dry-run", "sync PROJ --dry-run", "sync OPS --dry-run"] {
        let ended = home.extractor_at(&app, command).run().await.with(0);
        assert!(ended.stdout.contains("nothing written"), "{}", ended.stdout);
        assert_eq!(rows(&app).await, before, "{command}");
    }
    assert!(app.sim.requests().hydrations().is_empty());
    let delta = home.extractor_at(&app, "sync PROJ --dry-run --json").run().await.with(0).json();
    assert!(delta["dry_runs"][0]["lists_from"].is_string(), "{delta}");
    assert_eq!(delta["dry_runs"][0]["counted"], ISSUES + 3);
}

#[tokio::test]
async fn a_dry_sync_leaves_an_empty_database_empty() {
    let (app, home) = app().await;
    let url = new_database().await;
    let dry = home.extractor_at(&app, "sync PROJ --dry-run").set("database.url", &url);
    dry.run().await.with(0);
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    let sql = "SELECT count(*) FROM information_schema.schemata
               WHERE schema_name IN ('jira', 'extractor')";
    let schemas: i64 =
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&pool).await.unwrap();
    assert_eq!(schemas, 0);
}

#[tokio::test]
async fn check_tells_what_it_finds_and_changes_nothing() {
    let (app, home) = app().await;
    let before = rows(&app).await;
    app.sim.configure(|config| config.auth = jira_sim::Auth::token("right"));
    let check = home.extractor_at(&app, "check PROJ OPS").set("jira.token", "right");
    let text = check.run().await.with(0).stdout;
    for part in ["PostgreSQL", "up to date", "logged in as", "time zone is", "has 70 issues"] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    let json = check.arguments(&["--json"]).run().await.with(0).json();
    assert_keys(&json, &["findings", "settings", "exit_code"]);
    for finding in json["findings"].as_array().unwrap() {
        assert_keys(finding, &["about", "level", "message", "what_to_do"]);
        assert_eq!(finding["level"], "ok", "{finding}");
    }
    assert_eq!(rows(&app).await, before);
}

#[tokio::test]
async fn check_ends_with_the_worst_it_finds_and_tells_no_secret() {
    let (app, home) = app().await;
    app.sim.configure(|config| config.auth = jira_sim::Auth::token("right"));
    let check = home.extractor_at(&app, "check PROJ --json").set("jira.token", "wrong-Token-4711");
    let ended = check.run().await.with(77);
    assert!(!ended.stdout.contains("4711") && !ended.stderr.contains("4711"), "{ended:?}");
    assert_eq!(ended.json()["exit_code"], 77);
    let seen = home.extractor_at(&app, "check PROJ NOPE").set("jira.token", "right");
    let seen = seen.run().await.with(77).stdout;
    assert!(seen.contains("has 70 issues") && seen.contains("NOPE does not exist"), "{seen}");
}

#[tokio::test]
async fn status_tells_what_the_database_holds_without_asking_jira() {
    let (app, home) = app().await;
    let status = home.extractor("status").set("database.url", &app.database_url);
    let nothing = status.run().await.with(0).stdout;
    assert!(nothing.contains("nothing has been extracted yet"), "{nothing}");
    home.extractor_at(&app, "--backfill PROJ").run().await.with(0);
    app.sim.requests().clear();
    let text = status.run().await.with(0).stdout;
    assert!(text.contains("PROJ") && text.contains("complete"), "{text}");
    let json = status.arguments(&["--json"]).run().await.with(0).json();
    assert_keys(&json, &["projects", "failures", "exit_code"]);
    let project = &json["projects"][0];
    let keys = "site project issues queue failures cursor behind_secs schedule runs certificate \
                reconcile_schedule reconcile_certificate";
    assert_keys(project, &keys.split(' ').collect::<Vec<_>>());
    assert_keys(
        &project["issues"],
        &["full", "hub", "minimal", "incomplete", "deleted", "tombstones"],
    );
    assert_keys(&project["queue"], &["depth", "leased"]);
    assert_keys(&project["cursor"], &CURSOR);
    assert_keys(&project["certificate"], &CERTIFICATE);
    assert_keys(&project["runs"][0]["counters"], &COUNTERS);
    assert_eq!(project["issues"]["full"], ISSUES);
    assert_eq!(project["runs"][0]["shown_state"], "completed");
    assert!(app.sim.requests().all().is_empty());
}

#[tokio::test]
async fn a_cursor_that_is_reset_lists_from_the_beginning_and_fetches_nothing_twice() {
    let (app, home) = app().await;
    let cursor = |arguments: &str| {
        home.extractor(&format!("cursor {arguments}")).set("database.url", &app.database_url)
    };
    let none = cursor("").run().await.with(0).stdout;
    assert!(none.contains("no project has a cursor yet"), "{none}");
    cursor("reset PROJ").run().await.with(64).complaining("there is no cursor of project PROJ");
    home.extractor_at(&app, "--backfill PROJ").run().await.with(0);
    let listed = cursor("list --json").run().await.with(0).json();
    assert_keys(&listed, &["cursors", "exit_code"]);
    assert_keys(&listed["cursors"][0], &CURSOR);
    assert!(listed["cursors"][0]["completed_until"].is_string(), "{listed}");
    let reset = cursor("reset PROJ --json").run().await.with(0).json();
    assert_keys(&reset, &["site", "project", "exit_code"]);
    let listed = cursor("list --json").run().await.with(0).json();
    assert_eq!(listed["cursors"][0]["completed_until"], Value::Null);
    app.sim.requests().clear();
    let again = home.extractor_at(&app, "sync PROJ --json").run().await.with(0).json();
    assert_eq!(again["runs"][0]["counters"]["listed"], ISSUES);
    assert_eq!(again["runs"][0]["counters"]["hydrated"], 0);
    assert!(app.sim.requests().hydrations().is_empty());
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn migrations_are_applied_once_and_only_when_they_may_be() {
    let (app, home) = app().await;
    let url = new_database().await;
    let migrate = home.extractor("migrate --json").set("database.url", &url);
    let forbidden = home.extractor_at(&app, "--backfill PROJ --no-migrate");
    let forbidden = forbidden.set("database.url", &url);
    forbidden.run().await.with(78).complaining("run `extractor migrate`");
    let first = migrate.run().await.with(0).json();
    assert_keys(&first, &["applied", "exit_code"]);
    let migrations = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations"));
    assert_eq!(first["applied"], migrations.unwrap().count());
    assert_eq!(migrate.run().await.with(0).json()["applied"], 0);
    forbidden.run().await.with(0);
}

#[tokio::test]
async fn an_issue_that_cannot_be_fetched_is_told_and_the_others_are_there() {
    let app = App::with_config(SimConfig::default(), world()).await;
    let home = Home::new();
    let poisoned = app.sim.world().issues("PROJ").nth(7).unwrap().id();
    app.sim.faults().poison(poisoned, jira_sim::Action::MalformedJson);
    let backfill = home.extractor_at(&app, "--backfill PROJ").set("jira.max_attempts", "2");
    let ended = backfill.run().await.with(1);
    assert!(ended.stdout.contains("could not be fetched whole"), "{}", ended.stdout);
    let status = home.extractor("status --json").set("database.url", &app.database_url);
    let status = status.run().await.with(0).json();
    let keys = "site project issue_id key reason category cause what_to_do attempts first_at last_at \
                next_try";
    assert_keys(&status["failures"][0], &keys.split_whitespace().collect::<Vec<_>>());
    assert_eq!(status["failures"][0]["issue_id"], poisoned);
    app.sim.faults().clear();
    backfill.run().await.with(0);
    assert_equal(&app, "PROJ").await;
}
