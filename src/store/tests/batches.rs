//! Writing batches: what is written, what is not, and what stays in the queue.

use super::*;
use crate::model::{FailureCause, IssueId, Tier};
use crate::store::Requeue;
use crate::store::testing::failure;

async fn xmin(running: &Running) -> Option<String> {
    running.store.value("SELECT xmin FROM jira.issues WHERE id = 1").await
}

#[tokio::test]
async fn every_column_of_an_issue_is_stored() {
    let running = Running::start().await;
    let mut document = document(1);
    document.text_repaired = true;
    document.tier = Tier::Hub;
    running.hydrate(&[document]).await;
    let row = running.store.value("SELECT to_jsonb(i) FROM jira.issues i").await.unwrap();
    let row: serde_json::Value = serde_json::from_str(&row).unwrap();
    assert_eq!(row["site"], "jira.example");
    assert_eq!(row["key"], "P-1");
    assert_eq!(row["project_key"], "P");
    assert_eq!(row["labels"], serde_json::json!(["b", "a, \"quoted\""]));
    assert_eq!(row["due"], "2024-02-29");
    assert_eq!(row["tier"], "hub");
    assert_eq!(row["text_repaired"], true);
    assert_eq!(row["fields"]["customfield_1"].to_string(), "1.1");
    let fields = running.store.value("SELECT fields FROM jira.issues").await.unwrap();
    assert!(fields.contains("1.10"), "numbers keep their digits: {fields}");
    let keys = "SELECT string_agg(key || current, ',') FROM jira.issue_keys";
    assert_eq!(running.store.value(keys).await.as_deref(), Some("P-1true"));
}

#[tokio::test]
async fn unchanged_content_is_not_rewritten() {
    let running = Running::start().await;
    running.hydrate(&[document(1)]).await;
    let before = xmin(&running).await;
    let written = running.hydrate(&[document(1)]).await;
    assert_eq!((written.written, written.unchanged), (0, 1));
    assert_eq!(xmin(&running).await, before);
}

#[tokio::test]
async fn an_unsettled_issue_that_is_fetched_again_unchanged_settles() {
    let running = Running::start().await;
    let mut document = document(1);
    document.extracted_at = at(1_001);
    running.hydrate(std::slice::from_ref(&document)).await;
    assert_eq!(running.list(&[listed(1, 1_000)]).await.queued, 1);
    document.extracted_at = at(1_100);
    let batch = running.batch().await;
    let written = running.write(&batch, &[document]).await.unwrap();
    assert_eq!((written.written, written.unchanged), (0, 1));
    assert_eq!(running.list(&[listed(1, 1_000)]).await.queued, 0);
}

#[tokio::test]
async fn an_older_document_never_replaces_a_newer_one() {
    let running = Running::start().await;
    running.hydrate(&[document(1)]).await;
    let before = xmin(&running).await;
    let mut older = document(1);
    older.updated = Some(at(999));
    older.content_hash = [99; 16];
    let written = running.hydrate(&[older]).await;
    assert_eq!((written.written, written.refused), (0, 1));
    let mut poorer = document(1);
    poorer.tier = Tier::Minimal;
    poorer.content_hash = [98; 16];
    let written = running.hydrate(&[poorer]).await;
    assert_eq!((written.written, written.refused), (0, 1));
    assert_eq!(xmin(&running).await, before);
}

#[tokio::test]
async fn a_moved_issue_keeps_its_row_and_both_keys() {
    let running = Running::start().await;
    running.hydrate(&[document(1)]).await;
    let mut moved = document(1);
    moved.key = "Q-5".parse().unwrap();
    moved.updated = Some(at(1_001));
    assert_eq!(running.hydrate(&[moved.clone()]).await.written, 1);
    let keys = "SELECT string_agg(key || current, ',' ORDER BY key) FROM jira.issue_keys";
    assert_eq!(running.store.value(keys).await.as_deref(), Some("P-1false,Q-5true"));
    let mut back = document(1);
    back.updated = Some(at(1_002));
    running.hydrate(&[back]).await;
    assert_eq!(running.store.value(keys).await.as_deref(), Some("P-1true,Q-5false"));
}

#[tokio::test]
async fn writing_a_batch_twice_is_writing_it_once() {
    let running = Running::start().await;
    running.list(&[listed(1, 1_000), listed(2, 1_000)]).await;
    let batch = running.batch().await;
    let documents = [document(1), document(2), document(1)];
    assert_eq!(running.write(&batch, &documents).await.unwrap().written, 2);
    let again = running.write(&batch, &documents).await;
    assert!(matches!(again, Err(StoreError::LeaseLost { .. })), "{again:?}");
    let counters = running.store.load_run(running.run).await.unwrap().unwrap().counters;
    assert_eq!((counters.hydrated, counters.written), (2, 2));
}

