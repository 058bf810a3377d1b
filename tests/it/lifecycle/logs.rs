//! The log of a run: every line says whose it is, the decisions are kept with the run, and neither
//! holds a secret or a word of an issue.

use std::time::Duration;

use extractor::admin::Tally;
use extractor::daemon::run_log::RunLog;
use extractor::model::{EventLevel, RunId};
use extractor::store::StoredEvent;
use extractor::telemetry::{RunLine, RunLines};
use jira_sim::{Action, Auth, Endpoint, Gate, SimConfig, When};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{ISSUES, world};
use crate::app::App;
use crate::binary::{Ended, Home, Program};

const TOKEN: &str = "Personal-Token-71c0ffee";

fn backfill(app: &App, home: &Home) -> Program {
    home.extractor_at(app, "--backfill PROJ --json")
        .set("jira.batch_size", "10")
        .set("jira.max_in_flight", "2")
        .set("jira.token", TOKEN)
}

async fn app() -> App {
    let config = SimConfig { auth: Auth::token(TOKEN), ..SimConfig::default() };
    App::with_config(config, world()).await
}

/// The lines of standard error that are JSON.
fn lines(ended: &Ended) -> Vec<Value> {
    let lines = ended.stderr.lines().filter(|line| line.starts_with('{'));
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'a>(line: &'a Value, field: &str) -> &'a str {
    line[field].as_str().unwrap_or_default()
}

/// The run of the only project, by the program's own answer.
fn run_of(ended: &Ended) -> RunId {
    RunId(text(&ended.json()["runs"][0], "run_id").parse().unwrap())
}

async fn kept(app: &App, run: RunId) -> Vec<StoredEvent> {
    app.store.list_events(run, None, 1_000).await.unwrap()
}

fn messages(events: &[StoredEvent]) -> Vec<&str> {
    events.iter().map(|stored| stored.event.message.as_str()).collect()
}

#[tokio::test]
async fn every_line_of_a_run_says_whose_it_is_down_to_the_requests() {
    let (app, home) = (app().await, Home::new());
    // One batch fails once, and is asked for again: `jira` says so, in a task of its own.
    app.sim.faults().on(Endpoint::SearchHydrate, When::Nth(2), Action::Reset);
    let ended = backfill(&app, &home).set("log.level", "debug").run().await.with(0);
    let run = run_of(&ended).to_string();
    let lines = lines(&ended);
    let place = |message| lines.iter().position(|line| line["message"] == message).unwrap();
    let of_the_run = &lines[place("run started")..=place("run ended")];
    let mut again = 0;
    for line in of_the_run {
        let target = text(line, "target");
        let ours = ["extractor::sync", "extractor::jira"].iter().any(|of| target.starts_with(of));
        // Other duties of the process go on meanwhile.
        if ours && !target.starts_with("extractor::sync::budget") {
            assert_eq!(text(line, "run.id"), run, "{line}");
            assert_eq!(text(line, "project.key"), "PROJ", "{line}");
        }
        again += usize::from(line["message"] == "asking again");
    }
    assert!(again > 0, "nothing was asked for again");
}

#[tokio::test]
async fn what_a_run_decides_is_kept_with_it_and_is_what_the_log_says() {
    let (app, home) = (app().await, Home::new());
    let ended = backfill(&app, &home).run().await.with(0);
    let run = run_of(&ended);
    let kept = kept(&app, run).await;
    let logged = lines(&ended);
    let of_the_run: Vec<&str> = logged
        .iter()
        .filter(|line| text(line, "run.id") == run.to_string())
        .map(|line| text(line, "message"))
        .collect();
    assert_eq!(messages(&kept), of_the_run);
    assert_eq!(messages(&kept).first(), Some(&"run started"));
    assert_eq!(messages(&kept).last(), Some(&"run ended"));
    let last = &kept.last().unwrap().event;
    assert_eq!(last.level, EventLevel::Info);
    assert_eq!(last.fields["run.written"], ISSUES);
    assert_eq!(last.fields.get("run.id"), None, "the run is known");
}

#[tokio::test]
async fn a_quiet_program_keeps_the_log_of_its_runs_all_the_same() {
    let (app, home) = (app().await, Home::new());
    let ended = backfill(&app, &home).set("log.level", "error").run().await.with(0);
    assert!(lines(&ended).is_empty(), "{}", ended.stderr);
    assert!(messages(&kept(&app, run_of(&ended)).await).contains(&"run ended"));
}

