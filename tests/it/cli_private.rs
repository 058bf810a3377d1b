//! The real program with a Postgres of its own: nothing is configured but where its files go, and
//! nothing is left running.

use std::path::Path;

use extractor::store::private_postgres::{PrivatePostgres, PrivatePostgresSettings};
use jira_sim::{Action, Endpoint, Gate, SimConfig, SimServer, When, World, WorldProfile, generate};
use sqlx::postgres::PgPoolOptions;

use crate::app::{App, Options, connect};
use crate::binary::{Home, Program};
use crate::compare::assert_equal;

const ISSUES: usize = 80;

fn world() -> World {
    generate(&WorldProfile::new("PROJ", ISSUES, 71).plain(700)).unwrap()
}

#[tokio::test]
async fn a_private_postgres_is_shared_by_processes_and_stops_with_the_last() {
    let sim = SimServer::start(SimConfig::default(), world()).await.unwrap();
    let home = Home::new();
    let data_dir = home.path().join("postgres");
    let extractor = |command: &str| -> Program {
        let program = home.extractor(command).jira(&sim).set("jira.batch_size", "10");
        program.arguments(&["--data-dir", data_dir.to_str().unwrap()])
    };
    let nothing = extractor("status").run().await.with(0).stdout;
    assert!(nothing.contains("nothing has been extracted yet"), "{nothing}");
    assert!(!data_dir.exists());
    extractor("check PROJ").run().await.with(0);
    assert!(!data_dir.exists());

    let gate = Gate::new();
    sim.faults().on(Endpoint::SearchHydrate, When::Nth(3), Action::StallUntil(gate.clone()));
    let first = extractor("--backfill PROJ --json").start();
    gate.reached_by(1).await;
    let status = extractor("status --json").run().await.with(0).json();
    let project = &status["projects"][0];
    assert_eq!(project["runs"][0]["shown_state"], "running");
    assert!(project["cursor"]["held_by"].is_string(), "{project}");
    let told = extractor("sync PROJ").run().await.with(75);
    told.complaining(&format!("PROJ is being extracted by process {}", first.pid()));
    gate.release();
    let first = first.ended().await.with(0).json();
    assert_eq!(first["runs"][0]["counters"]["written"], ISSUES);
    assert_nothing_runs(&home, &data_dir);

    sim.world_mut().create_many("PROJ", 5).unwrap();
    let second = extractor("sync PROJ --json").run().await.with(0).json();
    assert_eq!(second["runs"][0]["kind"], "delta");
    assert_eq!(second["runs"][0]["counters"]["written"], 5);
    let status = extractor("status --json").run().await.with(0).json();
    assert_eq!(status["projects"][0]["issues"]["full"], ISSUES + 5);
    assert_nothing_runs(&home, &data_dir);
    assert_stored(sim, &data_dir).await;
}

#[tokio::test]
async fn a_backfill_that_is_told_to_stop_stops_its_postgres_too() {
    let sim = SimServer::start(SimConfig::default(), world()).await.unwrap();
    let home = Home::new();
    let data_dir = home.path().join("postgres");
    let gate = Gate::new();
    sim.faults().on(Endpoint::SearchHydrate, When::Nth(3), Action::StallUntil(gate.clone()));
    let program = home
        .extractor("--backfill PROJ")
        .jira(&sim)
        .set("jira.batch_size", "10")
        .set("database.data_dir", data_dir.to_str().unwrap());
    let mut first = program.start();
    gate.reached_by(1).await;
    first.terminate();
    first.says("told to end").await;
    gate.release();
    first.ended().await.with(75);
    assert_nothing_runs(&home, &data_dir);
    program.run().await.with(0);
    assert_nothing_runs(&home, &data_dir);
    assert_stored(sim, &data_dir).await;
}

fn assert_nothing_runs(home: &Home, data_dir: &Path) {
    let left = home.processes();
    assert!(left.is_empty(), "left running: {left:?}");
    assert!(!data_dir.join("data/postmaster.pid").exists());
}

/// What lies in the files is what Jira holds.
async fn assert_stored(sim: SimServer, data_dir: &Path) {
    let postgres = PrivatePostgres::start(PrivatePostgresSettings::new(data_dir)).await.unwrap();
    let database_url = postgres.url().to_owned();
    let store = connect(&database_url).await;
    let pool = PgPoolOptions::new().max_connections(2).connect(&database_url).await.unwrap();
    let app = App { sim, store, pool, database_url, options: Options::default() };
    assert_equal(&app, "PROJ").await;
    app.store.close().await;
    app.pool.close().await;
    postgres.stop().await.unwrap();
}
