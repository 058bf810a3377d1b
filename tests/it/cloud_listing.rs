//! Jira Cloud counts nothing and ends a listing with an absent token: a census proves that nothing
//! is missing, and finds what a listing left out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use extractor::model::{Basis, Certificate, RunKind, RunState, Verdict};
use extractor::sync::RunReport;
use jira_sim::{
    Action, Endpoint, Gate, IndexLag, IssueId, RequestRecord, SimConfig, TokenFault, When,
    WorldProfile, generate,
};
use rstest::rstest;

use crate::app::{App, request};
use crate::binary::Home;
use crate::simulation::{Duty, Ended, Grip, Process, Setup, assert_not_fetched_again, settled};

const ISSUES: usize = 2_000;
const PAGE: usize = 100;
const PAGES: usize = ISSUES / PAGE;

async fn app() -> App {
    let mut config = SimConfig::cloud();
    config.cloud.page_cap = PAGE;
    let world = generate(&WorldProfile::new("PROJ", ISSUES, 29).plain(400)).unwrap();
    let mut app = App::with_config(config, world).await;
    app.options.overlap = Duration::from_hours(12);
    app
}

fn ids(app: &App) -> Vec<IssueId> {
    app.sim.world().issues("PROJ").map(jira_sim::Issue::id).collect()
}

/// Key, `updated` in milliseconds, and comments of every issue, by id.
type Issues = BTreeMap<i64, (String, Option<i64>, i64)>;

async fn stored(app: &App) -> Issues {
    let rows: Vec<(i64, String, Option<i64>, i64)> = sqlx::query_as(
        "SELECT id, key, (extract(epoch FROM updated) * 1000)::bigint,
             (SELECT count(*) FROM jira.comments c WHERE c.issue_id = i.id)
         FROM jira.issues i WHERE project_key = 'PROJ' AND deleted_at IS NULL",
    )
    .fetch_all(&app.pool)
    .await
    .unwrap();
    rows.into_iter().map(|(id, key, updated, comments)| (id, (key, updated, comments))).collect()
}

/// Panics with the first differences between the world and what is stored.
async fn assert_same(app: &App) {
    let stored = stored(app).await;
    let world = app.sim.world();
    let expected: Issues = world
        .visible_issues("PROJ")
        .map(|issue| {
            let comments = i64::try_from(issue.comments().len()).unwrap();
            let of_issue = (issue.key().to_string(), issue.updated(), comments);
            (i64::try_from(issue.id()).unwrap(), of_issue)
        })
        .collect();
    let differ: Vec<_> = expected
        .iter()
        .filter(|(id, issue)| stored.get(id) != Some(issue))
        .map(|(id, issue)| (issue, stored.get(id)))
        .collect();
    assert!(differ.is_empty(), "{} differ, the first: {:?}", differ.len(), &differ[0]);
    assert_eq!(stored.len(), expected.len(), "too many are stored");
}

fn is_census(record: &RequestRecord) -> bool {
    record.seen.jql.as_deref().is_some_and(|jql| jql.contains("ORDER BY created"))
}

/// How many pages of the listings by `updated` (those without it included), and of the censuses.
fn pages(app: &App) -> (usize, usize) {
    let pages = app.pages();
    let census = pages.iter().filter(|page| is_census(page)).count();
    (pages.len() - census, census)
}

async fn with_faults(app: &App, kind: RunKind, faults: &[(u64, TokenFault)]) -> RunReport {
    let process = app.process().await;
    app.sim.requests().clear();
    for (nth, fault) in faults {
        app.sim.faults().on(Endpoint::SearchListing, When::Nth(*nth), Action::Token(*fault));
    }
    let report = process.engine.run_project(&request("PROJ", kind)).await.unwrap();
    process.session.close().await.unwrap();
    app.sim.faults().clear();
    report
}

/// Each issue once; a few again, alone, by which the client learns what issues have.
fn assert_fetched_about_once(app: &App) {
    let times = app.times_hydrated();
    let again = times.values().sum::<usize>() - times.len();
    assert!(times.len() == ISSUES && again <= 10, "{} of them, and {again} again", times.len());
}

fn proven(certificate: &Certificate) -> (Verdict, Basis, u64, u32) {
    let Certificate { verdict, basis, counted, attempts, .. } = *certificate;
    (verdict, basis, counted, attempts)
}

const ALL: u64 = ISSUES as u64;

