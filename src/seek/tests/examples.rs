//! Situations with a name, each with the number of requests it may cost.

use chrono_tz::{America::New_York, Europe::Berlin};
use rstest::rstest;

use super::naive_jira::{NaiveJira, Op, Outcome, plan, run, undisturbed};
use crate::jql::{Span, TimeGrid};
use crate::seek::Method;

const START: i64 = 1_700_000_000;

fn assert_lists_all(jira: &NaiveJira, outcome: &Outcome) {
    assert_eq!(outcome.listed, jira.listable_ids());
}

fn offsets(outcome: &Outcome) -> usize {
    outcome.requests.iter().filter(|request| request.start.offset() > 0).count()
}

fn spread_out(count: i64, page_cap: usize) -> NaiveJira {
    let mut jira = NaiveJira::new(TimeGrid::Seconds, page_cap, START + 100 * count);
    (0..count).for_each(|i| jira.add(1_000 + i, i as u64 + 1, START + 7 * i, START + 7 * i));
    jira
}

#[test]
fn an_empty_project_costs_one_listing_and_one_question_for_the_undated() {
    let mut jira = spread_out(0, 100);
    let plan = plan(&jira);
    let outcome = run(&mut jira, &plan, undisturbed).unwrap();
    assert_eq!((outcome.listed.len(), outcome.requests.len()), (0, 2));
}

#[test]
fn a_quiet_project_costs_a_request_a_page() {
    let mut jira = spread_out(20_000, 1_000);
    jira.result_window = 1_000_000;
    let plan = plan(&jira);
    let outcome = run(&mut jira, &plan, undisturbed).unwrap();
    assert_lists_all(&jira, &outcome);
    assert!(outcome.requests.len() <= 22, "{}", outcome.requests.len());
    assert_eq!(offsets(&outcome), 0);
}

#[test]
fn a_total_at_the_result_window_is_no_end() {
    let mut jira = spread_out(3_000, 100);
    jira.result_window = 500;
    let plan = plan(&jira);
    let outcome = run(&mut jira, &plan, undisturbed).unwrap();
    assert_lists_all(&jira, &outcome);
}

#[test]
fn thousands_in_one_second_are_walked_by_key() {
    let mut jira = spread_out(500, 100);
    (0..3_000).for_each(|i| jira.add(50_000 - i, 1_000 + i as u64, START + 99, START + 99));
    let plan = plan(&jira);
    let outcome = run(&mut jira, &plan, undisturbed).unwrap();
    assert_lists_all(&jira, &outcome);
    assert_eq!(offsets(&outcome), 0);
    assert!(outcome.requests.len() <= 45, "{}", outcome.requests.len());
}

#[rstest]
#[case::deleted(|nth| Op::Delete { nth })]
#[case::moved(|nth| Op::MoveAway { nth })]
#[case::hidden(|nth| Op::Hide { nth })]
fn anchors_that_vanish_in_an_over_full_second_lose_nothing(#[case] vanish: fn(usize) -> Op) {
    let mut jira = NaiveJira::new(TimeGrid::Seconds, 100, START + 50);
    (0..3_000).for_each(|i| jira.add(10 + i, i as u64 + 1, START, START));
    jira.begin_watching();
    let plan = plan(&jira);
    let outcome = run(&mut jira, &plan, |jira, requests| {
        // Two listings and a stretch come first; then each page ends at the next hundredth issue.
        match requests {
            4 => jira.apply(&vanish(99)),
            5.. => jira.apply(&vanish(requests * 70)),
            _ => {}
        }
        false
    })
    .unwrap();
    assert!(outcome.listed.is_superset(&jira.listable_ids()));
    assert!(outcome.requests.len() < 200, "{}", outcome.requests.len());
    let anchors: Vec<_> =
        outcome.requests.iter().filter_map(|request| request.query.key_after.clone()).collect();
    assert_eq!(anchors[0].to_string(), "P-100");
    assert_eq!(anchors[1].to_string(), "P-99", "the next anchor before the one that vanished");
}

#[test]
fn a_jump_that_the_counts_alone_would_excuse_is_not_believed() {
    let mut jira = spread_out(150, 100);
    jira.issues.get_mut(&1_099).unwrap().document = Some((START + 1_000) * 1000);
    let plan = plan(&jira);
    let outcome = run(&mut jira, &plan, |jira, requests| {
        if requests == 1 {
            (0..60).for_each(|_| jira.apply(&Op::Create));
        }
        false
    })
    .unwrap();
    assert!(outcome.listed.is_superset(&jira.listable_ids()));
    assert!(outcome.summary.distrusted >= 1);
}

