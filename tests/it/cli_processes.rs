//! Several processes of the real program at one project, and one that is told to stop.

use std::time::{Duration, Instant};

use jira_sim::{Action, Endpoint, Gate, RetryAfter, Seen, When, World, WorldProfile, generate};
use rstest::rstest;

use crate::app::App;
use crate::binary::{Home, Program};
use crate::compare::assert_equal;
use crate::simulation::{assert_not_fetched_again, settled};

const ISSUES: usize = 300;
const BATCH: usize = 10;

fn world() -> World {
    generate(&WorldProfile::new("PROJ", ISSUES, 61).plain(700)).unwrap()
}

fn in_small_batches(program: Program) -> Program {
    program.set("jira.batch_size", &BATCH.to_string()).set("jira.max_in_flight", "1")
}

fn is_hydration(seen: &Seen) -> bool {
    seen.is_search() && seen.wants_whole_issues()
}

#[tokio::test]
async fn a_worker_that_drains_shares_a_backfill_and_no_issue_is_fetched_twice() {
    let (app, home) = (App::new(world()).await, Home::new());
    // The backfill waits at its first batch until the worker has done a few, so that both have some.
    let gate = Gate::new();
    app.sim.faults().on(Endpoint::SearchHydrate, When::Nth(1), Action::StallUntil(gate.clone()));
    let backfill = in_small_batches(home.extractor_at(&app, "--backfill PROJ --json")).start();
    gate.reached_by(1).await;
    let helped = app.sim.requests().expect(4, is_hydration);
    let worker = in_small_batches(home.extractor_at(&app, "worker --drain --json")).start();
    helped.wait().await;
    gate.release();
    let (backfill, worker) = tokio::join!(backfill.ended(), worker.ended());
    let (backfill, worker) = (backfill.with(0).json(), worker.with(0).json());
    assert_eq!(backfill["runs"][0]["counters"]["written"], ISSUES);
    assert_eq!(backfill["runs"][0]["certificate"]["verdict"], "complete");
    let helped = usize::try_from(worker["issues"].as_u64().unwrap()).unwrap();
    assert!((3 * BATCH..=ISSUES - BATCH).contains(&helped), "the worker fetched {helped}");
    let times = app.times_hydrated();
    assert_eq!(times.len(), ISSUES);
    assert!(times.values().all(|times| *times == 1), "fetched more than once");
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn a_worker_without_work_ends_at_once_when_it_drains() {
    let (app, home) = (App::new(world()).await, Home::new());
    let ended = home.extractor_at(&app, "worker --drain").run().await.with(0);
    assert_eq!(ended.stdout, "0 issues fetched: the queue is empty\n");
}

#[tokio::test]
async fn a_worker_that_is_told_to_stop_stops() {
    let (app, home) = (App::new(world()).await, Home::new());
    let probed = app.sim.requests().expect(1, |seen| seen.resource() == "field");
    let mut worker = home.extractor_at(&app, "worker --log-level debug").start();
    probed.wait().await;
    worker.terminate();
    worker.says("told to end").await;
    worker.ended().await.with(0);
}

#[tokio::test]
async fn a_backfill_that_is_told_to_stop_is_interrupted_and_the_next_goes_on() {
    let (app, home) = (App::new(world()).await, Home::new());
    let gate = Gate::new();
    app.sim.faults().on(Endpoint::SearchHydrate, When::Nth(6), Action::StallUntil(gate.clone()));
    let program = in_small_batches(home.extractor_at(&app, "--backfill PROJ --json"));
    let mut first = program.start();
    gate.reached_by(1).await;
    first.terminate();
    first.says("told to end").await;
    gate.release();
    let first = first.ended().await.with(75).complaining("goes on from the checkpoint");
    assert_eq!(first.json()["error"]["exit_code"], 75);
    let interrupted = "SELECT count(*) FROM extractor.runs
        WHERE state = 'interrupted' AND finished_at IS NOT NULL";
    let held = "SELECT count(*) FROM extractor.cursors WHERE lease_worker IS NOT NULL";
    let leased = "SELECT count(*) FROM extractor.pending WHERE lease_worker IS NOT NULL";
    assert_eq!(app.number(interrupted).await, 1);
    assert_eq!(app.number(held).await, 0);
    assert_eq!(app.number(leased).await, 0);
    let committed = settled(&app.pool, "PROJ").await;
    // The batch that was in flight is stored too: stopping in order loses nothing.
    assert_eq!(committed.len(), app.times_hydrated().len());
    assert!((1..ISSUES).contains(&committed.len()), "{} stored", committed.len());
    let status = home.extractor("status --json").set("database.url", &app.database_url);
    let status = status.run().await.with(0).json();
    assert_eq!(status["projects"][0]["runs"][0]["shown_state"], "interrupted");

    let mark = app.sim.requests().all().len();
    let second = program.run().await.with(0).json();
    assert_eq!(second["runs"][0]["resumed"], true);
    assert_eq!(second["runs"][0]["certificate"]["verdict"], "complete");
    assert_not_fetched_again(&app.sim, "PROJ", &committed, mark);
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn a_second_signal_ends_at_once_and_costs_only_what_is_in_flight() {
    let (app, home) = (App::new(world()).await, Home::new());
    let gate = Gate::new();
    app.sim.faults().on(Endpoint::SearchHydrate, When::Nth(4), Action::StallUntil(gate.clone()));
    let program = in_small_batches(home.extractor_at(&app, "--backfill PROJ"));
    let mut first = program.start();
    gate.reached_by(1).await;
    first.terminate();
    first.says("told to end").await;
    first.terminate();
    first.ended().await.with(143);
    gate.release();
    let committed = settled(&app.pool, "PROJ").await;
    let lost = app.times_hydrated().len() - committed.len();
    assert!(!committed.is_empty() && lost <= BATCH, "{lost} lost of {}", committed.len() + lost);
    let mark = app.sim.requests().all().len();
    program.run().await.with(0);
    assert_not_fetched_again(&app.sim, "PROJ", &committed, mark);
    assert_equal(&app, "PROJ").await;
}

/// Far less than any of the waits that are cut short here.
const PROMPTLY: Duration = Duration::from_secs(60);

#[rstest]
#[case::while_it_asks_who_it_is("--backfill PROJ", Endpoint::Any)]
#[case::while_it_lists("--backfill PROJ", Endpoint::SearchListing)]
#[case::while_it_only_counts("--backfill PROJ --dry-run", Endpoint::SearchListing)]
#[case::while_it_fetches("--backfill PROJ", Endpoint::SearchHydrate)]
#[case::while_it_checks("check PROJ", Endpoint::Any)]
#[tokio::test]
async fn nothing_keeps_it_from_stopping(#[case] command: &str, #[case] endpoint: Endpoint) {
    let (app, home) = (App::new(world()).await, Home::new());
    let matches = endpoint.clone();
    let wait = Action::TooManyRequests(RetryAfter::Seconds(600));
    app.sim.faults().on(endpoint, When::Always, wait);
    let told_to_wait = app.sim.requests().expect(1, move |seen| matches.matches(seen));
    let mut program = home.extractor_at(&app, command).start();
    told_to_wait.wait().await;
    let begun = Instant::now();
    program.terminate();
    program.says("told to end").await;
    program.ended().await.with(75);
    assert!(begun.elapsed() < PROMPTLY, "{:?}", begun.elapsed());
    let running = "SELECT count(*) FROM extractor.runs WHERE state = 'running'";
    assert_eq!(app.number(running).await, 0, "a run that stops says so");
    let held = "SELECT count(*) FROM extractor.cursors WHERE lease_worker IS NOT NULL";
    assert_eq!(app.number(held).await, 0);
    app.sim.faults().clear();
    // What Jira asked for holds for the next process too, unless somebody takes it back.
    let forget = sqlx::query("DELETE FROM extractor.throttles");
    forget.execute(&app.pool).await.unwrap();
    home.extractor_at(&app, "--backfill PROJ").run().await.with(0);
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn one_of_several_projects_that_is_told_to_stop_stops_them_all() {
    let app = App::new(world()).await;
    let ops = WorldProfile::new("OPS", 20, 62).plain(700);
    jira_sim::populate(&mut app.sim.world_mut(), &ops).unwrap();
    let home = Home::new();
    let gate = Gate::new();
    app.sim.faults().on(Endpoint::SearchHydrate, When::Nth(2), Action::StallUntil(gate.clone()));
    let program = in_small_batches(home.extractor_at(&app, "--backfill PROJ,OPS --json"));
    let mut first = program.start();
    gate.reached_by(1).await;
    first.terminate();
    first.says("told to end").await;
    gate.release();
    let told = first.ended().await.with(75).json();
    assert_eq!(told["runs"].as_array().unwrap().len(), 1, "{told}");
    assert_eq!(app.number("SELECT count(*) FROM jira.issues WHERE project_key = 'OPS'").await, 0);
    program.run().await.with(0);
    assert_equal(&app, "PROJ").await;
    assert_equal(&app, "OPS").await;
}
