//! Situations of a Cloud with a name, each with the number of requests it may cost.

use rstest::rstest;

use super::naive_cloud::{Fault, NaiveCloud, calm, run};
use super::naive_jira::{NaiveJira, Op, instant, plan};
use crate::jql::TimeGrid;
use crate::model::{Checkpoint, ListingPage, PageStart, PageToken};
use crate::seek::{Method, Scan, ScanError, ScanPlan, Step};

const START: i64 = 1_700_000_000;
const DAY: i64 = 86_400;

fn spread_out(count: i64, page_cap: usize) -> NaiveCloud {
    let mut jira = NaiveJira::new(TimeGrid::Seconds, page_cap, START + 100 * count + DAY);
    (0..count).for_each(|i| jira.add(1_000 + i, i as u64 + 1, START + 7 * i, START + 7 * i));
    NaiveCloud::new(jira)
}

fn tokens(cloud: &NaiveCloud) -> ScanPlan {
    let plan = plan(&cloud.jira);
    ScanPlan { settled: plan.horizon - chrono::Duration::hours(12), method: Method::Tokens, ..plan }
}

fn census(cloud: &NaiveCloud) -> ScanPlan {
    ScanPlan { method: Method::Census, ..tokens(cloud) }
}

#[test]
fn a_quiet_project_costs_a_request_a_page() {
    let mut cloud = spread_out(20_000, 1_000);
    let (plan, census) = (tokens(&cloud), census(&cloud));
    let outcome = run(&mut cloud, &plan, calm).unwrap();
    assert_eq!(outcome.listed, cloud.jira.listable_ids());
    assert_eq!((outcome.requests.len(), outcome.rows), (21, 20_000));
    let outcome = run(&mut cloud, &census, calm).unwrap();
    assert_eq!(outcome.listed, cloud.jira.listable_ids());
    assert_eq!((outcome.requests.len(), outcome.summary.census), (20, Some(20_000)));
}

#[test]
fn thousands_in_one_second_are_nothing_special() {
    let mut cloud = spread_out(500, 100);
    (0..3_000).for_each(|i| cloud.jira.add(50_000 - i, 1_000 + i as u64, START + 99, START + 99));
    let plan = tokens(&cloud);
    let outcome = run(&mut cloud, &plan, calm).unwrap();
    assert_eq!(outcome.listed, cloud.jira.listable_ids());
    assert_eq!(outcome.requests.len(), 36);
}

#[test]
fn issues_without_updated_are_asked_for_apart_and_are_in_the_census() {
    let mut cloud = spread_out(50, 10);
    for issue in cloud.jira.issues.values_mut().take(25) {
        (issue.document, issue.index) = (None, None);
    }
    let (plan, census) = (tokens(&cloud), census(&cloud));
    let outcome =
        run(&mut cloud, &plan, |_, requests| ((requests == 5).then_some(Fault::Refuse), false))
            .unwrap();
    assert_eq!(outcome.listed, cloud.jira.listable_ids());
    assert_eq!(outcome.summary.restarts, 1);
    let outcome = run(&mut cloud, &census, calm).unwrap();
    assert_eq!(outcome.listed, cloud.jira.listable_ids());
}

#[rstest]
#[case(Fault::Refuse)]
#[case(Fault::Expire)]
#[case(Fault::Repeat)]
#[case(Fault::Circle)]
#[case(Fault::TooHeavy)]
fn a_broken_token_costs_a_page_or_two(#[case] fault: Fault) {
    let mut cloud = spread_out(3_000, 100);
    let plan = ScanPlan { page_rows: 400, ..tokens(&cloud) };
    let outcome =
        run(&mut cloud, &plan, |_, requests| ((requests == 12).then_some(fault), false)).unwrap();
    assert_eq!(outcome.listed, cloud.jira.listable_ids());
    assert!(outcome.requests.len() <= 33, "{}", outcome.requests.len());
    assert_eq!(outcome.summary.restarts, u64::from(fault.breaks()));
    assert!(outcome.rows <= 3_001, "rows that came again are dropped: {}", outcome.rows);
}

#[test]
fn a_process_that_dies_goes_on_a_page_before() {
    let mut cloud = spread_out(3_000, 100);
    let plan = tokens(&cloud);
    let outcome = run(&mut cloud, &plan, |_, requests| (None, requests == 20)).unwrap();
    assert_eq!(outcome.listed, cloud.jira.listable_ids());
    assert_eq!(outcome.requests.len(), 32);
}

