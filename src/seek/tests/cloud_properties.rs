//! The same for a Cloud: for any world, script and faults of its tokens, the listing ends within
//! its bound and its frontier never falls; what was there untouched is listed, or Jira ended a
//! listing too early, and then the census finds it.

use proptest::prelude::*;

use super::naive_cloud::{Fault, NaiveCloud, calm, run};
use super::naive_jira::{NaiveJira, Op, instant, plan};
use super::properties::{START, cases, grid, op, world};
use crate::jql::TimeGrid;
use crate::seek::{Method, ScanError, ScanPlan};

/// When every world's run begins.
const NOW: i64 = START + 40_000;
/// How late the index may be.
const LAG: i64 = 5_000;
/// `seek` gives up when more chains break than this without getting on.
const RESTARTS: usize = 5;

/// Before each request: what happens, what befalls it, and whether the process dies.
type Events = Vec<(Vec<Op>, Option<Fault>, bool)>;

fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        12 => Just(None),
        1 => Just(Some(Fault::Refuse)),
        1 => Just(Some(Fault::Expire)),
        1 => Just(Some(Fault::Repeat)),
        1 => Just(Some(Fault::Circle)),
        1 => Just(Some(Fault::Empty)),
        1 => Just(Some(Fault::TooHeavy)),
    ]
}

fn events() -> impl Strategy<Value = Events> {
    let ops = prop::collection::vec(op(), 0..5);
    prop::collection::vec((ops, fault(), prop::bool::weighted(0.08)), 0..25)
}

/// Documents and index agree, or a reindex put the index later, or it has not caught up with an
/// edit of the last `LAG` seconds.
fn lagging_world() -> impl Strategy<Value = NaiveJira> {
    let agrees = (0_i64..20_000).prop_map(|second| (second, second));
    let clustered = (0_i64..4).prop_map(|cluster| (cluster * 1_700, cluster * 1_700));
    let reindexed = (0_i64..20_000, 0_i64..39_000).prop_map(|(d, i)| (d, d.max(i)));
    let late = (36_000_i64..40_000, 0_i64..36_000);
    let issue = prop_oneof![4 => agrees, 2 => clustered, 1 => reindexed, 2 => late];
    let issues = prop::collection::vec((issue, 0_u32..40), 0..160);
    (grid(), 1_usize..20, issues).prop_map(|(grid, page_cap, issues)| {
        let mut jira = NaiveJira::new(grid, page_cap, NOW);
        let count = issues.len() as i64;
        for (i, ((document, index), kind)) in issues.into_iter().enumerate() {
            let (id, number) = (1_000 + (i as i64 * 37) % (count * 37 + 1), i as u64 + 1);
            jira.add(id, number, START + document, START + index);
            if let (Some(issue), 0) = (jira.issues.get_mut(&id), kind) {
                (issue.document, issue.index) = (None, None);
            }
        }
        jira
    })
}

fn tokens(jira: &NaiveJira, page_rows: u32) -> ScanPlan {
    let settled = instant(jira.now_secs() - LAG);
    ScanPlan { method: Method::Tokens, page_rows, settled, ..plan(jira) }
}

/// Plays events one by one, whatever is listed meanwhile.
struct Player {
    left: std::vec::IntoIter<(Vec<Op>, Option<Fault>, bool)>,
    broken: usize,
}

impl Player {
    fn of(events: Events) -> Self {
        Self { left: events.into_iter(), broken: 0 }
    }

    fn play(&mut self, jira: &mut NaiveJira) -> (Option<Fault>, bool) {
        let (ops, fault, dies) = self.left.next().unwrap_or_default();
        ops.iter().for_each(|op| jira.apply(op));
        self.broken += usize::from(fault.is_some_and(Fault::breaks));
        (fault, dies)
    }

    /// Only a script that breaks many tokens excuses a listing that gives up.
    fn excuse(&self, error: &ScanError) -> Result<(), TestCaseError> {
        let broken = matches!(error, ScanError::TokensBroken { .. }) && self.broken > RESTARTS;
        prop_assert!(broken, "{error}");
        Ok(())
    }
}

