//! How much a whole run asks, and how fast: never more than is allowed, never before it is allowed,
//! and not much less either.

use std::time::Duration;

use extractor::jira::{Credentials, JiraClient, JiraSettings};
use extractor::model::{RunKind, RunState};
use jira_sim::{
    Action, Auth, BucketLimit, CostModel, Endpoint, RateLimits, RequestLog, RetryAfter, SimConfig,
    When, World, WorldProfile, generate, populate,
};
use rstest::rstest;

use crate::app::{App, request};
use crate::binary::{Home, Program};
use crate::compare::assert_equal;

const SECOND: Duration = Duration::from_secs(1);
const TOKEN: &str = "gently";
/// Requests that were sent in turn may arrive closer together: one second of arrivals holds what
/// was sent in this many.
const JITTER: f64 = 1.1;

fn world(issues: usize) -> World {
    generate(&WorldProfile::new("PROJ", issues, 5).plain(400)).unwrap()
}

/// Panics if more arrived in any second than a rate and its burst allow.
fn assert_within(log: &RequestLog, requests_per_second: f64, burst: u32) {
    let allowed = requests_per_second * JITTER + f64::from(burst);
    let most = log.most_in_any(SECOND);
    assert!(most as f64 <= allowed, "{most} in one second, {allowed} allowed");
}

fn bucket(size: u32, fill: u32) -> RateLimits {
    let bucket = BucketLimit { size, fill, interval: SECOND };
    RateLimits { bucket: Some(bucket), ..RateLimits::default() }
}

#[rstest]
#[case::seconds(RateLimits::default(), RetryAfter::Seconds(1))]
#[case::a_date(RateLimits::default(), RetryAfter::Date(SECOND))]
#[case::seconds_and_a_bucket(bucket(20, 15), RetryAfter::Seconds(1))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_leaves_before_it_may_however_often_jira_asks_to_wait(
    #[case] limits: RateLimits,
    #[case] after: RetryAfter,
) {
    const RATE: f64 = 25.0;
    const BURST: u32 = 5;
    let config = SimConfig { auth: Auth::token(TOKEN), limits, ..SimConfig::default() };
    let mut app = App::with_config(config, world(600)).await;
    app.options.credentials = Credentials::Bearer(TOKEN.into());
    app.options.batch_size = 10;
    app.options.max_in_flight = 8;
    app.options.max_attempts = 5;
    let settings = JiraSettings { requests_per_second: RATE, burst: BURST, ..app.jira_settings() };
    let jira = JiraClient::new(&settings).unwrap();
    let process = app.try_process_by(jira).await.unwrap();
    let faults = app.sim.faults();
    let often = |probability, seed| When::Chance { probability, seed };
    let limited = faults.on(Endpoint::Any, often(0.06, 3), Action::TooManyRequests(after));
    let busy = faults.on(Endpoint::Any, often(0.03, 4), Action::FailRetryAfter(503, after));
    let report = process.engine.run_project(&request("PROJ", RunKind::Backfill)).await.unwrap();
    process.session.close().await.unwrap();
    assert_eq!(report.state, RunState::Completed, "{report:?}");
    assert_equal(&app, "PROJ").await;
    let hits = (faults.hits(limited), faults.hits(busy));
    assert!(hits.0 > 1 && hits.1 > 0, "asked to wait {hits:?} times");
    assert_eq!(app.sim.requests().violations(), []);
    assert_within(app.sim.requests(), RATE, BURST);
}

fn by_the_fast_profile(program: Program, batch: usize) -> Program {
    // The harness lifts every limit; this one is of the profile itself.
    program
        .set("profile", "fast")
        .set("jira.requests_per_second", "20")
        .set("jira.batch_size", &batch.to_string())
}

/// The limit: with 20 requests a second and a burst of 40, n requests cannot be sent in less than
/// (n - 40) / 20 seconds. Answers take 200 ms, so four requests at least must always be under way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_takes_hardly_longer_than_its_rate_alone_demands() {
    const RATE: f64 = 20.0;
    const BURST: u32 = 40;
    const BATCH: usize = 4;
    const AT_MOST: f64 = 1.15;
    let cost = CostModel { per_request: Duration::from_millis(200), ..CostModel::default() };
    let config = SimConfig { cost, ..SimConfig::default() };
    let (app, home) = (App::with_config(config, world(2_600)).await, Home::new());
    let backfill = home.extractor_at(&app, "backfill PROJ --json");
    by_the_fast_profile(backfill, BATCH).run().await.with(0);
    let requests = app.sim.requests().all();
    let ended = requests.iter().filter_map(|record| Some(record.arrived + record.took?)).max();
    let took = (ended.unwrap() - requests[0].arrived).as_secs_f64();
    let alone = (requests.len() as f64 - f64::from(BURST)) / RATE;
    println!("{} requests: {took:.1} s, {alone:.1} s by the rate alone", requests.len());
    assert!(alone > 20.0, "too few requests to tell: {}", requests.len());
    assert!(
        took <= AT_MOST * alone,
        "{} requests took {took:.1} s; the rate alone demands {alone:.1} s",
        requests.len()
    );
    assert_within(app.sim.requests(), RATE, BURST);
    assert_equal(&app, "PROJ").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_of_one_site_stay_within_one_rate() {
    const RATE: f64 = 20.0;
    const BURST: u32 = 4;
    let mut world = world(160);
    populate(&mut world, &WorldProfile::new("OPS", 160, 6).plain(400)).unwrap();
    let (app, home) = (App::new(world).await, Home::new());
    let backfill = |project: &str| {
        let program = home.extractor_at(&app, &format!("backfill {project} --json"));
        by_the_fast_profile(program, 2).set("jira.burst", &BURST.to_string()).start()
    };
    let (one, other) = (backfill("PROJ"), backfill("OPS"));
    let (one, other) = tokio::join!(one.ended(), other.ended());
    one.with(0);
    other.with(0);
    assert_within(app.sim.requests(), RATE, BURST);
    assert_equal(&app, "PROJ").await;
    assert_equal(&app, "OPS").await;
}
