//! What is asked of runs from outside: start, cancel, try again; and how it meets who holds the project.

use super::*;
use crate::model::{FailureCategory, RunState, WorkerId};
use crate::store::{Cancelling, MAX_RETRIES, ProjectClaim, Requested, Retrying, Run};

async fn request(store: &Store, kind: RunKind) -> Requested {
    store.request_run(&site(), &project(), kind).await.unwrap()
}

async fn queue(store: &Store, kind: RunKind) -> RunId {
    match request(store, kind).await {
        Requested::Queued { run, .. } => run,
        Requested::Busy { run } => panic!("busy with {run}"),
    }
}

async fn run(store: &Store, id: RunId) -> Run {
    store.load_run(id).await.unwrap().unwrap()
}

async fn state(store: &Store, id: RunId) -> RunState {
    run(store, id).await.state
}

/// Ends a session without a word, as the kernel does when its process is killed.
async fn kill(store: &Store, worker: WorkerId) {
    let backend = format!("SELECT backend_pid FROM extractor.workers WHERE id = '{worker}'");
    let ended = format!("SELECT CASE WHEN pg_terminate_backend(({backend}), 10000) THEN 1 END");
    assert_eq!(store.value(&ended).await.as_deref(), Some("1"));
}

#[tokio::test]
async fn of_two_who_ask_at_once_one_queues_the_run_and_the_other_is_told_which() {
    let store = store().await;
    for _ in 0..5 {
        let (one, other) =
            tokio::join!(request(&store, RunKind::Delta), request(&store, RunKind::Backfill));
        let (run, busy) = match (one, other) {
            (Requested::Queued { run, .. }, Requested::Busy { run: busy })
            | (Requested::Busy { run: busy }, Requested::Queued { run, .. }) => (run, busy),
            both => panic!("{both:?}"),
        };
        assert_eq!(run, busy);
        let queued = store.list_queued_runs(&site()).await.unwrap();
        assert_eq!(queued.iter().map(|run| run.id).collect::<Vec<_>>(), [run]);
        assert!(!queued[0].begun && queued[0].queued_at.is_some() && queued[0].worker.is_none());
        assert_eq!(store.request_cancel(run).await.unwrap(), Cancelling::Cancelled);
    }
    assert_eq!(store.list_queued_runs(&site()).await.unwrap(), []);
}

#[tokio::test]
async fn a_queued_run_is_taken_up_by_whoever_starts_one_and_does_the_wider_of_both() {
    let store = store().await;
    let session = session(&store).await;
    for (asked, started, done) in [
        (RunKind::Delta, RunKind::Delta, RunKind::Delta),
        (RunKind::Delta, RunKind::Backfill, RunKind::Backfill),
        (RunKind::Backfill, RunKind::Delta, RunKind::Backfill),
    ] {
        let queued = queue(&store, asked).await;
        let lease = lease(&store, &session).await;
        assert_eq!(store.load_queued_run(&lease).await.unwrap().unwrap().id, queued);
        assert_eq!(store.load_resumable_run(&lease).await.unwrap(), None, "it has not begun");
        let new = NewRun { lists_from: Some(at(7)), ..new_run(started) };
        let begun = store.start_run(&lease, &new).await.unwrap();
        assert_eq!(begun, queued);
        let taken = run(&store, begun).await;
        assert_eq!((taken.state, taken.kind, taken.begun), (RunState::Running, done, true));
        assert_eq!((taken.worker, taken.horizon), (Some(session.worker()), at(20_000)));
        assert_eq!(taken.lists_from, (done == started).then_some(at(7)), "the wider one lists all");
        assert!(taken.queued_at.is_some_and(|asked| asked < taken.started_at));
        assert_eq!(request(&store, RunKind::Delta).await, Requested::Busy { run: queued });
        store.complete_run(&lease, begun, RunState::Completed, Some(at(9))).await.unwrap();
    }
}