/// What any listing of so many issues may cost, with so many events.
fn bound(jira: &NaiveJira, events: usize) -> usize {
    (2 + events) * (40 + 3 * jira.issues.len())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn every_untouched_issue_is_listed_by_tokens_however_they_break(
        jira in lagging_world(),
        page_rows in 1_u32..25,
        events in events(),
    ) {
        let mut cloud = NaiveCloud::new(jira);
        let plan = tokens(&cloud.jira, page_rows);
        cloud.jira.begin_watching();
        let at_start = cloud.jira.listable_ids();
        let count = events.len();
        let mut player = Player::of(events);
        let outcome = match run(&mut cloud, &plan, |jira, _| player.play(jira)) {
            Ok(outcome) => outcome,
            Err(error) => return player.excuse(&error),
        };
        let bound = bound(&cloud.jira, count);
        prop_assert!(outcome.requests.len() <= bound, "{} requests", outcome.requests.len());
        for id in &at_start {
            let issue = &cloud.jira.issues[id];
            prop_assert!(issue.touched || outcome.listed.contains(id), "lost {id}: {issue:?}");
        }

        cloud.jira.apply(&Op::Wait { secs: 1_000 });
        let mut next = tokens(&cloud.jira, page_rows);
        next.from = Some(plan.horizon - chrono::Duration::seconds(500));
        let next = run(&mut cloud, &next, calm).unwrap();
        for id in cloud.jira.listable_ids() {
            let document = cloud.jira.issues[&id].document;
            let edited_since = document.is_some_and(|ms| ms / 1000 >= plan.horizon.timestamp());
            prop_assert!(
                !edited_since || outcome.listed.contains(&id) || next.listed.contains(&id),
                "an edit was seen by neither run: {id}"
            );
        }
    }

    /// However wrong the index is, and however often tokens break.
    #[test]
    fn the_census_lists_whatever_was_there_all_along(
        jira in world(),
        page_rows in 1_u32..25,
        events in events(),
    ) {
        let mut cloud = NaiveCloud::new(jira);
        let plan = ScanPlan { method: Method::Census, ..tokens(&cloud.jira, page_rows) };
        cloud.jira.begin_watching();
        let at_start = cloud.jira.listable_ids();
        let count = events.len();
        let mut player = Player::of(events);
        let outcome = match run(&mut cloud, &plan, |jira, _| player.play(jira)) {
            Ok(outcome) => outcome,
            Err(error) => return player.excuse(&error),
        };
        let bound = bound(&cloud.jira, count);
        prop_assert!(outcome.requests.len() <= bound, "{} requests", outcome.requests.len());
        for id in &at_start {
            let issue = &cloud.jira.issues[id];
            prop_assert!(issue.was_away || outcome.listed.contains(id), "lost {id}: {issue:?}");
        }
        let before = |issue: &super::naive_jira::Issue| match cloud.jira.grid {
            TimeGrid::Seconds => issue.created < plan.horizon.timestamp(),
            TimeGrid::Minutes(_) => true,
        };
        for id in &outcome.listed {
            prop_assert!(before(&cloud.jira.issues[id]), "created since: {id}");
        }
    }

    /// However wrong the index is, and even if Jira ends the listing too early: listings in turn
    /// until one brings nothing new, as a certificate wants them.
    #[test]
    fn listing_and_census_in_turn_leave_nothing_out(
        jira in world(),
        page_rows in 1_u32..25,
        events in events(),
        end_too_early in prop::option::of(0_usize..20),
    ) {
        let mut cloud = NaiveCloud::new(jira);
        let plan = tokens(&cloud.jira, page_rows);
        cloud.jira.begin_watching();
        let at_start = cloud.jira.listable_ids();
        let mut player = Player::of(events);
        let listing = run(&mut cloud, &plan, |jira, requests| match player.play(jira) {
            (_, dies) if Some(requests) == end_too_early => (Some(Fault::EndTooEarly), dies),
            event => event,
        });
        let mut listed = match listing {
            Ok(outcome) => outcome.listed,
            Err(error) => return player.excuse(&error),
        };
        for method in [Method::Census, Method::Tokens] {
            let plan = ScanPlan { method, ..plan.clone() };
            let again = match run(&mut cloud, &plan, |jira, _| player.play(jira)) {
                Ok(outcome) => outcome.listed,
                Err(error) => return player.excuse(&error),
            };
            let brought_nothing = listed.is_superset(&again);
            listed.extend(again);
            if brought_nothing {
                break;
            }
        }
        for id in &at_start {
            let issue = &cloud.jira.issues[id];
            prop_assert!(issue.was_away || listed.contains(id), "lost {id}: {issue:?}");
        }
    }
}
