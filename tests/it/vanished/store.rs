//! What waits for a host that does not answer is given up, and its connection with it.

use std::time::{Duration, Instant};

use extractor::model::{ProjectKey, Site};
use extractor::store::{SessionHealth, Store, StoreError, WorkerIdentity};
use jira_sim::World;

use super::black_hole::BlackHole;
use crate::app::{App, SITE};

/// The most that a statement may take here.
const STATEMENT: Duration = Duration::from_secs(1);
/// By then the host counts as gone.
const BOUND: Duration = Duration::from_secs(25);
/// How soon everything works once there is a way again.
const SOON: Duration = Duration::from_secs(10);

async fn stage() -> (App, BlackHole, Store) {
    let app = App::new(World::new(1_700_000_000_000)).await;
    let hole = BlackHole::before(&app.database_url).await;
    let store = hole.store(STATEMENT).await;
    (app, hole, store)
}

fn identity() -> WorkerIdentity {
    WorkerIdentity { host: "test".to_owned(), pid: 1, version: "0".to_owned() }
}

async fn given_up<T: std::fmt::Debug>(
    what: &str,
    work: impl Future<Output = Result<T, StoreError>>,
) {
    let began = Instant::now();
    let outcome = tokio::time::timeout(BOUND, work).await;
    let outcome = outcome.unwrap_or_else(|_| panic!("{what} hangs"));
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{what}: {outcome:?}");
    eprintln!("{what} given up after {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_vanished_host_is_given_up_and_another_host_is_used_at_once() {
    let (_app, hole, store) = stage().await;
    let (site, project): (_, ProjectKey) = (Site::new(SITE), "PROJ".parse().unwrap());
    let session = store.open_session(identity()).await.unwrap();
    // Every connection of the pool is open, and idle, when the host vanishes.
    let pings = (0..8).map(|_| store.ping());
    futures::future::try_join_all(pings).await.unwrap();
    hole.vanish();
    let claim = || store.acquire_project(&site, &project, session.worker());
    tokio::join!(
        given_up("a transaction", claim()),
        given_up("another", claim()),
        given_up("a read", store.list_cursors(None)),
        given_up("a look", store.database_time()),
        given_up("a ping", store.ping()),
        given_up("a further ping", store.ping()),
        given_up("a session", store.open_session(identity())),
        given_up("a listener", store.listen_control()),
    );
    hole.come_back_as_another();
    let again = tokio::time::timeout(SOON, async {
        let pings = (0..8).map(|_| store.ping());
        futures::future::try_join_all(pings).await.unwrap();
        claim().await.unwrap();
    });
    again.await.expect("connections to the lost host are still used");
    let closing = tokio::time::timeout(SOON, session.close()).await;
    closing.expect("closing a session hangs").unwrap();
    tokio::time::timeout(SOON, store.close()).await.expect("closing the store hangs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_in_flight_is_given_up() {
    let (app, hole, store) = stage().await;
    let (site, project): (_, ProjectKey) = (Site::new(SITE), "PROJ".parse().unwrap());
    let session = store.open_session(identity()).await.unwrap();
    store.acquire_project(&site, &project, session.worker()).await.unwrap();
    let mut other = app.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM extractor.cursors FOR UPDATE").execute(&mut *other).await.unwrap();
    let waits = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let vanish = async {
        while app.number(waits).await == 0 {}
        hole.vanish();
    };
    let claim = store.acquire_project(&site, &project, session.worker());
    tokio::join!(given_up("a statement", claim), vanish);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_does_not_answer_a_second_connection_either_is_not_waited_for_longer() {
    let (_app, hole, _) = stage().await;
    // What may take for ever is not waited for as long as that.
    let store = hole.store(Duration::ZERO).await;
    store.ping().await.unwrap();
    hole.vanish();
    let began = Instant::now();
    let ping = tokio::time::timeout(Duration::from_secs(60), store.ping()).await;
    assert!(matches!(ping, Ok(Err(StoreError::Unavailable(_)))), "{ping:?}");
    eprintln!("given up after {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_lost_and_restored() {
    let (_app, hole, store) = stage().await;
    let session = store.open_session(identity()).await.unwrap();
    let mut health = session.health();
    hole.vanish();
    let lost = health.wait_for(|health| *health == SessionHealth::Lost);
    tokio::time::timeout(BOUND, lost).await.expect("the heart hangs").unwrap();
    hole.come_back_as_another();
    let restored = health.wait_for(|health| matches!(health, SessionHealth::Alive(_)));
    tokio::time::timeout(BOUND, restored).await.expect("the heart stays lost").unwrap();
    assert!(store.is_live(session.worker()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_at_a_vanished_host_says_so() {
    let (_app, hole, store) = stage().await;
    let site = Site::new(SITE);
    let mut listener = store.listen_control().await.unwrap();
    hole.vanish();
    let heard = tokio::time::timeout(BOUND * 2, listener.changed(&site)).await;
    assert!(matches!(heard, Ok(Err(StoreError::Unavailable(_)))), "{heard:?}");
}
