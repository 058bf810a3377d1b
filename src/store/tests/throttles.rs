//! What processes tell each other about their requests.

use super::*;
use crate::model::{Site, WorkerId};
use crate::store::Throttle;

fn throttle(scope: &str, secs: u64) -> Throttle {
    Throttle { scope: scope.to_owned(), wait: Duration::from_secs(secs) }
}

async fn registered(store: &Store) -> Session {
    let session = session(store).await;
    store.register_sharing(&site(), session.worker()).await.unwrap();
    session
}

#[tokio::test]
async fn only_live_processes_of_the_same_site_share_its_rate() {
    let store = store().await;
    let one = registered(&store).await;
    let two = registered(&store).await;
    let elsewhere = session(&store).await;
    store.register_sharing(&Site::new("other.example"), elsewhere.worker()).await.unwrap();
    let _silent = session(&store).await;

    let sharing = store.load_sharing(&site(), one.worker()).await.unwrap();
    assert_eq!((sharing.others, sharing.registered), (1, true));
    let sharing = store.load_sharing(&site(), elsewhere.worker()).await.unwrap();
    assert_eq!((sharing.others, sharing.registered), (2, false));
    assert_eq!(store.count_sharing(&site()).await.unwrap(), 2);

    two.close().await.unwrap();
    assert_eq!(store.load_sharing(&site(), one.worker()).await.unwrap().others, 0);
}

#[tokio::test]
async fn a_killed_process_takes_no_share() {
    let store = store().await;
    let one = registered(&store).await;
    let two = registered(&store).await;
    let backend =
        format!("SELECT backend_pid FROM extractor.workers WHERE id = '{}'", two.worker().0);
    store.run_sql(&format!("SELECT pg_terminate_backend(({backend}), 10000)")).await;
    assert_eq!(store.load_sharing(&site(), one.worker()).await.unwrap().others, 0);
}

#[tokio::test]
async fn what_one_was_told_all_read_and_a_shorter_wait_takes_nothing_back() {
    let store = store().await;
    let worker = registered(&store).await.worker();
    let said = [throttle("", 60), throttle("POST search", 5)];
    store.record_throttles(&site(), Some(worker), &said).await.unwrap();
    let shorter = [throttle("", 1), throttle("POST search", 600)];
    let later = WorkerId(uuid::Uuid::now_v7());
    store.record_throttles(&site(), Some(later), &shorter).await.unwrap();

    let read = store.load_throttles(&site()).await.unwrap();
    let scopes: Vec<&str> = read.iter().map(|throttle| throttle.scope.as_str()).collect();
    assert_eq!(scopes, ["", "POST search"]);
    let (all, search) = (read[0].wait.as_secs_f64(), read[1].wait.as_secs_f64());
    assert!(all > 30.0 && all <= 60.0, "{all}");
    assert!(search > 570.0 && search <= 600.0, "{search}");
    let set_by =
        |scope: &str| format!("SELECT set_by FROM extractor.throttles WHERE scope = '{scope}'");
    assert_eq!(store.value(&set_by("")).await, Some(worker.0.to_string()));
    assert_eq!(store.value(&set_by("POST search")).await, Some(later.0.to_string()));
    assert_eq!(store.load_throttles(&Site::new("other.example")).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_over_is_not_read_and_can_be_set_again() {
    let store = store().await;
    let worker = registered(&store).await.worker();
    store.record_throttles(&site(), Some(worker), &[throttle("", 60)]).await.unwrap();
    store.run_sql("UPDATE extractor.throttles SET until = now() - interval '1 second'").await;
    assert_eq!(store.load_sharing(&site(), worker).await.unwrap().throttles, []);
    store.record_throttles(&site(), Some(worker), &[throttle("", 7)]).await.unwrap();
    assert_eq!(store.load_throttles(&site()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn who_listens_hears_of_both_and_of_its_own_site_only() {
    let store = store().await;
    let mut listener = store.listen_sharing().await.unwrap();
    let other = Site::new("other.example");
    store.record_throttles(&other, None, &[throttle("", 60)]).await.unwrap();
    let session = registered(&store).await;
    listener.changed(&site()).await.unwrap();
    assert!(store.load_sharing(&site(), session.worker()).await.unwrap().registered);
    store.record_throttles(&site(), None, &[throttle("", 60)]).await.unwrap();
    listener.changed(&site()).await.unwrap();
    assert_eq!(store.load_throttles(&site()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_schema_that_has_not_come_so_far_says_nothing() {
    let store = crate::store::testing::empty_store().await;
    assert_eq!(store.load_throttles(&site()).await.unwrap(), []);
}