#[test]
fn empty_pages_with_a_token_are_followed() {
    let mut cloud = spread_out(300, 100);
    let plan = tokens(&cloud);
    let outcome = run(&mut cloud, &plan, |_, requests| {
        ((2..12).contains(&requests).then_some(Fault::Empty), false)
    })
    .unwrap();
    assert_eq!(outcome.listed, cloud.jira.listable_ids());
    assert_eq!((outcome.requests.len(), outcome.summary.restarts), (14, 0));
}

#[rstest]
#[case(Fault::Repeat)]
#[case(Fault::Circle)]
fn tokens_that_lead_on_once_and_no_further_are_enough(#[case] fault: Fault) {
    let mut cloud = spread_out(300, 10);
    let plan = tokens(&cloud);
    let outcome = run(&mut cloud, &plan, |_, _| (Some(fault), false)).unwrap();
    assert_eq!(outcome.listed, cloud.jira.listable_ids());
    assert!(outcome.requests.len() <= 90, "{}", outcome.requests.len());
}

#[rstest]
#[case(Fault::Refuse, 20)]
#[case(Fault::Expire, 20)]
#[case(Fault::Empty, 120)]
fn tokens_that_never_lead_on_end_in_an_error_of_their_own(
    #[case] fault: Fault,
    #[case] bound: usize,
) {
    let mut cloud = spread_out(300, 10);
    let plan = tokens(&cloud);
    let mut sent = 0;
    let failed = run(&mut cloud, &plan, |_, requests| {
        sent = requests;
        (Some(fault), false)
    });
    assert!(matches!(failed, Err(ScanError::TokensBroken { .. })), "{failed:?}");
    assert!(sent <= bound, "{sent}");
}

/// A Jira whose pages are always fresh tokens to the same two issues.
#[test]
fn tokens_that_are_new_each_time_and_bring_nothing_new_end_too() {
    let cloud = spread_out(2, 10);
    let mut scan = Scan::new(tokens(&cloud), &Checkpoint::default());
    let rows: Vec<_> =
        cloud.jira.issues.iter().map(|(id, i)| super::naive_jira::row((*id, i))).collect();
    for request in 0..200 {
        let Step::List(_) = scan.poll() else { panic!("finished") };
        let next = Some(PageToken(request.to_string()));
        let page = ListingPage { rows: rows.clone(), total: None, max_results: None, next };
        if let Err(error) = scan.handle_page(page) {
            assert!(matches!(error, ScanError::TokensBroken { .. }), "{error:?}");
            return;
        }
    }
    panic!("200 requests");
}

#[test]
fn an_end_that_comes_too_early_is_not_seen_by_the_listing_but_by_the_census() {
    let mut cloud = spread_out(1_000, 100);
    let (plan, census) = (tokens(&cloud), census(&cloud));
    let outcome = run(&mut cloud, &plan, |_, requests| {
        ((requests == 3).then_some(Fault::EndTooEarly), false)
    })
    .unwrap();
    assert_eq!(outcome.listed.len(), 400);
    let outcome = run(&mut cloud, &census, calm).unwrap();
    assert_eq!(outcome.listed, cloud.jira.listable_ids());
}

#[test]
fn a_census_holds_still_while_everything_is_edited() {
    let mut cloud = spread_out(1_000, 100);
    let census = census(&cloud);
    let before = cloud.jira.listable_ids();
    let outcome = run(&mut cloud, &census, |jira, requests| {
        jira.apply(&Op::BulkEdit { first: requests * 90, many: 500 });
        jira.apply(&Op::Create);
        jira.apply(&Op::ReindexToNow { first: requests * 40, many: 300 });
        ((requests == 6).then_some(Fault::Refuse), requests == 4)
    })
    .unwrap();
    assert_eq!(outcome.listed, before);
    assert_eq!(outcome.summary.census, Some(1_000));
    assert_eq!(outcome.requests.len(), 10 + 4 + 3);
}

#[test]
fn one_issue_touched_before_every_page_does_not_keep_the_listing_from_its_end() {
    let mut cloud = spread_out(300, 10);
    let plan = tokens(&cloud);
    let outcome = run(&mut cloud, &plan, |jira, _| {
        jira.apply(&Op::Edit { nth: 7, lag_secs: 0 });
        (None, false)
    })
    .unwrap();
    assert_eq!(outcome.listed, cloud.jira.listable_ids());
    assert!(outcome.requests.len() <= 40, "{}", outcome.requests.len());
}

