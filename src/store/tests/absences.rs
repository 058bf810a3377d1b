//! What a run missed: noticed, looked up, and marked only then.

use super::*;
use crate::model::{Absence, Change, IssueId, PartialList};
use crate::store::{AbsenceCounts, Allowance, Found, Missed, Settled};

const DELETED: &str = "SELECT string_agg(id || ' ' || deleted_reason, ', ' ORDER BY id)
    FROM jira.issues WHERE deleted_at IS NOT NULL";

fn at_most(most: u64) -> Allowance {
    Allowance { most: Some(most), not_found: Absence::NotFound, archived: Absence::Archived }
}

impl Running {
    async fn deleted(&self) -> String {
        self.store.value(DELETED).await.unwrap_or_default()
    }

    async fn settle(&self, most: u64) -> Settled {
        self.store.settle_absences(&self.lease, self.run, at_most(most)).await.unwrap()
    }

    async fn found(&self, found: &[(i64, Found)]) {
        let found: Vec<_> = found.iter().map(|(id, found)| (IssueId(*id), found.clone())).collect();
        self.store.record_found(&self.lease, self.run, &found).await.unwrap();
    }

    async fn missed(&self) -> Missed {
        self.store.record_absent(&self.lease, self.run).await.unwrap()
    }

    /// Stores some issues, and goes on with a reconcile that has listed none.
    async fn reconciling(ids: impl Iterator<Item = i64>) -> Self {
        let mut running = Self::start().await;
        let documents: Vec<_> = ids.map(document).collect();
        running.hydrate(&documents).await;
        let state = crate::model::RunState::Completed;
        running.store.complete_run(&running.lease, running.run, state, None).await.unwrap();
        running.lease = lease(&running.store, &running.session).await;
        let new = new_run(RunKind::Reconcile);
        running.run = running.store.start_run(&running.lease, &new).await.unwrap();
        running
    }
}

#[tokio::test]
async fn what_is_gone_when_it_is_fetched_is_marked_at_the_end_and_what_returns_is_not() {
    let running = Running::start().await;
    running.hydrate(&[document(1)]).await;
    running.list(&[listed(1, 1_001), listed(2, 1_000)]).await;
    let batch = running.batch().await;
    let mut gone = result(&batch, &[]);
    gone.gone = vec![IssueId(1), IssueId(2)];
    assert_eq!(running.store.write_batch(&gone).await.unwrap().gone, 2);
    assert_eq!(running.deleted().await, "", "the run has not ended");
    assert_eq!(running.settle(10).await, Settled::default());
    assert_eq!(running.deleted().await, "1 not_found");
    let by_run =
        format!("SELECT count(*) FROM jira.issues WHERE deleted_by_run = '{}'", running.run);
    assert_eq!(running.store.value(&by_run).await.as_deref(), Some("1"));
    assert_eq!(running.hydrate(&[document(1)]).await.written, 1);
    assert_eq!(running.deleted().await, "");
}

#[tokio::test]
async fn only_what_is_stored_and_was_not_listed_is_missed() {
    let running = Running::reconciling(1..=3).await;
    running.list(&[listed(2, 1_000), listed(9, 1_000)]).await;
    assert_eq!(running.missed().await, Missed { absent: 2, stored: 3 });
    assert_eq!(running.missed().await, Missed { absent: 2, stored: 3 }, "once is enough");
    let ids = running.store.list_absent(running.run, IssueId(1), 10).await.unwrap();
    assert_eq!(ids, [IssueId(3)], "after the first");
    running.list(&[listed(3, 1_000)]).await;
    assert_eq!(running.missed().await.absent, 1, "a later page had it");
}

