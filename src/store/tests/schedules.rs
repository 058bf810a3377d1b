//! When projects are due, agreed on by several services.

use super::*;
use crate::model::{FailureCategory, ProjectKey, RunKind, WorkerId};
use crate::store::{Followed, Schedule, ScheduleTrouble, Wanted};

const SOON: Duration = Duration::from_secs(300);

fn key(text: &str) -> ProjectKey {
    text.parse().unwrap()
}

fn delta(project: &str, due: chrono::DateTime<chrono::Utc>) -> Wanted {
    Wanted { project: key(project), kind: RunKind::Delta, due }
}

fn trouble() -> ScheduleTrouble {
    ScheduleTrouble {
        text: "no answer".to_owned(),
        category: FailureCategory::Temporary,
        remedy: "wait".to_owned(),
    }
}

async fn follow(store: &Store, keys: &[&str]) -> Followed {
    let now = store.database_time().await.unwrap();
    let projects: Vec<_> = keys.iter().map(|text| delta(text, now)).collect();
    store.follow_projects(&site(), nobody(), &projects).await.unwrap()
}

/// A worker that does not live.
fn nobody() -> WorkerId {
    WorkerId(uuid::Uuid::nil())
}

async fn schedule(store: &Store) -> Schedule {
    let mut schedules = store.load_schedules(&site()).await.unwrap();
    schedules.retain(|schedule| schedule.project == project());
    schedules.pop().expect("it is followed")
}

#[tokio::test]
async fn projects_are_followed_from_when_they_are_named_until_they_are_not() {
    let store = store().await;
    let followed = follow(&store, &["P", "Q", "P"]).await;
    assert_eq!(followed, Followed { added: vec![key("P"), key("Q")], removed: vec![] });
    store.record_success(&site(), &key("P"), RunKind::Delta, SOON).await.unwrap();
    let before = schedule(&store).await;
    let followed = follow(&store, &["R", "P"]).await;
    assert_eq!(followed, Followed { added: vec![key("R")], removed: vec![key("Q")] });
    let after = schedule(&store).await;
    assert_eq!(
        (after.next_run_at, after.followed_since),
        (before.next_run_at, before.followed_since)
    );
    let keys: Vec<String> = store
        .load_schedules(&site())
        .await
        .unwrap()
        .into_iter()
        .map(|schedule| schedule.project.to_string())
        .collect();
    assert_eq!(keys, ["P", "R"]);
    let elsewhere = store.load_schedules(&crate::model::Site::new("other")).await.unwrap();
    assert_eq!(elsewhere, []);
}

#[tokio::test]
async fn services_with_different_projects_leave_each_other_theirs() {
    let store = store().await;
    let (a, b) = (session(&store).await, session(&store).await);
    let now = store.database_time().await.unwrap();
    let follow = async |worker, keys: &[&str]| {
        let projects: Vec<_> = keys.iter().map(|text| delta(text, now)).collect();
        store.follow_projects(&site(), worker, &projects).await.unwrap()
    };
    follow(a.worker(), &["A", "P"]).await;
    let followed = follow(b.worker(), &["B", "P"]).await;
    assert_eq!(followed, Followed { added: vec![key("B")], removed: vec![] });
    let dropped = follow(a.worker(), &["P"]).await;
    assert_eq!(dropped, Followed { added: vec![], removed: vec![key("A")] });
    b.close().await.unwrap();
    let left = follow(a.worker(), &["P"]).await;
    assert_eq!(left, Followed { added: vec![], removed: vec![key("B")] });
}

#[tokio::test]
async fn another_schedule_brings_the_next_run_forward_but_for_what_failed() {
    let store = store().await;
    follow(&store, &["P"]).await;
    let latest = async |wait: Duration| {
        let latest = store.database_time().await.unwrap() + wait;
        store.bring_forward(&site(), &[delta("P", latest)]).await.unwrap();
        latest
    };
    store.record_success(&site(), &key("P"), RunKind::Delta, SOON).await.unwrap();
    let before = schedule(&store).await.next_run_at;
    latest(SOON * 2).await;
    assert_eq!(schedule(&store).await.next_run_at, before, "later is no reason");
    let sooner = latest(SOON / 2).await;
    assert_eq!(schedule(&store).await.next_run_at, sooner);
    store.record_failure(&site(), &key("P"), RunKind::Delta, SOON, &trouble()).await.unwrap();
    let before = schedule(&store).await.next_run_at;
    latest(SOON / 2).await;
    assert_eq!(schedule(&store).await.next_run_at, before, "what failed is left alone");
}

