//! Jira Cloud says 200 and leaves out what it could not load, or what is too long: what is stored
//! stays, what is missing is named, and completing costs requests by the batch.

use std::collections::BTreeSet;
use std::time::Duration;

use extractor::model::{FailureCause, RunKind, RunState, Verdict};
use extractor::store::FailureFilter;
use jira_sim::{Action, Endpoint, Flavor, IssueId, Rule, SimConfig, When, WorldProfile, generate};

use sqlx::AssertSqlSafe;

use crate::app::App;
use crate::compare::assert_equal;

const FIELD: &str = "customfield_10500";

async fn cloud(issues: usize) -> App {
    let mut world = generate(&WorldProfile::new("PROJ", issues, 5).plain(600)).unwrap();
    world.advance(Duration::from_secs(60));
    App::with_config(SimConfig { flavor: Flavor::Cloud, ..SimConfig::default() }, world).await
}

fn nth(app: &App, n: usize) -> IssueId {
    app.sim.world().issues("PROJ").nth(n).unwrap().id()
}

fn edit(app: &App, id: IssueId, field: &str, value: &str) {
    let mut world = app.sim.world_mut();
    world.edit(id, &[(field, value.into())]).unwrap();
    world.advance(Duration::from_secs(60));
}

#[tokio::test]
async fn a_field_that_fails_to_load_keeps_the_value_that_is_stored_and_is_named() {
    let app = cloud(30).await;
    let id = nth(&app, 7);
    edit(&app, id, FIELD, "precious");
    app.backfill("PROJ").await.unwrap();

    edit(&app, id, "summary", "newer");
    let broken = app.sim.faults().add(Rule {
        endpoint: Endpoint::WholeIssues,
        when: When::Always,
        issue: Some(id),
        action: Action::OmitField(FIELD.to_owned()),
    });
    let report = app.delta("PROJ").await.unwrap();
    assert_eq!(
        (report.state, report.certificate.verdict),
        (RunState::Incomplete, Verdict::Failures)
    );
    let stored = format!(
        "SELECT count(*) FROM jira.issues WHERE id = {id} AND summary = 'newer'
             AND fields->>'summary' = 'newer' AND fields->>'{FIELD}' = 'precious'
             AND tier = 'full' AND lacking = '{{fields}}'"
    );
    assert_eq!(app.number(&stored).await, 1);
    let failures = app.store.list_failures(None, None, 10).await.unwrap();
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].failure.cause, FailureCause::LackingFields);
    assert!(failures[0].failure.reason.contains(FIELD), "{failures:?}");

    app.sim.faults().remove(broken);
    let due = "UPDATE extractor.failures SET next_try = clock_timestamp()";
    sqlx::query(due).execute(&app.pool).await.unwrap();
    let report = app.delta("PROJ").await.unwrap();
    assert_eq!(report.certificate.verdict, Verdict::Complete);
    assert_eq!(app.number("SELECT count(*) FROM extractor.incomplete_issues").await, 0);
    assert_eq!(app.number("SELECT count(*) FROM extractor.failures").await, 0);
    let whole = format!(
        "SELECT count(*) FROM jira.issues
         WHERE id = {id} AND fields->>'{FIELD}' = 'precious' AND lacking IS NULL"
    );
    assert_eq!(app.number(&whole).await, 1);
}

#[tokio::test]
async fn a_field_that_an_issue_has_lost_is_believed_to_be_lost_when_jira_says_so_strictly() {
    let app = cloud(30).await;
    let id = nth(&app, 7);
    edit(&app, id, FIELD, "for a while");
    app.backfill("PROJ").await.unwrap();
    {
        let mut world = app.sim.world_mut();
        world.remove_field(id, FIELD).unwrap();
        world.advance(Duration::from_secs(60));
    }
    let report = app.watched("PROJ", RunKind::Delta).await.unwrap();
    assert_eq!(report.certificate.verdict, Verdict::Complete);
    let strictly = |record: &jira_sim::RequestRecord| {
        record.seen.fail_fast && record.issues.contains(&id) && record.status == Some(200)
    };
    assert!(app.sim.requests().count(strictly) > 0);
    let stored = format!("SELECT count(*) FROM jira.issues WHERE id = {id} AND fields ? '{FIELD}'");
    assert_eq!(app.number(&stored).await, 0);
}

#[tokio::test]
async fn the_changelogs_of_a_batch_are_completed_by_one_request() {
    let mut app = cloud(60).await;
    app.options.batch_size = 120;
    for n in 10..30 {
        let id = nth(&app, n);
        for at in 0..50 {
            edit(&app, id, "summary", &format!("version {at}"));
        }
    }
    let report = app.watched("PROJ", RunKind::Backfill).await.unwrap();
    assert_eq!(report.certificate.verdict, Verdict::Complete);
    let changelogs =
        app.sim.requests().count(|record| record.seen.resource().contains("changelog"));
    assert_eq!(changelogs, 1);
    let entries: usize = app.sim.world().issues("PROJ").map(|issue| issue.histories().len()).sum();
    let stored =
        "SELECT count(*) FROM (SELECT DISTINCT issue_id, history_id FROM jira.changes) AS c";
    assert_eq!(app.number(stored).await, i64::try_from(entries).unwrap());
}

