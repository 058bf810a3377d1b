//! One issue that cannot be had whole hurts no other, is named with its reason, and heals.

use std::collections::BTreeSet;
use std::time::Duration;

use extractor::model::{FailureCategory, RunKind, RunState, Site, Verdict};
use jira_sim::{Action, CostModel, Gate, IssueId, SimConfig, World, WorldProfile, generate};
use rstest::rstest;

use crate::app::{App, SITE};
use crate::compare::storable;
use crate::compare::{assert_equal, assert_equal_but_for};

const ISSUES: usize = 120;

async fn app() -> App {
    let world = generate(&WorldProfile::new("PROJ", ISSUES, 9).plain(600)).unwrap();
    App::new(world).await
}

fn nth(app: &App, n: usize) -> IssueId {
    app.sim.world().issues("PROJ").nth(n).unwrap().id()
}

#[rstest]
#[case::a_delta(RunKind::Delta)]
#[case::a_backfill(RunKind::Backfill)]
#[tokio::test]
async fn poisoned_issues_fail_alone_are_named_and_are_healed_by(#[case] healer: RunKind) {
    let mut app = app().await;
    app.options.batch_size = 16;
    app.options.timeout = Duration::from_millis(1_500);
    app.options.hub_timeout = Duration::from_millis(1_500);
    let poisons = [
        (nth(&app, 3), Action::MalformedJson, FailureCategory::AdminRequired, "not the expected"),
        (nth(&app, 40), Action::Fail(500), FailureCategory::AdminRequired, "status 500"),
        (
            nth(&app, 80),
            Action::StallUntil(Gate::new()),
            FailureCategory::Temporary,
            "did not answer",
        ),
    ];
    for (id, action, _, _) in &poisons {
        app.sim.faults().poison(*id, action.clone());
    }
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!(report.state, RunState::Incomplete);
    assert_eq!(report.certificate.verdict, Verdict::Failures);
    assert_eq!(report.counters.failed, 3);
    // A few fields of each came, and everything of the others.
    assert_eq!(app.number("SELECT count(*) FROM jira.issues").await, ISSUES as i64);
    let few = "SELECT count(*) FROM jira.issues WHERE tier = 'minimal' AND summary IS NOT NULL";
    assert_eq!(app.number(few).await, 3);
    assert_equal_but_for(&app, "PROJ", &poisons.each_ref().map(|poison| poison.0)).await;
    let failures = app.store.list_failures(Some(&Site::new(SITE)), None, 10).await.unwrap();
    assert_eq!(failures.len(), 3);
    for (id, _, category, reason) in &poisons {
        let found = failures.iter().find(|found| found.failure.id.0 == *id as i64).unwrap();
        assert_eq!(found.failure.category, *category, "{found:?}");
        assert!(found.failure.reason.contains(reason), "{found:?}");
        assert!(!found.failure.what_to_do.is_empty());
        assert_eq!(found.run, report.run);
    }

    app.sim.faults().clear();
    make_failures_due(&app).await;
    let report = app.watched("PROJ", healer).await.unwrap();
    assert_eq!((report.kind, report.state), (healer, RunState::Completed));
    assert_eq!(report.certificate.verdict, Verdict::Complete);
    assert_eq!(app.number("SELECT count(*) FROM extractor.failures").await, 0);
    assert_eq!(app.times_hydrated().len(), 3, "only what had failed");
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn a_failure_is_counted_again_while_it_lasts_and_waits_longer_each_time() {
    let app = app().await;
    app.sim.faults().poison(nth(&app, 7), Action::WrongShape);
    app.backfill("PROJ").await.unwrap();
    for attempts in 2..4_u32 {
        make_failures_due(&app).await;
        let report = app.delta("PROJ").await.unwrap();
        assert_eq!(report.certificate.verdict, Verdict::Failures, "{report:?}");
        let failures = app.store.list_failures(None, None, 10).await.unwrap();
        assert_eq!(failures[0].attempts, attempts);
        let wait = failures[0].next_try - failures[0].last_at;
        assert_eq!(wait.num_minutes(), 15 << (attempts - 1));
    }
}

#[tokio::test]
async fn a_batch_that_takes_too_long_is_halved_until_all_of_it_arrives() {
    let mut app = app().await;
    app.options.timeout = Duration::from_millis(1_000);
    app.options.max_in_flight = 1;
    let per_issue = Duration::from_millis(30);
    app.sim.configure(|config| config.cost = CostModel { per_issue, ..CostModel::default() });
    let report = app.watched("PROJ", RunKind::Backfill).await.unwrap();
    assert_eq!(report.state, RunState::Completed, "{report:?}");
    let asked = app.sim.requests().hydrations();
    let largest = asked.iter().filter_map(|record| record.seen.max_results).max();
    assert!(largest > Some(33), "at first more was asked for than fits the time: {largest:?}");
    assert_eq!(app.number("SELECT count(*) FROM extractor.failures").await, 0);
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn worklogs_beyond_the_twenty_that_come_inline_are_completed() {
    let app = app().await;
    let id = nth(&app, 11);
    {
        let mut world = app.sim.world_mut();
        for minutes in 1..=67 {
            world.add_worklog(id, minutes * 60).unwrap();
        }
        world.advance(Duration::from_secs(60));
    }
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!(report.certificate.verdict, Verdict::Complete);
    let sql = format!("SELECT count(*) FROM jira.worklogs WHERE issue_id = {id}");
    assert_eq!(app.number(&sql).await, 67);
    assert_equal(&app, "PROJ").await;
    // One fewer afterwards: absence from the completed list is deletion.
    {
        let mut world = app.sim.world_mut();
        let first = world.issue(id).unwrap().worklogs()[0].id;
        world.delete_worklog(id, first).unwrap();
        world.advance(Duration::from_secs(60));
    }
    app.delta("PROJ").await.unwrap();
    assert_eq!(app.number(&sql).await, 66);
}

#[tokio::test]
async fn text_that_postgres_cannot_hold_is_replaced_and_its_issues_are_marked() {
    let mut world = generate(&WorldProfile::new("PROJ", 700, 4)).unwrap();
    let id = world.issues("PROJ").next().unwrap().id();
    let odd = "a\u{0}b \\u0000 \u{1f600}";
    world.edit(id, &[("summary", odd.into()), ("customfield_1", odd.into())]).unwrap();
    world.advance(Duration::from_secs(60));
    let repaired = issues_to_repair(&world);
    assert!(repaired.len() > 5, "{} issues with text to repair", repaired.len());
    let app = App::new(world).await;
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!(report.certificate.verdict, Verdict::Complete);
    let sql = format!(
        "SELECT count(*) FROM jira.issues WHERE id = {id}
         AND summary = E'a\\uFFFDb \\\\u0000 \\U0001F600'"
    );
    assert_eq!(app.number(&sql).await, 1);
    let marked: Vec<(i64,)> =
        sqlx::query_as("SELECT id FROM jira.issues WHERE text_repaired ORDER BY id")
            .fetch_all(&app.pool)
            .await
            .unwrap();
    let marked: BTreeSet<i64> = marked.into_iter().map(|(id,)| id).collect();
    assert_eq!(marked, repaired);
    assert_equal(&app, "PROJ").await;
}

/// Issues with a NUL or a lone surrogate anywhere in what is served of them.
fn issues_to_repair(world: &World) -> BTreeSet<i64> {
    let odd = |json: String| storable(&json) != json;
    world
        .issues("PROJ")
        .filter(|issue| odd(issue.fields_json()) || odd(issue.changelog_json()))
        .map(|issue| issue.id() as i64)
        .collect()
}

/// Lets the time pass that a failure waits before it is tried again.
async fn make_failures_due(app: &App) {
    sqlx::query("UPDATE extractor.failures SET next_try = clock_timestamp()")
        .execute(&app.pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_cap_on_the_instances_pages_does_not_lose_issues_of_a_batch() {
    let world = generate(&WorldProfile::new("PROJ", ISSUES, 9).plain(600)).unwrap();
    let config = SimConfig { silent_page_cap: Some(7), ..SimConfig::default() };
    let app = App::with_config(config, world).await;
    let report = app.watched("PROJ", RunKind::Backfill).await.unwrap();
    assert_eq!(report.state, RunState::Completed, "{report:?}");
    assert!(app.times_hydrated().values().all(|times| *times == 1));
    assert_equal(&app, "PROJ").await;
}
