//! What only Cloud does to a run, looked at closely: a limit that is about one endpoint, a quota
//! that runs out, and a list that never loads.

use std::time::Duration;

use extractor::jira::{Credentials, JiraClient, JiraSettings};
use extractor::model::{FailureCause, RunKind, RunState, Verdict};
use jira_sim::{
    Action, Auth, BurstLimit, Endpoint, QuotaLimit, RateLimits, RequestRecord, SimConfig, When,
    WorldProfile, generate,
};
use rstest::rstest;

use crate::app::{App, request};
use crate::compare::{assert_equal, assert_nothing_open};

const TOKEN: &str = "let-me-in";

async fn app(issues: usize, limits: RateLimits) -> App {
    let world = generate(&WorldProfile::new("PROJ", issues, 13).plain(400)).unwrap();
    let config = SimConfig { auth: Auth::token(TOKEN), limits, ..SimConfig::cloud() };
    let mut app = App::with_config(config, world).await;
    app.options.credentials = Credentials::Bearer(TOKEN.into());
    app
}

/// Backfills, with a client that keeps to a rate.
async fn backfill(app: &App, requests_per_second: f64) -> JiraClient {
    let settings = JiraSettings { requests_per_second, burst: 5, ..app.jira_settings() };
    let jira = JiraClient::new(&settings).unwrap();
    let process = app.try_process_by(jira.clone()).await.unwrap();
    let report = process.engine.run_project(&request("PROJ", RunKind::Backfill)).await.unwrap();
    process.session.close().await.unwrap();
    assert_eq!(report.certificate.verdict, Verdict::Complete, "{report:?}");
    jira
}

/// Whether something else went on while an endpoint was closed for a second.
fn others_went_on(all: &[RequestRecord], refused: &RequestRecord) -> bool {
    let told = refused.arrived + refused.took.unwrap();
    let closed = told..told + Duration::from_secs(1);
    all.iter().any(|record| {
        let other = record.seen.resource() != refused.seen.resource();
        other && record.status == Some(200) && closed.contains(&record.arrived)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_limit_slows_only_the_endpoint_that_it_names() {
    let burst = Some(BurstLimit { requests: 8, per: Duration::from_secs(1) });
    let mut app = app(300, RateLimits { burst, ..RateLimits::default() }).await;
    app.options.batch_size = 10;
    app.options.page_rows = 10;
    backfill(&app, 0.0).await;
    assert_equal(&app, "PROJ").await;
    assert_nothing_open(&app).await;
    assert_eq!(app.sim.requests().violations(), []);
    let all = app.sim.requests().all();
    let refused = all.iter().filter(|record| record.fault == Some("burst"));
    let of = |resource: &'static str| {
        refused.clone().filter(move |record| record.seen.resource() == resource)
    };
    let (listing, bulk) = (of("search/jql").count(), of("issue/bulkfetch").count());
    assert!(listing > 0 && bulk > 0, "{listing} listings and {bulk} fetches refused");
    for resource in ["search/jql", "issue/bulkfetch"] {
        assert!(
            of(resource).any(|record| others_went_on(&all, record)),
            "everything waited for {resource}"
        );
    }
}

#[rstest]
#[case::told_when_it_ends(false)]
#[case::told_an_instant_that_is_past(true)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_that_runs_out_slows_a_run_and_costs_it_nothing(#[case] reset_is_past: bool) {
    let quota = QuotaLimit { reset_is_past, ..QuotaLimit::new(40, Duration::from_secs(3)) };
    let mut app = app(300, RateLimits { quota: Some(quota), ..RateLimits::default() }).await;
    app.options.batch_size = 10;
    app.options.page_rows = 10;
    let jira = backfill(&app, 20.0).await;
    assert_equal(&app, "PROJ").await;
    assert_nothing_open(&app).await;
    assert_eq!(app.sim.requests().violations(), []);
    assert!(jira.stats().slowdown.count > 0, "{:?}", jira.stats());
}

/// Neither with others, where Cloud is silent about it, nor alone, where it then answers 500.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_never_loads_is_known_to_be_lacking(
    #[values("comment", "worklog", "attachment", "status")] field: &str,
) {
    const ISSUES: usize = 24;
    let mut app = app(ISSUES, RateLimits::default()).await;
    app.options.max_attempts = 1;
    let omitted = Action::OmitField(field.to_owned());
    app.sim.faults().on(Endpoint::WholeIssues, When::Always, omitted);
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!(report.certificate.verdict, Verdict::Failures, "{report:?}");
    assert_eq!(report.counters.failed, ISSUES as u64);
    for table in ["failures", "incomplete_issues"] {
        let named = app.number(&format!("SELECT count(*) FROM extractor.{table}")).await;
        assert_eq!(named, ISSUES as i64, "{table}");
    }
    let failures = app.store.list_failures(None, None, 100).await.unwrap();
    assert!(failures.iter().all(|listed| listed.failure.cause == FailureCause::LackingFields));

    app.sim.faults().clear();
    app.store.make_failures_due(&extractor::store::FailureFilter::default()).await.unwrap();
    let report = app.delta("PROJ").await.unwrap();
    assert_eq!(report.state, RunState::Completed, "{report:?}");
    assert_equal(&app, "PROJ").await;
    assert_nothing_open(&app).await;
}
