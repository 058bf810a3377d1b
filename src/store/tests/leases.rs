//! Who holds a project, who lives, and what a lost lease can still do: nothing.

use super::*;
use crate::model::{Basis, Certificate, FailureCategory, RunState, Verdict, WorkerId};
use crate::store::{BatchToken, Holder, ProjectClaim, Requeue, SessionHealth, WORKER_TTL};

async fn claim(store: &Store, worker: WorkerId) -> ProjectClaim {
    store.acquire_project(&site(), &project(), worker).await.unwrap()
}

async fn holder(store: &Store, worker: WorkerId) -> Option<Holder> {
    match claim(store, worker).await {
        ProjectClaim::Acquired(_) => None,
        ProjectClaim::Held(holder) => Some(holder),
    }
}

/// Ends the backend of the worker's session, as the kernel does when its process is killed.
async fn kill_session(store: &Store, worker: WorkerId) {
    let backend = format!("SELECT backend_pid FROM extractor.workers WHERE id = '{worker}'");
    let ended = format!("SELECT CASE WHEN pg_terminate_backend(({backend}), 10000) THEN 1 END");
    assert_eq!(store.value(&ended).await.as_deref(), Some("1"));
}

async fn age_heartbeat(store: &Store, worker: WorkerId, age: Duration) {
    let sql = format!(
        "UPDATE extractor.workers SET heartbeat_at = clock_timestamp() - interval '{} s'
         WHERE id = '{worker}'",
        age.as_secs()
    );
    store.run_sql(&sql).await;
}

#[tokio::test]
async fn a_project_is_held_by_one_worker_and_the_other_is_told_by_whom() {
    let running = Running::start().await;
    let other = session(&running.store).await;
    for asking in [other.worker(), running.session.worker()] {
        let holder = holder(&running.store, asking).await.expect("it is held");
        assert_eq!(holder.worker, running.session.worker());
        assert_eq!((holder.host.as_str(), holder.pid), ("h", 1));
        assert_eq!(holder.run, Some(running.run));
        assert!(holder.to_string().contains("process 1 on h since "));
    }
    running.store.release_project(&running.lease).await.unwrap();
    assert!(holder(&running.store, other.worker()).await.is_none());
}

#[tokio::test]
async fn a_killed_holder_is_succeeded_at_once() {
    let running = Running::start().await;
    let other = session(&running.store).await;
    kill_session(&running.store, running.session.worker()).await;
    assert!(!running.store.is_live(running.session.worker()).await.unwrap());
    assert!(holder(&running.store, other.worker()).await.is_none());
}

#[tokio::test]
async fn a_silent_holder_with_a_session_is_succeeded_only_after_the_ttl() {
    let running = Running::start().await;
    let other = session(&running.store).await;
    let worker = running.session.worker();
    age_heartbeat(&running.store, worker, WORKER_TTL - Duration::from_secs(2)).await;
    assert!(holder(&running.store, other.worker()).await.is_some());
    age_heartbeat(&running.store, worker, WORKER_TTL + Duration::from_secs(1)).await;
    assert!(holder(&running.store, other.worker()).await.is_none());
}

#[tokio::test]
async fn the_ttl_of_the_database_is_the_programs() {
    let store = store().await;
    let ttl = store.value("SELECT extract(epoch FROM extractor.worker_ttl())::int").await;
    assert_eq!(ttl, Some(WORKER_TTL.as_secs().to_string()));
}

#[tokio::test]
async fn a_session_that_is_cut_registers_again() {
    let running = Running::start().await;
    let worker = running.session.worker();
    let mut health = running.session.health();
    kill_session(&running.store, worker).await;
    running.session.beat_now();
    health.wait_for(|health| *health == SessionHealth::Lost).await.unwrap();
    running.session.beat_now();
    health.wait_for(|health| matches!(health, SessionHealth::Alive(_))).await.unwrap();
    assert!(running.store.is_live(worker).await.unwrap());
    assert!(running.list(&[listed(1, 1)]).await.queued == 1, "the lease is still its own");
}

