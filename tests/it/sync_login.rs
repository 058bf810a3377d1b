//! Not being logged in, not being allowed, and being asked to wait: nothing is stored wrongly, and
//! the next run ends equal.

use std::time::Duration;

use extractor::jira::{Credentials, JiraError};
use extractor::model::{RunKind, RunState};
use extractor::sync::SyncError;
use jira_sim::{Action, Auth, Endpoint, RetryAfter, SimConfig, When, WorldProfile, generate};
use rstest::rstest;

use crate::app::App;
use crate::compare::{assert_equal, assert_nothing_wrong};

const ISSUES: usize = 200;
const TOKEN: &str = "a-token-that-no-output-may-hold";

async fn app() -> App {
    let world = generate(&WorldProfile::new("PROJ", ISSUES, 21).plain(600)).unwrap();
    let config = SimConfig { auth: Auth::token(TOKEN), ..SimConfig::default() };
    let mut app = App::with_config(config, world).await;
    app.options.credentials = Credentials::Bearer(TOKEN.into());
    app.options.page_rows = 40;
    app.options.batch_size = 20;
    app
}

fn is_not_logged_in(error: &SyncError) -> bool {
    matches!(error, SyncError::Jira(JiraError::NotLoggedIn { .. }))
}

const ROWS: &str = "SELECT count(*) FROM jira.issues";
const TOMBSTONES: &str = "SELECT count(*) FROM jira.issues WHERE deleted_at IS NOT NULL";
const LAST_ERROR: &str =
    "SELECT count(*) FROM extractor.runs WHERE error LIKE '%did not log us in%'";

#[tokio::test]
async fn an_expired_token_is_noticed_before_anything_is_believed() {
    let app = app().await;
    app.backfill("PROJ").await.unwrap();
    app.sim.configure(|config| config.auth.expired = true);
    let error = app.delta("PROJ").await.unwrap_err();
    assert!(is_not_logged_in(&error), "{error:?}");
    assert!(!format!("{error} {error:?}").contains(TOKEN));
    assert_eq!(app.number(ROWS).await, ISSUES as i64);
    assert_eq!(app.number(TOMBSTONES).await, 0);
    app.sim.configure(|config| config.auth.expired = false);
    assert_eq!(app.delta("PROJ").await.unwrap().state, RunState::Completed);
    assert_equal(&app, "PROJ").await;
}

