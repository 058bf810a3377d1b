//! One test for each bug that the simulation has found, by hand and without chance.

use chrono::{DateTime, TimeDelta, Utc};
use extractor::model::{Checkpoint, IssueId, ListedIssue, ProjectKey, RunId, RunKind, Site};
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

impl Open {
    async fn page_is_recorded(&self) -> bool {
        self.app.number("SELECT pages FROM extractor.runs").await == 2
    }
}