#[tokio::test]
async fn a_closed_session_gives_everything_back() {
    let running = Running::start().await;
    running.list(&[listed(1, 1_000)]).await;
    let batch = running.batch().await;
    let other = session(&running.store).await;
    let live = "SELECT count(*) FROM extractor.live_workers";
    assert_eq!(running.store.value(live).await.as_deref(), Some("2"));
    let Running { store, session: closing, run, .. } = running;
    closing.close().await.unwrap();
    assert_eq!(store.value(live).await.as_deref(), Some("1"));
    assert!(holder(&store, other.worker()).await.is_none());
    let scope = QueueScope::Run(run);
    assert!(store.acquire_batch(other.worker(), &scope, 9, LEASE).await.unwrap().is_some());
    let late = store.write_batch(&result(&batch, &[document(1)])).await;
    assert!(matches!(late, Err(StoreError::LeaseLost { .. })), "{late:?}");
}

fn certificate() -> Certificate {
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

#[tokio::test]
async fn a_lease_that_was_lost_writes_nothing() {
    let Running { store, session, lease: old, run } = Running::start().await;
    kill_session(&store, session.worker()).await;
    let successor = super::session(&store).await;
    let ProjectClaim::Acquired(new) = claim(&store, successor.worker()).await else {
        panic!("it is free")
    };
    let checkpoint = Checkpoint { done: true, ..Checkpoint::default() };
    let lost = [
        store.record_page(&old, run, &[listed(1, 1)], &checkpoint).await.map(drop),
        store.start_run(&old, &new_run(RunKind::Delta)).await.map(drop),
        store.resume_run(&old, run).await.map(drop),
        store.restart_listing(&old, run).await,
        store.complete_run(&old, run, RunState::Completed, Some(at(9))).await,
        store.fail_run(&old, run, "why", FailureCategory::Temporary).await,
        store.interrupt_run(&old, run).await,
        store.cancel_run(&old, run).await,
        store.claim_due_run(&old, crate::model::RunKind::Delta, Duration::ZERO).await.map(drop),
        store.store_certificate(&old, run, &certificate()).await,
        store.record_index_lag(&old, Duration::from_secs(9)).await,
        store.requeue_failures(&old, run, Requeue::Due).await.map(drop),
        store.forget_listed(&old, run).await,
        store.release_project(&old).await,
    ];
    for (number, outcome) in lost.into_iter().enumerate() {
        assert!(matches!(outcome, Err(StoreError::LeaseLost { .. })), "{number}: {outcome:?}");
    }
    let untouched = store.load_run(run).await.unwrap().unwrap();
    assert_eq!(untouched.state, RunState::Running);
    assert_eq!(untouched.checkpoint, Checkpoint::default());
    store.resume_run(&new, run).await.unwrap();
    store.record_page(&new, run, &[listed(1, 1)], &checkpoint).await.unwrap();
}

#[tokio::test]
async fn a_batch_that_was_taken_over_is_not_written_by_its_first_worker() {
    let running = Running::start().await;
    running.list(&[listed(1, 1_000), listed(2, 1_000)]).await;
    let late = running.batch().await;
    running
        .store
        .run_sql("UPDATE extractor.pending SET leased_until = now() WHERE issue_id = 2")
        .await;
    let taken = running.batch().await;
    assert_eq!(taken.items.len(), 1);
    let written = running.write(&late, &[document(1), document(2)]).await;
    assert!(matches!(written, Err(StoreError::LeaseLost { .. })), "{written:?}");
    let stored = running.store.value("SELECT count(*) FROM jira.issues").await;
    assert_eq!(stored.as_deref(), Some("0"), "not even the one that is still leased");
    running.write(&late, &[document(1)]).await.unwrap();
    running.write(&taken, &[document(2)]).await.unwrap();
}

#[tokio::test]
async fn a_token_that_was_never_handed_out_writes_nothing() {
    let running = Running::start().await;
    running.list(&[listed(1, 1_000)]).await;
    let mut batch = running.batch().await;
    batch.token = BatchToken::forged(site(), 999_999);
    let written = running.write(&batch, &[document(1)]).await;
    assert!(matches!(written, Err(StoreError::LeaseLost { .. })), "{written:?}");
    let renewed = running.store.renew_batch(&batch.token, LEASE).await;
    assert!(matches!(renewed, Err(StoreError::LeaseLost { .. })), "{renewed:?}");
}
