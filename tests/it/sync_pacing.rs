//! Gentleness against the simulated Jira, which counts who asks too much and who asks too early:
//! rate limits of both flavours, an instance that is down, and what several processes share.

use std::time::{Duration, Instant};

use extractor::jira::{BreakerState, ClientStats, Credentials, JiraClient, JiraSettings};
use extractor::model::{RunKind, RunState, Site};
use extractor::store::{Session, Store, WorkerIdentity};
use extractor::sync::{Budget, RunReport, SyncError};
use futures::future::join_all;
use jira_sim::{
    Action, Auth, BucketLimit, BurstLimit, CostModel, Endpoint, QuotaLimit, RateLimits, RetryAfter,
    RuleId, SimConfig, When, World, WorldProfile, generate,
};
use rstest::rstest;

use crate::app::{App, SITE, connect, request};
use crate::compare::assert_equal;

const TOKEN: &str = "pacing";
const SECOND: Duration = Duration::from_secs(1);

fn world(issues: usize) -> World {
    generate(&WorldProfile::new("PROJ", issues, 77).plain(400)).unwrap()
}

/// An instance with these limits, which shows them to whoever is logged in, and takes 10 ms for
/// everything.
async fn limited(issues: usize, limits: RateLimits) -> App {
    let cost = CostModel { per_request: Duration::from_millis(10), ..CostModel::default() };
    let config = SimConfig { auth: Auth::token(TOKEN), cost, limits, ..SimConfig::default() };
    let mut app = App::with_config(config, world(issues)).await;
    app.options.credentials = Credentials::Bearer(TOKEN.into());
    app.options.batch_size = 10;
    app.options.max_in_flight = 8;
    app.options.max_attempts = 5;
    app
}

async fn run_by(app: &App, jira: JiraClient) -> RunReport {
    let process = app.try_process_by(jira).await.unwrap();
    let report = process.engine.run_project(&request("PROJ", RunKind::Backfill)).await.unwrap();
    process.session.close().await.unwrap();
    report
}

fn throttled(app: &App) -> usize {
    app.sim.requests().count(|record| record.status == Some(429))
}

#[tokio::test]
async fn data_centers_bucket_never_runs_dry_though_the_profile_allows_more() {
    let bucket = BucketLimit { size: 40, fill: 20, interval: SECOND };
    let app = limited(800, RateLimits { bucket: Some(bucket), ..RateLimits::default() }).await;
    let settings = JiraSettings { requests_per_second: 60.0, burst: 30, ..app.jira_settings() };
    let jira = JiraClient::new(&settings).unwrap();
    let report = run_by(&app, jira.clone()).await;
    assert_eq!(report.state, RunState::Completed);
    assert_equal(&app, "PROJ").await;
    assert_eq!(app.sim.requests().violations(), []);
    assert_eq!(throttled(&app), 0, "{:?}", jira.stats());
    assert!(jira.stats().slowdown.count > 0, "the bucket was never near its end");
}

#[tokio::test]
async fn clouds_burst_limit_is_waited_out() {
    let burst = BurstLimit { requests: 6, per: SECOND };
    let app = limited(300, RateLimits { burst: Some(burst), ..RateLimits::default() }).await;
    let report = run_by(&app, app.jira()).await;
    assert_eq!(report.state, RunState::Completed);
    assert_equal(&app, "PROJ").await;
    assert_eq!(app.sim.requests().violations(), []);
    assert!(throttled(&app) > 0, "the limit was never reached");
}

#[rstest]
#[case::told_when_it_ends(false)]
#[case::told_an_instant_that_is_past(true)]
#[tokio::test]
async fn clouds_quota_is_not_overrun_when_it_says_that_it_runs_out(#[case] reset_is_past: bool) {
    let quota = QuotaLimit { reset_is_past, ..QuotaLimit::new(40, Duration::from_secs(3)) };
    let app = limited(300, RateLimits { quota: Some(quota), ..RateLimits::default() }).await;
    let settings = JiraSettings { requests_per_second: 20.0, burst: 5, ..app.jira_settings() };
    let jira = JiraClient::new(&settings).unwrap();
    let report = run_by(&app, jira.clone()).await;
    assert_eq!(report.state, RunState::Completed);
    assert_equal(&app, "PROJ").await;
    assert_eq!(app.sim.requests().violations(), []);
    assert!(jira.stats().slowdown.count > 0, "{:?}", jira.stats());
}

