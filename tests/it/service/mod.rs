//! The service as a process of its own: what it does by itself, on request, and among others.

mod control;
mod ending;
mod outages;
mod processes;
mod reconcile;
mod schedule;
mod soak;

use std::time::Duration;

use jira_sim::{CostModel, SimConfig, World, WorldProfile, generate, populate};

use crate::app::App;
use crate::binary::{Home, Program};

/// What takes longer does not come.
const LIMIT: Duration = Duration::from_secs(120);

/// A world with projects of so many issues.
fn world(projects: &[(&str, usize)]) -> World {
    let (first, rest) = projects.split_first().unwrap();
    let mut world = generate(&WorldProfile::new(first.0, first.1, 81).plain(700)).unwrap();
    for ((key, issues), seed) in rest.iter().zip(82..) {
        populate(&mut world, &WorldProfile::new(key, *issues, seed).plain(700)).unwrap();
    }
    world
}

/// Answers take so long that a few hundred issues take seconds.
fn slow() -> SimConfig {
    let cost = CostModel { per_issue: Duration::from_millis(5), ..CostModel::default() };
    SimConfig { cost, ..SimConfig::default() }
}

/// The service at the test's Jira and database, which reconciles only where a test has it do so.
fn service(home: &Home, app: &App, projects: &str, schedule: &str) -> Program {
    home.extractor_at(app, "run --log-level info")
        .set("sync.projects", projects)
        .set("sync.schedule", schedule)
        .set("sync.reconcile_schedule", "off")
        .set("http.listen", "127.0.0.1:0")
        .set("jira.batch_size", "10")
        .set("jira.max_in_flight", "2")
}

/// Waits until a number in the database is as expected.
pub(crate) async fn until(app: &App, sql: &str, is: impl Fn(i64) -> bool) -> i64 {
    // The database waits between two looks.
    let looked = format!("SELECT ({sql}) FROM pg_sleep(0.02)");
    let look = async {
        loop {
            let number = app.number(&looked).await;
            if is(number) {
                return number;
            }
        }
    };
    match tokio::time::timeout(LIMIT, look).await {
        Ok(number) => number,
        Err(_) => {
            let number = app.number(sql).await;
            panic!("{sql} stays at {number}; the runs: {:#?}", all_runs(app).await)
        }
    }
}

/// Every run as it stands, for whoever has to find out what went wrong.
async fn all_runs(app: &App) -> Vec<String> {
    let runs =
        "SELECT concat_ws(' ', project_key, kind, state, 'resumes', resumes, 'listed', listed,
        'hydrated', hydrated, error) FROM extractor.runs ORDER BY started_at";
    sqlx::query_scalar(runs).fetch_all(&app.pool).await.unwrap()
}

/// Runs of a project in a state.
pub(crate) fn runs(project: &str, state: &str) -> String {
    format!(
        "SELECT count(*) FROM extractor.runs WHERE project_key = '{project}' AND state = '{state}'"
    )
}

/// Panics if somebody still has a lease.
pub(crate) async fn assert_nothing_leased(app: &App) {
    let held = "SELECT count(*) FROM extractor.cursors WHERE lease_worker IS NOT NULL";
    let leased = "SELECT count(*) FROM extractor.pending WHERE lease_worker IS NOT NULL";
    let live = "SELECT count(*) FROM extractor.workers";
    assert_eq!(app.number(held).await, 0, "a project is still held");
    assert_eq!(app.number(leased).await, 0, "an issue is still leased");
    assert_eq!(app.number(live).await, 0, "a worker is still registered");
}