#[tokio::test]
async fn a_run_that_was_cut_short_is_queued_to_go_on_where_it_stood() {
    let Running { store, session, lease, run: id } = Running::start().await;
    let checkpoint = Checkpoint { done: true, ..Checkpoint::default() };
    store.record_page(&lease, id, &[listed(1, 7)], &checkpoint).await.unwrap();
    store.fail_run(&lease, id, "no", FailureCategory::Temporary).await.unwrap();
    let resumed = Requested::Queued { run: id, resumed: true };
    assert_eq!(request(&store, RunKind::Delta).await, resumed, "nothing has completed yet");
    let waiting = run(&store, id).await;
    assert_eq!((waiting.state, waiting.error, waiting.finished_at), (RunState::Queued, None, None));
    let lease = super::lease(&store, &session).await;
    assert_eq!(store.load_resumable_run(&lease).await.unwrap().map(|run| run.id), Some(id));
    let taken = store.resume_run(&lease, id).await.unwrap();
    assert_eq!((taken.checkpoint, taken.horizon), (checkpoint, at(20_000)));
    assert_eq!((taken.resumes, taken.retries), (1, 0));
    store.complete_run(&lease, id, RunState::Completed, Some(at(9))).await.unwrap();

    let lease = super::lease(&store, &session).await;
    let backfill = store.start_run(&lease, &new_run(RunKind::Backfill)).await.unwrap();
    store.interrupt_run(&lease, backfill).await.unwrap();
    let delta = queue(&store, RunKind::Delta).await;
    assert_ne!(delta, backfill, "a delta is not what a later backfill is");
    let lease = super::lease(&store, &session).await;
    assert_eq!(store.load_resumable_run(&lease).await.unwrap().map(|run| run.id), Some(backfill));
    assert_eq!(store.start_run(&lease, &new_run(RunKind::Delta)).await.unwrap(), delta);
    assert_eq!(state(&store, backfill).await, RunState::Cancelled);
}

#[tokio::test]
async fn a_resumed_run_takes_the_place_of_a_queued_one_that_wants_no_more() {
    let Running { store, session, lease, run: backfill } = Running::start().await;
    store.complete_run(&lease, backfill, RunState::Completed, Some(at(9))).await.unwrap();
    let lease = super::lease(&store, &session).await;
    let cut = store.start_run(&lease, &new_run(RunKind::Delta)).await.unwrap();
    store.interrupt_run(&lease, cut).await.unwrap();

    let wider = queue(&store, RunKind::Backfill).await;
    let lease = super::lease(&store, &session).await;
    let refused = store.resume_run(&lease, cut).await;
    assert!(matches!(refused, Err(StoreError::RunNotOpen { .. })), "{refused:?}");
    assert_eq!(state(&store, wider).await, RunState::Queued);
    assert_eq!(store.request_cancel(wider).await.unwrap(), Cancelling::Cancelled);

    store.run_sql(&format!("UPDATE extractor.runs SET kind = 'backfill' WHERE id = '{cut}'")).await;
    let narrower = queue(&store, RunKind::Delta).await;
    store.resume_run(&lease, cut).await.unwrap();
    let absorbed = run(&store, narrower).await;
    assert_eq!(absorbed.state, RunState::Cancelled);
    assert_eq!(absorbed.error, Some(format!("superseded by run {cut}")));
}

#[tokio::test]
async fn a_run_of_a_dead_process_stands_in_nobodys_way_and_its_lease_is_lost() {
    let running = Running::start().await;
    let store = &running.store;
    let busy = Requested::Busy { run: running.run };
    assert_eq!(request(store, RunKind::Backfill).await, busy);
    assert_eq!(store.list_abandoned_runs(&site()).await.unwrap(), []);
    kill(store, running.session.worker()).await;
    let abandoned = store.list_abandoned_runs(&site()).await.unwrap();
    assert_eq!(abandoned.iter().map(|run| run.id).collect::<Vec<_>>(), [running.run]);

    let resumed = Requested::Queued { run: running.run, resumed: true };
    assert_eq!(request(store, RunKind::Backfill).await, resumed);
    assert_eq!(store.list_abandoned_runs(&site()).await.unwrap(), [], "it waits now");
    let mut health = running.session.health();
    running.session.beat_now();
    health.wait_for(|health| *health == crate::store::SessionHealth::Lost).await.unwrap();
    running.session.beat_now();
    health.wait_for(|h| matches!(h, crate::store::SessionHealth::Alive(_))).await.unwrap();
    let late = store.record_page(&running.lease, running.run, &[], &Checkpoint::default()).await;
    assert!(matches!(late, Err(StoreError::LeaseLost { .. })), "it was only asleep: {late:?}");
}

