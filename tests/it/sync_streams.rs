//! Remote links, watchers, voters and properties: stored as Jira has them where they are switched
//! on, left out where Jira keeps them back, and lacking, not failing the batch, while they cannot
//! be had.

use std::collections::BTreeSet;
use std::time::Duration;

use extractor::model::{FailureCause, RunKind, RunState, Stream, Verdict};
use jira_sim::{
    Action, CloudView, Endpoint, Flavor, Issue, IssueId, SimConfig, User, When, WorldProfile,
    generate,
};
use rstest::rstest;
use serde_json::Value;
use sqlx::AssertSqlSafe;

use crate::app::App;
use crate::compare::assert_equal;

const ISSUES: usize = 90;

async fn app(streams: &[Stream]) -> App {
    app_of(SimConfig::default(), streams).await
}

async fn app_of(config: SimConfig, streams: &[Stream]) -> App {
    let profile = WorldProfile::new("PROJ", ISSUES, 71).plain(600).with_streams();
    let mut app = App::with_config(config, generate(&profile).unwrap()).await;
    app.options.streams = streams.to_vec();
    app.options.batch_size = 20;
    app
}

/// A stream's rows, by issue, in an order of their own.
type Rows = BTreeSet<(i64, String)>;

fn configured(app: &App) -> SimConfig {
    let mut config = SimConfig::default();
    app.sim.configure(|set| config = set.clone());
    config
}

fn value(json: &jira_sim::Json) -> Value {
    serde_json::from_str(&crate::compare::storable(json.as_str())).unwrap()
}

fn expected(app: &App, stream: Stream) -> Rows {
    let config = configured(app);
    let world = app.sim.world();
    let view = CloudView::new(&world, &config);
    let is_cloud = config.flavor == Flavor::Cloud;
    let served = |json: &jira_sim::Json| {
        if is_cloud { value(&view.translated(json)) } else { value(json) }
    };
    let id = if is_cloud { "accountId" } else { "key" };
    let rows = |issue: &Issue| -> Vec<String> {
        let names = |people: &[jira_sim::Json]| {
            people.iter().map(|user| served(user)[id].as_str().unwrap().to_owned()).collect()
        };
        match stream {
            Stream::RemoteLinks => issue
                .remote_links()
                .iter()
                .map(|link| {
                    let link = served(&link.json);
                    let object = &link["object"];
                    let parts = [
                        &link["id"],
                        &link["globalId"],
                        &link["relationship"],
                        &link["application"]["type"],
                        &link["application"]["name"],
                        &object["url"],
                        &object["title"],
                        &object["summary"],
                        &object["status"]["resolved"],
                        &link,
                    ];
                    serde_json::to_string(&parts).unwrap()
                })
                .collect(),
            Stream::Watchers => names(issue.watchers()),
            Stream::Voters => names(issue.voters()),
            Stream::Properties => issue
                .properties()
                .iter()
                .map(|(key, json)| serde_json::json!([key, served(json)]).to_string())
                .collect(),
        }
    };
    let mut all = Rows::new();
    for issue in world.visible_issues("PROJ") {
        all.extend(rows(issue).into_iter().map(|row| (issue.id() as i64, row)));
    }
    all
}

async fn stored(app: &App, stream: Stream) -> Rows {
    let sql = match stream {
        Stream::RemoteLinks => {
            "SELECT issue_id, jsonb_build_array(remote_link_id, global_id, relationship,
                 application_type, application_name, url, title, summary, resolved, raw)::text
             FROM jira.remote_links"
        }
        Stream::Watchers => "SELECT issue_id, user_id FROM jira.watchers",
        Stream::Voters => "SELECT issue_id, user_id FROM jira.voters",
        Stream::Properties => {
            "SELECT issue_id, jsonb_build_array(key, value)::text FROM jira.issue_properties"
        }
    };
    let rows: Vec<(i64, String)> =
        sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&app.pool).await.unwrap();
    // Texts of JSON are compared as values: Postgres writes them in its own way.
    let plain = |text: String| match serde_json::from_str::<Value>(&text) {
        Ok(json) => json.to_string(),
        Err(_) => text,
    };
    rows.into_iter().map(|(id, text)| (id, plain(text))).collect()
}