#[rstest]
#[case::answers_503(Action::Fail(503))]
#[case::hangs_up(Action::Reset)]
#[tokio::test]
async fn an_instance_that_is_down_is_asked_now_and_then_and_the_run_ends_when_it_is_back(
    #[case] fault: Action,
) {
    const PROBES: usize = 5;
    let mut app = App::new(world(600)).await;
    app.options.batch_size = 10;
    app.options.max_in_flight = 8;
    let settings = JiraSettings {
        probe_after: Duration::from_millis(20),
        max_attempts: 5,
        ..app.jira_settings()
    };
    let jira = JiraClient::new(&settings).unwrap();
    let process = app.try_process_by(jira.clone()).await.unwrap();
    let log = app.sim.requests();
    log.clear();
    let begun = log.expect(3, |seen| seen.wants_whole_issues());
    let outage = async {
        begun.wait().await;
        let down = app.sim.faults().on(Endpoint::Any, When::Always, fault);
        let before = log.all().len();
        let probed = log.expect(PROBES, |seen| seen.resource() == "serverInfo");
        probed.wait().await;
        let asked = log.all().len() - before;
        app.sim.faults().remove(down);
        asked
    };
    let backfill = request("PROJ", RunKind::Backfill);
    let mut run = std::pin::pin!(process.engine.run_project(&backfill));
    let asked = tokio::select! {
        ended = &mut run => panic!("it did not live through the outage: {ended:?}"),
        asked = outage => asked,
    };
    assert_eq!(run.await.unwrap().state, RunState::Completed);
    assert_equal(&app, "PROJ").await;
    process.session.close().await.unwrap();
    // Eight workers and the listing were on their way when it went down.
    assert!(asked <= 10 + PROBES, "{asked} requests while it was down");
    let stats = jira.stats();
    assert_eq!((stats.breaker_openings, stats.breaker_state), (1, BreakerState::Closed));
}

/// A process of which only the part is there that shares.
struct Sharer {
    jira: JiraClient,
    session: Session,
    budget: Budget,
    store: Store,
}

impl Sharer {
    async fn start(app: &App, settings: &JiraSettings) -> Self {
        let jira = JiraClient::new(settings).unwrap();
        let store = connect(&app.database_url).await;
        let identity = WorkerIdentity {
            host: "test".to_owned(),
            pid: std::process::id(),
            version: "0".to_owned(),
        };
        let session = store.open_session(identity).await.unwrap();
        let site = Site::new(SITE);
        let budget = Budget::start(jira.clone(), store.clone(), site, session.worker()).await;
        Self { jira, session, budget, store }
    }

    /// Waits until the duty knows of so many processes.
    async fn knows_of(&self, processes: u32) {
        let mut shared = self.budget.shared();
        shared.wait_for(|shared| shared.processes == processes).await.unwrap();
    }

    /// Asks for something, eight at a time.
    async fn ask(&self, times: usize) {
        for _ in 0..times.div_ceil(8) {
            let asked = join_all((0..8).map(|_| self.jira.count("project = PROJ"))).await;
            asked.into_iter().for_each(|count| assert_eq!(count.unwrap(), 20));
        }
    }

    async fn end(self) -> ClientStats {
        self.budget.close().await;
        self.session.close().await.unwrap();
        self.store.close().await;
        self.jira.stats()
    }
}

#[tokio::test]
async fn processes_share_one_rate_and_who_is_alone_again_has_it_all() {
    const RATE: f64 = 20.0;
    const BURST: u32 = 4;
    let app = App::new(world(20)).await;
    let settings = JiraSettings { requests_per_second: RATE, burst: BURST, ..app.jira_settings() };
    let one = Sharer::start(&app, &settings).await;
    one.ask(16).await;
    let (other, ()) = tokio::join!(Sharer::start(&app, &settings), one.ask(16));
    tokio::join!(one.ask(24), other.ask(24));
    assert_eq!(one.jira.stats().allowed_per_second, Some(RATE / 2.0));
    assert_eq!(other.jira.stats().allowed_per_second, Some(RATE / 2.0));
    one.end().await;
    other.knows_of(1).await;
    assert_eq!(other.jira.stats().allowed_per_second, Some(RATE));
    other.ask(24).await;
    let most = app.sim.requests().most_in_any(SECOND);
    // A request may be on its way a little longer than the one before it.
    assert!(most <= RATE as usize + BURST as usize + 2, "{most} in one second");
    assert!(most >= 15, "{most} in one second");
    let stats = other.end().await;
    assert!(stats.bucket.count > 0, "{stats:?}");
}

