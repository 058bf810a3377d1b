//! An index that counts what is not there, or lacks what is: absence means nothing, and the
//! certificate does not say that all is well.

use std::time::Duration;

use extractor::model::{RunKind, RunState, Verdict};
use jira_sim::{IssueId, Scope, WorldProfile, generate};

use crate::app::App;
use crate::compare::{assert_equal, assert_equal_but_for_departed};

const ISSUES: usize = 300;

async fn app() -> App {
    let world = generate(&WorldProfile::new("PROJ", ISSUES, 13).plain(600)).unwrap();
    let mut app = App::new(world).await;
    app.options.page_rows = 50;
    app
}

fn ids(app: &App) -> Vec<IssueId> {
    app.sim.world().issues("PROJ").map(jira_sim::Issue::id).collect()
}

const NOT_DELETED: &str = "SELECT count(*) FROM jira.issues WHERE deleted_at IS NULL";

#[tokio::test]
async fn ghosts_in_the_index_make_the_run_incomplete_and_the_certificate_says_why() {
    let app = app().await;
    for id in ids(&app).into_iter().skip(30).step_by(90).take(3) {
        app.sim.world_mut().delete_leaving_ghost(id).unwrap();
    }
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!(report.state, RunState::Incomplete);
    assert_eq!(report.certificate.verdict, Verdict::Missing);
    assert_eq!(report.certificate.counted, ISSUES as u64);
    assert_eq!(report.certificate.stored, ISSUES as u64 - 3);
    let finding = &report.certificate.findings[0];
    assert_eq!((finding.expected, finding.found), (ISSUES as u64, ISSUES as u64 - 3));
    assert!(finding.meaning.contains("3 entries") && finding.meaning.contains("reindex"));
    assert_equal(&app, "PROJ").await;
    let stored = app.store.load_certificate(report.run).await.unwrap().unwrap();
    assert_eq!(stored.verdict, Verdict::Missing);

    app.sim.world_mut().reindex_to_document(&Scope::All);
    let report = app.delta("PROJ").await.unwrap();
    assert_eq!((report.kind, report.state), (RunKind::Backfill, RunState::Completed));
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn an_empty_index_deletes_nothing_and_certifies_nothing() {
    let app = app().await;
    app.backfill("PROJ").await.unwrap();
    app.sim.world_mut().clear_index();
    app.sim.world_mut().advance(Duration::from_secs(600));
    for kind in [RunKind::Delta, RunKind::Backfill] {
        let report = app.watched("PROJ", kind).await.unwrap();
        assert_eq!(report.certificate.counted, 0);
        assert_eq!(report.certificate.verdict, Verdict::Missing, "{report:?}");
        assert_eq!(report.state, RunState::Incomplete);
        assert!(!report.certificate.findings.is_empty());
        assert!(app.times_hydrated().is_empty());
        assert_eq!(app.number(NOT_DELETED).await, ISSUES as i64);
    }
}

#[tokio::test]
async fn edits_made_while_the_index_was_rebuilt_for_hours_are_found_afterwards() {
    let app = app().await;
    app.backfill("PROJ").await.unwrap();
    let ids = ids(&app);
    app.sim.world_mut().clear_index();
    for hour in 0..5 {
        {
            let mut world = app.sim.world_mut();
            world.advance(Duration::from_secs(3_600));
            let id = ids[hour * 17];
            world.add_comment(id, "while nobody could search").unwrap();
            // The documents change, and the index that is being built does not show it yet.
            world.unindex(id);
        }
        app.delta("PROJ").await.unwrap();
    }
    app.sim.world_mut().advance(Duration::from_secs(3_600));
    app.sim.world_mut().reindex_to_document(&Scope::All);
    let report = app.delta("PROJ").await.unwrap();
    assert_eq!(report.state, RunState::Completed, "{report:?}");
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn deltas_of_a_project_in_which_a_few_issues_are_deleted_stay_complete() {
    let app = app().await;
    app.backfill("PROJ").await.unwrap();
    for id in ids(&app).into_iter().take(8) {
        app.sim.world_mut().advance(Duration::from_secs(60));
        app.sim.world_mut().delete(id).unwrap();
        let report = app.delta("PROJ").await.unwrap();
        assert_eq!(report.state, RunState::Completed, "{report:?}");
    }
    assert_eq!(assert_equal_but_for_departed(&app, "PROJ").await, 8);
}

#[tokio::test]
async fn an_issue_that_is_late_in_the_index_is_found_within_the_overlap() {
    let app = app().await;
    app.backfill("PROJ").await.unwrap();
    let late = ids(&app)[5];
    {
        let mut world = app.sim.world_mut();
        world.advance(Duration::from_secs(600));
        let old = world.index_entry(late).unwrap().updated.unwrap() * 1_000;
        world.add_comment(late, "late in the index").unwrap();
        world.skew_index(late, Some(old)).unwrap();
        world.advance(Duration::from_secs(60));
    }
    assert_eq!(app.delta("PROJ").await.unwrap().counters.written, 0);
    app.sim.world_mut().advance(Duration::from_secs(1_800));
    app.sim.world_mut().reindex_to_document(&Scope::Issues(vec![late]));
    assert_eq!(app.delta("PROJ").await.unwrap().counters.written, 1);
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn documents_newer_than_their_index_entries_do_not_lead_the_listing_past_what_lies_between() {
    let app = app().await;
    {
        let mut world = app.sim.world_mut();
        let mut by_index: Vec<(i64, IssueId)> = world
            .issues("PROJ")
            .map(jira_sim::Issue::id)
            .map(|id| (world.index_entry(id).unwrap().updated.unwrap(), id))
            .collect();
        by_index.sort_unstable();
        // The last row of each of the first pages, and its neighbours.
        for (indexed, id) in by_index.into_iter().skip(45).step_by(3).take(40) {
            world.advance(Duration::from_secs(60));
            world.add_comment(id, "the index has not heard of it").unwrap();
            world.skew_index(id, Some(indexed * 1_000)).unwrap();
        }
        world.advance(Duration::from_secs(60));
    }
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!(report.state, RunState::Completed);
    assert_eq!(report.certificate.attempts, 1, "the first listing found everything: {report:?}");
    assert!(report.listing.distrusted > 0, "documents did mislead: {report:?}");
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn issues_without_updated_are_stored() {
    let app = app().await;
    for id in ids(&app).into_iter().step_by(4) {
        app.sim.world_mut().clear_updated(id).unwrap();
    }
    let report = app.watched("PROJ", RunKind::Backfill).await.unwrap();
    assert_eq!(report.certificate.verdict, Verdict::Complete, "{report:?}");
    assert_equal(&app, "PROJ").await;
}
