//! Test support: a throwaway Postgres for the test process, a database of its own for each test,
//! and documents to store. Set `DATABASE_URL_TEST` to use a server that is already there.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection};

use super::{ProjectClaim, ProjectLease, Session, Settings, Store, WorkerIdentity};
use crate::model::{
    Change, Children, Comment, Failure, FailureCause, IssueDocument, IssueId, IssueKey,
    ListedIssue, PartialList, ProjectKey, Site, Tier, User,
};

mod cluster;

const TEMPLATE: &str = "extractor_template";

/// A server, and a database on it that has the schema.
struct Server {
    url: String,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let url = std::env::var("DATABASE_URL_TEST").unwrap_or_else(|_| cluster::start());
        std::thread::scope(|scope| {
            scope.spawn(|| block_on(make_template(&url))).join().expect("template is made")
        });
        Server { url }
    })
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

async fn make_template(url: &str) {
    execute(url, "postgres", &format!("DROP DATABASE IF EXISTS {TEMPLATE}")).await;
    execute(url, "postgres", &format!("CREATE DATABASE {TEMPLATE}")).await;
    let store = connect(url, TEMPLATE).await;
    store.migrate().await.unwrap();
    store.close().await;
}

async fn execute(url: &str, database: &str, sql: &str) {
    let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
    let mut connection: PgConnection = options.database(database).connect().await.unwrap();
    connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
    connection.close().await.unwrap();
}

async fn connect(url: &str, database: &str) -> Store {
    Store::connect(&settings(url, database)).await.unwrap()
}

/// How to reach a database, by name, of the test's server.
pub(super) fn settings_of(database: &str) -> Settings {
    settings(&server().url, database)
}

fn settings(url: &str, database: &str) -> Settings {
    let mut url = url::Url::parse(url).unwrap();
    url.set_path(database);
    Settings {
        url: url.to_string().into(),
        max_connections: 8,
        statement_timeout: Duration::from_secs(30),
        application_name: "extractor-test".into(),
    }
}

/// A database without the schema.
pub(super) async fn empty_store() -> Store {
    new_store("").await
}

/// A database with the schema.
pub(super) async fn store() -> Store {
    new_store(&format!("TEMPLATE {TEMPLATE}")).await
}

async fn new_store(from: &str) -> Store {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("extractor_{}_{number}", std::process::id());
    let server = server();
    execute(&server.url, "postgres", &format!("CREATE DATABASE {name} {from}")).await;
    connect(&server.url, &name).await
}

impl Store {
    /// Statements that no production code needs: breaking things, moving time.
    pub(super) async fn run_sql(&self, sql: &str) {
        self.pool.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
    }

    /// One value, as text.
    pub(super) async fn value(&self, sql: &str) -> Option<String> {
        sqlx::query_scalar(AssertSqlSafe(format!("SELECT ({sql})::text")))
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// How the planner would answer a query.
    pub(super) async fn explain(&self, sql: &str) -> String {
        let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!("EXPLAIN {sql}")))
            .fetch_all(&self.pool)
            .await
            .unwrap();
        lines.join("\n")
    }
}

pub(super) fn site() -> Site {
    Site::new("jira.example")
}

pub(super) fn project() -> ProjectKey {
    "P".parse().unwrap()
}

pub(super) async fn session(store: &Store) -> Session {
    let identity = WorkerIdentity { host: "h".into(), pid: 1, version: "0".into() };
    store.open_session(identity).await.unwrap()
}

pub(super) async fn lease(store: &Store, session: &Session) -> ProjectLease {
    match store.acquire_project(&site(), &project(), session.worker()).await.unwrap() {
        ProjectClaim::Acquired(lease) => lease,
        ProjectClaim::Held(holder) => panic!("held by {holder}"),
    }
}

/// An instant, in seconds; documents are fetched at second 10,000 unless changed.
pub(super) fn at(secs: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(secs, 0).unwrap()
}

pub(super) fn listed(id: i64, updated: i64) -> ListedIssue {
    ListedIssue { id: IssueId(id), key: key(id), updated: Some(at(updated)) }
}

pub(super) fn key(id: i64) -> IssueKey {
    IssueKey::new(project(), u64::try_from(id).unwrap())
}

/// A small whole issue without children, updated at second 1,000.
pub(super) fn document(id: i64) -> IssueDocument {
    IssueDocument {
        id: IssueId(id),
        key: key(id),
        summary: Some(format!("summary of {id}")),
        issue_type: Some("Bug".into()),
        status: Some("Open".into()),
        status_category: Some("new".into()),
        priority: None,
        resolution: None,
        assignee_id: Some("ann".into()),
        reporter_id: None,
        creator_id: None,
        parent_id: None,
        labels: vec!["b".into(), "a, \"quoted\"".into()],
        created: Some(at(500)),
        updated: Some(at(1_000)),
        resolved: None,
        due: chrono::NaiveDate::from_ymd_opt(2024, 2, 29),
        fields: format!(r#"{{"summary":"summary of {id}","customfield_1":1.10}}"#),
        tier: Tier::Full,
        archived: false,
        text_repaired: false,
        privacy: None,
        content_hash: [u8::try_from(id % 256).unwrap(); 16],
        extracted_at: at(10_000),
        lacking: Vec::new(),
        streams: Vec::new(),
        children: Children::default(),
        users: vec![user("ann")],
    }
}

pub(super) fn user(id: &str) -> User {
    User {
        id: id.into(),
        name: Some(id.into()),
        display_name: Some(id.to_uppercase()),
        email: None,
        active: Some(true),
        time_zone: None,
    }
}

pub(super) fn change(history_id: i64) -> Change {
    Change {
        history_id,
        item: 0,
        author_id: Some("ann".into()),
        at: at(900),
        field: "status".into(),
        field_id: None,
        from_id: Some("1".into()),
        from_text: Some("Open".into()),
        to_id: Some("2".into()),
        to_text: Some("Done".into()),
    }
}

pub(super) fn comment(comment_id: i64) -> Comment {
    Comment {
        comment_id,
        author_id: Some("ann".into()),
        update_author_id: None,
        created: Some(at(800)),
        updated: None,
        body: format!("comment {comment_id}"),
        body_adf: None,
        visibility: None,
    }
}

pub(super) fn comments(ids: &[i64], complete: bool) -> Option<PartialList<Comment>> {
    let held = ids.len() as u64;
    let total = if complete { held } else { held + 1 };
    Some(PartialList::of(ids.iter().copied().map(comment).collect(), held, Some(total)))
}

/// A failure of the document of that number.
pub(super) fn failure(id: i64, cause: FailureCause) -> Failure {
    Failure {
        id: IssueId(id),
        key: key(id),
        reason: format!("it went wrong with {id}"),
        category: cause.category(),
        cause,
        what_to_do: "nothing".into(),
    }
}