#[tokio::test]
async fn a_backfill_is_certified_by_a_census_and_a_delta_costs_two_pages() {
    let app = app().await;
    let report = app.watched("PROJ", RunKind::Backfill).await.unwrap();
    assert_eq!(report.state, RunState::Completed, "{report:?}");
    assert_eq!(proven(&report.certificate), (Verdict::Complete, Basis::Census, ALL, 2));
    assert!(report.certificate.findings.is_empty(), "{report:?}");
    // One more for the issues without `updated`.
    assert_eq!(pages(&app), (PAGES + 1, PAGES));
    assert_fetched_about_once(&app);
    assert_same(&app).await;
    let loaded = app.store.load_certificate(report.run).await.unwrap().unwrap();
    assert_eq!(loaded, report.certificate);

    let report = app.watched("PROJ", RunKind::Delta).await.unwrap();
    assert_eq!((report.kind, report.state), (RunKind::Delta, RunState::Completed), "{report:?}");
    assert_eq!(proven(&report.certificate), (Verdict::Complete, Basis::Estimate, ALL, 2));
    assert_eq!(pages(&app), (1, 1));
    assert!(app.times_hydrated().is_empty());
}

#[tokio::test]
async fn a_dry_run_lists_and_estimates_and_fetches_nothing() {
    let app = app().await;
    let dry = Home::new().extractor("backfill PROJ --dry-run --json").jira(&app.sim);
    let json = dry.run().await.with(0).json();
    let dry = &json["dry_runs"][0];
    assert_eq!((&dry["counted"], &dry["basis"]), (&ISSUES.into(), &"estimate".into()), "{dry}");
    assert_eq!((&dry["listed"], &dry["requests"]), (&ISSUES.into(), &(PAGES + 1).into()), "{dry}");
    assert!(app.times_hydrated().is_empty());
}

#[rstest]
#[case(TokenFault::Refused)]
#[case(TokenFault::Expired)]
#[case(TokenFault::Repeated)]
#[case(TokenFault::EmptyPage)]
#[case(TokenFault::RowsAgain)]
#[tokio::test]
async fn tokens_that_break_in_the_middle_cost_a_few_pages_and_nothing_else(
    #[case] fault: TokenFault,
) {
    let app = app().await;
    // Two in the listing, and one in the census.
    let faults = [5, 17, PAGES as u64 + 20].map(|nth| (nth, fault));
    let report = with_faults(&app, RunKind::Backfill, &faults).await;
    assert_eq!(app.sim.requests().count(|record| record.fault.is_some()), 3);
    assert_eq!(proven(&report.certificate), (Verdict::Complete, Basis::Census, ALL, 2));
    let breaks = [TokenFault::Refused, TokenFault::Expired, TokenFault::Repeated].contains(&fault);
    assert_eq!(report.listing.restarts, if breaks { 3 } else { 0 });
    let (listing, census) = pages(&app);
    assert!(listing <= PAGES + 1 + 2 * 3 && census <= 2 * PAGES, "{listing} and {census} pages");
    assert_same(&app).await;
}

#[tokio::test]
async fn a_listing_that_jira_ends_too_early_is_found_by_the_census_and_healed() {
    let app = app().await;
    let report = with_faults(&app, RunKind::Backfill, &[(12, TokenFault::Dropped)]).await;
    assert_eq!(proven(&report.certificate), (Verdict::Complete, Basis::Census, ALL, 3));
    assert_eq!(report.state, RunState::Completed);
    assert_fetched_about_once(&app);
    assert_same(&app).await;
}

#[tokio::test]
async fn a_census_that_jira_ends_too_early_is_taken_again() {
    let app = app().await;
    let fault = (PAGES as u64 + 9, TokenFault::Dropped);
    let report = with_faults(&app, RunKind::Backfill, &[fault]).await;
    assert_eq!(proven(&report.certificate), (Verdict::Complete, Basis::Census, ALL, 3));
    assert_eq!(pages(&app), (PAGES + 1, 8 + PAGES));
    assert_same(&app).await;
}

/// Every listing ends after its first page, and in both orders that holds the same issues.
#[tokio::test]
async fn listings_that_jira_always_ends_too_early_certify_nothing() {
    let app = app().await;
    let process = app.process().await;
    let dropped = Action::Token(TokenFault::Dropped);
    app.sim.faults().on(Endpoint::SearchListing, When::Always, dropped);
    for id in ids(&app) {
        app.sim.world_mut().advance(Duration::from_secs(60));
        app.sim.world_mut().touch(id).unwrap();
    }
    app.sim.world_mut().advance(Duration::from_hours(24));
    let report = process.engine.run_project(&request("PROJ", RunKind::Backfill)).await.unwrap();
    process.session.close().await.unwrap();
    assert_eq!(report.certificate.verdict, Verdict::Missing, "{report:?}");
    assert_eq!(report.state, RunState::Incomplete);

    app.sim.faults().clear();
    let report = app.delta("PROJ").await.unwrap();
    assert_eq!((report.kind, report.state), (RunKind::Backfill, RunState::Completed));
    assert_same(&app).await;
}

