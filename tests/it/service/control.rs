//! Runs that are asked for over the database, as the run API does: taken up, cancelled, tried again.

use extractor::model::{ProjectKey, RunId, RunKind, Site};
use extractor::store::{Cancelling, Requested, Retrying};
use jira_sim::{Action, Endpoint, Gate, When};

use super::{assert_nothing_leased, runs, service, until, world};
use crate::app::{App, SITE};
use crate::binary::Home;
use crate::compare::assert_equal;

fn key(text: &str) -> ProjectKey {
    text.parse().unwrap()
}

async fn request(app: &App, project: &str, kind: RunKind) -> RunId {
    match app.store.request_run(&Site::new(SITE), &key(project), kind).await.unwrap() {
        Requested::Queued { run, .. } => run,
        Requested::Busy { run } => panic!("{run} is under way"),
    }
}

fn of(run: RunId, state: &str) -> String {
    format!("SELECT count(*) FROM extractor.runs WHERE id = '{run}' AND state = '{state}'")
}

#[tokio::test]
async fn a_run_that_is_asked_for_is_taken_up_at_once_even_of_a_project_that_is_not_followed() {
    let (app, home) = (App::new(world(&[("PROJ", 20), ("OPS", 30)])).await, Home::new());
    let program = service(&home, &app, "PROJ", "1h").start();
    until(&app, &runs("PROJ", "completed"), |runs| runs == 1).await;
    let asked = request(&app, "OPS", RunKind::Backfill).await;
    until(&app, &of(asked, "completed"), |runs| runs == 1).await;
    let again = request(&app, "PROJ", RunKind::Delta).await;
    until(&app, &of(again, "completed"), |runs| runs == 1).await;
    program.terminate();
    program.ended().await.with(0);
    assert_equal(&app, "OPS").await;
    assert_nothing_leased(&app).await;
}

#[tokio::test]
async fn a_run_that_is_asked_for_but_cannot_be_had_is_refused_and_not_tried_for_ever() {
    let (app, home) = (App::new(world(&[("PROJ", 5)])).await, Home::new());
    let asked = request(&app, "NONE", RunKind::Backfill).await;
    let program = service(&home, &app, "PROJ", "1h").start();
    until(&app, &of(asked, "failed"), |runs| runs == 1).await;
    program.terminate();
    program.ended().await.with(0);
    let told = "SELECT count(*) FROM extractor.runs
        WHERE project_key = 'NONE' AND error LIKE '%may not see it%'";
    assert_eq!(app.number(told).await, 1);
}

#[tokio::test]
async fn a_run_is_cancelled_keeps_what_it_has_and_goes_on_when_it_is_tried_again() {
    let (app, home) = (App::new(world(&[("PROJ", 200), ("OPS", 20)])).await, Home::new());
    let gate = Gate::new();
    app.sim.faults().on(Endpoint::SearchHydrate, When::Nth(6), Action::StallUntil(gate.clone()));
    let asked = request(&app, "PROJ", RunKind::Backfill).await;
    let program = service(&home, &app, "OPS", "1h").start();
    gate.reached_by(1).await;
    let cancelling = app.store.request_cancel(asked).await.unwrap();
    assert_eq!(cancelling, Cancelling::Requested);
    until(&app, &of(asked, "cancelled"), |runs| runs == 1).await;
    gate.release();
    let stored = "SELECT count(*) FROM jira.issues WHERE project_key = 'PROJ'";
    let kept = app.number(stored).await;
    assert!((1..200).contains(&kept), "{kept} stored");
    // Others go on meanwhile.
    until(&app, &runs("OPS", "completed"), |runs| runs == 1).await;

    let retrying = app.store.request_retry(asked).await.unwrap();
    assert_eq!(retrying, Retrying::Queued { retries: 1 });
    until(&app, &of(asked, "completed"), |runs| runs == 1).await;
    program.terminate();
    program.ended().await.with(0);
    assert_equal(&app, "PROJ").await;
    assert!(app.times_hydrated().values().all(|times| *times <= 2));
    assert_nothing_leased(&app).await;
}