#[tokio::test]
async fn a_part_of_a_batch_may_be_written_and_the_rest_stays_leased() {
    let running = Running::start().await;
    running.list(&[listed(1, 1_000), listed(2, 1_000)]).await;
    let batch = running.batch().await;
    running.write(&batch, &[document(2)]).await.unwrap();
    let left = running.store.pending_remaining(&QueueScope::Run(running.run)).await.unwrap();
    assert_eq!((left.total, left.leased), (1, 1));
    running.write(&batch, &[document(1)]).await.unwrap();
    assert_eq!(
        running.store.pending_remaining(&QueueScope::Run(running.run)).await.unwrap().total,
        0
    );
}

#[tokio::test]
async fn data_that_postgres_cannot_hold_is_named_and_writes_nothing() {
    for fields in ["{\"a\":\"\\u0000\"}", "{\"a\":\"\\ud800\"}", "{\"a\":1e131072}", "{"] {
        let running = Running::start().await;
        running.list(&[listed(1, 1_000), listed(2, 1_000)]).await;
        let batch = running.batch().await;
        let mut bad = document(2);
        bad.fields = fields.into();
        let written = running.write(&batch, &[document(1), bad]).await;
        assert!(matches!(written, Err(StoreError::DataRejected(_))), "{fields}: {written:?}");
        let left = running.store.pending_remaining(&QueueScope::Run(running.run)).await.unwrap();
        assert_eq!((left.total, left.leased), (2, 2));
        assert_eq!(running.write(&batch, &[document(1)]).await.unwrap().written, 1);
    }
}

#[tokio::test]
async fn a_stale_document_is_accepted_after_enough_attempts() {
    let running = Running::start().await;
    running.list(&[listed(1, 1_010)]).await;
    for attempt in 1..=crate::store::decide::STALE_ATTEMPTS {
        let batch = running.batch().await;
        let behind = running.write(&batch, &[document(1)]).await.unwrap().behind;
        assert_eq!(behind, u64::from(attempt < crate::store::decide::STALE_ATTEMPTS));
        assert!(running.batch_of(1).await.is_none(), "it waits");
        running.store.run_sql("UPDATE extractor.pending SET not_before = now()").await;
    }
    assert_eq!(
        running.store.pending_remaining(&QueueScope::Run(running.run)).await.unwrap().total,
        0
    );
}

#[tokio::test]
async fn failures_are_recorded_counted_and_healed() {
    let running = Running::start().await;
    let failure = failure(1, FailureCause::Timeout);
    for attempts in 1..=2 {
        running.list(&[listed(1, 1_000)]).await;
        let batch = running.batch().await;
        let mut failed = result(&batch, &[]);
        failed.failed.push(failure.clone());
        assert_eq!(running.store.write_batch(&failed).await.unwrap().failed, 1);
        let stored = running.store.list_failures(Some(&site()), None, 10).await.unwrap();
        assert_eq!((stored.len(), stored[0].attempts), (1, attempts));
        assert_eq!(stored[0].failure, failure);
    }
    let counts = || async {
        running
            .store
            .certificate_counts(&site(), &project(), running.run, at(20_000))
            .await
            .unwrap()
    };
    assert_eq!((counts().await.stored, counts().await.failed), (0, 1));
    assert_eq!(
        running.store.requeue_failures(&running.lease, running.run, Requeue::Due).await.unwrap(),
        0,
        "its time has not come"
    );
    running.store.run_sql("UPDATE extractor.failures SET next_try = now()").await;
    assert_eq!(
        running.store.requeue_failures(&running.lease, running.run, Requeue::Due).await.unwrap(),
        1
    );
    let batch = running.batch().await;
    running.write(&batch, &[document(1)]).await.unwrap();
    assert!(running.store.list_failures(None, None, 10).await.unwrap().is_empty());
    assert_eq!((counts().await.listed, counts().await.stored, counts().await.failed), (1, 1, 0));
}

#[tokio::test]
async fn what_is_to_be_retried_stays_even_when_a_poor_document_is_written() {
    let running = Running::start().await;
    running.list(&[listed(1, 1_000)]).await;
    let batch = running.batch().await;
    let mut poor = document(1);
    poor.tier = Tier::Minimal;
    let mut part = result(&batch, &[poor]);
    part.retry_later.push((IssueId(1), Duration::from_secs(60)));
    let written = running.store.write_batch(&part).await.unwrap();
    assert_eq!((written.written, written.retried), (1, 1));
    let left = running.store.pending_remaining(&QueueScope::Run(running.run)).await.unwrap();
    assert_eq!((left.total, left.due), (1, 0));
    assert!(left.next_due_in.unwrap() > Duration::from_secs(30));
}

#[tokio::test]
async fn users_keep_what_is_no_longer_shown() {
    let running = Running::start().await;
    running.hydrate(&[document(1)]).await;
    let mut later = document(2);
    later.users[0].display_name = None;
    later.users[0].email = Some("ann@example.org".into());
    running.hydrate(&[later]).await;
    let user = "SELECT display_name || ' ' || email FROM jira.users";
    assert_eq!(running.store.value(user).await.as_deref(), Some("ANN ann@example.org"));
}