#[tokio::test]
async fn several_services_may_follow_at_once() {
    let store = store().await;
    for _ in 0..10 {
        let (one, two, three) = tokio::join!(
            follow(&store, &["P", "Q", "R"]),
            follow(&store, &["R", "Q", "P"]),
            follow(&store, &["Q", "R", "P"]),
        );
        let added: usize = [&one, &two, &three].iter().map(|followed| followed.added.len()).sum();
        assert_eq!(added, 3, "each is new to one of them");
        assert_eq!(follow(&store, &[]).await.removed.len(), 3);
    }
}

#[tokio::test]
async fn of_those_who_found_a_project_due_one_runs_it() {
    let store = store().await;
    follow(&store, &["P"]).await;
    assert_eq!(schedule(&store).await.due_in, Duration::ZERO);
    let first = session(&store).await;
    let lease = super::lease(&store, &first).await;
    assert!(store.claim_due_run(&lease, RunKind::Delta, SOON).await.unwrap());
    let left = schedule(&store).await.due_in;
    assert!(left > SOON / 2 && left <= SOON, "{left:?}");
    store.release_project(&lease).await.unwrap();
    let late = store.claim_due_run(&lease, RunKind::Delta, SOON).await;
    assert!(matches!(late, Err(StoreError::LeaseLost { .. })), "{late:?}");

    let second = session(&store).await;
    let lease = super::lease(&store, &second).await;
    assert!(
        !store.claim_due_run(&lease, RunKind::Delta, SOON).await.unwrap(),
        "it was due when this one looked"
    );
    follow(&store, &[]).await;
    assert!(
        !store.claim_due_run(&lease, RunKind::Delta, SOON).await.unwrap(),
        "it is not followed any more"
    );
}

#[tokio::test]
async fn failures_are_counted_until_a_run_gets_to_its_end() {
    let store = store().await;
    follow(&store, &["P"]).await;
    for failures in 1..=3 {
        let counted = store
            .record_failure(&site(), &project(), RunKind::Delta, SOON, &trouble())
            .await
            .unwrap();
        assert_eq!(counted, failures);
    }
    let failing = schedule(&store).await;
    assert_eq!((failing.failures_in_a_row, failing.trouble), (3, Some(trouble())));
    assert!(failing.due_in > SOON / 2);
    store.record_success(&site(), &project(), RunKind::Delta, Duration::ZERO).await.unwrap();
    let well = schedule(&store).await;
    assert_eq!((well.failures_in_a_row, well.trouble, well.due_in), (0, None, Duration::ZERO));
    let unknown = store
        .record_failure(&site(), &key("NONE"), RunKind::Delta, SOON, &trouble())
        .await
        .unwrap();
    assert_eq!(unknown, 0);
    store.record_success(&site(), &key("NONE"), RunKind::Delta, SOON).await.unwrap();
    assert_eq!(store.load_schedules(&site()).await.unwrap().len(), 1, "nothing was added");
}

#[tokio::test]
async fn the_start_of_any_run_is_noted() {
    let store = store().await;
    follow(&store, &["P"]).await;
    assert_eq!(schedule(&store).await.last_started_at, None);
    let session = session(&store).await;
    let lease = super::lease(&store, &session).await;
    let run = store.start_run(&lease, &new_run(RunKind::Backfill)).await.unwrap();
    let started = schedule(&store).await.last_started_at.expect("it has started");
    store.interrupt_run(&lease, run).await.unwrap();
    let lease = super::lease(&store, &session).await;
    store.resume_run(&lease, run).await.unwrap();
    assert!(schedule(&store).await.last_started_at > Some(started));
}

