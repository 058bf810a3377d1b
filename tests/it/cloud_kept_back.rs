//! Issues that Jira Cloud's search counts, by its own estimate, and shows in no listing: a run names
//! them, and every run looks for them again until they come.

use std::time::Duration;

use extractor::jql::UserFilter;
use extractor::model::{Finding, RunKind, RunState, Verdict};
use extractor::sync::RunReport;
use jira_sim::{Action, Endpoint, IssueId, Scope, SimConfig, When, WorldProfile, generate};

use crate::app::{App, request};
use crate::compare::assert_equal;

const ISSUES: usize = 40;

async fn app() -> App {
    let world = generate(&WorldProfile::new("PROJ", ISSUES, 31).plain(400)).unwrap();
    let mut app = App::with_config(SimConfig::cloud(), world).await;
    app.options.overlap = Duration::from_hours(12);
    app.sim.world_mut().advance(Duration::from_hours(48));
    app
}

fn nth(app: &App, n: usize) -> IssueId {
    app.sim.world().issues("PROJ").nth(n).unwrap().id()
}

/// Keeps issues out of every listing and every census from now on.
fn keep_back(app: &App, ids: &[IssueId]) {
    let omitted = Action::OmitIssues(ids.to_vec());
    app.sim.faults().on(Endpoint::SearchListing, When::Always, omitted);
}

/// What of the estimate no listing showed.
fn kept_back(report: &RunReport) -> Option<u64> {
    let finding: Option<&Finding> =
        report.certificate.findings.iter().find(|finding| finding.check.contains("estimated by"));
    finding.map(|finding| finding.expected - finding.found)
}

fn assert_named(report: &RunReport, issues: u64) {
    assert_eq!(report.certificate.verdict, Verdict::Missing, "{report:?}");
    assert_eq!(report.state, RunState::Incomplete);
    assert_eq!(kept_back(report), Some(issues), "{report:?}");
}

#[tokio::test]
async fn issues_that_no_listing_of_a_backfill_shows_are_named_until_they_come() {
    let app = app().await;
    keep_back(&app, &[nth(&app, 3), nth(&app, 20), nth(&app, 39)]);
    assert_named(&app.backfill("PROJ").await.unwrap(), 3);
    // It moved no cursor: there is no completed run that a delta could follow.
    let report = app.watched("PROJ", RunKind::Delta).await.unwrap();
    assert_eq!(report.kind, RunKind::Backfill);
    assert_named(&report, 3);
    assert!(app.times_hydrated().is_empty(), "what is stored is not fetched again");

    app.sim.faults().clear();
    let report = app.delta("PROJ").await.unwrap();
    assert_eq!((report.kind, report.state), (RunKind::Backfill, RunState::Completed), "{report:?}");
    assert_equal(&app, "PROJ").await;
}

/// The edit is older than any overlap when the search shows it at last.
#[tokio::test]
async fn an_edit_that_no_listing_of_a_delta_shows_is_named_and_found_however_late_it_comes() {
    let app = app().await;
    app.backfill("PROJ").await.unwrap();
    let edited = [nth(&app, 5), nth(&app, 6), nth(&app, 30)];
    for id in edited {
        let mut world = app.sim.world_mut();
        world.edit(id, &[("summary", "newer".into())]).unwrap();
        world.advance(Duration::from_mins(1));
    }
    keep_back(&app, &edited[2..]);
    for _ in 0..3 {
        let report = app.delta("PROJ").await.unwrap();
        assert_eq!(report.kind, RunKind::Delta);
        assert_named(&report, 1);
        app.sim.world_mut().advance(Duration::from_hours(24));
    }
    app.sim.faults().clear();
    let report = app.delta("PROJ").await.unwrap();
    assert_eq!((report.kind, report.state), (RunKind::Delta, RunState::Completed), "{report:?}");
    assert_equal(&app, "PROJ").await;
}

/// Issues from before the stretch are changed while the delta lists, and enter what it estimates.
#[tokio::test]
async fn edits_during_a_delta_are_not_taken_for_issues_that_are_kept_back() {
    let app = app().await;
    app.backfill("PROJ").await.unwrap();
    app.sim.world_mut().advance(Duration::from_hours(48));
    app.delta("PROJ").await.unwrap();
    app.sim.world_mut().advance(Duration::from_hours(48));
    let busy: Vec<IssueId> = app.sim.world().issues("PROJ").map(jira_sim::Issue::id).collect();
    let mut turn = 0;
    let process = app.process().await;
    app.sim.on_request(move |seen, world| {
        if seen.is_search() || seen.resource().contains("count") {
            world.advance(Duration::from_secs(2));
            turn += 1;
            world.touch(busy[turn % busy.len()]).unwrap();
        }
    });
    let report = process.engine.run_project(&request("PROJ", RunKind::Delta)).await.unwrap();
    process.session.close().await.unwrap();
    app.sim.clear_hooks();
    assert_eq!((report.kind, report.state), (RunKind::Delta, RunState::Completed), "{report:?}");
    assert_eq!(kept_back(&report), None);
    app.sim.world_mut().advance(Duration::from_secs(60));
    app.delta("PROJ").await.unwrap();
    assert_equal(&app, "PROJ").await;
}

/// An index entry without an issue stands for what was deleted a moment ago.
#[tokio::test]
async fn an_estimate_that_lags_behind_is_asked_again_and_not_reported() {
    let app = app().await;
    let gone = nth(&app, 11);
    app.sim.world_mut().delete_leaving_ghost(gone).unwrap();
    let mut estimates = 0;
    app.sim.on_request(move |seen, world| {
        if seen.resource() == "search/approximate-count" {
            estimates += 1;
            // One before the listings, to tell how much there is to do, and two after them.
            if estimates == 3 {
                world.reindex_to_document(&Scope::Project("PROJ".to_owned()));
            }
        }
    });
    let report = app.watched("PROJ", RunKind::Backfill).await.unwrap();
    assert_eq!(report.certificate.verdict, Verdict::Complete, "{report:?}");
    assert_eq!((report.certificate.attempts, kept_back(&report)), (2, None));
    let estimates =
        app.sim.requests().count(|seen| seen.seen.resource() == "search/approximate-count");
    assert_eq!(estimates, 3);
}

#[tokio::test]
async fn an_index_entry_without_an_issue_is_named_for_as_long_as_it_is_there() {
    let app = app().await;
    app.backfill("PROJ").await.unwrap();
    let gone = nth(&app, 11);
    app.sim.world_mut().touch(gone).unwrap();
    app.sim.world_mut().delete_leaving_ghost(gone).unwrap();
    app.sim.world_mut().advance(Duration::from_mins(10));
    assert_named(&app.delta("PROJ").await.unwrap(), 1);
    app.sim.world_mut().reindex_to_document(&Scope::Project("PROJ".to_owned()));
    let report = app.delta("PROJ").await.unwrap();
    assert_eq!(report.state, RunState::Completed, "{report:?}");
}

#[tokio::test]
async fn what_the_filter_leaves_out_is_not_missed() {
    let mut app = app().await;
    let filter = "issuetype = Bug";
    assert!(UserFilter::parse(filter).is_ok());
    app.options.filter = Some(filter.to_owned());
    for kind in [RunKind::Backfill, RunKind::Delta] {
        let report = app.watched("PROJ", kind).await.unwrap();
        assert_eq!(report.certificate.verdict, Verdict::Complete, "{report:?}");
        assert!(report.certificate.counted < ISSUES as u64);
    }
}
