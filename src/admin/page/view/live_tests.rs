//! What the page says of runs under way.

use uuid::Uuid;

use super::*;
use crate::admin::page::samples::Reading;
use crate::admin::page::view::stage::{Stage, at, run};
use crate::model::RunId;

fn only(stage: &Stage) -> LiveLine {
    let mut lines = lines(&stage.sight());
    assert_eq!(lines.len(), 1);
    lines.remove(0)
}

/// Readings a minute apart: it fetched 60 issues and listed 120.
fn paced(mut stage: Stage) -> Stage {
    let run = RunId(Uuid::from_u128(7));
    for (secs, done, listed) in [(-60, 340, 880), (0, 400, 1_000)] {
        stage.picture.samples.take(&[Reading { run, done, listed }], at(secs), |_| true);
    }
    stage
}

#[test]
fn the_rest_is_estimated_while_the_listing_goes_on() {
    // 2,000 were counted last time, and four of five that are listed need fetching.
    let line = only(&paced(Stage::of(&["A"]).with(run("A", RunState::Running))));
    assert_eq!((line.doing, line.bar), ("fetching", Some((400, 1_600))));
    assert_eq!(line.done, "400 of about 1,600 issues fetched");
    assert_eq!(line.speed.as_deref(), Some("60 issues a minute"));
    assert_eq!(line.left.as_deref(), Some("about 20 minutes left"));
    assert_eq!(line.remarks, ["10 min so far", "in another process"]);
    assert_eq!(line.announcement, "A backfill: 20 percent");
}

#[test]
fn the_rest_is_known_when_the_listing_is_done() {
    let mut listed = run("A", RunState::Running);
    listed.checkpoint.done = true;
    listed.resumes = 2;
    listed.counters.failed = 3;
    let line = only(&paced(Stage::of(&["A"]).with(listed)));
    assert_eq!(line.done, "403 of 800 issues fetched");
    assert_eq!(line.left.as_deref(), Some("about 7 minutes left"));
    assert!(line.remarks.contains(&"resumed 2 times".to_owned()));
    assert!(line.remarks.contains(&"3 failed".to_owned()));
}

#[test]
fn a_run_that_only_lists_yet_tells_of_its_listing() {
    let mut listing = run("A", RunState::Running);
    (listing.counters.queued, listing.counters.hydrated, listing.counters.gone) = (0, 0, 0);
    let mut stage = Stage::of(&["A"]).with(listing);
    let line = only(&stage);
    assert_eq!((line.doing, line.bar), ("listing", Some((1_000, 2_000))));
    assert_eq!(line.done, "1,000 of about 2,000 issues listed");
    stage.known().projects[0].certified = None;
    let line = only(&stage);
    assert_eq!((line.bar, line.left), (None, None));
    assert_eq!(line.done, "1,000 issues listed");
}

#[test]
fn a_run_that_has_fetched_everything_is_counted() {
    let mut done = run("A", RunState::Running);
    done.checkpoint.done = true;
    (done.counters.hydrated, done.counters.gone) = (800, 0);
    let line = only(&Stage::of(&["A"]).with(done));
    assert_eq!(line.doing, "counting against Jira");
    assert_eq!((line.bar, line.left), (Some((800, 800)), None));
}

#[test]
fn what_nobody_holds_or_what_has_ended_is_not_under_way() {
    for state in [RunState::Completed, RunState::Failed, RunState::Queued] {
        assert!(lines(&Stage::of(&["A"]).with(run("A", state)).sight()).is_empty(), "{state}");
    }
    let mut stage = Stage::of(&["A"]).with(run("A", RunState::Running));
    stage.known().projects[0].cursor.as_mut().unwrap().held_by = None;
    assert!(lines(&stage.sight()).is_empty());
}
