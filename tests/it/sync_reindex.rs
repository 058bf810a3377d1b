//! A reindex sets the index apart from the documents: runs end, equal, and cost listing pages only.

use std::time::Duration;

use extractor::model::{RunKind, RunState, Verdict};
use jira_sim::{Scope, SimConfig, WorldProfile, generate};

use crate::app::App;
use crate::compare::assert_equal;

const ISSUES: usize = 5_000;
const PAGE: usize = 500;
/// Requests that narrowing a stretch of hours down to one second takes.
const NARROWING: usize = 30;

async fn app() -> App {
    let world = generate(&WorldProfile::new("PROJ", ISSUES, 11).plain(600)).unwrap();
    App::with_config(SimConfig { page_cap: PAGE, ..SimConfig::default() }, world).await
}

fn whole() -> Scope {
    Scope::Project("PROJ".to_owned())
}

#[tokio::test]
async fn a_reindex_of_the_whole_project_between_two_deltas_costs_listing_pages_only() {
    let app = app().await;
    app.backfill("PROJ").await.unwrap();
    app.sim.world_mut().advance(Duration::from_secs(3 * 3_600));
    app.sim.world_mut().reindex_to(&whole(), None);
    app.sim.world_mut().advance(Duration::from_secs(60));
    for _ in 0..2 {
        let report = app.watched("PROJ", RunKind::Delta).await.unwrap();
        assert_eq!(report.state, RunState::Completed);
        assert_eq!(report.certificate.verdict, Verdict::Complete);
        assert_eq!(report.counters.listed, ISSUES as u64);
        assert_eq!(report.counters.unchanged, ISSUES as u64);
        assert!(app.times_hydrated().is_empty(), "unchanged issues were fetched again");
        let pages = app.pages().len();
        assert!(pages <= ISSUES / PAGE + NARROWING, "{pages} requests");
    }
    app.sim.world_mut().reindex_to_document(&whole());
    app.sim.world_mut().advance(Duration::from_secs(60));
    let report = app.watched("PROJ", RunKind::Delta).await.unwrap();
    assert_eq!(report.state, RunState::Completed, "{report:?}");
    assert_eq!(app.pages().len(), 1, "the index is as the documents are: nothing is new");
    assert!(app.times_hydrated().is_empty());
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn edits_are_found_although_the_whole_project_is_reindexed_to_now() {
    let app = app().await;
    app.backfill("PROJ").await.unwrap();
    let edited = {
        let mut world = app.sim.world_mut();
        world.advance(Duration::from_secs(3 * 3_600));
        let ids: Vec<_> = world.issues("PROJ").map(jira_sim::Issue::id).step_by(97).collect();
        world.bulk_edit(&ids, &[("priority", "Minor".into())]).unwrap();
        world.advance(Duration::from_secs(60));
        world.reindex_to(&whole(), None);
        world.advance(Duration::from_secs(60));
        ids
    };
    let report = app.watched("PROJ", RunKind::Delta).await.unwrap();
    assert_eq!(report.state, RunState::Completed);
    let hydrated = app.times_hydrated();
    assert_eq!(hydrated.keys().copied().collect::<Vec<_>>().len(), edited.len());
    assert!(edited.iter().all(|id| hydrated.get(id) == Some(&1)));
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn a_reindex_to_now_in_the_middle_of_a_backfill_loses_nothing_and_fetches_nothing_twice() {
    reindexed_during_a_backfill(&[(3, true)]).await;
}

#[tokio::test]
async fn a_reindex_to_now_and_back_during_a_backfill_loses_nothing_and_fetches_nothing_twice() {
    reindexed_during_a_backfill(&[(2, true), (5, false), (9, true), (14, false)]).await;
}

/// Reindexes at the given listing requests: to now, or to the documents.
async fn reindexed_during_a_backfill(when: &[(usize, bool)]) {
    let app = app().await;
    let (when_len, when) = (when.len(), when.to_vec());
    let mut pages = 0;
    let process = app.process().await;
    app.sim.requests().clear();
    app.sim.on_request(move |seen, world| {
        if !seen.is_search() || seen.wants_whole_issues() || seen.max_results == Some(0) {
            return;
        }
        pages += 1;
        for (_, to_now) in when.iter().filter(|(page, _)| *page == pages) {
            if *to_now {
                world.reindex_to(&whole(), None);
            } else {
                world.reindex_to_document(&whole());
            }
        }
    });
    let request = crate::app::request("PROJ", RunKind::Backfill);
    let report = process.engine.run_project(&request).await.unwrap();
    app.sim.clear_hooks();
    assert_eq!(report.state, RunState::Completed, "{report:?}");
    assert_eq!(report.certificate.verdict, Verdict::Complete);
    assert_equal(&app, "PROJ").await;
    let hydrated = app.times_hydrated();
    assert_eq!(hydrated.len(), ISSUES);
    assert!(hydrated.values().all(|times| *times == 1), "fetched more than once");
    let pages = app.pages().len();
    let listings = when_len + report.certificate.attempts as usize;
    assert!(pages <= listings * (ISSUES / PAGE + NARROWING), "{pages} requests");
}
