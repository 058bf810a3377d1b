//! How the service ends: in order and soon when it is told to, at once when it is told twice, and
//! before it has begun only for what somebody has to mend.

use std::time::{Duration, Instant};

use jira_sim::{Action, Auth, Endpoint, Gate, RetryAfter, SimConfig, SimServer, When};
use rstest::rstest;

use super::{assert_nothing_leased, runs, service, until, world};
use crate::app::App;
use crate::binary::Home;
use crate::compare::assert_equal;
use crate::simulation::{assert_not_fetched_again, settled};

#[tokio::test]
async fn told_to_stop_in_the_middle_of_a_backfill_it_ends_in_order_and_the_next_start_goes_on() {
    let (app, home) = (App::new(world(&[("PROJ", 200)])).await, Home::new());
    let gate = Gate::new();
    app.sim.faults().on(Endpoint::SearchHydrate, When::Nth(6), Action::StallUntil(gate.clone()));
    let program = service(&home, &app, "PROJ", "1h");
    let mut first = program.start();
    gate.reached_by(1).await;
    first.terminate();
    first.says("told to end").await;
    gate.release();
    first.ended().await.with(0);
    assert_eq!(app.number(&runs("PROJ", "interrupted")).await, 1);
    assert_nothing_leased(&app).await;
    let committed = settled(&app.pool, "PROJ").await;
    assert!((1..200).contains(&committed.len()), "{} stored", committed.len());
    let mark = app.sim.requests().all().len();

    let second = program.start();
    until(&app, &runs("PROJ", "completed"), |runs| runs == 1).await;
    second.terminate();
    second.ended().await.with(0);
    let resumed = "SELECT count(*) FROM extractor.runs WHERE resumes = 1";
    assert_eq!(app.number(resumed).await, 1);
    assert_not_fetched_again(&app.sim, "PROJ", &committed, mark);
    assert_equal(&app, "PROJ").await;
}

#[rstest]
#[case::while_it_lists(Endpoint::SearchListing)]
#[case::while_it_fetches(Endpoint::SearchHydrate)]
#[tokio::test]
async fn nothing_keeps_it_longer_than_its_grace(#[case] endpoint: Endpoint) {
    let (app, home) = (App::new(world(&[("PROJ", 50)])).await, Home::new());
    let matches = endpoint.clone();
    let told_to_wait = app.sim.requests().expect(1, move |seen| matches.matches(seen));
    let wait = Action::TooManyRequests(RetryAfter::Seconds(600));
    // The experiments at the start are searches too.
    let prepared = service(&home, &app, "PROJ", "1h").set("shutdown.grace", "6s");
    app.sim.faults().on(endpoint, When::Always, wait);
    let mut program = prepared.start();
    told_to_wait.wait().await;
    let begun = Instant::now();
    program.terminate();
    program.says("told to end").await;
    program.ended().await.with(0);
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
    assert_nothing_leased(&app).await;
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let (app, home) = (App::new(world(&[("PROJ", 50)])).await, Home::new());
    let gate = Gate::new();
    app.sim.faults().on(Endpoint::SearchHydrate, When::Nth(1), Action::StallUntil(gate.clone()));
    let mut program = service(&home, &app, "PROJ", "1h").start();
    gate.reached_by(1).await;
    program.terminate();
    program.says("told to end").await;
    program.terminate();
    program.ended().await.with(143);
    gate.release();
}

#[tokio::test]
async fn before_it_has_begun_only_what_somebody_has_to_mend_ends_it() {
    let home = Home::new();
    home.extractor("run").run().await.with(78).complaining("jira.base_url is not set");
    let app = App::new(world(&[("PROJ", 5)])).await;
    let nothing = service(&home, &app, "", "5m").run().await;
    nothing.with(78).complaining("no project");
    let filter = service(&home, &app, "PROJ", "5m").set("sync.filter", "ORDER BY key");
    filter.run().await.with(78).complaining("sync.filter");

    let auth = Auth::token("the-right-one-of-the-test");
    let secured = SimConfig { auth, ..SimConfig::default() };
    let sim = SimServer::start(secured, world(&[("PROJ", 5)])).await.unwrap();
    let refused = service(&home, &app, "PROJ", "5m").jira(&sim).set("jira.token", "wrong");
    refused.run().await.with(77);
    assert_nothing_leased(&app).await;
}