#[test]
fn when_every_anchor_vanishes_offsets_are_used_inside_that_second_only() {
    let mut jira = NaiveJira::new(TimeGrid::Seconds, 10, START + 50);
    (0..300).for_each(|i| jira.add(10 + i, i as u64 + 1, START, START));
    jira.begin_watching();
    let plan = plan(&jira);
    let outcome = run(&mut jira, &plan, |jira, requests| {
        if [6, 12, 18].contains(&requests) {
            (0..5 * requests).for_each(|nth| jira.apply(&Op::Delete { nth }));
        }
        false
    })
    .unwrap();
    assert!(outcome.listed.is_superset(&jira.listable_ids()));
    assert!(offsets(&outcome) > 0);
    for request in outcome.requests.iter().filter(|request| request.start.offset() > 0) {
        let Span::Updated { from: Some(from), to: Some(to) } = &request.query.span else {
            panic!("startAt outside a stretch with two ends: {request:?}");
        };
        assert_eq!(to.second().0 - from.second().0, 1);
    }
}

#[test]
fn a_stale_last_row_does_not_skip_what_lies_between() {
    let mut jira = spread_out(300, 100);
    // The last row of the first page: indexed in its place, but its document was updated later.
    jira.issues.get_mut(&1_099).unwrap().document = Some((START + 1_900) * 1000);
    let plan = plan(&jira);
    let outcome = run(&mut jira, &plan, undisturbed).unwrap();
    assert_lists_all(&jira, &outcome);
    assert!(outcome.summary.distrusted >= 1);
    assert!(outcome.requests.len() <= 12, "{}", outcome.requests.len());
}

#[test]
fn a_project_reindexed_to_now_costs_pages_in_proportion() {
    let mut jira = spread_out(5_000, 100);
    for (nth, issue) in jira.issues.values_mut().enumerate() {
        issue.index = Some(START + 400_000 + nth as i64 / 20);
    }
    let plan = plan(&jira);
    let outcome = run(&mut jira, &plan, undisturbed).unwrap();
    assert_lists_all(&jira, &outcome);
    assert!(outcome.requests.len() <= 150, "{} requests for 50 pages", outcome.requests.len());
}

#[test]
fn a_project_reindexed_within_one_second_is_walked_by_key() {
    let mut jira = spread_out(5_000, 100);
    jira.issues.values_mut().for_each(|issue| issue.index = Some(START + 300_000));
    let plan = plan(&jira);
    let outcome = run(&mut jira, &plan, undisturbed).unwrap();
    assert_lists_all(&jira, &outcome);
    assert!(outcome.requests.len() <= 100, "{} requests for 50 pages", outcome.requests.len());
}

#[test]
fn windows_alone_list_everything_too() {
    let mut jira = spread_out(5_000, 100);
    let mut plan = plan(&jira);
    plan.method = Method::Windows;
    let outcome = run(&mut jira, &plan, undisturbed).unwrap();
    assert_lists_all(&jira, &outcome);
    assert!(outcome.requests.len() <= 110, "{} requests for 50 pages", outcome.requests.len());
}

#[rstest]
#[case(New_York, 1_730_610_000)]
#[case(New_York, 1_710_054_000)]
#[case(Berlin, 1_729_990_800)]
#[case(Berlin, 1_711_846_800)]
fn minute_literals_lose_nothing_across_a_clock_change(
    #[case] zone: chrono_tz::Tz,
    #[case] change: i64,
) {
    let mut jira = NaiveJira::new(TimeGrid::Minutes(zone), 50, change + 100_000);
    for i in 0..2_000 {
        let second = change - 10_000 + 10 * i;
        jira.add(10 + i, i as u64 + 1, second, second);
    }
    let plan = plan(&jira);
    let outcome = run(&mut jira, &plan, undisturbed).unwrap();
    assert_lists_all(&jira, &outcome);
}

#[test]
fn issues_without_updated_are_asked_for_apart() {
    let mut jira = spread_out(50, 10);
    for nth in 0..25 {
        let issue = jira.issues.get_mut(&(1_000 + nth)).unwrap();
        (issue.document, issue.index) = (None, None);
    }
    let plan = plan(&jira);
    let outcome = run(&mut jira, &plan, undisturbed).unwrap();
    assert_lists_all(&jira, &outcome);
}

#[test]
fn a_project_edited_faster_than_it_can_be_listed_ends_at_the_horizon() {
    let mut jira = spread_out(300, 10);
    let plan = plan(&jira);
    let outcome = run(&mut jira, &plan, |jira, requests| {
        (0..30).for_each(|i| jira.apply(&Op::Edit { nth: requests * 30 + i, lag_secs: 0 }));
        false
    })
    .unwrap();
    assert!(outcome.summary.tail_left);
}

#[test]
fn index_entries_without_an_issue_are_counted_and_not_waited_for() {
    let mut jira = spread_out(300, 100);
    let ghosts = |nth: usize| nth.is_multiple_of(3);
    let plan = plan(&jira);
    jira.ghosts =
        jira.issues.keys().enumerate().filter(|(nth, _)| ghosts(*nth)).map(|(_, id)| *id).collect();
    let outcome = run(&mut jira, &plan, undisturbed).unwrap();
    assert_lists_all(&jira, &outcome);
    assert_eq!(outcome.summary.unloadable, 100);
    assert_eq!(offsets(&outcome), 0);
    assert!(outcome.requests.len() < 120, "{}", outcome.requests.len());
}