#[rstest]
#[case::everything(429, "")]
#[case::by_a_server_error(503, "")]
#[tokio::test]
async fn what_one_process_is_told_the_others_obey(#[case] status: u16, #[case] scope: &str) {
    let app = App::new(world(20)).await;
    let settings = JiraSettings { requests_per_second: 40.0, burst: 4, ..app.jira_settings() };
    let one = Sharer::start(&app, &settings).await;
    let other = Sharer::start(&app, &settings).await;
    one.knows_of(2).await;
    let two_seconds = RetryAfter::Seconds(2);
    let action = match status {
        429 => Action::TooManyRequests(two_seconds),
        status => Action::FailRetryAfter(status, two_seconds),
    };
    let rule: RuleId = app.sim.faults().on(Endpoint::Any, When::Nth(10), action);
    tokio::join!(one.ask(40), other.ask(40));
    assert_eq!(app.sim.faults().hits(rule), 1);
    assert_eq!(app.sim.requests().violations(), []);
    let (one, other) = (one.end().await, other.end().await);
    assert!(one.gate.count > 0 && other.gate.count > 0, "{one:?} {other:?}");
    assert_eq!(one.throttled + other.throttled, 1);
    let told = format!("SELECT count(*) FROM extractor.throttles WHERE scope = '{scope}'");
    assert_eq!(app.number(&told).await, 1);
}

#[tokio::test]
async fn a_process_that_starts_later_obeys_as_well() {
    let app = App::new(world(20)).await;
    let settings = app.jira_settings();
    let one = Sharer::start(&app, &settings).await;
    let an_hour = Action::TooManyRequests(RetryAfter::Seconds(3_600));
    app.sim.faults().on(Endpoint::Any, When::Nth(1), an_hour);
    one.jira.count("project = PROJ").await.unwrap_err();
    // It ends at once, and what it was told is not lost with it.
    one.end().await;
    let later = Sharer::start(&app, &settings).await;
    let refused = later.jira.count("project = PROJ").await.unwrap_err();
    assert_eq!(refused.class().exit_code(), 75);
    assert_eq!(app.sim.requests().all().len(), 1);
    later.end().await;
}

#[tokio::test]
async fn the_share_outlives_the_database() {
    let app = App::new(world(20)).await;
    let settings = JiraSettings { requests_per_second: 100.0, burst: 4, ..app.jira_settings() };
    let one = Sharer::start(&app, &settings).await;
    let other = Sharer::start(&app, &settings).await;
    one.knows_of(2).await;
    one.store.close().await;
    let mut shared = one.budget.shared();
    let lost = shared.wait_for(|shared| !shared.current).await.unwrap().processes;
    assert_eq!(lost, 2);
    assert_eq!(one.jira.stats().allowed_per_second, Some(50.0));
    one.ask(8).await;
    one.budget.close().await;
    other.end().await;
}

#[tokio::test]
async fn a_process_whose_registration_is_gone_looks_no_more_often() {
    let app = App::new(world(20)).await;
    let one = Sharer::start(&app, &app.jira_settings()).await;
    let mut shared = one.budget.shared();
    // Until its next heartbeat it cannot register, however often it tries.
    sqlx::query("DELETE FROM extractor.workers").execute(&app.pool).await.unwrap();
    let (begun, before) = (Instant::now(), shared.borrow().looks);
    shared.wait_for(|shared| shared.looks >= before + 4).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
    one.end().await;
}

#[rstest]
#[case::answers_503(Action::Fail(503))]
#[case::hangs_up(Action::Reset)]
#[tokio::test]
async fn an_instance_that_stays_down_ends_the_run_and_no_issue_is_blamed(#[case] fault: Action) {
    let mut app = App::new(world(300)).await;
    app.options.batch_size = 10;
    app.options.max_in_flight = 4;
    let settings = JiraSettings {
        probe_after: Duration::from_millis(20),
        max_outage: Duration::from_millis(500),
        ..app.jira_settings()
    };
    let process = app.try_process_by(JiraClient::new(&settings).unwrap()).await.unwrap();
    let counted = When::Range(3..=u64::MAX);
    app.sim.faults().on(Endpoint::SearchHydrate, counted, fault.clone());
    let begun = app.sim.requests().expect(3, |seen| seen.wants_whole_issues());
    let down = async {
        begun.wait().await;
        app.sim.faults().on(Endpoint::Any, When::Always, fault);
    };
    let backfill = request("PROJ", RunKind::Backfill);
    let (ended, ()) = tokio::join!(process.engine.run_project(&backfill), down);
    let SyncError::Jira(error) = ended.unwrap_err() else { panic!("it is Jira that is down") };
    assert_eq!(error.class().exit_code(), 69, "{error}");
    process.session.close().await.unwrap();
    assert_eq!(app.number("SELECT count(*) FROM extractor.failures").await, 0);
    app.sim.faults().clear();
    assert_eq!(app.backfill("PROJ").await.unwrap().state, RunState::Completed);
    assert_equal(&app, "PROJ").await;
}
