//! The life of a run, the cursor, the catalogues and the facts.

use super::*;
use crate::model::{
    Basis, Catalogue, CatalogueEntry, Certificate, FailureCategory, Finding, RunState, Verdict,
};
use crate::store::ProjectClaim;

async fn reacquire(store: &Store, session: &Session) -> ProjectLease {
    lease(store, session).await
}

#[tokio::test]
async fn the_cursor_never_falls() {
    let Running { store, session, mut lease, mut run } = Running::start().await;
    for (horizon, expected) in
        [(Some(at(500)), 500), (Some(at(400)), 500), (None, 500), (Some(at(600)), 600)]
    {
        store.complete_run(&lease, run, RunState::Completed, horizon).await.unwrap();
        lease = reacquire(&store, &session).await;
        assert_eq!(lease.completed_until(), Some(at(expected)));
        run = store.start_run(&lease, &new_run(RunKind::Delta)).await.unwrap();
    }
}

#[tokio::test]
async fn a_run_that_did_not_end_is_resumed_where_it_stood() {
    let Running { store, session, lease, run } = Running::start().await;
    let checkpoint =
        Checkpoint { frontier: Some(crate::model::EpochSecond(7)), ..Checkpoint::default() };
    store.record_page(&lease, run, &[listed(1, 7)], &checkpoint).await.unwrap();
    store.interrupt_run(&lease, run).await.unwrap();

    let lease = reacquire(&store, &session).await;
    let found = store.load_resumable_run(&lease).await.unwrap().unwrap();
    assert_eq!((found.id, found.state), (run, RunState::Interrupted));
    let resumed = store.resume_run(&lease, run).await.unwrap();
    assert_eq!((resumed.state, resumed.resumes), (RunState::Running, 1));
    assert_eq!((resumed.checkpoint, resumed.horizon), (checkpoint, at(20_000)));
    assert_eq!(resumed.counters.queued, 1);

    store.fail_run(&lease, run, "no", FailureCategory::UserFixable).await.unwrap();
    let lease = reacquire(&store, &session).await;
    let failed = store.load_resumable_run(&lease).await.unwrap().unwrap();
    assert_eq!(failed.error.as_deref(), Some("no"));
    assert_eq!(failed.error_category, Some(FailureCategory::UserFixable));
    store.resume_run(&lease, run).await.unwrap();
    store.complete_run(&lease, run, RunState::Incomplete, None).await.unwrap();

    let lease = reacquire(&store, &session).await;
    assert!(store.load_resumable_run(&lease).await.unwrap().is_none());
    let refused = store.resume_run(&lease, run).await;
    assert!(matches!(refused, Err(StoreError::RunNotOpen { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_new_run_takes_over_what_an_older_one_left_in_the_queue() {
    let running = Running::start().await;
    running.list(&[listed(1, 1_000), listed(2, 1_000)]).await;
    let next = running.store.start_run(&running.lease, &new_run(RunKind::Delta)).await.unwrap();
    let old = running.store.load_run(running.run).await.unwrap().unwrap();
    assert_eq!(old.state, RunState::Cancelled);
    assert_eq!(
        running.store.pending_remaining(&QueueScope::Run(running.run)).await.unwrap().total,
        0
    );
    assert_eq!(running.store.pending_remaining(&QueueScope::Run(next)).await.unwrap().due, 2);
    assert_eq!(running.store.load_run(next).await.unwrap().unwrap().counters.queued, 2);
    let listed = running.store.value("SELECT count(*) FROM extractor.listed").await;
    assert_eq!(listed.as_deref(), Some("0"));
}

#[tokio::test]
async fn a_repair_begins_the_listing_again_and_keeps_what_is_listed() {
    let Running { store, lease, run, .. } = Running::start().await;
    let done = Checkpoint { done: true, ..Checkpoint::default() };
    store.record_page(&lease, run, &[listed(1, 7)], &done).await.unwrap();
    store.restart_listing(&lease, run).await.unwrap();
    let restarted = store.load_run(run).await.unwrap().unwrap();
    assert_eq!((restarted.attempt, restarted.checkpoint), (2, Checkpoint::default()));
    let again = store.record_page(&lease, run, &[listed(1, 7)], &done).await.unwrap();
    assert_eq!(again.listed_new, 0);
    store.complete_run(&lease, run, RunState::Completed, Some(at(1))).await.unwrap();
    let left = store.value("SELECT count(*) FROM extractor.listed").await;
    assert_eq!(left.as_deref(), Some("0"));
}

#[tokio::test]
async fn a_certificate_counts_what_was_there_at_its_instant() {
    let running = Running::start().await;
    let mut documents: Vec<_> = (1..=4).map(document).collect();
    documents[1].created = Some(at(900));
    documents[2].created = None;
    documents[3].key = "Q-4".parse().unwrap();
    running.hydrate(&documents).await;
    let counts =
        running.store.certificate_counts(&site(), &project(), running.run, at(900)).await.unwrap();
    assert_eq!((counts.listed, counts.stored, counts.failed), (4, 2, 0));
    let mut certificate = Certificate {
        as_of: at(900),
        counted: 2,
        basis: Basis::Count,
        listed: 4,
        stored: 2,
        failed: 0,
        attempts: 1,
        verdict: Verdict::Missing,
        findings: vec![Finding { check: "c".into(), expected: 1, found: 2, meaning: "m".into() }],
        details: crate::model::Details::default(),
    };
    let store = &running.store;
    store.store_certificate(&running.lease, running.run, &certificate).await.unwrap();
    certificate.attempts = 2;
    certificate.verdict = Verdict::Complete;
    store.store_certificate(&running.lease, running.run, &certificate).await.unwrap();
    assert_eq!(store.load_certificate(running.run).await.unwrap(), Some(certificate.clone()));
    let status = store.load_status(Some(&site())).await.unwrap();
    assert_eq!(status[0].certificate(), Some(&certificate));
    assert_eq!(status[0].certified.as_ref().map(|c| c.run), Some(running.run));
}

#[tokio::test]
async fn status_tells_of_issues_queue_failures_cursor_and_runs() {
    let running = Running::start().await;
    running.hydrate(&[document(1)]).await;
    running.list(&[listed(1, 1_001), listed(2, 1_000)]).await;
    running.batch_of(1).await.unwrap();
    let store = &running.store;
    store.record_index_lag(&running.lease, Duration::from_millis(1_500)).await.unwrap();
    store.record_index_lag(&running.lease, Duration::from_secs(1)).await.unwrap();
    let status = store.load_status(None).await.unwrap();
    assert_eq!(status.len(), 1);
    let facts = &status[0];
    let counts = store.load_counts(None).await.unwrap();
    assert_eq!((counts.len(), counts[0].issues.full, counts[0].issues.minimal), (1, 1, 0));
    assert_eq!((counts[0].deleted, &counts[0].project), (0, &facts.project));
    assert_eq!((facts.queue.depth, facts.queue.leased, facts.failures), (2, 1, 0));
    let cursor = facts.cursor.as_ref().unwrap();
    assert_eq!(cursor.held_by, Some(running.session.worker()));
    assert_eq!(cursor.max_index_lag, Duration::from_secs(2));
    assert_eq!((facts.lag, facts.runs.len()), (None, 1));
    assert!(facts.queue.oldest.is_some() && facts.since_progress().is_some());
    let workers = store.load_workers(None).await.unwrap();
    assert_eq!((workers.len(), workers[0].id), (1, running.session.worker()));
    assert_eq!((workers[0].pid, workers[0].version.as_str()), (1, "0"));
    assert_eq!(workers[0].holds, ["P"]);
}

#[tokio::test]
async fn a_cursor_is_reset_only_when_nobody_holds_the_project() {
    let Running { store, session, lease, run } = Running::start().await;
    let held = store.reset_cursor(&site(), &project()).await;
    assert!(matches!(held, Err(StoreError::ProjectHeld(_))), "{held:?}");
    store.complete_run(&lease, run, RunState::Completed, Some(at(5))).await.unwrap();
    let lease = reacquire(&store, &session).await;
    let open = store.start_run(&lease, &new_run(RunKind::Delta)).await.unwrap();
    store.interrupt_run(&lease, open).await.unwrap();
    assert!(store.reset_cursor(&site(), &project()).await.unwrap());
    assert!(!store.reset_cursor(&site(), &"NONE".parse().unwrap()).await.unwrap());
    let lease = reacquire(&store, &session).await;
    assert_eq!(lease.completed_until(), None);
    assert!(store.load_resumable_run(&lease).await.unwrap().is_none());
}

#[tokio::test]
async fn the_same_process_cannot_take_a_project_twice() {
    let running = Running::start().await;
    let claim =
        running.store.acquire_project(&site(), &project(), running.session.worker()).await.unwrap();
    assert!(matches!(claim, ProjectClaim::Held(_)));
}

#[tokio::test]
async fn catalogues_are_stored_with_their_extras() {
    let store = store().await;
    let entry = |id: &str, raw: &str| CatalogueEntry {
        id: id.into(),
        name: "Name".into(),
        raw: raw.into(),
    };
    let catalogue = Catalogue {
        fields: vec![entry("customfield_1", r#"{"custom":true,"schema":{"type":"array"}}"#)],
        projects: vec![entry("1", r#"{"key":"P"}"#), entry("1", r#"{"key":"P"}"#)],
        statuses: vec![entry("1", r#"{"statusCategory":{"key":"done"}}"#)],
        issue_types: vec![entry("1", r#"{"subtask":true}"#)],
        priorities: vec![entry("1", "{}")],
        resolutions: vec![entry("1", "{}")],
        link_types: vec![entry("1", r#"{"inward":"is blocked by","outward":"blocks"}"#)],
        versions: vec![entry("1", r#"{"released":true,"releaseDate":"2024-01-02"}"#)],
        components: vec![entry("1", "{}")],
    };
    for _ in 0..2 {
        store.upsert_catalogue(&site(), &project(), &catalogue, 0).await.unwrap();
    }
    let extras = "SELECT concat_ws(' ', f.custom, f.schema_type, p.key, s.category, i.subtask,
                      l.inward, v.released, v.archived, v.release_date, v.project_key)
                  FROM jira.fields f, jira.projects p, jira.statuses s, jira.issue_types i,
                      jira.link_types l, jira.versions v";
    assert_eq!(
        store.value(extras).await.as_deref(),
        Some("t array P done t is blocked by t 2024-01-02 P")
    );
    let bad = Catalogue { fields: vec![entry("x", "{")], ..Catalogue::default() };
    let refused = store.upsert_catalogue(&site(), &project(), &bad, 0).await;
    assert!(matches!(refused, Err(StoreError::DataRejected(_))), "{refused:?}");
}

#[tokio::test]
async fn what_the_store_does_is_counted_by_all_its_clones() {
    let running = Running::start().await;
    let store = running.store.clone();
    let of = |name: &str| {
        let stats = store.stats();
        let found = stats.transactions.into_iter().find(|transaction| transaction.name == name);
        found.expect("it is counted from the start")
    };
    assert_eq!((of("start_run").seconds.count(), of("start_run").failures), (1, 0));
    assert_eq!(of("fail_run").seconds.count(), 0);
    running.store.release_project(&running.lease).await.unwrap();
    running.store.release_project(&running.lease).await.unwrap_err();
    let released = of("release_project");
    assert_eq!((released.seconds.count(), released.failures, released.retries), (2, 1, 0));
    assert!(released.seconds.sum > 0.0);
    let stats = store.stats();
    assert!(stats.waits.count() >= 3, "{stats:?}");
    assert_eq!(stats.pool.max, 8);
    assert!(stats.pool.size >= 1 && stats.pool.in_use() <= stats.pool.size, "{stats:?}");
}

#[tokio::test]
async fn what_was_counted_a_moment_ago_is_not_counted_again() {
    let running = Running::start().await;
    running.hydrate(&[document(1)]).await;
    let (store, hour) = (&running.store, Duration::from_hours(1));
    let first = store.recent_counts(&site(), hour).await.unwrap();
    running.hydrate(&[document(2)]).await;
    let again = store.clone().recent_counts(&site(), hour).await.unwrap();
    assert_eq!((&first.value, again.value[0].issues.full), (&again.value, 1));
    let anew = store.recent_counts(&site(), Duration::ZERO).await.unwrap();
    assert_eq!(anew.value[0].issues.full, 2);
}

#[tokio::test]
async fn runs_of_long_ago_are_removed_but_for_the_last_that_completed() {
    let Running { store, session, mut lease, run: completed } = Running::start().await;
    store.store_certificate(&lease, completed, &certificate_of_nothing()).await.unwrap();
    store.complete_run(&lease, completed, RunState::Completed, Some(at(9))).await.unwrap();
    let mut later = Vec::new();
    for _ in 0..2 {
        lease = reacquire(&store, &session).await;
        let run = store.start_run(&lease, &new_run(RunKind::Delta)).await.unwrap();
        store.store_certificate(&lease, run, &certificate_of_nothing()).await.unwrap();
        store.complete_run(&lease, run, RunState::Incomplete, None).await.unwrap();
        later.push(run);
    }
    let age = format!(
        "UPDATE extractor.runs SET started_at = now() - interval '91 days' WHERE id <> '{}'",
        later[1]
    );
    store.run_sql(&age).await;
    lease = reacquire(&store, &session).await;
    let new = store.start_run(&lease, &new_run(RunKind::Delta)).await.unwrap();
    let runs = store.list_runs(&crate::store::RunFilter::default(), 9).await.unwrap();
    let left: Vec<_> = runs.iter().map(|run| run.id).collect();
    assert_eq!(left, [new, later[1], completed]);
    let certificates = store.value("SELECT count(*) FROM extractor.certificates").await;
    assert_eq!(certificates.as_deref(), Some("2"));
}

fn certificate_of_nothing() -> Certificate {
    Certificate {
        as_of: at(1),
        counted: 0,
        basis: Basis::Count,
        listed: 0,
        stored: 0,
        failed: 0,
        attempts: 1,
        verdict: Verdict::Complete,
        findings: Vec::new(),
        details: crate::model::Details::default(),
    }
}