#[rstest]
#[case::edited(|nth| Op::Edit { nth, lag_secs: 0 })]
#[case::created(|_| Op::Create)]
fn a_project_that_changes_faster_than_it_can_be_listed_ends_at_the_horizon(
    #[case] change: fn(usize) -> Op,
) {
    let mut cloud = spread_out(300, 10);
    cloud.jira.begin_watching();
    let plan = tokens(&cloud);
    let outcome = run(&mut cloud, &plan, |jira, requests| {
        (0..30).for_each(|i| jira.apply(&change(requests * 30 + i)));
        (None, false)
    })
    .unwrap();
    assert!(outcome.summary.tail_left);
    assert!(outcome.requests.len() <= 120, "{}", outcome.requests.len());
    let untouched = |id: &&i64| !cloud.jira.issues[*id].touched;
    let ids = cloud.jira.listable_ids();
    let missed: Vec<_> =
        ids.iter().filter(untouched).filter(|id| !outcome.listed.contains(*id)).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

/// Everything was edited in bulk a moment ago, and the index shows only some of it.
#[test]
fn a_page_full_of_fresh_documents_does_not_move_the_frontier_past_what_the_index_holds() {
    let mut cloud = spread_out(300, 10);
    let now = cloud.jira.now_secs();
    for (nth, issue) in cloud.jira.issues.values_mut().enumerate() {
        if nth < 150 {
            issue.document = Some((now - 60) * 1000);
        }
    }
    let plan = tokens(&cloud);
    let outcome = run(&mut cloud, &plan, |_, requests| {
        ((requests == 5).then_some(Fault::Refuse), requests == 20)
    })
    .unwrap();
    assert_eq!(outcome.listed, cloud.jira.listable_ids());
}

/// Index entries that have not heard of an edit of years ago, one on each page and never the first.
#[test]
fn stale_index_entries_here_and_there_mislead_nobody() {
    let mut cloud = spread_out(1_000, 10);
    for issue in cloud.jira.issues.values_mut().skip(7).step_by(10) {
        issue.document = Some((START + 6_500) * 1_000);
    }
    let plan = tokens(&cloud);
    let outcome = run(&mut cloud, &plan, |_, requests| {
        ((requests == 12).then_some(Fault::Refuse), requests == 30)
    })
    .unwrap();
    assert_eq!(outcome.listed, cloud.jira.listable_ids());
}

#[test]
fn a_delta_asks_from_an_instant_on_and_so_does_its_census() {
    let mut cloud = spread_out(1_000, 100);
    let from = Some(instant(START + 7 * 900));
    let plan = ScanPlan { from, undated: false, ..tokens(&cloud) };
    let outcome = run(&mut cloud, &plan, calm).unwrap();
    assert_eq!((outcome.listed.len(), outcome.requests.len()), (100, 1));
    let plan = ScanPlan { method: Method::Census, ..plan };
    let outcome = run(&mut cloud, &plan, calm).unwrap();
    assert_eq!((outcome.listed.len(), outcome.requests.len()), (100, 1));
    assert_eq!(outcome.requests[0].start, PageStart::FIRST);
    assert_eq!(
        outcome.requests[0].query.to_string(),
        format!(
            "project = \"P\" AND updated >= {}000 AND created < {}000 ORDER BY created ASC, key ASC",
            START + 6_300,
            plan.horizon.timestamp()
        )
    );
}

#[test]
fn a_census_begins_at_its_beginning_whatever_the_checkpoint_says() {
    let cloud = spread_out(100, 10);
    let frontier = Some(crate::model::EpochSecond(START + 400));
    for (dated_done, done) in [(false, false), (true, false), (true, true)] {
        let checkpoint = Checkpoint { frontier, after: None, dated_done, done };
        let Step::List(request) = Scan::new(census(&cloud), &checkpoint).poll() else {
            panic!("{checkpoint:?}");
        };
        assert!(!request.query.to_string().contains("updated"), "{}", request.query);
    }
}

#[test]
fn a_query_that_is_refused_at_once_is_no_matter_of_tokens() {
    let cloud = spread_out(1, 10);
    let mut scan = Scan::new(tokens(&cloud), &Checkpoint::default());
    let refused = scan.handle_refused("Error in the JQL Query");
    assert!(matches!(refused, Err(ScanError::Refused { .. })), "{refused:?}");
}
