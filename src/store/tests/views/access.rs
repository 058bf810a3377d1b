//! Who may read what, and what happens where this program may not do everything.

use super::*;
use crate::store::testing::{empty_store, settings_of};

/// What a member of `extractor_reader` is answered; the error's text if it is refused.
async fn as_reader(store: &Store, sql: &str) -> Result<i64, String> {
    // Given up afterwards, and so closed.
    let mut loan = store.pool.lend().await.unwrap();
    sqlx::query("SET ROLE extractor_reader").execute(&mut *loan).await.unwrap();
    let answer =
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(&mut *loan).await;
    answer.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_reader_sees_the_data_and_the_views_that_come_later_and_nothing_of_the_program() {
    let store = store().await;
    refreshed(
        &store,
        &[
            ("customfield_1", "Points", NUMBER),
            ("customfield_2", "Tags", r#"{"type":"array","items":"string"}"#),
        ],
    )
    .await;
    put(&store, "P", 1, r#"{"customfield_1": 3, "customfield_2": ["a"]}"#).await;
    for sql in [
        "SELECT count(*) FROM jira_views.p WHERE points = 3 AND tags = '{a}'",
        "SELECT count(*) FROM jira_views.all_issues",
        "SELECT count(*) FROM jira.issues",
        "SELECT count(*) FROM jira_views.field_coverage WHERE column_name = 'points'",
    ] {
        assert_eq!(as_reader(&store, sql).await, Ok(1), "{sql}");
    }
    store.run_sql("CREATE TABLE jira.later (a int); CREATE TABLE extractor.later (a int)").await;
    assert_eq!(as_reader(&store, "SELECT count(*) FROM jira.later").await, Ok(0));
    for refused in [
        "SELECT count(*) FROM extractor.runs",
        "SELECT count(*) FROM extractor.incomplete_issues",
        "SELECT count(*) FROM extractor.later",
        "WITH d AS (DELETE FROM jira.issues RETURNING 1) SELECT count(*) FROM d",
        "WITH d AS (DELETE FROM jira_views.p RETURNING 1) SELECT count(*) FROM d",
    ] {
        assert!(as_reader(&store, refused).await.is_err(), "{refused}");
    }
}

/// A store on the same database as another role.
async fn as_role(store: &Store, role: &str) -> Store {
    let name = store.value("SELECT current_database()").await.unwrap();
    let mut settings = settings_of(&name);
    let mut url: url::Url = secrecy::ExposeSecret::expose_secret(&settings.url).parse().unwrap();
    url.set_username(role).unwrap();
    settings.url = url.to_string().into();
    Store::connect(&settings).await.unwrap()
}

async fn make_role(store: &Store, name: &str) {
    store
        .run_sql(&format!(
            "DO $$ BEGIN CREATE ROLE {name} LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation
             THEN NULL; END $$"
        ))
        .await;
}

#[tokio::test]
async fn a_role_that_may_make_no_view_is_told_so_and_nothing_else_fails() {
    let store = store().await;
    make_role(&store, "views_forbidden").await;
    store
        .run_sql(
            "GRANT USAGE ON SCHEMA jira, extractor, jira_views TO views_forbidden;
             GRANT ALL ON ALL TABLES IN SCHEMA jira, extractor TO views_forbidden",
        )
        .await;
    let limited = as_role(&store, "views_forbidden").await;
    let refreshed = refresh(&limited, &[("customfield_1", "Points", NUMBER)]).await;
    assert!(refreshed.written.is_empty());
    assert_eq!(refreshed.failed.len(), 2);
    assert!(refreshed.failed.iter().all(|(_, error)| matches!(error, StoreError::NotPermitted(_))));
    let mended = store.refresh_views(&site(), &project()).await.unwrap();
    assert_eq!(mended.written, ["p", "all_issues"]);
}

#[tokio::test]
async fn migrations_pass_for_an_owner_that_may_make_no_roles() {
    let store = empty_store().await;
    make_role(&store, "views_owner").await;
    let name = store.value("SELECT current_database()").await.unwrap();
    store.run_sql(&format!("ALTER DATABASE {name} OWNER TO views_owner")).await;
    let owner = as_role(&store, "views_owner").await;
    owner.migrate().await.unwrap();
    assert!(refresh(&owner, &[]).await.failed.is_empty());
    let all = owner.refresh_all_views().await.unwrap();
    assert!(matches!(all.reader, Some(Ok(_))), "{:?}", all.reader);
}
