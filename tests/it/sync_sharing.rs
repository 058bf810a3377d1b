//! Several processes at one project: one runs it, all of them hydrate it.

use std::time::Duration;

use extractor::config::{self, Inputs, Overrides};
use extractor::daemon::wiring::Peer;
use extractor::model::{RunKind, RunState, Verdict};
use extractor::sync::{SyncError, Until};
use jira_sim::{Action, CostModel, Endpoint, Gate, SimConfig, When, WorldProfile, generate};
use tokio_util::sync::CancellationToken;

use crate::app::{App, request};
use crate::compare::assert_equal;

#[tokio::test]
async fn a_second_backfill_of_a_project_is_told_who_holds_it_and_since_when() {
    let world = generate(&WorldProfile::new("PROJ", 120, 5).plain(600)).unwrap();
    let app = App::new(world).await;
    let gate = Gate::new();
    app.sim.faults().on(Endpoint::SearchHydrate, When::Nth(1), Action::StallUntil(gate.clone()));
    let first = app.process().await;
    let backfill = request("PROJ", RunKind::Backfill);
    let second = async {
        gate.reached_by(1).await;
        let before = app.number("SELECT count(*) FROM extractor.runs").await;
        let refused = app.backfill("PROJ").await.unwrap_err();
        assert_eq!(app.number("SELECT count(*) FROM extractor.runs").await, before);
        gate.release();
        refused
    };
    let (report, refused) = tokio::join!(first.engine.run_project(&backfill), second);
    let SyncError::Held { project, holder } = &refused else { panic!("{refused:?}") };
    assert_eq!(project.as_str(), "PROJ");
    assert_eq!((holder.host.as_str(), holder.pid), ("test", std::process::id()));
    assert_eq!(holder.worker, first.session.worker());
    let since = holder.since.format("%FT%TZ").to_string();
    let text = refused.to_string();
    assert!(text.contains(&std::process::id().to_string()) && text.contains(&since), "{text}");
    let report = report.unwrap();
    assert_eq!(report.state, RunState::Completed);
    assert_eq!(holder.run, Some(report.run));
    assert_equal(&app, "PROJ").await;
    first.session.close().await.unwrap();
    // Once it has ended nobody holds the project.
    app.delta("PROJ").await.unwrap();
}

#[tokio::test]
async fn two_processes_share_the_hydration_of_one_run_and_fetch_each_issue_once() {
    const ISSUES: usize = 800;
    let world = generate(&WorldProfile::new("PROJ", ISSUES, 6).plain(600)).unwrap();
    let per_request = Duration::from_millis(15);
    let cost = CostModel { per_request, ..CostModel::default() };
    let mut app = App::with_config(SimConfig { cost, ..SimConfig::default() }, world).await;
    app.options.batch_size = 10;
    app.options.max_in_flight = 2;
    app.options.page_rows = 200;
    let (one, other) = (app.process().await, app.process().await);
    app.sim.requests().clear();
    let run = async {
        let report = one.engine.run_project(&request("PROJ", RunKind::Backfill)).await;
        other.stop.cancel();
        report
    };
    let (report, helped) = tokio::join!(run, other.engine.hydrate(Until::Stopped));
    let (report, helped) = (report.unwrap(), helped.unwrap());
    assert_eq!(report.state, RunState::Completed);
    assert_eq!(report.certificate.verdict, Verdict::Complete);
    assert_eq!(report.counters.written, ISSUES as u64);
    let times = app.times_hydrated();
    assert_eq!(times.len(), ISSUES);
    assert!(times.values().all(|times| *times == 1), "fetched more than once");
    let own = ISSUES as u64 - helped.issues;
    assert!(helped.issues >= 100 && own >= 100, "{} and {own} issues", helped.issues);
    assert_equal(&app, "PROJ").await;
    one.session.close().await.unwrap();
    other.session.close().await.unwrap();
}

/// What it asks before it has a session, a dozen requests or more, is no extra.
#[tokio::test]
async fn a_process_meets_jira_with_the_share_that_others_leave_it() {
    let world = generate(&WorldProfile::new("PROJ", 5, 5).plain(600)).unwrap();
    let app = App::new(world).await;
    let overrides = Overrides {
        base_url: Some(app.sim.base_url().to_string()),
        database_url: Some(app.database_url.clone().into()),
        ..Overrides::default()
    };
    let config = config::load(&Inputs::isolated(overrides)).unwrap().config;
    let site = config.jira.instance().unwrap().1.clone();
    let (stop, projects) = (CancellationToken::new(), ["PROJ".parse().unwrap()]);
    let mut present = Vec::new();
    for others in 1..3 {
        let process = app.process().await;
        app.store.register_sharing(&site, process.session.worker()).await.unwrap();
        present.push(process);
        let met = Peer::meet(&config, &projects, &stop).await.unwrap();
        let stats = met.client.stats();
        assert_eq!(stats.processes, others + 1);
        let share = config.jira.requests_per_second / f64::from(others + 1);
        assert!(stats.allowed_per_second.is_some_and(|now| now <= share + 0.01), "{stats:?}");
    }
}