#[tokio::test]
async fn each_is_treated_as_it_was_found() {
    let running = Running::reconciling(1..=6).await;
    running.missed().await;
    running
        .found(&[
            (1, Found::NotFound),
            (2, Found::Archived),
            (3, Found::Elsewhere("Q-7".parse().unwrap())),
            (4, Found::Unlisted),
            (5, Found::Listed),
            (6, Found::OutsideFilter),
        ])
        .await;
    assert_eq!(running.settle(10).await, Settled { refused: 0, queued: 2 });
    assert_eq!(running.deleted().await, "1 not_found, 2 archived");
    let queued = "SELECT string_agg(key, ' ' ORDER BY issue_id) FROM extractor.pending";
    assert_eq!(running.store.value(queued).await.as_deref(), Some("Q-7 P-4"));
    assert_eq!(running.settle(10).await, Settled::default(), "once is enough");
    let counts = running.store.absence_counts(running.run).await.unwrap();
    let expected = AbsenceCounts {
        not_found: 1,
        unlisted: 1,
        outside_filter: 1,
        moved: 1,
        tombstoned: [(Absence::NotFound, 1), (Absence::Archived, 1)].into(),
        ..AbsenceCounts::default()
    };
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn if_too_many_are_not_found_none_is_marked_and_with_leave_all_are() {
    let running = Running::reconciling(1..=4).await;
    running.missed().await;
    running
        .found(&[
            (1, Found::NotFound),
            (2, Found::NotFound),
            (3, Found::NotFound),
            (4, Found::Archived),
        ])
        .await;
    assert_eq!(running.settle(2).await, Settled { refused: 3, queued: 0 });
    assert_eq!(running.deleted().await, "4 archived", "that is known for certain");
    let limitless = Allowance { most: None, ..at_most(0) };
    let settled = running.store.settle_absences(&running.lease, running.run, limitless).await;
    assert_eq!(settled.unwrap(), Settled::default());
    assert_eq!(running.deleted().await, "1 not_found, 2 not_found, 3 not_found, 4 archived");
}

#[tokio::test]
async fn too_many_at_twice_are_too_many() {
    let running = Running::reconciling(1..=4).await;
    running.missed().await;
    running.found(&[(1, Found::NotFound), (2, Found::NotFound)]).await;
    assert_eq!(running.settle(2).await.refused, 0);
    running.found(&[(3, Found::NotFound)]).await;
    assert_eq!(running.settle(2).await.refused, 1);
    assert_eq!(running.deleted().await, "1 not_found, 2 not_found");
}

#[tokio::test]
async fn an_issue_that_got_another_key_since_is_not_marked() {
    let running = Running::reconciling(1..=1).await;
    running.missed().await;
    running.found(&[(1, Found::NotFound)]).await;
    running.store.run_sql("UPDATE jira.issues SET key = 'Q-1', project_key = 'Q'").await;
    running.settle(10).await;
    assert_eq!(running.deleted().await, "");
}

#[tokio::test]
async fn a_row_follows_its_issue_and_is_marked_where_nobody_follows_the_project() {
    for (followed, expected) in [(true, ""), (false, "1 moved")] {
        let running = Running::reconciling(1..=1).await;
        if followed {
            let q = "Q".parse().unwrap();
            running.store.acquire_project(&site(), &q, running.session.worker()).await.unwrap();
        }
        running.missed().await;
        running.found(&[(1, Found::Elsewhere("Q-7".parse().unwrap()))]).await;
        running.settle(10).await;
        let mut moved = document(1);
        moved.key = "Q-7".parse().unwrap();
        let batch = running.batch().await;
        running.write(&batch, &[moved]).await.unwrap();
        assert_eq!(running.deleted().await, expected);
        let keys = "SELECT string_agg(key || CASE WHEN current THEN ' now' ELSE '' END, ', '
                    ORDER BY key) FROM jira.issue_keys";
        assert_eq!(running.store.value(keys).await.as_deref(), Some("P-1, Q-7 now"));
        let row = "SELECT key || ' ' || project_key FROM jira.issues";
        assert_eq!(running.store.value(row).await.as_deref(), Some("Q-7 Q"));
    }
}

#[tokio::test]
async fn an_archived_document_is_stored_and_marked() {
    let running = Running::start().await;
    let archived = IssueDocument { archived: true, ..document(1) };
    running.hydrate(&[archived]).await;
    assert_eq!(running.deleted().await, "1 archived");
    running.hydrate(&[document(1)]).await;
    assert_eq!(running.deleted().await, "");
}

#[tokio::test]
async fn nobody_marks_anything_who_has_lost_the_project() {
    let running = Running::reconciling(1..=1).await;
    running.missed().await;
    running.found(&[(1, Found::NotFound)]).await;
    running.store.run_sql("UPDATE extractor.cursors SET lease_token = lease_token + 1").await;
    let settled = running.store.settle_absences(&running.lease, running.run, at_most(10)).await;
    assert!(matches!(settled, Err(StoreError::LeaseLost { .. })));
    assert_eq!(running.deleted().await, "");
}

#[tokio::test]
async fn old_keys_lead_to_their_issue_those_from_before_extraction_too() {
    let running = Running::start().await;
    let mut document = document(1);
    let moved = PartialList::whole(vec![Change {
        history_id: 900,
        item: 1,
        author_id: None,
        at: at(500),
        field: "Key".into(),
        field_id: None,
        from_id: None,
        from_text: Some("OLD-4".into()),
        to_id: None,
        to_text: Some("P-1".into()),
    }]);
    document.children.changes = Some(moved);
    running.hydrate(&[document]).await;
    for (key, expected) in [("P-1", Some("1")), ("OLD-4", Some("1")), ("OLD-5", None)] {
        let sql = format!("SELECT jira.issue_id_of('{key}')");
        assert_eq!(running.store.value(&sql).await.as_deref(), expected, "{key}");
    }
}

#[tokio::test]
async fn what_is_stored_of_a_renamed_project_belongs_to_its_new_key() {
    let running = Running::reconciling(1..=2).await;
    let (p, q) = (project(), "Q".parse().unwrap());
    let site = &site();
    let rename = || running.store.rename_project(site, (&p, &q), "10000");
    rename().await.unwrap();
    let rows = "SELECT string_agg(DISTINCT project_key, ' ') FROM jira.issues";
    assert_eq!(running.store.value(rows).await.as_deref(), Some("P"), "somebody is at it");
    running.store.interrupt_run(&running.lease, running.run).await.unwrap();
    rename().await.unwrap();
    assert_eq!(running.store.value(rows).await.as_deref(), Some("Q"));
    assert_eq!(running.store.load_renames(site).await.unwrap(), [(p.clone(), q.clone())].into());
    let cursors = "SELECT count(*) FROM extractor.cursors";
    assert_eq!(running.store.value(cursors).await.as_deref(), Some("0"));
    let back = running.store.rename_project(site, (&q, &p), "10000").await;
    back.unwrap();
    assert_eq!(running.store.load_renames(site).await.unwrap(), [(q, p)].into());
}

#[tokio::test]
async fn what_was_not_found_before_the_run_was_cut_short_is_looked_up_again() {
    let running = Running::reconciling(1..=1).await;
    running.missed().await;
    running.found(&[(1, Found::NotFound)]).await;
    // The run failed here, because the account had lost a permission, and is resumed.
    assert_eq!(running.missed().await.absent, 1);
    running.settle(10).await;
    assert_eq!(running.deleted().await, "");
}