async fn assert_streams_equal(app: &App, streams: &[Stream]) {
    for &stream in streams {
        let normal = |(id, text): (i64, String)| match serde_json::from_str::<Value>(&text) {
            Ok(json) => (id, json.to_string()),
            Err(_) => (id, text),
        };
        let expected: Rows = expected(app, stream).into_iter().map(normal).collect();
        assert_eq!(stored(app, stream).await, expected, "{stream}");
    }
}

/// Requests for what hangs below issues, of one list.
fn asked(app: &App, list: &str) -> usize {
    let below = format!("/{list}");
    app.sim.requests().count(|record| record.seen.resource().ends_with(&below))
}

async fn incomplete(app: &App) -> i64 {
    app.number("SELECT count(*) FROM extractor.incomplete_issues").await
}

/// An issue that has watchers and voters.
fn popular(app: &App) -> IssueId {
    let world = app.sim.world();
    let mut issues = world.issues("PROJ");
    issues.find(|i| !i.watchers().is_empty() && !i.voters().is_empty()).unwrap().id()
}

#[rstest]
#[case::server(SimConfig::default())]
#[case::cloud(SimConfig::cloud())]
#[tokio::test]
async fn streams_are_stored_as_jira_has_them_and_cost_nothing_where_there_are_none(
    #[case] config: SimConfig,
) {
    let app = app_of(config, &Stream::ALL).await;
    let report = app.watched("PROJ", RunKind::Backfill).await.unwrap();
    assert_eq!(report.certificate.verdict, Verdict::Complete);
    for stream in Stream::ALL {
        assert!(expected(&app, stream).len() > 5, "{stream}: too few to show anything");
    }
    assert_streams_equal(&app, &Stream::ALL).await;
    if configured(&app).flavor == Flavor::Server {
        assert_equal(&app, "PROJ").await;
    }
    assert_eq!(incomplete(&app).await, 0);
    assert_eq!(asked(&app, "remotelink"), ISSUES);
    assert_eq!(asked(&app, "properties"), ISSUES);
    let (watched, voted) = {
        let world = app.sim.world();
        let count = |of: &dyn Fn(&Issue) -> bool| world.issues("PROJ").filter(|i| of(i)).count();
        (count(&|i| !i.watchers().is_empty()), count(&|i| !i.voters().is_empty()))
    };
    assert_eq!((asked(&app, "watchers"), asked(&app, "votes")), (watched, voted));
}

#[tokio::test]
async fn nothing_is_asked_for_that_is_not_switched_on() {
    let app = app(&[Stream::Voters]).await;
    app.watched("PROJ", RunKind::Backfill).await.unwrap();
    assert_streams_equal(&app, &[Stream::Voters]).await;
    for list in ["remotelink", "watchers", "properties"] {
        assert_eq!(asked(&app, list), 0, "{list}");
    }
    for table in ["remote_links", "watchers", "issue_properties"] {
        assert_eq!(app.number(&format!("SELECT count(*) FROM jira.{table}")).await, 0, "{table}");
    }
}

#[tokio::test]
async fn what_does_not_move_updated_is_stored_when_the_issue_is_fetched_again() {
    let app = app(&Stream::ALL).await;
    app.backfill("PROJ").await.unwrap();
    let id = popular(&app);
    {
        let mut world = app.sim.world_mut();
        let watcher = value(&world.issue(id).unwrap().watchers()[0])["name"].clone();
        world.remove_watcher(id, watcher.as_str().unwrap()).unwrap();
        world.add_vote(id, &User::new("newcomer", "New Comer")).unwrap();
        world.set_property(id, "new/key +%", &serde_json::json!({"since": 1})).unwrap();
        world.advance(Duration::from_secs(60));
    }
    app.watched("PROJ", RunKind::Delta).await.unwrap();
    assert_eq!(asked(&app, "votes"), 0, "nothing tells of a vote");
    {
        let mut world = app.sim.world_mut();
        world.edit(id, &[("summary", "changed".into())]).unwrap();
        world.advance(Duration::from_secs(60));
    }
    app.watched("PROJ", RunKind::Delta).await.unwrap();
    assert_eq!(asked(&app, "remotelink"), 1);
    assert_streams_equal(&app, &Stream::ALL).await;
    let users = "SELECT count(*) FROM jira.users WHERE id = 'newcomer'";
    assert_eq!(app.number(users).await, 1);
}

