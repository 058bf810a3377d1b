//! For any world and any script: the listing ends within its bound, everything untouched is
//! listed, and what was touched is listed by this run or the next.
//!
//! One thing a single ascending scan cannot see is an index entry that moves from ahead of the
//! frontier to behind it, or that vouches for a jump just because a reindex mended it between two
//! pages while other entries made up the counts. The certificate counts what was listed, so the
//! properties include its rule: when the counts differ, list again by windows. Only if exactly as
//! many issues vanished as were missed do the counts agree wrongly; the reconcile finds those.

use chrono_tz::{America::New_York, Europe::Berlin};
use proptest::prelude::*;

use super::naive_jira::{NaiveJira, Op, instant, plan, run};
use crate::jql::{Span, TimeGrid};
use crate::seek::Method;

/// Shortly before the hour that repeats in New York and (an hour later) in Berlin.
pub(super) const START: i64 = 1_730_606_000;

#[derive(Debug, Clone)]
struct Script {
    jira: NaiveJira,
    method: Method,
    page_rows: u32,
    /// Before each request: what happens, and whether the process dies there.
    events: Vec<(Vec<Op>, bool)>,
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    let nth = 0_usize..200;
    prop_oneof![
        4 => (nth.clone(), prop_oneof![3 => Just(0_i64), 1 => 1_i64..400])
            .prop_map(|(nth, lag_secs)| Op::Edit { nth, lag_secs }),
        1 => (nth.clone(), 1_usize..80).prop_map(|(first, many)| Op::BulkEdit { first, many }),
        2 => Just(Op::Create),
        2 => nth.clone().prop_map(|nth| Op::Delete { nth }),
        1 => nth.clone().prop_map(|nth| Op::MoveAway { nth }),
        1 => nth.clone().prop_map(|nth| Op::Hide { nth }),
        1 => nth.clone().prop_map(|nth| Op::Unhide { nth }),
        1 => Just(Op::ReindexToDocuments),
        1 => (nth, 1_usize..120).prop_map(|(first, many)| Op::ReindexToNow { first, many }),
        2 => (1_i64..4_000).prop_map(|secs| Op::Wait { secs }),
    ]
}

/// Clustered seconds, so that pages, seconds and minutes are over-full now and then.
fn document_second() -> impl Strategy<Value = i64> {
    prop_oneof![
        3 => 0_i64..20_000,
        2 => (0_i64..8).prop_map(|cluster| cluster * 1_700),
        1 => (0_i64..3_000).prop_map(|second| second / 60),
    ]
}

/// How far the index is from the document: mostly not at all.
fn skew() -> impl Strategy<Value = i64> {
    prop_oneof![8 => Just(0_i64), 1 => -9_000_i64..9_000, 1 => Just(7_000_i64)]
}

pub(super) fn grid() -> impl Strategy<Value = TimeGrid> {
    prop_oneof![
        3 => Just(TimeGrid::Seconds),
        1 => Just(TimeGrid::Minutes(New_York)),
        1 => Just(TimeGrid::Minutes(Berlin)),
    ]
}

pub(super) fn world() -> impl Strategy<Value = NaiveJira> {
    let issues = prop::collection::vec((document_second(), skew(), 0_u32..40), 0..160);
    let window = prop_oneof![4 => Just(10_000_u64), 1 => 20_u64..60];
    (grid(), 1_usize..20, issues, window).prop_map(|(grid, page_cap, issues, window)| {
        let mut jira = NaiveJira::new(grid, page_cap, START + 40_000);
        jira.result_window = window;
        let count = issues.len() as i64;
        for (i, (second, skew, kind)) in issues.into_iter().enumerate() {
            let (id, number) = (1_000 + (i as i64 * 37) % (count * 37 + 1), i as u64 + 1);
            let document = START + second;
            jira.add(id, number, document, (document + skew).clamp(0, START + 39_000));
            if let (Some(issue), 0) = (jira.issues.get_mut(&id), kind) {
                (issue.document, issue.index) = (None, None);
            }
        }
        jira
    })
}

fn script() -> impl Strategy<Value = Script> {
    let events = prop::collection::vec(
        (prop::collection::vec(op(), 0..6), prop::bool::weighted(0.1)),
        0..25,
    );
    let method = prop_oneof![3 => Just(Method::Forward), 1 => Just(Method::Windows)];
    (world(), method, 1_u32..25, events).prop_map(|(jira, method, page_rows, events)| Script {
        jira,
        method,
        page_rows,
        events,
    })
}

/// `PROPTEST_CASES` if set.
pub(super) fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(1_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn every_untouched_issue_is_listed_and_the_rest_by_the_next_run(script in script()) {
        let Script { mut jira, method, page_rows, events } = script;
        let mut plan = plan(&jira);
        plan.method = method;
        plan.page_rows = page_rows;
        jira.begin_watching();
        let at_start = jira.listable_ids();
        let mut left = events.into_iter();
        let outcome = run(&mut jira, &plan, |jira, _| {
            let (ops, dies) = left.next().unwrap_or_default();
            ops.iter().for_each(|op| jira.apply(op));
            dies
        });
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };

        // What a certificate does with a listing: it counts, and lists again by windows.
        let gone = outcome.listed.iter().any(|id| !jira.issues[id].listable());
        let mut listed = outcome.listed.clone();
        if jira.listable_ids().len() != listed.len() {
            plan.method = Method::Windows;
            let again = run(&mut jira, &plan, |_, _| false);
            listed.extend(again.map_err(|error| TestCaseError::fail(error.to_string()))?.listed);
        }
        for id in &at_start {
            let issue = &jira.issues[id];
            let masked = gone && jira.listable_ids().len() == outcome.listed.len();
            prop_assert!(
                issue.touched || listed.contains(id) || masked,
                "lost {id}: {issue:?}"
            );
        }
        for request in outcome.requests.iter().filter(|request| request.start.offset() > 0) {
            let narrow = match &request.query.span {
                Span::Updated { from, to } => {
                    let from = from.as_ref().map_or(-1, |from| from.second().0);
                    let next = jira.grid.after(crate::model::EpochSecond(from)).unwrap();
                    to.as_ref().is_some_and(|to| to.second() <= next.second())
                }
                Span::Undated => true,
                Span::All => false,
            };
            prop_assert!(narrow, "startAt outside an over-full second: {request:?}");
        }

        // The next run begins where this one began, less the overlap; by then the index is up.
        jira.apply(&Op::Wait { secs: 1_000 });
        let mut next_plan = plan.clone();
        next_plan.from = Some(plan.horizon - chrono::Duration::seconds(500));
        next_plan.horizon = instant(jira.now_secs());
        let next = run(&mut jira, &next_plan, |_, _| false);
        let next = next.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let edited_since = |id: &i64| {
            jira.issues[id].document.is_some_and(|ms| ms / 1000 >= plan.horizon.timestamp())
        };
        for id in jira.listable_ids().iter().filter(|id| edited_since(id)) {
            prop_assert!(
                outcome.listed.contains(id) || next.listed.contains(id),
                "an edit was seen by neither run: {id}"
            );
        }
    }
}
