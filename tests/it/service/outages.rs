//! What the service lives through: a Jira and a database that go away and come back.

use extractor::store::private_postgres::{PrivatePostgres, PrivatePostgresSettings};
use jira_sim::{Action, Endpoint, SimServer, When};
use sqlx::postgres::PgPoolOptions;

use super::{assert_nothing_leased, runs, service, slow, until, world};
use crate::app::{App, Options, connect};
use crate::binary::Home;
use crate::compare::assert_equal;

#[tokio::test]
async fn a_jira_that_goes_away_is_waited_for_and_said_once() {
    let (app, home) = (App::new(world(&[("PROJ", 30), ("OPS", 10)])).await, Home::new());
    let prepared = service(&home, &app, "PROJ,OPS", "1s").set("jira.max_outage", "1s");
    let mut program = prepared.set("jira.max_attempts", "2").start();
    until(&app, &runs("PROJ", "completed"), |runs| runs >= 1).await;
    app.sim.faults().on(Endpoint::Any, When::Always, Action::Reset);
    program.says("jira is away, waiting").await;
    app.sim.world_mut().create_many("PROJ", 3).unwrap();
    app.sim.faults().clear();
    program.says("jira is back").await;
    let stored = "SELECT count(*) FROM jira.issues WHERE project_key = 'PROJ'";
    until(&app, stored, |issues| issues == 33).await;
    let well = "SELECT count(*) FROM extractor.schedules WHERE trouble IS NULL";
    until(&app, well, |projects| projects == 2).await;
    program.terminate();
    let ended = program.ended().await.with(0);
    assert_eq!(ended.stderr.matches("jira is away, waiting").count(), 1, "{}", ended.stderr);
    assert_equal(&app, "PROJ").await;
    assert_nothing_leased(&app).await;
}

#[tokio::test]
async fn refused_credentials_end_it_at_the_very_start_only() {
    let (app, home) = (App::new(world(&[("PROJ", 10)])).await, Home::new());
    let mut program = service(&home, &app, "PROJ", "1s").start();
    until(&app, &runs("PROJ", "completed"), |runs| runs >= 1).await;
    app.sim.faults().on(Endpoint::Any, When::Always, Action::Refuse(401, "no".to_owned()));
    program.says("jira is away, waiting").await;
    program.terminate();
    let ended = program.ended().await.with(0);
    assert_eq!(ended.stderr.matches("jira is away, waiting").count(), 1, "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_away_is_waited_for_even_before_it_was_there() {
    let home = Home::new();
    let data_dir = home.path().join("postgres");
    let postgres = PrivatePostgres::start(PrivatePostgresSettings::new(&data_dir)).await.unwrap();
    let database_url = postgres.url().to_owned();
    let store = connect(&database_url).await;
    store.migrate().await.unwrap();
    let pool = PgPoolOptions::new().max_connections(2).connect(&database_url).await.unwrap();
    let sim = SimServer::start(slow(), world(&[("PROJ", 150)])).await.unwrap();
    let app = App { sim, store, pool, database_url, options: Options::default() };
    postgres.stop().await.unwrap();

    let mut program = service(&home, &app, "PROJ", "1s").start();
    program.says("the database is away, waiting").await;
    let postgres = PrivatePostgres::start(PrivatePostgresSettings::new(&data_dir)).await.unwrap();
    program.says("the database is back").await;
    let stored = "SELECT count(*) FROM jira.issues";
    until(&app, stored, |issues| issues >= 20).await;
    // In the middle of the backfill.
    let fetched = app.sim.requests().expect(1, |seen| seen.wants_whole_issues());
    fetched.wait().await;
    postgres.stop().await.unwrap();
    let postgres = PrivatePostgres::start(PrivatePostgresSettings::new(&data_dir)).await.unwrap();
    until(&app, &runs("PROJ", "completed"), |runs| runs >= 2).await;
    program.terminate();
    program.ended().await.with(0);
    assert_equal(&app, "PROJ").await;
    assert_nothing_leased(&app).await;
    app.store.close().await;
    app.pool.close().await;
    postgres.stop().await.unwrap();
}