#[tokio::test]
async fn a_request_while_a_process_opens_a_run_is_that_run() {
    let store = store().await;
    let session = session(&store).await;
    let lease = lease(&store, &session).await;
    let queued = queue(&store, RunKind::Delta).await;
    assert_eq!(store.start_run(&lease, &new_run(RunKind::Backfill)).await.unwrap(), queued);
    assert_eq!(store.list_queued_runs(&site()).await.unwrap(), []);
}

#[tokio::test]
async fn a_live_process_is_told_to_cancel_and_keeps_what_was_listed() {
    let running = Running::start().await;
    let (store, worker, id) = (&running.store, running.session.worker(), running.run);
    running.list(&[listed(1, 7), listed(2, 7)]).await;
    assert_eq!(store.list_cancel_requests(worker).await.unwrap(), []);
    for _ in 0..2 {
        assert_eq!(store.request_cancel(id).await.unwrap(), Cancelling::Requested);
    }
    assert_eq!(state(store, id).await, RunState::Running);
    assert_eq!(store.list_cancel_requests(worker).await.unwrap(), [id]);
    store.cancel_run(&running.lease, id).await.unwrap();
    assert_eq!(store.list_cancel_requests(worker).await.unwrap(), []);
    let ended = Cancelling::Ended(RunState::Cancelled);
    assert_eq!(store.request_cancel(id).await.unwrap(), ended);
    assert_eq!(store.value("SELECT count(*) FROM extractor.listed").await.as_deref(), Some("2"));

    let lease = super::lease(store, &running.session).await;
    assert_eq!(store.load_resumable_run(&lease).await.unwrap(), None);
    assert_eq!(store.request_retry(id).await.unwrap(), Retrying::Queued { retries: 1 });
    let taken = store.resume_run(&lease, id).await.unwrap();
    assert_eq!((taken.cancel_requested_at, taken.counters.listed), (None, 2));
    store.cancel_run(&lease, id).await.unwrap();
    let lease = super::lease(store, &running.session).await;
    store.start_run(&lease, &new_run(RunKind::Backfill)).await.unwrap();
    assert_eq!(store.value("SELECT count(*) FROM extractor.listed").await.as_deref(), Some("0"));
}

#[tokio::test]
async fn nobody_fetches_what_a_cancelled_run_has_left() {
    let running = Running::start().await;
    let (store, worker, scope) =
        (&running.store, running.session.worker(), QueueScope::Site(site()));
    running.list(&[listed(1, 7), listed(2, 7)]).await;
    store.cancel_run(&running.lease, running.run).await.unwrap();
    assert!(store.acquire_batch(worker, &scope, 9, LEASE).await.unwrap().is_none());
    assert_eq!(store.pending_remaining(&scope).await.unwrap().total, 0);
    store.request_retry(running.run).await.unwrap();
    assert_eq!(store.pending_remaining(&scope).await.unwrap().due, 2);
    let batch = store.acquire_batch(worker, &scope, 1, LEASE).await.unwrap().unwrap();
    assert_eq!((batch.items.len(), batch.items[0].id.0), (1, 1));
}

