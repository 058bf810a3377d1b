//! Failures: found by what they are, hastened by hand, counted for metrics.

use super::*;
use crate::model::{Failure, FailureCategory, FailureCause, Site};
use crate::store::testing::{failure, key};
use crate::store::{FailureCount, FailureFilter, Requeue};

/// The run, with failures that a batch has left.
async fn with_failures(failures: Vec<Failure>) -> Running {
    let running = Running::start().await;
    let page: Vec<_> = failures.iter().map(|failure| listed(failure.id.0, 1_000)).collect();
    running.list(&page).await;
    let batch = running.batch().await;
    let mut failed = result(&batch, &[]);
    failed.failed = failures;
    running.store.write_batch(&failed).await.unwrap();
    running
}

async fn found(running: &Running, filter: FailureFilter) -> Vec<i64> {
    let mut ids: Vec<i64> = running
        .store
        .find_failures(&filter, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|found| found.failure.id.0)
        .collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn failures_are_found_by_project_category_and_key() {
    let running = with_failures(vec![
        failure(1, FailureCause::Timeout),
        failure(2, FailureCause::TooLarge),
        failure(3, FailureCause::Timeout),
    ])
    .await;
    let filter = FailureFilter::default;
    assert_eq!(found(&running, filter()).await, [1, 2, 3]);
    let category = Some(FailureCategory::UserFixable);
    assert_eq!(found(&running, FailureFilter { category, ..filter() }).await, [2]);
    let keys = vec![key(3), key(2), key(9)];
    assert_eq!(found(&running, FailureFilter { keys, ..filter() }).await, [2, 3]);
    let mine = FailureFilter { project: Some(project()), site: Some(site()), ..filter() };
    assert_eq!(found(&running, mine.clone()).await, [1, 2, 3]);
    let elsewhere = FailureFilter { site: Some(Site::new("elsewhere")), ..mine };
    assert_eq!(found(&running, elsewhere).await, [0_i64; 0]);
}

#[tokio::test]
async fn a_failure_made_due_is_queued_by_the_next_run_and_no_other_is() {
    let running =
        with_failures(vec![failure(1, FailureCause::Timeout), failure(2, FailureCause::Timeout)])
            .await;
    let keys = FailureFilter { keys: vec![key(2)], ..FailureFilter::default() };
    let due = running.store.make_failures_due(&keys).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].failure, failure(2, FailureCause::Timeout));
    assert_eq!(
        running.store.requeue_failures(&running.lease, running.run, Requeue::Due).await.unwrap(),
        1
    );
    assert_eq!(running.batch().await.items[0].id.0, 2);
    let none = FailureFilter { keys: vec![key(3)], ..FailureFilter::default() };
    assert!(running.store.make_failures_due(&none).await.unwrap().is_empty());
}

#[tokio::test]
async fn failures_that_are_not_due_are_queued_by_a_run_that_wants_all() {
    let running =
        with_failures(vec![failure(1, FailureCause::Timeout), failure(2, FailureCause::Timeout)])
            .await;
    for (which, queued) in [(Requeue::Due, 0), (Requeue::All, 2), (Requeue::All, 0)] {
        let requeued = running.store.requeue_failures(&running.lease, running.run, which).await;
        assert_eq!(requeued.unwrap(), queued, "{which:?}");
    }
}

#[tokio::test]
async fn a_failure_that_waits_in_the_queue_waits_no_more_once_it_is_made_due() {
    let running = with_failures(vec![failure(1, FailureCause::LackingFields)]).await;
    running.list(&[listed(1, 1_000)]).await;
    running.store.run_sql("UPDATE extractor.pending SET not_before = now() + '1 hour'").await;
    assert!(running.batch_of(1).await.is_none(), "it waits");
    running.store.make_failures_due(&FailureFilter::default()).await.unwrap();
    assert!(running.batch_of(1).await.is_some());
}

#[tokio::test]
async fn counts_have_every_cause_and_fall_to_zero_when_failures_heal() {
    let unusual = Failure {
        category: FailureCategory::AdminRequired,
        ..failure(3, FailureCause::LackingChildren)
    };
    let running = with_failures(vec![
        failure(1, FailureCause::Timeout),
        failure(2, FailureCause::Timeout),
        unusual,
    ])
    .await;
    let count = |counts: &[FailureCount], cause, category| {
        let of = |count: &&FailureCount| (count.cause, count.category) == (cause, category);
        counts.iter().find(of).map(|count| count.failures)
    };
    let counts = running.store.failure_counts(&site()).await.unwrap();
    assert_eq!(count(&counts, FailureCause::Timeout, FailureCategory::Temporary), Some(2));
    let children = FailureCause::LackingChildren;
    assert_eq!(count(&counts, children, FailureCategory::AdminRequired), Some(1));
    assert_eq!(count(&counts, children, FailureCategory::Temporary), Some(0));
    assert_eq!(counts.len(), FailureCause::ALL.len() + 1);
    assert!(counts.iter().all(|count| count.project == project()));

    running.store.make_failures_due(&FailureFilter::default()).await.unwrap();
    running.store.requeue_failures(&running.lease, running.run, Requeue::Due).await.unwrap();
    let batch = running.batch().await;
    running.write(&batch, &[document(1), document(2), document(3)]).await.unwrap();
    let counts = running.store.failure_counts(&site()).await.unwrap();
    assert_eq!(counts.len(), FailureCause::ALL.len());
    assert!(counts.iter().all(|count| count.failures == 0), "{counts:?}");
    assert!(running.store.failure_counts(&Site::new("elsewhere")).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_cause_of_a_later_release_is_some_other() {
    let running = with_failures(vec![failure(1, FailureCause::Timeout)]).await;
    running.store.run_sql("UPDATE extractor.failures SET cause = 'moonshine'").await;
    let found = running.store.list_failures(None, None, 1).await.unwrap();
    assert_eq!(found[0].failure.cause, FailureCause::Other);
    let counts = running.store.failure_counts(&site()).await.unwrap();
    assert_eq!(counts.iter().map(|count| count.failures).sum::<u64>(), 1);
}
