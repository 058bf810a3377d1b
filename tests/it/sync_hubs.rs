//! Issues that cannot be had like the others: they climb down the ladder by themselves, hold up
//! nobody, lose nothing that is stored of them, and are remembered.

use std::time::{Duration, Instant};

use extractor::model::{FailureCause, RunKind, RunState, Verdict};
use extractor::sync::{SyncError, Until};
use jira_sim::{
    Action, CostModel, Endpoint, Gate, IssueId, LinkCost, Rule, Seen, SimConfig, When, World,
    WorldProfile, generate,
};

use crate::app::{App, request};
use crate::binary::Home;
use crate::compare::{assert_equal, assert_equal_but_for};

const WHOLE: &str = "*all";
const REST: &str = "*all,-issuelinks";
const LINKS: &str = "issuelinks";

/// A project, and another that is not extracted, for the other ends of the links.
fn world(issues: usize) -> World {
    let mut world = generate(&WorldProfile::new("PROJ", issues, 3).plain(600)).unwrap();
    world.add_project("FAR", "Far away");
    world.create_many("FAR", 50).unwrap();
    world.advance(Duration::from_secs(60));
    world
}

fn nth(world: &World, n: usize) -> IssueId {
    world.issues("PROJ").nth(n).unwrap().id()
}

fn make_hub(world: &mut World, n: usize, links: usize) -> IssueId {
    let hub = nth(world, n);
    let far: Vec<IssueId> = world.issues("FAR").map(jira_sim::Issue::id).collect();
    world.make_hub(hub, &far, links).unwrap();
    hub
}

/// Spoils requests for exactly these fields that are answered with this issue.
fn spoil(app: &App, fields: &str, issue: IssueId, when: When, action: Action) {
    let endpoint = Endpoint::Fields(fields.to_owned());
    app.sim.faults().add(Rule { endpoint, when, issue: Some(issue), action });
}