#[tokio::test]
async fn help_goes_to_the_oldest_run_that_has_something_free() {
    let running = Running::start().await;
    let store = &running.store;
    running.list(&[listed(1, 7)]).await;
    let other = "Q".parse().unwrap();
    let claim = store.acquire_project(&site(), &other, running.session.worker()).await.unwrap();
    let ProjectClaim::Acquired(lease) = claim else { panic!("it is free") };
    let second = store.start_run(&lease, &new_run(RunKind::Backfill)).await.unwrap();
    store.record_page(&lease, second, &[listed(2, 7)], &Checkpoint::default()).await.unwrap();
    let helper = session(store).await;
    let scope = QueueScope::Site(site());
    for expected in [1, 2] {
        let batch = store.acquire_batch(helper.worker(), &scope, 9, LEASE).await.unwrap().unwrap();
        assert_eq!(batch.items.iter().map(|item| item.id.0).collect::<Vec<_>>(), [expected]);
    }
    assert!(store.acquire_batch(helper.worker(), &scope, 9, LEASE).await.unwrap().is_none());
    let elsewhere = QueueScope::Site(crate::model::Site::new("other"));
    assert!(store.acquire_batch(helper.worker(), &elsewhere, 9, LEASE).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_to_be_cancelled_is_never_resumed_however_it_ended() {
    for ending in ["interrupted", "failed", "killed", "killed before it was asked"] {
        let Running { store, session, lease, run: id } = Running::start().await;
        let worker = session.worker();
        if ending == "killed before it was asked" {
            kill(&store, worker).await;
            assert_eq!(store.request_cancel(id).await.unwrap(), Cancelling::Cancelled);
            let late = store.cancel_run(&lease, id).await;
            assert!(matches!(late, Err(StoreError::LeaseLost { .. })), "{late:?}");
        } else {
            assert_eq!(store.request_cancel(id).await.unwrap(), Cancelling::Requested);
        }
        match ending {
            "interrupted" => store.interrupt_run(&lease, id).await.unwrap(),
            "failed" => store.fail_run(&lease, id, "x", FailureCategory::Temporary).await.unwrap(),
            "killed" => kill(&store, worker).await,
            _ => {}
        }
        assert_eq!(store.list_abandoned_runs(&site()).await.unwrap(), [], "{ending}");
        let next = super::session(&store).await;
        let lease = super::lease(&store, &next).await;
        assert_eq!(store.load_resumable_run(&lease).await.unwrap(), None, "{ending}");
        store.release_project(&lease).await.unwrap();
        assert!(matches!(request(&store, RunKind::Backfill).await,
            Requested::Queued { resumed: false, run } if run != id));
        assert_eq!(state(&store, id).await, RunState::Cancelled, "{ending}");
    }
}

#[tokio::test]
async fn an_interrupted_run_is_cancelled_at_once_and_one_that_ended_is_not() {
    let Running { store, session, lease, run: id } = Running::start().await;
    store.interrupt_run(&lease, id).await.unwrap();
    assert_eq!(store.request_cancel(id).await.unwrap(), Cancelling::Cancelled);
    let lease = super::lease(&store, &session).await;
    let next = store.start_run(&lease, &new_run(RunKind::Backfill)).await.unwrap();
    store.complete_run(&lease, next, RunState::Incomplete, None).await.unwrap();
    let ended = Cancelling::Ended(RunState::Incomplete);
    assert_eq!(store.request_cancel(next).await.unwrap(), ended);
    let unknown = RunId(uuid::Uuid::nil());
    assert_eq!(store.request_cancel(unknown).await.unwrap(), Cancelling::Unknown);
    assert_eq!(store.request_retry(unknown).await.unwrap(), Retrying::Unknown);
}

#[tokio::test]
async fn a_run_is_tried_again_three_times_at_most() {
    let Running { store, session, mut lease, run: id } = Running::start().await;
    let busy = Retrying::Busy { run: id };
    for retries in 1..=MAX_RETRIES {
        assert_eq!(store.request_retry(id).await.unwrap(), busy, "it is under way");
        store.fail_run(&lease, id, "no", FailureCategory::AdminRequired).await.unwrap();
        assert_eq!(store.request_retry(id).await.unwrap(), Retrying::Queued { retries });
        assert_eq!(store.request_retry(id).await.unwrap(), busy, "it waits");
        lease = super::lease(&store, &session).await;
        store.resume_run(&lease, id).await.unwrap();
    }
    store.fail_run(&lease, id, "no", FailureCategory::AdminRequired).await.unwrap();
    let too_often = Retrying::TooOften { limit: MAX_RETRIES };
    assert_eq!(store.request_retry(id).await.unwrap(), too_often);
    let allowed =
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'runs_retries_ck'";
    let constraint = store.value(allowed).await.unwrap();
    assert!(constraint.contains(&format!("<= {MAX_RETRIES}")), "{constraint}");
}

#[tokio::test]
async fn only_the_newest_run_that_did_not_get_to_its_end_is_tried_again() {
    let Running { store, session, lease, run: old } = Running::start().await;
    store.fail_run(&lease, old, "no", FailureCategory::Temporary).await.unwrap();
    let lease = super::lease(&store, &session).await;
    let new = store.start_run(&lease, &new_run(RunKind::Delta)).await.unwrap();
    assert_eq!(store.request_retry(old).await.unwrap(), Retrying::Busy { run: new });
    store.complete_run(&lease, new, RunState::Incomplete, None).await.unwrap();
    assert_eq!(store.request_retry(old).await.unwrap(), Retrying::Superseded { by: new });
    let ended = Retrying::NotRetryable(RunState::Incomplete);
    assert_eq!(store.request_retry(new).await.unwrap(), ended);

    let queued = queue(&store, RunKind::Delta).await;
    store.request_cancel(queued).await.unwrap();
    assert_eq!(store.request_retry(queued).await.unwrap(), Retrying::Queued { retries: 1 });
    assert!(!run(&store, queued).await.begun);
}

#[tokio::test]
async fn nothing_goes_on_from_before_a_reset_of_the_cursor() {
    let Running { store, session, lease, run: id } = Running::start().await;
    store.cancel_run(&lease, id).await.unwrap();
    store.reset_cursor(&site(), &project()).await.unwrap();
    let ended = Retrying::NotRetryable(RunState::Cancelled);
    assert_eq!(store.request_retry(id).await.unwrap(), ended);
    let queued = queue(&store, RunKind::Delta).await;
    store.reset_cursor(&site(), &project()).await.unwrap();
    assert_eq!(state(&store, queued).await, RunState::Queued, "it begins at the beginning anyway");
    let lease = super::lease(&store, &session).await;
    let begun = store.start_run(&lease, &new_run(RunKind::Backfill)).await.unwrap();
    assert_eq!(begun, queued);
}

#[tokio::test]
async fn a_queued_run_that_nobody_can_take_up_is_refused_with_a_reason() {
    let store = store().await;
    let id = queue(&store, RunKind::Delta).await;
    store.refuse_run(id, "not visible", FailureCategory::UserFixable).await.unwrap();
    let refused = run(&store, id).await;
    assert_eq!((refused.state, refused.begun), (RunState::Failed, false));
    assert_eq!(refused.error.as_deref(), Some("not visible"));
    let again = store.refuse_run(id, "not visible", FailureCategory::UserFixable).await;
    assert!(matches!(again, Err(StoreError::RunNotOpen { .. })), "{again:?}");
    assert_ne!(queue(&store, RunKind::Delta).await, id);
}

#[tokio::test]
async fn services_hear_of_what_is_asked_on_their_own_site() {
    let store = store().await;
    let mut listener = store.listen_control().await.unwrap();
    let other = crate::model::Site::new("other.example");
    store.request_run(&other, &project(), RunKind::Delta).await.unwrap();
    let id = queue(&store, RunKind::Delta).await;
    listener.changed(&site()).await.unwrap();
    store.request_cancel(id).await.unwrap();
    listener.changed(&site()).await.unwrap();
    store.request_retry(id).await.unwrap();
    listener.changed(&site()).await.unwrap();
    store.request_run(&other, &project(), RunKind::Delta).await.unwrap();
    let silent = tokio::time::timeout(Duration::from_millis(50), listener.changed(&site())).await;
    assert!(silent.is_err(), "busy, and another site");
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE query LIKE 'LISTEN%' AND datname = current_database()";
    assert_eq!(store.value(cut).await.as_deref(), Some("1"));
    listener.changed(&site()).await.unwrap();
}

#[tokio::test]
async fn a_project_that_is_being_opened_is_held_whoever_asks() {
    let store = store().await;
    let session = session(&store).await;
    let lease = lease(&store, &session).await;
    queue(&store, RunKind::Delta).await;
    let claim = store.acquire_project(&site(), &project(), session.worker()).await.unwrap();
    assert!(matches!(claim, ProjectClaim::Held(_)));
    store.release_project(&lease).await.unwrap();
    assert_eq!(store.list_queued_runs(&site()).await.unwrap().len(), 1, "it waits for the next");
}
