//! The service, whose way to Postgres vanishes in the middle of its work.

use extractor::model::RunState;
use jira_sim::{CostModel, SimConfig, WorldProfile, generate};
use rstest::rstest;

use super::black_hole::BlackHole;
use crate::app::App;
use crate::binary::{Home, Program};
use crate::compare::assert_equal;
use crate::service::{assert_nothing_leased, runs, until};

/// Shorter than the usual half minute, and longer than the time between two heartbeats.
const SHORT_LEASE: &str = "CREATE OR REPLACE FUNCTION extractor.worker_ttl() RETURNS interval
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT interval '8 seconds' $$";

async fn stage() -> App {
    let cost = CostModel { per_issue: std::time::Duration::from_millis(5), ..CostModel::default() };
    let config = SimConfig { cost, ..SimConfig::default() };
    App::with_config(config, generate(&WorldProfile::new("PROJ", 300, 91).plain(700)).unwrap())
        .await
}

/// The service, which reaches its database at `url`.
fn service(home: &Home, app: &App, url: &str) -> Program {
    home.extractor_at(app, "run --log-level info")
        .set("database.url", url)
        .set("database.statement_timeout", "1s")
        .set("sync.projects", "PROJ")
        .set("sync.schedule", "1h")
        .set("http.listen", "127.0.0.1:0")
        .set("jira.batch_size", "10")
        .set("jira.max_in_flight", "2")
}

/// What gets lost.
#[derive(Debug, Clone, Copy)]
enum Loss {
    Everything,
    Answers,
}

/// How the way comes back.
#[derive(Debug, Clone, Copy)]
enum Return {
    TheSame,
    Another,
}

#[rstest]
#[case::the_same_host(Loss::Everything, Return::TheSame)]
#[case::another_host(Loss::Everything, Return::Another)]
#[case::only_answers(Loss::Answers, Return::Another)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_notices_waits_and_goes_on(#[case] loss: Loss, #[case] back: Return) {
    let (app, home) = (stage().await, Home::new());
    let hole = BlackHole::before(&app.database_url).await;
    let mut program = service(&home, &app, hole.url()).start();
    until(&app, "SELECT count(*) FROM jira.issues", |issues| issues >= 50).await;
    match loss {
        Loss::Everything => hole.vanish(),
        Loss::Answers => hole.lose_answers(),
    }
    program.says("the database is away, waiting").await;
    program.says("postgres not available, trying again").await;
    match back {
        Return::TheSame => hole.come_back(),
        Return::Another => hole.come_back_as_another(),
    }
    program.says("the database is back").await;
    until(&app, &runs("PROJ", RunState::Completed.as_str()), |runs| runs >= 1).await;
    program.terminate();
    program.ended().await.with(0);
    assert_equal(&app, "PROJ").await;
    assert_nothing_leased(&app).await;
}

/// Every commit of a run loses its answer once, wherever that is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_answers_again_and_again_cost_nothing() {
    let (app, home) = (stage().await, Home::new());
    let hole = BlackHole::before(&app.database_url).await;
    let mut program = service(&home, &app, hole.url()).start();
    for stored in [0, 150] {
        let enough = format!("SELECT count(*) >= {stored} FROM jira.issues");
        let enough = format!("SELECT ({enough})::int::bigint");
        until(&app, "SELECT count(*) FROM extractor.workers", |workers| workers >= 1).await;
        until(&app, &enough, |enough| enough == 1).await;
        hole.lose_answers();
        tokio::join!(program.says("the database is away, waiting"), async {
            // Longer than whatever waits is given.
            app.number("SELECT 1::bigint FROM pg_sleep(16)").await
        });
        hole.come_back_as_another();
    }
    until(&app, &runs("PROJ", RunState::Completed.as_str()), |runs| runs >= 1).await;
    program.terminate();
    program.ended().await.with(0);
    assert_equal(&app, "PROJ").await;
    assert_nothing_leased(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_takes_over_meanwhile_and_the_first_writes_nothing_any_more() {
    let (app, home) = (stage().await, Home::new());
    sqlx::query(SHORT_LEASE).execute(&app.pool).await.unwrap();
    let hole = BlackHole::before(&app.database_url).await;
    let mut first = service(&home, &app, hole.url()).start();
    until(&app, "SELECT count(*) FROM jira.issues", |issues| issues >= 30).await;
    hole.vanish();
    first.says("the database is away, waiting").await;
    let second = service(&home, &app, &app.database_url).start();
    until(&app, &runs("PROJ", RunState::Completed.as_str()), |runs| runs >= 1).await;
    hole.come_back();
    first.says("the database is back").await;
    for program in [first, second] {
        program.terminate();
        program.ended().await.with(0);
    }
    assert_equal(&app, "PROJ").await;
    assert_nothing_leased(&app).await;
}
