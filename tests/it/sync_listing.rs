//! What a listing costs, and that it finds everything in a second that holds thousands.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use extractor::model::{RunKind, RunState, Verdict};
use jira_sim::{Draft, Imported, IssueId, IssueKey, RequestRecord, SimConfig, World};

use crate::app::App;
use crate::compare::{assert_equal, assert_equal_but_for_departed};

const PAGE: usize = 100;

#[tokio::test]
async fn listing_a_quiet_project_takes_at_most_1_2_requests_a_full_page() {
    const ISSUES: usize = 4_000;
    let mut world = World::new(1_700_000_000_000);
    world.add_project("PROJ", "Project");
    for n in 0..ISSUES {
        // Some share their second, and all were edited in another order than they were created.
        let updated = 1_690_000_000_000 + (n as i64 * 7_919 % 4_000) / 3 * 41_000;
        let imported = Imported {
            draft: Draft::new("quiet"),
            created: 1_680_000_000_000,
            updated: Some(updated),
            ..Imported::default()
        };
        world.import("PROJ", imported).unwrap();
    }
    let config = SimConfig { page_cap: PAGE, ..SimConfig::default() };
    let app = App::with_config(config, world).await;
    let report = app.watched("PROJ", RunKind::Backfill).await.unwrap();
    assert_eq!(report.state, RunState::Completed);
    assert_eq!(report.certificate.attempts, 1, "{report:?}");
    let pages = app.pages();
    let full_pages = ISSUES / PAGE;
    assert!(pages.len() * 10 <= full_pages * 12, "{} for {full_pages} pages", pages.len());
    assert!(pages.iter().all(|page| page.seen.start_at.unwrap_or(0) == 0));

    let report = app.watched("PROJ", RunKind::Delta).await.unwrap();
    assert_eq!(report.state, RunState::Completed);
    assert_eq!(app.pages().len(), 1, "a delta of a project nobody touched");
    assert!(app.times_hydrated().is_empty());
}

#[tokio::test]
async fn three_thousand_issues_edited_in_one_second_are_found_while_some_are_deleted_and_moved() {
    let app = a_crowded_second().await;
    let touched: Vec<IssueId> = crowd(&app.sim.world());
    // Every third page the anchor that it is asked after is deleted, or moved away; and on every
    // page one issue that is ahead of it, or behind.
    let mut pages = 0;
    let mut victims = touched.iter().copied().step_by(29).collect::<Vec<_>>();
    app.sim.on_request(move |seen, world| {
        if !seen.is_search() || seen.wants_whole_issues() || seen.max_results == Some(0) {
            return;
        }
        pages += 1;
        if pages % 3 == 0
            && let Some(anchor) = anchor(seen.jql.as_deref().unwrap_or(""))
            && let Some(id) = world.issue_by_key(&anchor).map(jira_sim::Issue::id)
        {
            if pages % 2 == 0 { world.delete(id) } else { world.move_issue(id, "SIDE").map(drop) }
                .unwrap();
        }
        if let Some(id) = victims.pop().filter(|id| world.issue(*id).is_some()) {
            if pages % 2 == 0 { world.delete(id) } else { world.move_issue(id, "SIDE").map(drop) }
                .unwrap();
        }
    });
    let report = app.watched("PROJ", RunKind::Delta).await.unwrap();
    app.sim.clear_hooks();

    let first = first_listing(&app);
    let listed: HashSet<IssueId> = first.iter().flat_map(|page| page.issues.clone()).collect();
    let missed: Vec<IssueId> = {
        let world = app.sim.world();
        let stayed = world.issues("PROJ").map(jira_sim::Issue::id).collect::<BTreeSet<_>>();
        touched.iter().copied().filter(|id| stayed.contains(id) && !listed.contains(id)).collect()
    };
    assert_eq!(missed, Vec::<IssueId>::new(), "not found by the first listing");
    let lost = touched.iter().filter(|id| app.sim.world().index_entry(**id).is_none()).count();
    assert!(lost >= 15, "anchors and others were deleted: {lost}");
    assert!(first.len() <= 120, "{} requests for {} pages", first.len(), 3_000 / PAGE);
    assert_offsets_stay_in_one_second(&app.pages());
    assert_ne!(report.certificate.verdict, Verdict::Failures);
    assert_equal_but_for_departed(&app, "PROJ").await;
}