#[rstest]
#[case::the_first_page(Endpoint::SearchListing, 1)]
#[case::a_page_in_the_middle(Endpoint::SearchListing, 3)]
#[case::the_first_batch(Endpoint::SearchHydrate, 1)]
#[case::a_batch_in_the_middle(Endpoint::SearchHydrate, 4)]
#[tokio::test]
async fn a_token_that_expires_during_a_run_is_noticed_at(
    #[case] endpoint: Endpoint,
    #[case] from: u64,
) {
    let app = app().await;
    let process = app.process().await;
    app.sim.faults().on(endpoint.clone(), When::Range(from..=u64::MAX), Action::Anonymous);
    let backfill = crate::app::request("PROJ", RunKind::Backfill);
    let error = process.engine.run_project(&backfill).await.unwrap_err();
    process.session.close().await.unwrap();
    assert!(is_not_logged_in(&error), "{error:?}");
    assert_eq!(app.number(LAST_ERROR).await, 1, "the run says why it failed");
    assert_eq!(app.number(TOMBSTONES).await, 0);
    assert_nothing_wrong(&app, "PROJ").await;
    app.sim.faults().clear();
    let stored = app.number(ROWS).await;
    let report = app.watched("PROJ", RunKind::Backfill).await.unwrap();
    assert!(report.resumed);
    assert_eq!(report.state, RunState::Completed, "{report:?}");
    let hydrated = app.times_hydrated();
    assert_eq!(hydrated.len() as i64, ISSUES as i64 - stored, "what was stored is kept");
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn a_wrong_token_is_refused() {
    let mut app = app().await;
    app.options.credentials = Credentials::Bearer("another".into());
    let error = app.backfill("PROJ").await.unwrap_err();
    assert!(
        matches!(
            &error,
            SyncError::Jira(JiraError::Unauthorized { .. } | JiraError::NotLoggedIn { .. })
        ),
        "{error:?}"
    );
    assert_eq!(app.number("SELECT count(*) FROM extractor.runs").await, 0);
}

#[tokio::test]
async fn an_archived_project_is_refused_by_name_and_not_taken_for_an_empty_one() {
    let app = app().await;
    app.backfill("PROJ").await.unwrap();
    app.sim.world_mut().archive_project("PROJ", true);
    for kind in [RunKind::Backfill, RunKind::Delta] {
        let error = app.watched("PROJ", kind).await.unwrap_err();
        assert!(matches!(&error, SyncError::ProjectArchived { .. }), "{error:?}");
        assert!(error.to_string().contains("PROJ is archived"));
    }
    assert_eq!(app.number(ROWS).await, ISSUES as i64);
    app.sim.world_mut().archive_project("PROJ", false);
    assert_eq!(app.delta("PROJ").await.unwrap().state, RunState::Completed);
}

#[tokio::test]
async fn a_forbidden_project_and_an_unknown_one_are_not_visible() {
    let app = app().await;
    app.backfill("PROJ").await.unwrap();
    app.sim.world_mut().forbid_project("PROJ", true);
    for project in ["PROJ", "NOPE"] {
        for kind in [RunKind::Backfill, RunKind::Delta] {
            let error = app.watched(project, kind).await.unwrap_err();
            let SyncError::ProjectNotVisible { project: named } = &error else {
                panic!("{error:?}")
            };
            assert_eq!(named.as_str(), project);
            assert!(error.to_string().contains(project));
        }
    }
    assert_eq!(app.number(TOMBSTONES).await, 0);
    assert_eq!(app.number(ROWS).await, ISSUES as i64);
    app.sim.world_mut().forbid_project("PROJ", false);
    assert_eq!(app.delta("PROJ").await.unwrap().state, RunState::Completed);
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn a_project_that_is_forbidden_during_a_backfill_loses_nothing_of_what_is_stored() {
    let app = app().await;
    app.backfill("PROJ").await.unwrap();
    app.sim.world_mut().advance(Duration::from_secs(7_200));
    let process = app.process().await;
    let mut pages = 0;
    app.sim.on_request(move |seen, world| {
        pages += u32::from(seen.is_search() && !seen.wants_whole_issues());
        if pages == 2 {
            world.forbid_project("PROJ", true);
        }
    });
    let backfill = crate::app::request("PROJ", RunKind::Backfill);
    let ended = process.engine.run_project(&backfill).await;
    process.session.close().await.unwrap();
    app.sim.clear_hooks();
    assert!(ended.is_err() || ended.unwrap().state == RunState::Incomplete);
    assert_eq!(app.number(TOMBSTONES).await, 0);
    app.sim.world_mut().forbid_project("PROJ", false);
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!(report.state, RunState::Completed, "{report:?}");
    assert_equal(&app, "PROJ").await;
}

#[rstest]
#[case::seconds_during_listing(Endpoint::SearchListing, RetryAfter::Seconds(1))]
#[case::a_date_during_listing(Endpoint::SearchListing, RetryAfter::Date(Duration::from_secs(2)))]
#[case::seconds_during_hydration(Endpoint::SearchHydrate, RetryAfter::Seconds(1))]
#[case::none_during_hydration(Endpoint::SearchHydrate, RetryAfter::Absent)]
#[tokio::test]
async fn a_run_that_is_told_to_wait_waits_and_completes(
    #[case] endpoint: Endpoint,
    #[case] after: RetryAfter,
) {
    let app = app().await;
    let process = app.process().await;
    let rule = app.sim.faults().on(endpoint, When::Range(2..=3), Action::TooManyRequests(after));
    let backfill = crate::app::request("PROJ", RunKind::Backfill);
    let report = process.engine.run_project(&backfill).await.unwrap();
    process.session.close().await.unwrap();
    assert_eq!(app.sim.faults().hits(rule), 2);
    assert_eq!(report.state, RunState::Completed, "{report:?}");
    assert_eq!(app.number("SELECT count(*) FROM extractor.failures").await, 0);
    assert_equal(&app, "PROJ").await;
}
