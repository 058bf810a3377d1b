//! When absence may be the index's, the credentials' or a permission's doing, nothing is marked, and
//! the run says why.

use std::time::Duration;

use extractor::jira::{Credentials, JiraError};
use extractor::model::{RunState, Verdict};
use extractor::sync::{RunReport, SyncError};
use jira_sim::{Access, Action, Auth, Endpoint, Flavor, Scope, SimConfig, When};
use rstest::rstest;

use super::{
    MINUTE, PROJECT, app, assert_marked, ids, reconcile, reconcile_with, reconciled, tombstones,
};
use crate::app::App;
use crate::compare::assert_equal;

const ISSUES: usize = 120;

/// Nothing is marked, the run does not count as complete, and there is a sentence that says why.
async fn assert_refused(app: &App, report: &RunReport) {
    assert!(tombstones(app).await.is_empty());
    assert_eq!(report.state, RunState::Incomplete, "{:#?}", report.certificate);
    assert_eq!(report.certificate.verdict, Verdict::Missing, "{:#?}", report.certificate);
    assert!(!report.certificate.findings.is_empty());
    assert!(report.certificate.conclusion().starts_with("not complete"));
    let stored = app.store.load_certificate(report.run).await.unwrap().unwrap();
    assert_eq!(stored.verdict, Verdict::Missing);
}

fn says(report: &RunReport, word: &str) -> bool {
    report.certificate.findings.iter().any(|finding| finding.meaning.contains(word))
}

#[rstest]
#[case::empty(0.0)]
#[case::a_third_built(0.3)]
#[case::half_built(0.5)]
#[case::nearly_built(0.85)]
#[tokio::test]
async fn an_index_that_is_being_built_marks_nothing(
    #[case] share: f64,
    #[values(Flavor::Server, Flavor::Cloud)] flavor: Flavor,
    #[values(Access::Open, Access::Forbidden)] summary: Access,
) {
    let app = app(flavor, ISSUES).await;
    app.sim.configure(|config| config.index_summary = summary);
    {
        let mut world = app.sim.world_mut();
        world.advance(MINUTE * 60);
        world.keep_in_index(&Scope::Project(PROJECT.to_owned()), share);
    }
    let report = reconcile(&app, PROJECT).await.unwrap();
    assert_refused(&app, &report).await;
    assert!(says(&report, "index"), "{:#?}", report.certificate.findings);
    app.sim.world_mut().reindex_to_document(&Scope::All);
    reconciled(&app, PROJECT).await;
    assert_marked(&app, &[]).await;
}

/// A node that cannot read its index may answer with anything.
#[tokio::test]
async fn an_index_that_jira_itself_cannot_read_proves_nothing() {
    let app = app(Flavor::Server, ISSUES).await;
    app.sim.world_mut().set_index_readable(false);
    let report = reconcile(&app, PROJECT).await.unwrap();
    assert_refused(&app, &report).await;
    app.sim.world_mut().set_index_readable(true);
    reconciled(&app, PROJECT).await;
}

/// A few issues that are there and that no search shows are no deletions.
#[rstest]
#[case::server(Flavor::Server)]
#[case::cloud(Flavor::Cloud)]
#[tokio::test]
async fn a_few_issues_that_the_index_lacks_are_kept_and_named(#[case] flavor: Flavor) {
    let app = app(flavor, ISSUES).await;
    let lacking: Vec<_> = ids(&app, PROJECT).into_iter().skip(20).step_by(30).take(3).collect();
    {
        let mut world = app.sim.world_mut();
        world.advance(MINUTE);
        lacking.iter().for_each(|id| world.unindex(*id));
    }
    let report = reconcile(&app, PROJECT).await.unwrap();
    assert!(tombstones(&app).await.is_empty());
    assert_eq!(report.state, RunState::Incomplete);
    assert_eq!(report.certificate.details.unlisted, 3, "{:#?}", report.certificate);
    assert_equal(&app, PROJECT).await;
}

async fn with_token(flavor: Flavor) -> App {
    let token = "a-token-that-no-output-may-hold";
    let config = SimConfig { flavor, auth: Auth::token(token), ..SimConfig::default() };
    let mut app = App::with_config(config, super::world(ISSUES)).await;
    app.options.credentials = Credentials::Bearer(token.into());
    app.options.page_rows = 40;
    app.backfill(PROJECT).await.unwrap();
    app
}

fn is_refusal(error: &SyncError) -> bool {
    matches!(error, SyncError::Jira(JiraError::NotLoggedIn { .. } | JiraError::Unauthorized { .. }))
}

#[rstest]
#[case::server(Flavor::Server)]
#[case::cloud(Flavor::Cloud)]
#[tokio::test]
async fn an_expired_token_marks_nothing_and_is_named(#[case] flavor: Flavor) {
    let app = with_token(flavor).await;
    app.sim.configure(|config| config.auth.expired = true);
    let error = reconcile(&app, PROJECT).await.unwrap_err();
    assert!(is_refusal(&error), "{error:?}");
    assert!(tombstones(&app).await.is_empty());
    app.sim.configure(|config| config.auth.expired = false);
    reconciled(&app, PROJECT).await;
}

