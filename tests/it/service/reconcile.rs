//! Reconciles by the service: by their own schedule, beside the deltas, and on request.

use extractor::model::{RunKind, Site};
use extractor::store::{Requested, RunWanted};
use jira_sim::{Issue, IssueId};

use super::{assert_nothing_leased, runs, service, until, world};
use crate::app::{App, SITE};
use crate::binary::Home;
use crate::compare::assert_equal;

const MARKED: &str = "SELECT count(*) FROM jira.issues WHERE deleted_reason = 'not_found'";

fn delete(app: &App, project: &str, issues: usize) {
    let mut world = app.sim.world_mut();
    let ids: Vec<IssueId> = world.issues(project).map(Issue::id).take(issues).collect();
    for id in ids {
        world.delete(id).unwrap();
    }
}

fn of_kind(project: &str, kind: &str) -> String {
    format!("{} AND kind = '{kind}'", runs(project, "completed"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_deleted_is_marked_by_the_schedule_and_deltas_go_on() {
    let (app, home) = (App::new(world(&[("PROJ", 40), ("OPS", 20)])).await, Home::new());
    let program = service(&home, &app, "PROJ,OPS", "1s").set("sync.reconcile_schedule", "2s");
    let program = program.start();
    for project in ["PROJ", "OPS"] {
        until(&app, &of_kind(project, "reconcile"), |runs| runs >= 1).await;
    }
    delete(&app, "PROJ", 2);
    delete(&app, "OPS", 1);
    until(&app, MARKED, |issues| issues == 3).await;
    let proven = "SELECT count(*) FROM extractor.cursors WHERE reconciled_at IS NOT NULL";
    until(&app, proven, |projects| projects == 2).await;
    until(&app, &of_kind("PROJ", "delta"), |runs| runs >= 2).await;
    // One of either kind for each project, whose next is ahead and which nothing has troubled.
    let schedules = "SELECT count(*) FROM extractor.schedules WHERE trouble IS NULL";
    assert_eq!(app.number(schedules).await, 4);
    program.terminate();
    program.ended().await.with(0);
    for project in ["PROJ", "OPS"] {
        assert_equal(&app, project).await;
    }
    assert_nothing_leased(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_reconciled_where_that_is_off() {
    let (app, home) = (App::new(world(&[("PROJ", 10)])).await, Home::new());
    let program = service(&home, &app, "PROJ", "1s").set("sync.reconcile_schedule", "off").start();
    until(&app, &runs("PROJ", "completed"), |runs| runs >= 3).await;
    program.terminate();
    program.ended().await.with(0);
    let reconciles = "SELECT count(*) FROM extractor.runs WHERE kind = 'reconcile'";
    assert_eq!(app.number(reconciles).await, 0);
    assert_eq!(app.number("SELECT count(*) FROM extractor.schedules").await, 1);
}

/// What a first reconcile of many projects at once would be is spread over the interval.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_reconciles_are_spread_and_do_not_hold_up_the_first_extraction() {
    let projects = [("A", 5), ("B", 5), ("C", 5)];
    let (app, home) = (App::new(world(&projects)).await, Home::new());
    let program = service(&home, &app, "A,B,C", "1h").set("sync.reconcile_schedule", "24h").start();
    for (project, _) in projects {
        until(&app, &runs(project, "completed"), |runs| runs == 1).await;
    }
    let ahead = "SELECT count(DISTINCT next_run_at) FROM extractor.schedules
        WHERE kind = 'reconcile'
          AND next_run_at BETWEEN now() - interval '1 minute' AND now() + interval '25 hours'";
    assert_eq!(app.number(ahead).await, 3);
    program.terminate();
    program.ended().await.with(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_asked_for_may_be_allowed_to_mark_more_than_usual() {
    let (app, home) = (App::new(world(&[("PROJ", 60)])).await, Home::new());
    let program = service(&home, &app, "PROJ", "1h").set("sync.reconcile_schedule", "off").start();
    until(&app, &runs("PROJ", "completed"), |runs| runs == 1).await;
    delete(&app, "PROJ", 30);
    let ask = async |allow_mass_delete| {
        let wanted = RunWanted { kind: RunKind::Reconcile, allow_mass_delete };
        let (site, project) = (Site::new(SITE), "PROJ".parse().unwrap());
        let asked = app.store.request_run(&site, &project, wanted).await.unwrap();
        assert!(matches!(asked, Requested::Queued { .. }), "{asked:?}");
    };
    ask(false).await;
    until(&app, &runs("PROJ", "incomplete"), |runs| runs == 1).await;
    assert_eq!(app.number(MARKED).await, 0);
    let free = "SELECT count(*) FROM extractor.cursors WHERE lease_worker IS NOT NULL";
    until(&app, free, |held| held == 0).await;
    ask(true).await;
    until(&app, MARKED, |issues| issues == 30).await;
    until(&app, &of_kind("PROJ", "reconcile"), |runs| runs == 1).await;
    program.terminate();
    program.ended().await.with(0);
    assert_equal(&app, "PROJ").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_run_waits_for_its_next_turn_and_counts_as_no_success() {
    let (app, home) = (App::with_config(super::slow(), world(&[("PROJ", 300)])).await, Home::new());
    let program = service(&home, &app, "PROJ", "1h").start();
    until(&app, &runs("PROJ", "running"), |runs| runs == 1).await;
    let trouble = "UPDATE extractor.schedules SET failures_in_a_row = 2, trouble = 'x',
        trouble_category = 'temporary', trouble_remedy = 'y' WHERE kind = 'delta'";
    sqlx::query(trouble).execute(&app.pool).await.unwrap();
    let run: uuid::Uuid =
        sqlx::query_scalar("SELECT id FROM extractor.runs").fetch_one(&app.pool).await.unwrap();
    app.store.request_cancel(extractor::model::RunId(run)).await.unwrap();
    until(&app, &runs("PROJ", "cancelled"), |runs| runs == 1).await;
    let paused = "SELECT count(*) FROM extractor.schedules WHERE kind = 'delta'
        AND failures_in_a_row = 2 AND trouble = 'x' AND next_run_at > now() + interval '55 minutes'";
    until(&app, paused, |projects| projects == 1).await;
    program.terminate();
    program.ended().await.with(0);
}
