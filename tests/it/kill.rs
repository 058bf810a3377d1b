//! The real program and the real Postgres, killed with SIGKILL in the middle of a backfill: the
//! next run ends equal, and fetches nothing that was committed before.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use extractor::store::private_postgres::{PrivatePostgres, PrivatePostgresSettings};
use futures::StreamExt as _;
use jira_sim::{
    CostModel, Expectation, Random, Seen, SimConfig, SimServer, WorldProfile, generate,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::postgres::PgPoolOptions;
use tokio::process::{Child, Command};

use crate::app::{App, Options, SITE, connect};
use crate::compare::assert_equal;
use crate::simulation::{assert_not_fetched_again, settled};

const PROJECT: &str = "PROJ";
const ISSUES: usize = 400;
/// Issues in a batch: a backfill takes at least `ISSUES / BATCH` hydrations.
const BATCH: usize = 10;

/// Kills of the program, each of a backfill of its own.
const KILLS: u64 = 10;
/// Kills of Postgres in one backfill.
const POSTGRES_KILLS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_program_goes_on_where_it_was() {
    let mut kept = futures::stream::iter(0..KILLS).map(kill_and_go_on).buffer_unordered(3);
    let mut sum = 0;
    while let Some(kept) = kept.next().await {
        sum += kept;
    }
    assert!(sum > 0, "nothing was committed before any kill");
}

/// Answers how many issues had been committed before the kill.
async fn kill_and_go_on(seed: u64) -> usize {
    let app = App::with_config(slow(), world(seed)).await;
    let after = 2 + Random::new(seed).below(ISSUES / BATCH - 4);
    let fetched = app.sim.requests().expect(after, is_hydration);
    let home = tempfile::tempdir().unwrap();
    let place = [("EXTRACTOR_DATABASE__URL", app.database_url.as_str())];

    let mut program = backfill(&app.sim, home.path(), &place);
    fetched.wait().await;
    program.kill().await.unwrap();
    let backends = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'extractor %'";
    while app.number(backends).await > 0 {}
    let committed = settled(&app.pool, PROJECT).await;
    let mark = app.sim.requests().all().len();

    let status = finish(backfill(&app.sim, home.path(), &place)).await;
    assert_eq!(status.code(), Some(0), "seed {seed}, killed after {after} hydrations");
    assert_equal(&app, PROJECT).await;
    assert_not_fetched_again(&app.sim, PROJECT, &committed, mark);
    let runs = "SELECT count(*) FROM extractor.runs WHERE state = 'completed' AND resumes = 1";
    assert_eq!(app.number(runs).await, 1, "seed {seed}: the run was not resumed");
    committed.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_postgres_costs_nothing_that_was_committed() {
    let sim = SimServer::start(slow(), world(77)).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    // The server does not run as root, and has to get at its files.
    let passable = std::os::unix::fs::PermissionsExt::from_mode(0o711);
    std::fs::set_permissions(home.path(), passable).unwrap();
    let data_dir = home.path().join("postgres");
    let place = [("EXTRACTOR_DATABASE__DATA_DIR", data_dir.to_str().unwrap())];

    let fetched = sim.requests().expect(3, is_hydration);
    let mut program = backfill(&sim, home.path(), &place);
    let killed = kill_postgres(&sim, fetched, &mut program, &data_dir).await;
    let status = finish(program).await;
    assert!(matches!(status.code(), Some(0 | 69)), "{status:?}");
    assert_eq!(killed, POSTGRES_KILLS, "{status:?}");

    let again = finish(backfill(&sim, home.path(), &place)).await;
    assert_eq!(again.code(), Some(0));
    let postgres = PrivatePostgres::start(PrivatePostgresSettings::new(&data_dir)).await.unwrap();
    let database_url = postgres.url().to_owned();
    let store = connect(&database_url).await;
    let pool = PgPoolOptions::new().max_connections(2).connect(&database_url).await.unwrap();
    let app = App { sim, store, pool, database_url, options: Options::default() };
    assert_equal(&app, PROJECT).await;
    app.store.close().await;
    app.pool.close().await;
    postgres.stop().await.unwrap();
}

/// Kills Postgres again and again, each time after a few more hydrations; answers how often.
async fn kill_postgres(
    sim: &SimServer,
    mut fetched: Expectation<'_>,
    program: &mut Child,
    data_dir: &Path,
) -> usize {
    let mut killed = Vec::new();
    while killed.len() < POSTGRES_KILLS {
        tokio::select! {
            () = fetched.wait() => {}
            _ = program.wait() => break,
        }
        fetched = sim.requests().expect(3, is_hydration);
        let Some(pid) = next_postmaster(data_dir, &killed, program).await else { break };
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
        killed.push(pid);
    }
    killed.len()
}

/// The postmaster that runs now, once it is another than those killed; `None` when the program
/// ends first.
async fn next_postmaster(data_dir: &Path, killed: &[i32], program: &mut Child) -> Option<i32> {
    let file = data_dir.join("data").join("postmaster.pid");
    while program.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let pid = text.lines().next().and_then(|line| line.trim().parse().ok());
        if let Some(pid) = pid.filter(|pid| !killed.contains(pid)) {
            return Some(pid);
        }
        tokio::task::yield_now().await;
    }
    None
}

fn world(seed: u64) -> jira_sim::World {
    generate(&WorldProfile::new(PROJECT, ISSUES, seed).plain(1_500)).unwrap()
}

/// Answers take so long that a backfill takes a second or two.
fn slow() -> SimConfig {
    let cost = CostModel { per_issue: Duration::from_millis(4), ..CostModel::default() };
    SimConfig { cost, ..SimConfig::default() }
}

fn is_hydration(seen: &Seen) -> bool {
    seen.is_search() && seen.wants_whole_issues()
}

/// Starts `extractor --backfill`, away from everybody's configuration.
fn backfill(sim: &SimServer, home: &Path, place: &[(&str, &str)]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_extractor"))
        .args(["--backfill", PROJECT])
        .current_dir(home)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("EXTRACTOR_JIRA__BASE_URL", sim.base_url())
        .env("EXTRACTOR_JIRA__SITE", SITE)
        .env("EXTRACTOR_JIRA__REQUESTS_PER_SECOND", "0")
        .env("EXTRACTOR_JIRA__BATCH_SIZE", BATCH.to_string())
        .env("EXTRACTOR_JIRA__MAX_IN_FLIGHT", "2")
        .envs(place.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn finish(mut program: Child) -> ExitStatus {
    program.wait().await.unwrap()
}