#[tokio::test]
async fn a_run_that_is_cut_short_or_fails_says_so_in_its_log() {
    let (app, home) = (app().await, Home::new());
    let gate = Gate::new();
    let rule = app.sim.faults().on(
        Endpoint::SearchHydrate,
        When::Nth(3),
        Action::StallUntil(gate.clone()),
    );
    let mut first = backfill(&app, &home).start();
    gate.reached_by(1).await;
    first.terminate();
    first.says("told to end").await;
    gate.release();
    first.ended().await.with(75);
    app.sim.faults().remove(rule);
    let newest = "SELECT id FROM extractor.runs ORDER BY started_at DESC LIMIT 1";
    let run = RunId(sqlx::query_scalar(newest).fetch_one(&app.pool).await.unwrap());
    let said = kept(&app, run).await;
    assert_eq!(messages(&said).last(), Some(&"run interrupted, to be gone on with"));

    // The token is taken back in the middle of the next one.
    let gate = Gate::new();
    app.sim.faults().on(Endpoint::SearchHydrate, When::Nth(1), Action::StallUntil(gate.clone()));
    let second = backfill(&app, &home).start();
    gate.reached_by(1).await;
    app.sim.configure(|config| config.auth = Auth::token("Another-Token-5eed"));
    gate.release();
    second.ended().await.with(77);
    let said = kept(&app, run).await;
    let last = &said.last().unwrap().event;
    assert_eq!((last.message.as_str(), last.level), ("run failed", EventLevel::Warn));
    assert!(!text(&last.fields, "error").is_empty(), "{}", last.fields);
}

#[tokio::test]
async fn neither_log_holds_a_secret_or_a_word_of_an_issue() {
    let (app, home) = (app().await, Home::new());
    app.sim.faults().on(Endpoint::SearchHydrate, When::Nth(2), Action::MalformedJson);
    app.sim.faults().on(Endpoint::SearchHydrate, When::Nth(4), Action::Fail(500));
    let ended = backfill(&app, &home).set("log.level", "debug").run().await;
    let kept = kept(&app, run_of(&ended)).await;
    let everything = format!("{}{}{kept:?}", ended.stdout, ended.stderr);
    assert!(!everything.contains(TOKEN));
    let words: Vec<String> = sqlx::query_scalar(
        "SELECT summary FROM jira.issues WHERE length(summary) > 8
         UNION ALL SELECT left(body, 20) FROM jira.comments WHERE length(body) > 20
         UNION ALL SELECT left(fields ->> 'description', 20) FROM jira.issues
           WHERE length(fields ->> 'description') > 20",
    )
    .fetch_all(&app.pool)
    .await
    .unwrap();
    assert!(words.len() > ISSUES, "only {}", words.len());
    let told: Vec<&String> =
        words.iter().filter(|words| everything.contains(words.as_str())).collect();
    assert!(told.is_empty(), "{told:?}");
}

fn line(run: RunId, number: usize) -> RunLine {
    RunLine {
        run: run.to_string(),
        at: chrono::DateTime::UNIX_EPOCH + Duration::from_secs(number as u64),
        level: tracing::Level::INFO,
        message: format!("line {number}"),
        fields: serde_json::Map::new(),
    }
}

/// A run to write lines of.
async fn a_run(app: &App) -> RunId {
    app.backfill("PROJ").await.unwrap().run
}

#[tokio::test]
async fn lines_that_came_while_there_was_no_database_are_written_when_there_is() {
    let app = App::new(world()).await;
    let run = a_run(&app).await;
    let (sender, lines) = RunLines::by_hand(16);
    let (opened, store) = watch::channel(None);
    let log = RunLog::start(lines, store, Tally::default(), CancellationToken::new());
    for number in 0..16 {
        sender.send(line(run, number)).await.unwrap();
    }
    opened.send_replace(Some(app.store.clone()));
    sender.send(line(run, 16)).await.unwrap();
    drop(sender);
    log.close().await.unwrap();
    let expected: Vec<String> = (0..17).map(|number| format!("line {number}")).collect();
    assert_eq!(messages(&kept(&app, run).await), expected);
}

#[tokio::test]
async fn lines_of_a_run_that_is_gone_do_not_hold_up_the_others() {
    let app = App::new(world()).await;
    let run = a_run(&app).await;
    let (sender, lines) = RunLines::by_hand(16);
    let store = watch::Sender::new(Some(app.store.clone()));
    let log = RunLog::start(lines, store.subscribe(), Tally::default(), CancellationToken::new());
    sender.send(line(RunId(uuid::Uuid::nil()), 1)).await.unwrap();
    let mut lines = log.close().await.unwrap();
    sender.send(line(run, 2)).await.unwrap();
    let log = {
        let mut seen = Vec::new();
        lines.take_ready(&mut seen);
        assert_eq!(seen.len(), 1);
        sender.send(seen.remove(0)).await.unwrap();
        RunLog::start(lines, store.subscribe(), Tally::default(), CancellationToken::new())
    };
    log.close().await.unwrap();
    assert_eq!(messages(&kept(&app, run).await), ["line 2"]);
}
