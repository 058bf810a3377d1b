//! The queue between workers.

use std::collections::BTreeSet;

use super::*;
use crate::store::{Release, testing};

#[tokio::test]
async fn two_workers_share_the_queue_and_each_issue_is_written_once() {
    let running = Running::start().await;
    let page: Vec<_> = (1..=200).map(|id| listed(id, 1_000)).collect();
    running.list(&page).await;
    let other = session(&running.store).await;
    let drain = async |worker| {
        let mut done = Vec::new();
        let scope = QueueScope::Run(running.run);
        while let Some(batch) = running.store.acquire_batch(worker, &scope, 7, LEASE).await.unwrap()
        {
            let documents: Vec<_> = batch.items.iter().map(|item| document(item.id.0)).collect();
            let written = running.write(&batch, &documents).await.unwrap();
            assert_eq!(written.written, documents.len() as u64);
            done.extend(batch.items.into_iter().map(|item| item.id.0));
        }
        done
    };
    let (mine, theirs) = tokio::join!(drain(running.session.worker()), drain(other.worker()));
    assert!(!mine.is_empty() && !theirs.is_empty(), "both worked");
    assert_eq!(mine.len() + theirs.len(), 200);
    let all: BTreeSet<i64> = mine.into_iter().chain(theirs).collect();
    assert_eq!(all, (1..=200).collect());
    let counters = running.store.load_run(running.run).await.unwrap().unwrap().counters;
    assert_eq!((counters.queued, counters.hydrated, counters.written), (200, 200, 200));
}

#[tokio::test]
async fn issues_are_handed_out_in_the_order_of_listing() {
    let running = Running::start().await;
    running.list(&[listed(9, 1), listed(3, 2)]).await;
    running.list(&[listed(5, 3), listed(1, 4)]).await;
    let ids = |batch: Batch| batch.items.iter().map(|item| item.id.0).collect::<Vec<_>>();
    assert_eq!(ids(running.batch_of(3).await.unwrap()), [9, 3, 5]);
    assert_eq!(ids(running.batch_of(3).await.unwrap()), [1]);
    assert!(running.batch_of(3).await.is_none());
}

#[tokio::test]
async fn the_batch_of_a_dead_worker_is_free_at_once_and_that_of_a_living_one_is_not() {
    let running = Running::start().await;
    running.list(&[listed(1, 1_000)]).await;
    let other = session(&running.store).await;
    let scope = QueueScope::Site(site());
    let store = &running.store;
    store.acquire_batch(other.worker(), &scope, 9, LEASE).await.unwrap().unwrap();
    assert!(running.batch_of(9).await.is_none());
    let counts = store.pending_remaining(&QueueScope::Run(running.run)).await.unwrap();
    assert_eq!((counts.total, counts.leased, counts.due), (1, 1, 0));
    store
        .run_sql(&format!(
            "UPDATE extractor.workers SET heartbeat_at = now() - interval '1 hour' WHERE id = '{}'",
            other.worker()
        ))
        .await;
    let counts = store.pending_remaining(&QueueScope::Run(running.run)).await.unwrap();
    assert_eq!((counts.total, counts.leased, counts.due), (1, 0, 1));
    assert!(running.batch_of(9).await.is_some());
}

#[tokio::test]
async fn a_lease_is_renewed_and_given_back_with_or_without_an_attempt() {
    let running = Running::start().await;
    running.list(&[listed(1, 1_000), listed(2, 1_000)]).await;
    let batch = running.batch().await;
    running.store.run_sql("UPDATE extractor.pending SET leased_until = now()").await;
    running.store.renew_batch(&batch.token, LEASE).await.unwrap();
    assert!(running.batch_of(9).await.is_none());

    let only_first = [crate::model::IssueId(1)];
    let wait = Release::RetryAfter(Duration::from_secs(60));
    let store = &running.store;
    assert_eq!(store.release_batch(&batch.token, Some(&only_first), wait).await.unwrap(), 1);
    assert_eq!(store.release_batch(&batch.token, None, Release::Untouched).await.unwrap(), 1);
    let again = running.batch().await;
    assert_eq!(again.items.len(), 1);
    assert_eq!((again.items[0].id.0, again.items[0].attempts), (2, 0));
    store.run_sql("UPDATE extractor.pending SET not_before = now()").await;
    let retried = running.batch().await;
    assert_eq!((retried.items[0].id.0, retried.items[0].attempts), (1, 1));
}

#[tokio::test]
async fn a_listing_wakes_whoever_waits_for_work() {
    let running = Running::start().await;
    let mut listener = running.store.listen_pending().await.unwrap();
    running.list(&[listed(1, 1_000)]).await;
    assert_eq!(listener.next().await.unwrap(), running.run);
}

#[tokio::test]
async fn a_batch_knows_the_stored_tier() {
    let running = Running::start().await;
    let mut hub = document(1);
    hub.tier = crate::model::Tier::Hub;
    running.hydrate(&[hub]).await;
    running.list(&[listed(1, 1_001), testing::listed(2, 1_001)]).await;
    let tiers: Vec<_> =
        running.batch().await.items.into_iter().map(|item| item.stored_tier).collect();
    assert_eq!(tiers, [Some(crate::model::Tier::Hub), None]);
}

#[tokio::test]
async fn operations_can_be_spawned() {
    let running = Running::start().await;
    running.list(&[listed(1, 1_000)]).await;
    let Running { store, session, lease, run } = running;
    let work = tokio::spawn(async move {
        let scope = QueueScope::Run(run);
        let batch = store.acquire_batch(session.worker(), &scope, 9, LEASE).await?;
        let batch = batch.expect("one is queued");
        store.write_batch(&result(&batch, &[document(1)])).await?;
        store.record_page(&lease, run, &[listed(2, 1)], &Checkpoint::default()).await?;
        store.interrupt_run(&lease, run).await?;
        store.acquire_project(&site(), &project(), session.worker()).await?;
        store.reset_cursor(&site(), &"Q".parse().unwrap()).await?;
        store.upsert_catalogue(&site(), &project(), &crate::model::Catalogue::default(), 0).await?;
        store.load_status(None).await?;
        session.close().await
    });
    work.await.unwrap().unwrap();
}
