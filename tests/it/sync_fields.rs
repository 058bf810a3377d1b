//! Jira Cloud says 200 and leaves out what it could not load, or what is too long: what is stored
//! stays, what is missing is named, and completing costs requests by the batch.

use std::time::Duration;

use extractor::model::{FailureCause, RunKind, RunState, Verdict};
use jira_sim::{Action, Endpoint, Flavor, IssueId, Rule, SimConfig, When, WorldProfile, generate};

use crate::app::App;

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