#[tokio::test]
async fn an_over_full_second_in_which_no_anchor_stands_is_listed_by_offset_and_nothing_else_is() {
    let app = a_crowded_second().await;
    // Whatever issue is used as an anchor has just been moved away.
    app.sim.on_request(|seen, world| {
        let Some(anchor) = anchor(seen.jql.as_deref().unwrap_or("")) else { return };
        if let Some(issue) = world.issue_by_key(&anchor)
            && *issue.key() == anchor
        {
            let id = issue.id();
            world.move_issue(id, "SIDE").unwrap();
        }
    });
    app.watched("PROJ", RunKind::Delta).await.unwrap();
    app.sim.clear_hooks();
    let pages = app.pages();
    assert!(pages.iter().any(|page| page.seen.start_at > Some(0)), "startAt was needed");
    assert_offsets_stay_in_one_second(&pages);
    assert_equal_but_for_departed(&app, "PROJ").await;
}

/// A stored project of which 3,000 issues have just been edited in one second, on an instance
/// whose pages are small.
async fn a_crowded_second() -> App {
    let mut world = World::new(1_700_000_000_000);
    world.add_project("PROJ", "Project");
    world.add_project("SIDE", "Side");
    for _ in 0..35 {
        world.create_many("PROJ", 100).unwrap();
        world.advance(Duration::from_secs(600));
    }
    let mut app =
        App::with_config(SimConfig { page_cap: PAGE, ..SimConfig::default() }, world).await;
    app.options.overlap = Duration::from_secs(60);
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!(report.state, RunState::Completed);
    assert_equal(&app, "PROJ").await;
    {
        let mut world = app.sim.world_mut();
        let ids: Vec<IssueId> = world.issues("PROJ").map(jira_sim::Issue::id).collect();
        world.advance(Duration::from_secs(600));
        world.bulk_edit(&ids[200..3_200], &[("priority", "Minor".into())]).unwrap();
        world.advance(Duration::from_secs(60));
    }
    app
}

/// The issues in the second that holds most of the index.
fn crowd(world: &World) -> Vec<IssueId> {
    let latest = world.issues("PROJ").filter_map(jira_sim::Issue::updated).max();
    let crowd: Vec<IssueId> = world
        .issues("PROJ")
        .filter(|issue| issue.updated() == latest)
        .map(jira_sim::Issue::id)
        .collect();
    assert_eq!(crowd.len(), 3_000);
    crowd
}

fn anchor(jql: &str) -> Option<IssueKey> {
    let rest = jql.split("key > \"").nth(1)?;
    rest.split('"').next()?.parse().ok()
}

/// The listing pages before the first count, which the certificate asks for.
fn first_listing(app: &App) -> Vec<RequestRecord> {
    let listings = app.sim.requests().listings();
    listings.into_iter().take_while(|record| record.seen.max_results != Some(0)).collect()
}

fn assert_offsets_stay_in_one_second(pages: &[RequestRecord]) {
    for page in pages.iter().filter(|page| page.seen.start_at > Some(0)) {
        let jql = page.seen.jql.as_deref().unwrap_or("");
        let bound =
            |text: &str| -> Option<i64> { jql.split(text).nth(1)?.split(' ').next()?.parse().ok() };
        let (from, to) = (bound("updated >= ").unwrap(), bound("updated < ").unwrap());
        assert_eq!(to - from, 1_000, "{jql}");
    }
}
