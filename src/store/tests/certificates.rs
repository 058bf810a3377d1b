//! What became of the issues that a run listed, and what a page of its next listing brings.

use super::*;
use crate::model::{Failure, FailureCategory, FailureCause, IssueId};

fn ids(range: std::ops::RangeInclusive<i64>) -> Vec<IssueId> {
    range.map(IssueId).collect()
}

#[tokio::test]
async fn what_a_run_listed_is_stored_failed_gone_or_lacking() {
    let running = Running::start().await;
    let site = site();
    let counts = || running.store.listed_counts(&site, running.run, at(900));
    let mut documents: Vec<_> = (1..=3).map(document).collect();
    documents[1].created = Some(at(900));
    documents[2].key = "Q-3".parse().unwrap();
    running.hydrate(&documents).await;
    assert_eq!(counts().await.unwrap(), ListedCounts { before: 2, lacking: 0 });

    running.list(&[listed(4, 1), listed(5, 1), listed(6, 1)]).await;
    assert_eq!(counts().await.unwrap(), ListedCounts { before: 5, lacking: 3 });
    let batch = running.batch().await;
    let mut fetched = result(&batch, &[]);
    fetched.gone = vec![IssueId(4)];
    fetched.failed = vec![Failure {
        id: IssueId(5),
        key: "P-5".parse().unwrap(),
        reason: "too large".to_owned(),
        category: FailureCategory::UserFixable,
        cause: FailureCause::TooLarge,
        what_to_do: "raise jira.max_body".to_owned(),
    }];
    running.store.write_batch(&fetched).await.unwrap();
    assert_eq!(counts().await.unwrap(), ListedCounts { before: 5, lacking: 1 });
}

#[tokio::test]
async fn what_moved_away_or_vanished_while_the_run_fetched_it_is_not_lacking() {
    let running = Running::start().await;
    running.hydrate(&[document(1), document(2)]).await;
    running.list(&[listed(1, 1_001), listed(2, 1_001)]).await;
    let batch = running.batch().await;
    let moved =
        IssueDocument { key: "Z-1".parse().unwrap(), updated: Some(at(1_001)), ..document(1) };
    let mut fetched = result(&batch, &[moved]);
    fetched.gone = vec![IssueId(2)];
    running.store.write_batch(&fetched).await.unwrap();
    let most = crate::store::Allowance {
        most: None,
        not_found: crate::model::Absence::NotFound,
        archived: crate::model::Absence::Archived,
    };
    running.store.settle_absences(&running.lease, running.run, most).await.unwrap();
    let counts = running.store.listed_counts(&site(), running.run, at(900)).await.unwrap();
    assert_eq!(counts, ListedCounts { before: 2, lacking: 0 });
    running.store.run_sql("UPDATE jira.issues SET deleted_by_run = NULL").await;
    let counts = running.store.listed_counts(&site(), running.run, at(900)).await.unwrap();
    assert_eq!(counts.lacking, 2, "marked by another run, and listed by this one");
}

#[tokio::test]
async fn a_page_tells_what_the_run_has_not_listed() {
    let running = Running::start().await;
    running.list(&[listed(1, 1), listed(3, 1)]).await;
    let new = running.store.not_listed(running.run, &ids(1..=4)).await.unwrap();
    assert_eq!(new, ids(2..=2).into_iter().chain(ids(4..=4)).collect());
    assert!(running.store.not_listed(running.run, &[]).await.unwrap().is_empty());
    let other = running.store.start_run(&running.lease, &new_run(RunKind::Backfill)).await.unwrap();
    assert_eq!(running.store.not_listed(other, &ids(1..=1)).await.unwrap().len(), 1);
}
