//! Which listed issues are queued.

use chrono::TimeDelta;

use super::*;
use crate::model::Tier;

#[tokio::test]
async fn a_listed_issue_is_queued_when_it_may_differ() {
    type Stored = fn(&mut IssueDocument);
    type Row = fn(&mut ListedIssue);
    // Stored: updated at 1,000, fetched at 10,000. Listed: updated at 1,000.
    let cases: [(&str, Stored, Row, bool); 13] = [
        ("equal", |_| {}, |_| {}, false),
        ("newer", |_| {}, |r| r.updated = Some(at(1_001)), true),
        (
            "newer by a millisecond",
            |_| {},
            |r| r.updated = Some(at(1_000) + TimeDelta::milliseconds(1)),
            true,
        ),
        ("older", |_| {}, |r| r.updated = Some(at(999)), false),
        ("another key", |_| {}, |r| r.key = "P-77".parse().unwrap(), true),
        ("minimal", |d| d.tier = Tier::Minimal, |_| {}, true),
        ("hub", |d| d.tier = Tier::Hub, |_| {}, false),
        ("fetched before its change", |d| d.extracted_at = at(990), |_| {}, true),
        ("fetched 4 s after its change", |d| d.extracted_at = at(1_004), |_| {}, true),
        ("fetched 5 s after its change", |d| d.extracted_at = at(1_005), |_| {}, false),
        ("neither has updated", |d| d.updated = None, |r| r.updated = None, false),
        ("stored without updated", |d| d.updated = None, |_| {}, true),
        ("listed without updated", |_| {}, |r| r.updated = None, false),
    ];
    let running = Running::start().await;
    for (id, (name, stored, row, expected)) in (1..).zip(cases) {
        let mut document = document(id);
        stored(&mut document);
        running.hydrate(&[document]).await;
        let mut row_of_page = listed(id, 1_000);
        row(&mut row_of_page);
        let outcome = running.list(&[row_of_page]).await;
        assert_eq!(outcome.queued == 1, expected, "{name}");
        running.store.run_sql("DELETE FROM extractor.pending").await;
    }
}

#[tokio::test]
async fn an_unknown_issue_is_queued_and_a_tombstone_too() {
    let running = Running::start().await;
    assert_eq!(running.list(&[listed(1, 1_000)]).await.queued, 1);
    let batch = running.batch().await;
    running.write(&batch, &[document(1)]).await.unwrap();
    running
        .store
        .run_sql("UPDATE jira.issues SET deleted_at = now(), deleted_reason = 'not_found'")
        .await;
    assert_eq!(running.list(&[listed(1, 1_000)]).await.queued, 1);
}

#[tokio::test]
async fn a_page_with_duplicates_counts_each_issue_once_and_keeps_the_newest() {
    let running = Running::start().await;
    let outcome = running.list(&[listed(1, 900), listed(2, 950), listed(1, 1_000)]).await;
    assert_eq!((outcome.listed_new, outcome.queued, outcome.unchanged), (2, 2, 0));
    let items = running.batch().await.items;
    assert_eq!(items.iter().map(|item| item.id.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(items[0].listed_updated, Some(at(1_000)));
}

#[tokio::test]
async fn what_is_listed_again_is_counted_once_and_what_is_unchanged_is_counted() {
    let running = Running::start().await;
    running.hydrate(&[document(1)]).await;
    let other = running.store.start_run(&running.lease, &new_run(RunKind::Delta)).await.unwrap();
    let page = [listed(1, 1_000), listed(2, 1_000)];
    let checkpoint = Checkpoint { done: true, ..Checkpoint::default() };
    for expected in [(2, 1, 1), (0, 0, 0)] {
        let outcome =
            running.store.record_page(&running.lease, other, &page, &checkpoint).await.unwrap();
        assert_eq!((outcome.listed_new, outcome.queued, outcome.unchanged), expected);
    }
    let run = running.store.load_run(other).await.unwrap().unwrap();
    assert_eq!(run.checkpoint, checkpoint);
    let counters = run.counters;
    assert_eq!(
        (counters.listed, counters.queued, counters.unchanged, counters.pages),
        (2, 1, 1, 2)
    );
}

#[tokio::test]
async fn a_queued_issue_that_is_listed_newer_keeps_its_lease_and_is_wanted_newer() {
    let running = Running::start().await;
    running.list(&[listed(1, 1_000)]).await;
    let batch = running.batch().await;
    running.list(&[listed(1, 1_010)]).await;
    assert!(running.batch_of(1).await.is_none());
    let written = running.write(&batch, &[document(1)]).await.unwrap();
    assert_eq!((written.written, written.behind), (1, 1));
    let left = running.store.pending_remaining(&QueueScope::Run(running.run)).await.unwrap();
    assert_eq!((left.total, left.leased, left.due), (1, 0, 0));
    assert!(left.next_due_in.is_some());
}

#[tokio::test]
async fn a_page_is_recorded_whole_or_not_at_all() {
    let running = Running::start().await;
    // The checkpoint is the last thing a page writes: let that fail.
    running
        .store
        .run_sql("ALTER TABLE extractor.runs ADD CONSTRAINT no_pages CHECK (pages = 0)")
        .await;
    let recorded = running
        .store
        .record_page(&running.lease, running.run, &[listed(1, 1)], &Checkpoint::default())
        .await;
    assert!(recorded.is_err());
    for table in ["listed", "pending"] {
        let rows = running.store.value(&format!("SELECT count(*) FROM extractor.{table}")).await;
        assert_eq!(rows.as_deref(), Some("0"), "{table}");
    }
}
