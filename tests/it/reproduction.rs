//! One test for each bug that the simulation has found, by hand and without chance.

use chrono::{DateTime, TimeDelta, Utc};
use extractor::model::{
    Checkpoint, FailureCategory, IssueId, ListedIssue, ProjectKey, RunId, RunKind, RunState, Site,
};
use extractor::store::{NewRun, ProjectClaim, ProjectLease, Session, Store, WorkerIdentity};
use jira_sim::World;

use crate::app::{App, SITE, connect};

/// A project that a session holds, with a run that has just begun.
struct Open {
    app: App,
    store: Store,
    session: Session,
    lease: ProjectLease,
    run: RunId,
}

impl Open {
    async fn new() -> Self {
        let app = App::new(World::new(1_700_000_000_000)).await;
        let store = connect(&app.database_url).await;
        let identity = WorkerIdentity { host: "test".to_owned(), pid: 1, version: "0".to_owned() };
        let session = store.open_session(identity).await.unwrap();
        let project: ProjectKey = "PROJ".parse().unwrap();
        let claim = store.acquire_project(&Site::new(SITE), &project, session.worker()).await;
        let ProjectClaim::Acquired(lease) = claim.unwrap() else { panic!("held") };
        let new =
            NewRun { kind: RunKind::Backfill, lists_from: None, horizon: at(0), filter: None };
        let run = store.start_run(&lease, &new).await.unwrap();
        Self { app, store, session, lease, run }
    }

    async fn list(&self, page: &[ListedIssue]) {
        let checkpoint = Checkpoint::default();
        self.store.record_page(&self.lease, self.run, page, &checkpoint).await.unwrap();
    }
}

fn at(secs: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(19_000) + TimeDelta::seconds(secs)
}

fn row(id: i64) -> ListedIssue {
    ListedIssue {
        id: IssueId(id),
        key: format!("PROJ-{id}").parse().unwrap(),
        updated: Some(at(0)),
    }
}

/// Pages overlap, and a batch may be written while the page that lists its issues again is being
/// recorded. That page waited for the writer, and then queued what had just been fetched.
#[tokio::test]
async fn an_issue_listed_again_while_it_is_written_is_not_queued_again() {
    let open = Open::new().await;
    let page: Vec<ListedIssue> = (1..=3).map(row).collect();
    open.list(&page).await;

    // What the transaction of a writer does to the queue.
    let mut writer = open.app.pool.begin().await.unwrap();
    sqlx::query("DELETE FROM extractor.pending").execute(&mut *writer).await.unwrap();
    let recorded = open.list(&page);
    let commit = async {
        let waits = "SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while open.app.number(waits).await == 0 && !open.page_is_recorded().await {}
        writer.commit().await.unwrap();
    };
    tokio::join!(recorded, commit);

    assert_eq!(open.app.number("SELECT count(*) FROM extractor.pending").await, 0);
    assert_eq!(open.app.number("SELECT queued FROM extractor.runs").await, 3);
    open.session.close().await.unwrap();
}

/// A failed run waits to be resumed. One that another kind of run follows never is, and what it had
/// listed stayed for ever.
#[tokio::test]
async fn a_failed_run_that_is_not_resumed_leaves_nothing_behind() {
    let open = Open::new().await;
    open.list(&[row(1), row(2)]).await;
    let failure = FailureCategory::Temporary;
    open.store.fail_run(&open.lease, open.run, "the network is down", failure).await.unwrap();

    let claim =
        open.store.acquire_project(open.lease.site(), open.lease.project(), open.session.worker());
    let ProjectClaim::Acquired(lease) = claim.await.unwrap() else { panic!("held") };
    let new = NewRun { kind: RunKind::Delta, lists_from: None, horizon: at(1), filter: None };
    open.store.start_run(&lease, &new).await.unwrap();

    assert_eq!(open.app.number("SELECT count(*) FROM extractor.listed").await, 0);
    let run = open.store.load_run(open.run).await.unwrap().unwrap();
    assert_eq!(run.state, RunState::Cancelled);
    assert_eq!(run.error.as_deref(), Some("the network is down"));
    open.session.close().await.unwrap();
}

impl Open {
    async fn page_is_recorded(&self) -> bool {
        self.app.number("SELECT pages FROM extractor.runs").await == 2
    }
}
