//! Alive and ready: what hangs or is away is named, and nothing that hangs holds up the answer.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use extractor::admin::desk::{Link, Phase, Trouble};
use extractor::clock::{Clock as _, SystemClock};
use extractor::model::FailureCategory;
use sqlx::Executor as _;

use super::stage::{Answer, Stage};

/// The checks that are not well.
fn amiss(answer: &Answer) -> Vec<String> {
    let checks = answer.json()["checks"].as_array().unwrap().clone();
    assert_eq!(answer.json()["ready"], checks.iter().all(|check| check["ok"] == true));
    let names = checks.iter().filter(|check| check["ok"] == false);
    names.map(|check| check["name"].as_str().unwrap().to_owned()).collect()
}

/// Readiness is kept for a moment, so each look is at a service of its own.
async fn looked_at(change: impl AsyncFnOnce(&Stage)) -> Answer {
    let stage = Stage::of(&["PROJ"]).await;
    change(&stage).await;
    stage.get("/readyz").await
}

fn down(text: &str) -> Link {
    let trouble = Trouble {
        text: text.to_owned(),
        category: FailureCategory::Temporary,
        remedy: "wait".to_owned(),
    };
    Link::Down { since: SystemClock.now(), trouble }
}

#[tokio::test]
async fn a_service_that_does_its_work_is_alive_and_ready() {
    let ready = looked_at(async |_| {}).await;
    assert_eq!((ready.status, amiss(&ready)), (StatusCode::OK, Vec::new()));
}

#[tokio::test]
async fn each_thing_that_is_amiss_is_named() {
    let starting = looked_at(async |stage| {
        stage.opened.send_replace(None);
        stage.status.send_modify(|status| {
            status.phase = Phase::Starting;
            status.database = down("no Postgres answers");
            status.jira = Link::Unknown;
        });
    })
    .await;
    assert_eq!(starting.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(amiss(&starting), ["service", "database", "jira"]);
    assert!(starting.text.contains("no Postgres answers") && starting.text.contains("wait"));

    let jira = looked_at(async |stage| {
        stage.status.send_modify(|status| status.jira = down("it is in maintenance"));
    })
    .await;
    assert_eq!(amiss(&jira), ["jira"]);

    let stalled = looked_at(async |stage| {
        let old = "UPDATE extractor.schedules SET followed_since = now() - interval '2 hours'";
        stage.pool.execute(old).await.unwrap();
    })
    .await;
    assert_eq!(amiss(&stalled), ["projects"]);
    assert!(stalled.text.contains("PROJ"));

    let outdated = looked_at(async |stage| {
        let newest = "DELETE FROM extractor.schema_migrations
                      WHERE version = (SELECT max(version) FROM extractor.schema_migrations)";
        stage.pool.execute(newest).await.unwrap();
    })
    .await;
    assert_eq!(amiss(&outdated), ["database"]);
    assert!(outdated.text.contains("extractor migrate"), "{}", outdated.text);

    let stopping = looked_at(async |stage| {
        stage.status.send_modify(|status| status.phase = Phase::Stopping);
    })
    .await;
    assert_eq!(amiss(&stopping), ["service"]);
}

#[tokio::test]
async fn a_database_that_hangs_does_not_hold_up_the_answer() {
    let stage = Stage::of(&["PROJ"]).await;
    let mut lock = stage.pool.begin().await.unwrap();
    lock.execute("LOCK extractor.schema_migrations IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let began = Instant::now();
    let ready = stage.get("/readyz").await;
    assert_eq!(amiss(&ready), ["database"]);
    assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
    // What took long is kept for longer.
    let began = Instant::now();
    assert_eq!(amiss(&stage.get("/readyz").await), ["database"]);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(stage.get("/healthz").await.status, StatusCode::OK);
    lock.rollback().await.unwrap();
}

#[tokio::test]
async fn a_loop_that_stands_still_is_not_alive() {
    let stage = Stage::of(&[]).await;
    let health = async || stage.get("/healthz").await;
    assert_eq!(health().await.json()["status"], "alive");
    stage.pulse.beat(Instant::now());
    assert_eq!(health().await.json()["last_turn_secs"], 0);
    let Some(long_ago) = Instant::now().checked_sub(Duration::from_secs(61)) else { return };
    stage.pulse.beat(long_ago);
    let stuck = health().await;
    assert_eq!(stuck.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(stuck.json()["status"], "stuck");
    stage.pulse.beat(Instant::now());
    assert_eq!(health().await.status, StatusCode::OK);
    let Stage { status, office, .. } = stage;
    drop(status);
    let gone = axum::http::Request::get("/healthz").body(axum::body::Body::empty()).unwrap();
    let answer = tower::ServiceExt::oneshot(extractor::admin::router(office), gone).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
}