#[tokio::test]
async fn a_followed_project_is_stalled_when_nothing_of_it_moves() {
    let running = Running::start().await;
    let store = &running.store;
    let hour = Duration::from_hours(1);
    let stalled = async || {
        let facts = store.load_status(Some(&site())).await.unwrap().remove(0);
        facts.is_stalled(hour, facts.as_of)
    };
    assert!(!stalled().await, "no service follows it");
    follow(store, &["P"]).await;
    assert!(!stalled().await, "it is followed only now");
    store.run_sql("UPDATE extractor.schedules SET followed_since = now() - interval '2 h'").await;
    assert!(stalled().await, "it has never completed");
    running.list(&[listed(1, 1)]).await;
    assert!(!stalled().await, "it moves");
    store.run_sql("UPDATE extractor.runs SET progressed_at = now() - interval '61 min'").await;
    assert!(stalled().await, "it has stopped moving");
    store.fail_run(&running.lease, running.run, "x", FailureCategory::Temporary).await.unwrap();
    let lease = super::lease(store, &running.session).await;
    store.resume_run(&lease, running.run).await.unwrap();
    assert!(stalled().await, "to start and fail is no progress");
    let now = store.database_time().await.unwrap();
    let completed = crate::model::RunState::Completed;
    store.complete_run(&lease, running.run, completed, Some(now)).await.unwrap();
    assert!(!stalled().await, "it has completed");
    store.run_sql("UPDATE extractor.cursors SET completed_until = now() - interval '61 min'").await;
    assert!(stalled().await, "long ago");
    let facts = store.load_status(Some(&site())).await.unwrap().remove(0);
    assert!(!facts.is_stalled(hour * 2, facts.as_of), "but not by so much");
    assert!(facts.is_stalled(hour * 2, facts.as_of + hour), "until an hour later");
    store.run_sql("UPDATE extractor.schedules SET followed_since = now()").await;
    assert!(!stalled().await, "it is followed again only now");
}

#[tokio::test]
async fn deltas_and_reconciles_of_a_project_have_schedules_of_their_own() {
    let store = store().await;
    let now = store.database_time().await.unwrap();
    let (worker, other) = (session(&store).await, session(&store).await);
    let reconcile = Wanted { kind: RunKind::Reconcile, ..delta("P", now + SOON) };
    let both = [delta("P", now), reconcile];
    let followed = store.follow_projects(&site(), worker.worker(), &both).await.unwrap();
    assert_eq!(followed, Followed { added: vec![key("P")], removed: vec![] });
    let of = async |kind| {
        let schedules = store.load_schedules(&site()).await.unwrap();
        schedules.into_iter().find(|schedule| schedule.kind == kind)
    };
    assert!(of(RunKind::Delta).await.unwrap().due_in.is_zero());
    assert!(!of(RunKind::Reconcile).await.unwrap().due_in.is_zero());
    let (site, p) = (&site(), &key("P"));
    store.record_failure(site, p, RunKind::Reconcile, SOON * 9, &trouble()).await.unwrap();
    let (its, reconciles) = (of(RunKind::Delta).await, of(RunKind::Reconcile).await.unwrap());
    assert_eq!(its.unwrap().failures_in_a_row, 0);
    assert_eq!(reconciles.failures_in_a_row, 1);
    store.record_pause(site, p, RunKind::Reconcile, Duration::ZERO).await.unwrap();
    let paused = of(RunKind::Reconcile).await.unwrap();
    assert!(paused.due_in.is_zero());
    assert_eq!((paused.failures_in_a_row, paused.trouble), (1, Some(trouble())));

    // A service that does not reconcile leaves another's reconciles alone, as long as that lives.
    let deltas = [delta("P", now)];
    store.follow_projects(site, other.worker(), &deltas).await.unwrap();
    assert!(of(RunKind::Reconcile).await.is_some());
    worker.close().await.unwrap();
    let left = store.follow_projects(site, other.worker(), &deltas).await.unwrap();
    assert_eq!(left, Followed::default(), "the project is followed as before");
    assert!(of(RunKind::Reconcile).await.is_none());
}
