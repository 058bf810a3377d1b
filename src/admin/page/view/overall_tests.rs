//! What the page says of the whole, by what there is to say.

use rstest::rstest;

use super::*;
use crate::admin::page::view::stage::{Stage, at, certified, run, trouble};
use crate::jira::ClientStats;
use crate::model::{RunState, Verdict};

fn down(secs: i64) -> Link {
    Link::Down { since: at(-secs), trouble: trouble() }
}

#[rstest]
#[case::well(|_: &mut Stage| {}, Tone::Good, "All 3 projects are up to date")]
#[case::one_project(|s: &mut Stage| drop(s.status.projects.drain(1..)), Tone::Good, "A is up to date")]
#[case::none(|s: &mut Stage| s.status.projects.clear(), Tone::Quiet, "No project is followed yet")]
#[case::failing(
    |s: &mut Stage| s.status.projects[1].failures_in_a_row = 3,
    Tone::Bad, "2 of 3 projects are up to date; B is failing"
)]
#[case::unproven(
    |s: &mut Stage| s.known().projects[0].certified = Some(certified(Verdict::Missing)),
    Tone::Bad, "2 of 3 projects are up to date; A is not proven whole"
)]
#[case::fresh(
    |s: &mut Stage| s.known().projects.truncate(1),
    Tone::Busy, "1 of 3 projects is up to date; B and C are not extracted yet"
)]
#[case::all_fresh(
    |s: &mut Stage| s.known().projects.clear(),
    Tone::Busy, "None of 3 projects is up to date; A, B and C are not extracted yet"
)]
#[case::mixed(
    |s: &mut Stage| { s.known().projects.truncate(2); s.status.projects[0].failures_in_a_row = 1; },
    Tone::Bad, "1 of 3 projects is up to date; A is failing and C is not extracted yet"
)]
#[case::late(
    |s: &mut Stage| {
        s.status.projects[2].next_run_at = Some(at(-121));
        s.known().projects[2].cursor.as_mut().unwrap().held_by = None;
    },
    Tone::Warn, "2 of 3 projects are up to date; C is late"
)]
#[case::jira_away(
    |s: &mut Stage| s.status.jira = down(320), Tone::Bad, "Jira has not answered for 5 minutes"
)]
#[case::both_away(
    |s: &mut Stage| { s.status.jira = down(320); s.status.database = down(7_300); },
    Tone::Bad, "Postgres has not answered for 2 hours"
)]
#[case::starting(|s: &mut Stage| s.status.phase = Phase::Starting, Tone::Busy, "The service is starting")]
#[case::starting_in_vain(
    |s: &mut Stage| { s.status.phase = Phase::Starting; s.status.jira = down(90); },
    Tone::Bad, "Jira has not answered for 1 minute"
)]
#[case::stopping(|s: &mut Stage| s.status.phase = Phase::Stopping, Tone::Quiet, "The service is stopping")]
#[case::unread(|s: &mut Stage| s.picture.known = None, Tone::Busy, "The database is being read")]
fn the_headline_answers_whether_it_is_well(
    #[case] change: impl Fn(&mut Stage),
    #[case] tone: Tone,
    #[case] headline: &str,
) {
    let mut stage = Stage::of(&["A", "B", "C"]);
    change(&mut stage);
    let overall = overall(&stage.sight());
    assert_eq!((overall.tone, overall.headline.as_str()), (tone, headline));
}

#[test]
fn the_oldest_project_and_the_runs_under_way_are_told() {
    let mut stage = Stage::of(&["A", "B"]);
    assert_eq!(overall(&stage.sight()).detail, "The oldest is 3 minutes behind Jira.");
    stage.known().projects[1].lag = Some(std::time::Duration::from_secs(7_300));
    let stage = stage.with(run("A", RunState::Running));
    assert_eq!(
        overall(&stage.sight()).detail,
        "The oldest is 2 hours behind Jira. 1 run is under way."
    );
}

#[test]
fn what_is_old_is_said_to_be_old() {
    let mut stage = Stage::of(&["A"]);
    stage.known().read_at = at(-300);
    stage.picture.silent_since = Some(at(-290));
    let detail = overall(&stage.sight()).detail;
    assert_eq!(
        detail,
        "It is 8 minutes behind Jira. What is shown of the database was read 5 minutes ago."
    );
}

#[test]
fn trouble_is_told_with_what_to_do_and_the_worst_first() {
    let mut stage = Stage::of(&["A"]);
    stage.status.configuration.refused = Some(trouble());
    stage.status.jira = down(60);
    stage.status.projects[0].failures_in_a_row = 2;
    stage.status.projects[0].trouble = Some(trouble());
    let notices = overall(&stage.sight()).notices;
    let titles: Vec<_> = notices.iter().map(|notice| notice.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "Jira does not answer",
            "The last 2 runs of A failed",
            "The changed configuration was refused"
        ]
    );
    assert_eq!(notices[0].text, "Cannot reach jira.example. It was last there 1 minute ago.");
    assert_eq!(notices[0].remedy.as_deref(), Some("Look whether it is down."));
}

#[test]
fn an_open_breaker_is_told() {
    let stage = Stage::of(&["A"]);
    let stats = ClientStats { breaker_state: BreakerState::Open, ..ClientStats::default() };
    let sight = Sight { stats: Some(stats), ..stage.sight() };
    let notices = overall(&sight).notices;
    assert_eq!(notices[0].title, "Requests to Jira are held back");
}