/// From some request on, each is answered as an anonymous one: 200, and no rows.
#[rstest]
#[case::the_second_page(Endpoint::SearchListing, 2)]
#[case::the_look_up_of_one(Endpoint::Issue, 1)]
#[case::the_look_up_of_another(Endpoint::Issue, 3)]
#[tokio::test]
async fn a_token_that_expires_during_a_reconcile_marks_nothing(
    #[case] endpoint: Endpoint,
    #[case] from: u64,
    #[values(Flavor::Server, Flavor::Cloud)] flavor: Flavor,
) {
    let app = with_token(flavor).await;
    let gone: Vec<_> = ids(&app, PROJECT).into_iter().take(6).collect();
    {
        let mut world = app.sim.world_mut();
        world.advance(MINUTE);
        gone.iter().for_each(|id| world.delete(*id).unwrap());
    }
    let rule = app.sim.faults().on(endpoint, When::Range(from..=u64::MAX), Action::Anonymous);
    let error = reconcile(&app, PROJECT).await.unwrap_err();
    assert!(app.sim.faults().hits(rule) > 0);
    assert!(is_refusal(&error), "{error:?}");
    assert!(tombstones(&app).await.is_empty());
    app.sim.faults().clear();
    reconciled(&app, PROJECT).await;
    let marked: Vec<_> = gone.iter().map(|id| (*id, "not_found")).collect();
    assert_marked(&app, &marked).await;
}

/// The permission goes while the issues are being looked up: each is a 404 then, and proves nothing.
#[rstest]
#[case::server(Flavor::Server)]
#[case::cloud(Flavor::Cloud)]
#[tokio::test]
async fn a_permission_lost_while_issues_are_looked_up_marks_nothing(#[case] flavor: Flavor) {
    let app = app(flavor, ISSUES).await;
    let ids = ids(&app, PROJECT);
    {
        let mut world = app.sim.world_mut();
        world.advance(MINUTE);
        world.delete(ids[7]).unwrap();
        // Not in the index, but there: the look-up would say so.
        ids.iter().take(5).for_each(|id| world.unindex(*id));
    }
    app.sim.on_request(|seen, world| {
        if seen.is_issue() || seen.is_bulk_fetch() {
            world.forbid_project(PROJECT, true);
        }
    });
    let ended = reconcile(&app, PROJECT).await;
    app.sim.clear_hooks();
    assert!(tombstones(&app).await.is_empty(), "{ended:#?}");
    assert!(
        ended.as_ref().map_or(true, |report| report.state == RunState::Incomplete),
        "{ended:?}"
    );
    app.sim.world_mut().forbid_project(PROJECT, false);
    app.sim.world_mut().reindex_to_document(&Scope::All);
    reconciled(&app, PROJECT).await;
    assert_marked(&app, &[(ids[7], "not_found")]).await;
}

#[rstest]
#[case::server(Flavor::Server)]
#[case::cloud(Flavor::Cloud)]
#[tokio::test]
async fn most_of_a_project_is_marked_only_where_that_is_allowed(
    #[case] flavor: Flavor,
    #[values(false, true)] hidden: bool,
) {
    let app = app(flavor, ISSUES).await;
    let gone: Vec<_> = ids(&app, PROJECT).into_iter().take(ISSUES * 6 / 10).collect();
    {
        let mut world = app.sim.world_mut();
        world.advance(MINUTE * 60);
        for id in &gone {
            if hidden { world.hide(*id) } else { world.delete(*id) }.unwrap();
        }
    }
    let report = reconcile(&app, PROJECT).await.unwrap();
    assert_refused(&app, &report).await;
    assert!(says(&report, "--allow-mass-delete"), "{:#?}", report.certificate.findings);
    let report = reconcile_with(&app, PROJECT, true).await.unwrap();
    assert_eq!(report.state, RunState::Completed, "{:#?}", report.certificate);
    assert_equal(&app, PROJECT).await;
    let marked: Vec<_> = gone.iter().map(|id| (*id, "not_found")).collect();
    assert_marked(&app, &marked).await;
    // What was allowed once is not allowed for good.
    let report = reconciled(&app, PROJECT).await;
    assert_eq!(report.certificate.tombstoned(), 0);
}

/// A tenth of a project, or ten issues of a small one, may go without anybody being asked.
#[rstest]
#[case::ten_of_a_few(40, 10, true)]
#[case::eleven_of_a_few(40, 11, false)]
#[case::a_tenth(150, 15, true)]
#[case::more_than_a_tenth(150, 16, false)]
#[tokio::test]
async fn the_guard_stands_where_it_says(
    #[case] issues: usize,
    #[case] gone: usize,
    #[case] marked: bool,
) {
    let app = app(Flavor::Server, issues).await;
    {
        let ids = ids(&app, PROJECT);
        let mut world = app.sim.world_mut();
        world.advance(Duration::from_secs(90));
        ids.iter().take(gone).for_each(|id| world.delete(*id).unwrap());
    }
    let report = reconcile(&app, PROJECT).await.unwrap();
    assert_eq!(report.state == RunState::Completed, marked, "{:#?}", report.certificate);
    assert_eq!(tombstones(&app).await.len(), if marked { gone } else { 0 });
}