#[tokio::test]
async fn a_stream_that_jira_keeps_back_is_left_out_and_fails_no_issue() {
    let app = app(&Stream::ALL).await;
    let rule = |list: &str, id: IssueId| Endpoint::Prefix(format!("issue/{id}/{list}"));
    let refuse = |status, words: &str| Action::Refuse(status, words.to_owned());
    let ids: Vec<IssueId> = app.sim.world().issues("PROJ").map(Issue::id).collect();
    for &id in &ids {
        let forbidden = refuse(403, "You do not have the permission to see the watchers.");
        app.sim.faults().on(rule("watchers", id), When::Always, forbidden);
        let off = refuse(404, "Voting for issues is not enabled.");
        app.sim.faults().on(rule("votes", id), When::Always, off);
    }
    let report = app.watched("PROJ", RunKind::Backfill).await.unwrap();
    assert_eq!((report.state, report.counters.failed), (RunState::Completed, 0));
    assert_streams_equal(&app, &[Stream::RemoteLinks, Stream::Properties]).await;
    assert!(stored(&app, Stream::Watchers).await.is_empty());
    assert!(stored(&app, Stream::Voters).await.is_empty());
    assert_eq!(incomplete(&app).await, 0);
    let most = app.options.batch_size as usize;
    assert!(asked(&app, "watchers") < most, "what is forbidden is not asked for again and again");
    let asked_for = "SELECT count(*) FROM jira.issues
        WHERE streams = '{properties,remote_links,voters,watchers}'";
    assert_eq!(app.number(asked_for).await, ISSUES as i64);
}

#[tokio::test]
async fn a_stream_that_cannot_be_had_for_the_moment_leaves_its_issue_lacking_until_it_comes() {
    let mut app = app(&[Stream::RemoteLinks]).await;
    app.options.max_attempts = 1;
    let ids: Vec<IssueId> = app.sim.world().issues("PROJ").map(Issue::id).collect();
    let rule = |id: IssueId| Endpoint::Prefix(format!("issue/{id}/remotelink"));
    app.sim.faults().on(rule(ids[4]), When::Always, Action::Fail(500));
    app.sim.faults().on(rule(ids[9]), When::Nth(1), Action::MalformedJson);
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!(report.certificate.verdict, Verdict::Failures, "{report:?}");
    assert_eq!(app.number("SELECT count(*) FROM jira.issues").await, ISSUES as i64);
    let lacking = format!(
        "SELECT count(*) FROM extractor.incomplete_issues
         WHERE issue_id = {} AND what = '{{remote_links}}'",
        ids[4]
    );
    assert_eq!((app.number(&lacking).await, incomplete(&app).await), (1, 1));
    let failures = app.store.list_failures(None, None, 10).await.unwrap();
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].failure.id.0, ids[4] as i64);
    assert_eq!(failures[0].failure.cause, FailureCause::LackingChildren);

    app.sim.faults().clear();
    let all = extractor::store::FailureFilter::default();
    app.store.make_failures_due(&all).await.unwrap();
    let report = app.delta("PROJ").await.unwrap();
    assert_eq!(report.certificate.verdict, Verdict::Complete, "{report:?}");
    assert_eq!(incomplete(&app).await, 0);
    assert_streams_equal(&app, &[Stream::RemoteLinks]).await;
}

#[tokio::test]
async fn a_backfill_fetches_a_stream_for_what_was_stored_before_it_was_switched_on() {
    let mut app = app(&[]).await;
    app.backfill("PROJ").await.unwrap();
    app.options.streams = vec![Stream::Watchers];
    app.watched("PROJ", RunKind::Delta).await.unwrap();
    assert!(stored(&app, Stream::Watchers).await.is_empty(), "a delta does not look back");
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!((report.counters.queued, report.counters.hydrated), (ISSUES as u64, ISSUES as u64));
    assert_streams_equal(&app, &[Stream::Watchers]).await;
    let again = app.backfill("PROJ").await.unwrap();
    assert_eq!((again.counters.queued, again.counters.hydrated), (0, 0));
}