fn asks_for(fields: &'static str) -> impl Fn(&Seen) -> bool + Send + 'static {
    move |seen| seen.fields.join(",") == fields
}

fn times_asked(app: &App, fields: &'static str) -> usize {
    let asks = asks_for(fields);
    app.sim.requests().count(|record| record.seen.is_issue() && asks(&record.seen))
}

/// How often the issue was asked for together with others.
fn times_in_a_batch(app: &App, issue: IssueId) -> usize {
    let id = issue.to_string();
    let names = |jql: &str| jql.split(|c: char| !c.is_ascii_digit()).any(|word| word == id);
    app.sim.requests().count(|record| {
        record.seen.wants_whole_issues()
            && record.seen.is_search()
            && record.seen.jql.as_deref().is_some_and(names)
    })
}

async fn tier(app: &App, issue: IssueId) -> String {
    let sql = format!("SELECT tier FROM jira.issues WHERE id = {issue}");
    let row: (String,) =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_one(&app.pool).await.unwrap();
    row.0
}

async fn failures_are_due(app: &App) {
    let sql = "UPDATE extractor.failures SET next_try = clock_timestamp()";
    sqlx::query(sql).execute(&app.pool).await.unwrap();
}

const INCOMPLETE: &str = "SELECT count(*) FROM extractor.incomplete_issues";
const FAILURES: &str = "SELECT count(*) FROM extractor.failures";

#[tokio::test]
async fn the_others_of_a_batch_are_written_while_the_hub_is_being_fetched() {
    let mut world = world(120);
    let hub = make_hub(&mut world, 60, 300);
    let mut app = App::new(world).await;
    app.options.timeout = Duration::from_millis(1_500);
    app.options.batch_size = 120;
    let (fuse, links) = (Gate::new(), Gate::new());
    spoil(&app, WHOLE, hub, When::Always, Action::StallUntil(fuse.clone()));
    spoil(&app, LINKS, hub, When::Always, Action::StallUntil(links.clone()));
    let process = app.process().await;
    let backfill = request("PROJ", RunKind::Backfill);
    let run = process.engine.run_project(&backfill);
    let watch = async {
        links.reached_by(1).await;
        while app.number("SELECT count(*) FROM jira.issues").await < 119 {}
        assert_equal_but_for(&app, "PROJ", &[hub]).await;
        let waiting = format!("SELECT issue_id FROM extractor.pending WHERE issue_id = {hub}");
        assert_eq!(app.number(&waiting).await, i64::try_from(hub).unwrap());
        links.release();
    };
    let (report, ()) = tokio::join!(run, watch);
    assert_eq!(report.unwrap().state, RunState::Completed);
    process.session.close().await.unwrap();
    // With its batch, with its piece, and alone: three times the fuse, and no more.
    let whole = asks_for(WHOLE);
    let in_vain = app.sim.requests().count(|record| whole(&record.seen) && record.status.is_none());
    assert_eq!(in_vain, 3);
    assert_eq!(tier(&app, hub).await, "hub");
    assert_eq!(app.number(FAILURES).await, 0);
    assert_equal(&app, "PROJ").await;
    fuse.release();
}

#[tokio::test]
async fn a_gateway_that_does_not_wait_for_a_hub_is_not_asked_the_same_again() {
    let mut world = world(60);
    let hub = make_hub(&mut world, 30, 400);
    let app = App::new(world).await;
    spoil(&app, WHOLE, hub, When::Always, Action::Fail(504));
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!(report.state, RunState::Completed);
    let in_vain = app.sim.requests().count(|record| record.status == Some(504));
    assert_eq!(in_vain, 3, "with its batch, with its piece, and alone");
    assert_eq!(tier(&app, hub).await, "hub");
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn a_known_hub_never_enters_a_batch_and_goes_back_to_full_when_it_is_light() {
    let mut world = world(60);
    let hub = make_hub(&mut world, 30, 400);
    let app = App::new(world).await;
    spoil(&app, WHOLE, hub, When::Always, Action::Fail(500));
    app.backfill("PROJ").await.unwrap();
    assert_eq!(tier(&app, hub).await, "hub");
    assert_equal(&app, "PROJ").await;

    // It takes its time in parts, so it is not tried whole.
    let fuse_share = app.options.timeout / 4 + Duration::from_millis(100);
    app.sim.faults().clear();
    spoil(&app, LINKS, hub, When::Always, Action::Stall(fuse_share));
    edit_all(&app, "second");
    let report = app.watched("PROJ", RunKind::Delta).await.unwrap();
    assert_eq!(report.state, RunState::Completed);
    assert_eq!(times_in_a_batch(&app, hub), 0);
    assert_eq!((times_asked(&app, WHOLE), times_asked(&app, LINKS)), (0, 1));
    assert_eq!(tier(&app, hub).await, "hub");
    assert_equal(&app, "PROJ").await;

    // Now it is light: its parts, and then itself.
    app.sim.faults().clear();
    edit_all(&app, "third");
    app.watched("PROJ", RunKind::Delta).await.unwrap();
    assert_eq!(times_in_a_batch(&app, hub), 0);
    assert_eq!((times_asked(&app, REST), times_asked(&app, WHOLE)), (1, 1));
    assert_eq!(tier(&app, hub).await, "full");
    assert_equal(&app, "PROJ").await;
    edit_all(&app, "fourth");
    app.watched("PROJ", RunKind::Delta).await.unwrap();
    assert_eq!(times_in_a_batch(&app, hub), 1);
    assert_equal(&app, "PROJ").await;
}

fn edit_all(app: &App, summary: &str) {
    let mut world = app.sim.world_mut();
    let ids: Vec<IssueId> = world.issues("PROJ").map(jira_sim::Issue::id).collect();
    world.bulk_edit(&ids, &[("summary", summary.into())]).unwrap();
    world.advance(Duration::from_secs(60));
}

#[tokio::test]
async fn links_that_do_not_come_leave_those_that_are_stored_and_come_with_the_next_run() {
    let mut world = world(40);
    let hub = make_hub(&mut world, 20, 200);
    let app = App::new(world).await;
    app.backfill("PROJ").await.unwrap();
    {
        let mut world = app.sim.world_mut();
        let far = world.issues("FAR").next().unwrap().id();
        world.add_link(hub, far).unwrap();
        world.add_comment(hub, "one more").unwrap();
        world.edit(hub, &[("summary", "newer".into())]).unwrap();
        world.advance(Duration::from_secs(60));
    }
    spoil(&app, WHOLE, hub, When::Always, Action::Fail(500));
    spoil(&app, LINKS, hub, When::Always, Action::MalformedJson);
    let report = app.delta("PROJ").await.unwrap();
    assert_eq!(
        (report.state, report.certificate.verdict),
        (RunState::Incomplete, Verdict::Failures)
    );
    assert_equal_but_for(&app, "PROJ", &[hub]).await;
    let links = format!("SELECT count(*) FROM jira.links WHERE issue_id = {hub}");
    assert_eq!(app.number(&links).await, 200, "those of the run before");
    let rest = format!(
        "SELECT count(*) FROM jira.issues i WHERE id = {hub} AND summary = 'newer' AND tier = 'hub'
             AND lacking = '{{links}}' AND jsonb_array_length(fields->'issuelinks') = 200
             AND EXISTS (SELECT FROM jira.comments c
                         WHERE c.issue_id = i.id AND c.body = 'one more')"
    );
    assert_eq!(app.number(&rest).await, 1, "everything but the links is the newer");
    let failures = app.store.list_failures(None, None, 10).await.unwrap();
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].failure.cause, FailureCause::LackingLinks);
    assert!(failures[0].failure.reason.contains("links did not come"), "{failures:?}");

    app.sim.faults().clear();
    failures_are_due(&app).await;
    let report = app.delta("PROJ").await.unwrap();
    assert_eq!(report.certificate.verdict, Verdict::Complete);
    assert_eq!((app.number(FAILURES).await, app.number(INCOMPLETE).await), (0, 0));
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn an_issue_of_which_a_few_fields_came_is_fetched_again_in_the_same_run() {
    let mut world = world(30);
    let hub = make_hub(&mut world, 10, 100);
    let app = App::new(world).await;
    spoil(&app, WHOLE, hub, When::Always, Action::Fail(500));
    let attempts = u64::from(app.options.max_attempts);
    spoil(&app, REST, hub, When::Range(1..=attempts), Action::Fail(500));
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!(
        (report.state, report.certificate.verdict),
        (RunState::Completed, Verdict::Complete)
    );
    let few = app.sim.requests().count(|record| {
        record.seen.is_issue() && record.seen.fields.iter().any(|field| field == "duedate")
    });
    assert_eq!(few, 1);
    assert_eq!(tier(&app, hub).await, "hub");
    assert_eq!((app.number(FAILURES).await, app.number(INCOMPLETE).await), (0, 0));
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn a_few_newer_fields_leave_the_others_as_they_are_stored() {
    let app = App::new(world(30)).await;
    let id = nth(&app.sim.world(), 12);
    app.sim.world_mut().add_comment(id, "before").unwrap();
    app.sim.world_mut().edit(id, &[("description", "long".into())]).unwrap();
    app.sim.world_mut().advance(Duration::from_secs(60));
    app.backfill("PROJ").await.unwrap();

    let summary = [("summary", "newer".into()), ("description", "longer".into())];
    app.sim.world_mut().edit(id, &summary).unwrap();
    app.sim.world_mut().advance(Duration::from_secs(60));
    spoil(&app, WHOLE, id, When::Always, Action::Fail(500));
    spoil(&app, REST, id, When::Always, Action::Fail(500));
    let report = app.delta("PROJ").await.unwrap();
    assert_eq!(report.certificate.verdict, Verdict::Failures);
    let stored = format!(
        "SELECT count(*) FROM jira.issues i WHERE id = {id} AND tier = 'minimal'
             AND summary = 'newer' AND fields->>'summary' = 'newer'
             AND fields->>'description' = 'long'
             AND EXISTS (SELECT FROM jira.comments c WHERE c.issue_id = i.id AND body = 'before')
             AND EXISTS (SELECT FROM jira.changes c WHERE c.issue_id = i.id)"
    );
    assert_eq!(app.number(&stored).await, 1);
    let failures = app.store.list_failures(None, None, 10).await.unwrap();
    assert_eq!(failures[0].failure.cause, FailureCause::LackingFields);
    assert_equal_but_for(&app, "PROJ", &[id]).await;

    app.sim.faults().clear();
    failures_are_due(&app).await;
    app.delta("PROJ").await.unwrap();
    assert_eq!((app.number(FAILURES).await, app.number(INCOMPLETE).await), (0, 0));
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn the_lease_of_a_hub_is_renewed_while_it_climbs() {
    let mut world = world(40);
    let hub = make_hub(&mut world, 20, 50);
    let mut app = App::new(world).await;
    app.options.batch_lease = Duration::from_millis(800);
    spoil(&app, WHOLE, hub, When::Always, Action::Fail(500));
    spoil(&app, LINKS, hub, When::Always, Action::Stall(Duration::from_secs(3)));
    let (one, other) = (app.process().await, app.process().await);
    let backfill = request("PROJ", RunKind::Backfill);
    let run = one.engine.run_project(&backfill);
    // Another process that would take over whatever nobody holds.
    let help = async {
        let drained = other.engine.hydrate(Until::Stopped);
        tokio::pin!(drained);
        tokio::select! {
            report = run => {
                other.stop.cancel();
                drained.await.unwrap();
                report
            }
            ended = &mut drained => panic!("{ended:?}"),
        }
    };
    assert_eq!(Box::pin(help).await.unwrap().state, RunState::Completed);
    assert_eq!(times_asked(&app, LINKS), 1, "one lease, renewed");
    one.session.close().await.unwrap();
    other.session.close().await.unwrap();
    assert_equal(&app, "PROJ").await;
}

#[tokio::test]
async fn a_jira_that_fails_for_every_issue_stops_the_run_instead_of_failing_them_all() {
    let app = App::new(world(300)).await;
    let whole = app.sim.faults().on(Endpoint::WholeIssues, When::Always, Action::MalformedJson);
    let error = app.backfill("PROJ").await.unwrap_err();
    assert!(matches!(error, SyncError::Jira(_)), "{error}");
    assert!(error.to_string().contains("not the expected JSON"), "{error}");
    assert!(app.number(FAILURES).await < 25);
    app.sim.faults().remove(whole);
    failures_are_due(&app).await;
    let report = app.backfill("PROJ").await.unwrap();
    assert_eq!(report.certificate.verdict, Verdict::Complete);
    assert_eq!((app.number(FAILURES).await, app.number(INCOMPLETE).await), (0, 0));
    assert_equal(&app, "PROJ").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_climbed_when_the_program_was_killed_is_taken_up_again() {
    let mut world = world(60);
    let hub = make_hub(&mut world, 20, 300);
    let app = App::new(world).await;
    let gate = Gate::new();
    spoil(&app, WHOLE, hub, When::Always, Action::MalformedJson);
    spoil(&app, LINKS, hub, When::Nth(1), Action::StallUntil(gate.clone()));
    let home = Home::new();
    let backfill = home.extractor_at(&app, "--backfill PROJ").set("jira.max_attempts", "1");
    let running = backfill.start();
    gate.reached_by(1).await;
    while app.number("SELECT count(*) FROM jira.issues").await < 59 {}
    // With SIGKILL.
    drop(running);
    let backends = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'extractor %'";
    while app.number(backends).await > 0 {}
    app.sim.requests().clear();

    backfill.run().await.with(0);
    let again = app.times_hydrated();
    assert!(again.keys().all(|id| *id == hub), "{again:?}");
    assert_eq!(times_asked(&app, LINKS), 1);
    let runs = "SELECT count(*) FROM extractor.runs WHERE state = 'completed' AND resumes = 1";
    assert_eq!(app.number(runs).await, 1);
    assert_equal(&app, "PROJ").await;
    gate.release();
}

const LARGE: usize = 20_000;
const HUB_LINKS: usize = 8_000;
/// Of the time that links were measured to cost.
const SCALE: f64 = 0.02;
/// What stands for `jira.timeout`: 60 s to that scale, and a little for a slow machine.
const FUSE: Duration = Duration::from_millis(2_000);

/// Backfills the large project, with hubs at these places; answers how long it took.
async fn large_backfill(hubs: &[usize]) -> Duration {
    let mut world = world(LARGE);
    for n in hubs {
        make_hub(&mut world, *n, HUB_LINKS);
    }
    let cost = CostModel { links: LinkCost::scaled(SCALE), ..CostModel::default() };
    let mut app = App::with_config(SimConfig { cost, ..SimConfig::default() }, world).await;
    app.options.timeout = FUSE;
    let began = Instant::now();
    let report = app.backfill("PROJ").await.unwrap();
    let took = began.elapsed();
    assert_eq!(
        (report.state, report.certificate.verdict),
        (RunState::Completed, Verdict::Complete)
    );
    assert_eq!((app.number(FAILURES).await, app.number(INCOMPLETE).await), (0, 0));
    assert_eq!(
        app.number("SELECT count(*) FROM jira.issues WHERE tier = 'hub'").await,
        hubs.len() as i64
    );
    assert_eq!(app.number("SELECT count(*) FROM jira.links l JOIN jira.issues i ON i.id = l.issue_id WHERE tier = 'hub'").await, (hubs.len() * HUB_LINKS) as i64);
    assert_equal(&app, "PROJ").await;
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hubs_cost_their_own_time_and_lose_nothing() {
    let hubs = [4_321, 9_876, 15_000];
    let without = large_backfill(&[]).await;
    let with = large_backfill(&hubs).await;
    let cost = LinkCost::scaled(SCALE);
    let served = [jira_sim::Served::WithoutLinks, jira_sim::Served::LinksAlone];
    let parts: Duration = served.iter().map(|part| cost.of(HUB_LINKS, *part)).sum();
    let own = (FUSE + parts) * 3;
    println!("without hubs {without:?}, with three {with:?}; their own time {own:?}");
    assert!(with < without + own, "{with:?} against {without:?} and {own:?}");
}
