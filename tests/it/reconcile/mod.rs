//! Reconcile: whatever happened in Jira, afterwards the database is equal to it, and everything that
//! is no longer shown is marked with the right reason. A file a theme.

use std::collections::BTreeMap;

use extractor::model::{RunKind, RunState};
use extractor::sync::{RunReport, SyncError};
use jira_sim::{Flavor, IssueId, SimConfig, World, WorldProfile, generate, populate};

use crate::app::{App, request};
use crate::compare::assert_equal;

mod children;
mod costs;
mod departures;
mod doubts;
mod exits;
mod mixed;
mod projects;
mod returns;

/// The project that is looked at.
const PROJECT: &str = "PROJ";
/// Another one that is followed.
const OTHER: &str = "OPS";
/// One that nobody follows.
const ELSEWHERE: &str = "ELSE";

/// Two followed projects of which everything is stored, and one that is not followed.
async fn app(flavor: Flavor, issues: usize) -> App {
    let app = App::with_config(config(flavor), world(issues)).await;
    for project in [PROJECT, OTHER] {
        let report = app.backfill(project).await.unwrap();
        assert_eq!(report.state, RunState::Completed, "{report:?}");
    }
    app
}

fn config(flavor: Flavor) -> SimConfig {
    SimConfig { flavor, ..SimConfig::default() }
}

fn world(issues: usize) -> World {
    let mut world = generate(&WorldProfile::new(PROJECT, issues, 71).plain(500)).unwrap();
    populate(&mut world, &WorldProfile::new(OTHER, 40, 72).plain(500)).unwrap();
    populate(&mut world, &WorldProfile::new(ELSEWHERE, 20, 73).plain(500)).unwrap();
    world.advance(MINUTE);
    world
}

const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);

/// Ids of the project's issues, in key order.
fn ids(app: &App, project: &str) -> Vec<IssueId> {
    app.sim.world().issues(project).map(jira_sim::Issue::id).collect()
}

fn key_of(app: &App, id: IssueId) -> String {
    app.sim.world().issue(id).unwrap().key().to_string()
}

/// One reconcile, some time after the last change. What it asked is in the log afterwards.
async fn reconcile(app: &App, project: &str) -> Result<RunReport, SyncError> {
    reconcile_with(app, project, false).await
}

async fn reconcile_with(
    app: &App,
    project: &str,
    allow_mass_delete: bool,
) -> Result<RunReport, SyncError> {
    app.sim.world_mut().advance(2 * MINUTE);
    let process = app.try_process().await?;
    app.sim.requests().clear();
    let mut wanted = request(project, RunKind::Reconcile);
    wanted.allow_mass_delete = allow_mass_delete;
    let report = process.engine.run_project(&wanted).await;
    process.session.close().await.unwrap();
    report
}

/// A reconcile after which everything agrees.
async fn reconciled(app: &App, project: &str) -> RunReport {
    let report = reconcile(app, project).await.unwrap();
    assert_eq!(report.kind, RunKind::Reconcile);
    assert_eq!(report.state, RunState::Completed, "{:#?}", report.certificate);
    assert_equal(app, project).await;
    report
}

/// What is marked: by id, the key and the reason.
async fn tombstones(app: &App) -> BTreeMap<IssueId, (String, String)> {
    let sql = "SELECT id, key, deleted_reason FROM jira.issues WHERE deleted_at IS NOT NULL";
    let rows = sqlx::query_as::<_, (i64, String, String)>(sql).fetch_all(&app.pool).await.unwrap();
    rows.into_iter().map(|(id, key, reason)| (id.try_into().unwrap(), (key, reason))).collect()
}

/// Panics unless exactly these issues are marked, with these reasons.
async fn assert_marked(app: &App, expected: &[(IssueId, &str)]) {
    let expected: BTreeMap<IssueId, String> =
        expected.iter().map(|(id, reason)| (*id, (*reason).to_owned())).collect();
    let found = tombstones(app).await.into_iter().map(|(id, (_, reason))| (id, reason));
    assert_eq!(found.collect::<BTreeMap<_, _>>(), expected);
}

/// Which issue a key leads to, whether it is the key of today or one it had.
async fn resolve(app: &App, key: &str) -> Option<IssueId> {
    let sql = "SELECT issue_id FROM jira.issue_keys WHERE key = $1 ORDER BY current DESC LIMIT 1";
    let row: Option<(i64,)> =
        sqlx::query_as(sql).bind(key).fetch_optional(&app.pool).await.unwrap();
    row.map(|(id,)| id.try_into().unwrap())
}

/// What is stored as the issue's key.
async fn stored_key(app: &App, id: IssueId) -> String {
    let sql = "SELECT key FROM jira.issues WHERE id = $1";
    let id = i64::try_from(id).unwrap();
    let row: (String,) = sqlx::query_as(sql).bind(id).fetch_one(&app.pool).await.unwrap();
    row.0
}