/// Gives every issue a value.
fn fill(app: &App) {
    let ids: Vec<IssueId> = app.sim.world().issues("PROJ").map(jira_sim::Issue::id).collect();
    for id in ids {
        edit(app, id, FIELD, "precious");
    }
}

/// Keeps the field of this issue, or of every issue, from loading.
fn break_field(app: &App, issue: Option<IssueId>) {
    app.sim.faults().add(Rule {
        endpoint: Endpoint::WholeIssues,
        when: When::Always,
        issue,
        action: Action::OmitField(FIELD.to_owned()),
    });
}

async fn named(app: &App) -> BTreeSet<i64> {
    let failures = app.store.list_failures(None, None, 1_000).await.unwrap();
    assert!(failures.iter().all(|listed| listed.failure.cause == FailureCause::LackingFields));
    let lacking = "SELECT count(*) FROM jira.issues WHERE tier = 'full' AND lacking = '{fields}'";
    assert_eq!(app.number(lacking).await, failures.len() as i64);
    let incomplete = "SELECT count(*) FROM extractor.incomplete_issues";
    assert_eq!(app.number(incomplete).await, failures.len() as i64);
    failures.iter().map(|listed| listed.failure.id.0).collect()
}

/// Nothing is stored that would tell, and nothing that comes tells either.
#[tokio::test]
async fn a_custom_field_that_loads_of_no_issue_is_named_of_every_issue() {
    const ISSUES: usize = 60;
    let mut app = cloud(ISSUES).await;
    (app.options.max_attempts, app.options.batch_size) = (1, 10);
    fill(&app);
    break_field(&app, None);
    let report = app.watched("PROJ", RunKind::Backfill).await.unwrap();
    assert_eq!(report.certificate.verdict, Verdict::Failures, "{report:?}");
    assert_eq!(named(&app).await.len(), ISSUES);
    // It is known soon, and does not cost a request for each issue, nor fetching each again.
    let strict = app.sim.requests().count(|record| record.seen.fail_fast);
    assert!(strict <= 30, "{strict} strict requests");
    let bulk = app.sim.requests().count(|record| record.seen.is_bulk_fetch());
    assert!(bulk <= 20, "{bulk} bulk requests");

    app.sim.faults().clear();
    app.store.make_failures_due(&FailureFilter::default()).await.unwrap();
    let report = app.delta("PROJ").await.unwrap();
    assert_eq!(report.state, RunState::Completed, "{report:?}");
    assert!(named(&app).await.is_empty());
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn a_custom_field_that_loads_of_some_issues_is_named_of_the_others() {
    let mut app = cloud(60).await;
    (app.options.max_attempts, app.options.batch_size) = (1, 10);
    fill(&app);
    let broken: BTreeSet<IssueId> = (0..60).step_by(5).map(|n| nth(&app, n)).collect();
    for id in &broken {
        break_field(&app, Some(*id));
    }
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!(report.certificate.verdict, Verdict::Failures, "{report:?}");
    // Of a batch with several of them only one is hurt, so some have come whole.
    let without = format!("SELECT id FROM jira.issues WHERE NOT fields ? '{FIELD}' ORDER BY id");
    let without: Vec<(i64,)> =
        sqlx::query_as(AssertSqlSafe(without)).fetch_all(&app.pool).await.unwrap();
    let without: BTreeSet<i64> = without.into_iter().map(|(id,)| id).collect();
    let broken: BTreeSet<i64> = broken.into_iter().map(|id| id.try_into().unwrap()).collect();
    assert!(without.len() >= 4 && without.is_subset(&broken), "{without:?}");
    assert_eq!(named(&app).await, without);
}

/// The batch, and the piece of it that this issue is in, do not come; alone it comes without the
/// field only, or without anything that is asked for strictly.
#[tokio::test]
async fn an_issue_that_fails_strictly_alone_is_stored_with_all_but_the_field_that_fails() {
    let mut app = cloud(30).await;
    app.options.max_attempts = 1;
    fill(&app);
    let id = nth(&app, 7);
    app.sim.faults().add(Rule {
        endpoint: Endpoint::SearchHydrate,
        when: When::Range(1..=2),
        issue: Some(id),
        action: Action::Fail(500),
    });
    break_field(&app, Some(id));
    let report = app.watched("PROJ", RunKind::Backfill).await.unwrap();
    assert_eq!(report.certificate.verdict, Verdict::Failures, "{report:?}");
    assert_eq!(named(&app).await, BTreeSet::from([id.try_into().unwrap()]));
}

/// A backfill is for somebody who has mended something, and does not wait for a retry's time.
#[tokio::test]
async fn a_backfill_tries_every_failure_again_and_a_delta_those_that_are_due() {
    let mut app = cloud(30).await;
    app.options.max_attempts = 1;
    let id = nth(&app, 7);
    app.sim.faults().add(Rule {
        endpoint: Endpoint::WholeIssues,
        when: When::Always,
        issue: Some(id),
        action: Action::OmitField("comment".to_owned()),
    });
    app.backfill("PROJ").await.unwrap();
    app.sim.faults().clear();
    let report = app.delta("PROJ").await.unwrap();
    assert_eq!(report.certificate.verdict, Verdict::Failures, "{report:?}");
    assert!(report.certificate.findings[0].meaning.contains("next_try"), "{report:?}");
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!(report.certificate.verdict, Verdict::Complete, "{report:?}");
    assert!(named(&app).await.is_empty());
}