#[tokio::test]
async fn edits_that_the_search_shows_minutes_later_are_there_after_two_deltas() {
    let app = app().await;
    app.backfill("PROJ").await.unwrap();
    let ids = ids(&app);
    app.sim.world_mut().set_index_lag(IndexLag::Some { share: 0.05, lag: 7 * 60_000 });
    for round in 0..6 {
        {
            let mut world = app.sim.world_mut();
            for id in ids.iter().skip(round).step_by(11) {
                world.advance(Duration::from_millis(700));
                world.add_comment(*id, "hello").unwrap();
            }
            world.create_many("PROJ", 20).unwrap();
            world.advance(Duration::from_secs(60));
        }
        // Somebody works while the run lists.
        let (busy, mut turn) = (ids.clone(), 0);
        app.sim.on_request(move |seen, world| {
            if seen.is_search() {
                turn += 1;
                world.add_comment(busy[turn * 31 % busy.len()], "meanwhile").unwrap();
                world.advance(Duration::from_secs(2));
            }
        });
        let report = app.delta("PROJ").await.unwrap();
        app.sim.clear_hooks();
        assert_eq!(
            (report.kind, report.state),
            (RunKind::Delta, RunState::Completed),
            "{report:?}"
        );
    }
    for _ in 0..2 {
        app.sim.world_mut().advance(Duration::from_secs(5 * 60));
        let report = app.delta("PROJ").await.unwrap();
        assert_eq!(report.state, RunState::Completed, "{report:?}");
    }
    assert!(!app.sim.world().index_is_behind());
    assert_same(&app).await;
}

#[tokio::test]
async fn an_issue_that_is_touched_all_the_time_keeps_no_run_from_its_end() {
    let app = app().await;
    let hot = ids(&app)[40];
    app.sim.on_request(move |seen, world| {
        if seen.is_search() {
            world.advance(Duration::from_secs(2));
            world.touch(hot).unwrap();
        }
    });
    for kind in [RunKind::Backfill, RunKind::Delta] {
        let report = app.watched("PROJ", kind).await.unwrap();
        assert_eq!(report.state, RunState::Completed, "{report:?}");
        assert!(pages(&app).0 <= PAGES + 12, "{:?}", pages(&app));
    }
    app.sim.clear_hooks();
    app.sim.world_mut().advance(Duration::from_secs(60));
    app.delta("PROJ").await.unwrap();
    assert_same(&app).await;
}

#[tokio::test]
async fn an_empty_index_deletes_nothing_and_certifies_nothing() {
    let app = app().await;
    app.backfill("PROJ").await.unwrap();
    app.sim.world_mut().clear_index();
    app.sim.world_mut().advance(Duration::from_secs(600));
    for kind in [RunKind::Delta, RunKind::Backfill] {
        let report = app.watched("PROJ", kind).await.unwrap();
        assert_eq!(report.certificate.verdict, Verdict::Missing, "{report:?}");
        assert_eq!((report.certificate.counted, report.state), (0, RunState::Incomplete));
        assert!(app.times_hydrated().is_empty());
        assert_eq!(stored(&app).await.len(), ISSUES);
    }
}

/// Killed at a page of the listing, and at one of the census.
#[rstest]
#[case::in_the_listing(PAGES / 2, false)]
#[case::in_the_census(PAGES + PAGES / 2, true)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_run_goes_on_and_is_certified(#[case] page: usize, #[case] in_census: bool) {
    let app = app().await;
    let gate = Gate::new();
    let stall = Action::StallUntil(gate.clone());
    app.sim.faults().on(Endpoint::SearchListing, When::Nth(page as u64 + 4), stall);
    let grip = Arc::new(Grip::default());
    let duty = Duty::Run(request("PROJ", RunKind::Backfill));
    let process = Process::start(Setup::of(&app), duty, &grip);
    gate.reached_by(1).await;
    grip.kill();
    assert!(matches!(process.ended(&app.pool).await, Ended::Killed));
    gate.release();
    app.sim.faults().clear();
    assert_eq!(app.pages().iter().any(is_census), in_census);
    let kept = settled(&app.pool, "PROJ").await;
    let mark = app.sim.requests().all().len();

    let process = app.process().await;
    app.sim.requests().clear();
    let report = process.engine.run_project(&request("PROJ", RunKind::Backfill)).await.unwrap();
    process.session.close().await.unwrap();
    assert!(report.resumed);
    assert_eq!(proven(&report.certificate), (Verdict::Complete, Basis::Census, ALL, 2));
    let (listing, census) = pages(&app);
    assert_eq!(census, PAGES);
    assert!(listing <= if in_census { 0 } else { PAGES / 2 + 4 }, "{listing} pages");
    assert_not_fetched_again(&app.sim, "PROJ", &kept, mark);
    assert_same(&app).await;
}
