//! Several processes of the service at one database: killed, put to sleep past their leases, and
//! helping each other.

use jira_sim::{Action, Endpoint, Gate, When};
use nix::sys::signal::Signal;

use super::{assert_nothing_leased, runs, service, slow, until, world};
use crate::app::App;
use crate::binary::Home;
use crate::compare::assert_equal;

/// Shorter than the usual half minute, and longer than the time between two heartbeats.
const SHORT_LEASE: &str = "CREATE OR REPLACE FUNCTION extractor.worker_ttl() RETURNS interval
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT interval '8 seconds' $$";

const TOKEN: &str = "SELECT coalesce(max(lease_token), 0)::bigint FROM extractor.cursors
    WHERE project_key = 'ONE'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_three_two_are_killed_and_one_sleeps_past_its_lease_and_all_ends_equal() {
    let projects = [("ONE", 200), ("TWO", 200), ("THREE", 200)];
    let (app, home) = (App::with_config(slow(), world(&projects)).await, Home::new());
    sqlx::query(SHORT_LEASE).execute(&app.pool).await.unwrap();
    let gate = Gate::new();
    app.sim.faults().on(Endpoint::SearchHydrate, When::Nth(4), Action::StallUntil(gate.clone()));
    let program = service(&home, &app, "ONE,THREE,TWO", "1h").set("sync.max_runs", "1");
    let mut sleeper = program.start();
    gate.reached_by(1).await;
    sleeper.signal(Signal::SIGSTOP);
    gate.release();
    assert_eq!(app.number(TOKEN).await, 1, "the first process has the first project");

    // The others have the rest, and the first project when its holder has said nothing for so long.
    let others = service(&home, &app, "ONE,THREE,TWO", "1h").set("sync.max_runs", "3");
    let (second, third) = (others.start(), others.start());
    until(&app, TOKEN, |token| token >= 2).await;
    // One without a run may have helped with the queue meanwhile, so little may be left to go on with.
    let resumed = "SELECT count(*) FROM extractor.runs WHERE project_key = 'ONE' AND resumes = 1";
    until(&app, resumed, |runs| runs == 1).await;
    for other in [second, third] {
        other.signal(Signal::SIGKILL);
        assert_eq!(other.ended().await.code, None);
    }

    sleeper.signal(Signal::SIGCONT);
    sleeper.says("another process has taken the project over").await;
    for project in ["ONE", "TWO", "THREE"] {
        until(&app, &runs(project, "completed"), |runs| runs == 1).await;
    }
    sleeper.terminate();
    sleeper.ended().await.with(0);
    for project in ["ONE", "TWO", "THREE"] {
        assert_equal(&app, project).await;
    }
    let held = "SELECT count(*) FROM extractor.cursors WHERE lease_worker IS NOT NULL";
    assert_eq!(app.number(held).await, 0);
    let left = "SELECT count(*) FROM extractor.pending";
    assert_eq!(app.number(left).await, 0);
    let failures = "SELECT count(*) FROM extractor.failures";
    assert_eq!(app.number(failures).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_without_work_helps_the_others() {
    let (app, home) = (App::with_config(slow(), world(&[("PROJ", 300)])).await, Home::new());
    let gate = Gate::new();
    app.sim.faults().on(Endpoint::SearchHydrate, When::Nth(1), Action::StallUntil(gate.clone()));
    let program = service(&home, &app, "PROJ", "1h").set("jira.max_in_flight", "1");
    let first = program.start();
    gate.reached_by(1).await;
    let helped = app.sim.requests().expect(4, |seen| seen.wants_whole_issues());
    let mut second = program.start();
    helped.wait().await;
    gate.release();
    until(&app, &runs("PROJ", "completed"), |runs| runs == 1).await;
    second.says("helped to fetch what others had queued").await;
    for program in [first, second] {
        program.terminate();
        program.ended().await.with(0);
    }
    let times = app.times_hydrated();
    assert_eq!(times.len(), 300);
    assert!(times.values().all(|times| *times == 1), "fetched more than once");
    assert_equal(&app, "PROJ").await;
    assert_nothing_leased(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_one_at_a_time_has_a_project_and_each_run_is_done_once() {
    let projects = [("ONE", 20), ("TWO", 20), ("THREE", 20)];
    let (app, home) = (App::new(world(&projects)).await, Home::new());
    let program = service(&home, &app, "ONE,TWO,THREE", "1h");
    let all = [program.start(), program.start(), program.start()];
    for project in ["ONE", "TWO", "THREE"] {
        until(&app, &runs(project, "completed"), |runs| runs == 1).await;
    }
    for program in all {
        program.terminate();
        program.ended().await.with(0);
    }
    assert_eq!(app.number("SELECT count(*) FROM extractor.runs").await, 3);
    assert_nothing_leased(&app).await;
}
