//! Migrations, foreign databases, and what the schema says of itself.

use super::*;
use crate::store::testing::{empty_store, settings_of};

#[tokio::test]
async fn migrations_apply_once_and_from_many_processes_at_once() {
    let store = empty_store().await;
    let outdated = store.check_schema().await;
    assert!(matches!(outdated, Err(StoreError::SchemaOutdated { .. })), "{outdated:?}");
    let (first, second) = tokio::join!(store.migrate(), store.migrate());
    first.unwrap();
    second.unwrap();
    store.check_schema().await.unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let store = store().await;
    store
        .run_sql(
            "INSERT INTO extractor.schema_migrations
                 (version, description, success, checksum, execution_time)
             VALUES (29990101000000, 'from the future', true, '', 0)",
        )
        .await;
    for outcome in [store.migrate().await, store.check_schema().await] {
        let error = outcome.unwrap_err();
        assert!(
            matches!(error, StoreError::SchemaNewer { found: 29_990_101_000_000, .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains("newer than this program"));
    }
}

#[tokio::test]
async fn a_modified_or_half_applied_migration_is_refused() {
    let modified = store().await;
    modified
        .run_sql("UPDATE extractor.schema_migrations SET checksum = '\\x00' WHERE version = (SELECT max(version) FROM extractor.schema_migrations)")
        .await;
    for outcome in [modified.migrate().await, modified.check_schema().await] {
        assert!(matches!(outcome, Err(StoreError::SchemaModified { .. })), "{outcome:?}");
    }
    let dirty = store().await;
    dirty.run_sql("UPDATE extractor.schema_migrations SET success = false").await;
    for outcome in [dirty.migrate().await, dirty.check_schema().await] {
        assert!(matches!(outcome, Err(StoreError::SchemaDirty { .. })), "{outcome:?}");
    }
}

#[tokio::test]
async fn tables_of_somebody_else_are_left_alone() {
    let store = empty_store().await;
    store.run_sql("CREATE SCHEMA jira").await;
    store.run_sql("CREATE TABLE jira.issues (a int)").await;
    let refused = store.migrate().await;
    assert!(matches!(refused, Err(StoreError::SchemaForeign { .. })), "{refused:?}");
    let made = store.value("SELECT to_regclass('extractor.runs')").await;
    assert_eq!(made, None);
}

#[tokio::test]
async fn every_table_and_column_is_explained_and_every_constraint_named() {
    let store = store().await;
    let silent = "SELECT string_agg(c.relname || coalesce('.' || a.attname, ''), ', ')
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             AND c.relkind IN ('r', 'v')
         WHERE n.nspname IN ('jira', 'jira_views', 'extractor') AND c.relkind IN ('r', 'v', 'S')
           AND (obj_description(c.oid, 'pg_class') IS NULL
             OR (a.attnum IS NOT NULL AND c.relname <> 'schema_migrations'
                 AND col_description(c.oid, a.attnum) IS NULL))";
    assert_eq!(store.value(silent).await, None);
    let silent = "SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p
         JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname IN ('jira', 'jira_views', 'extractor')
           AND obj_description(p.oid, 'pg_proc') IS NULL";
    assert_eq!(store.value(silent).await, None);
    let unnamed = "SELECT string_agg(conname, ', ') FROM pg_constraint k
         JOIN pg_namespace n ON n.oid = k.connamespace
         WHERE n.nspname IN ('jira', 'extractor') AND conname !~ '_(pk|ck|fk)$'
           AND conrelid <> 'extractor.schema_migrations'::regclass";
    assert_eq!(store.value(unnamed).await, None);
}

#[tokio::test]
async fn bodies_are_compressed_with_lz4_where_the_server_can() {
    let store = store().await;
    let compression = "SELECT attcompression FROM pg_attribute
         WHERE attrelid = 'jira.issues'::regclass AND attname = 'fields'";
    let can = "SELECT count(*) FROM pg_settings
         WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)";
    let expected = if store.value(can).await.as_deref() == Some("1") { "l" } else { "" };
    assert_eq!(store.value(compression).await.as_deref(), Some(expected));
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_is_told_apart() {
    let missing = Store::connect(&settings_of("no_such_database")).await.unwrap_err();
    assert!(matches!(missing, StoreError::DatabaseMissing { .. }), "{missing:?}");
    let mut settings = settings_of("postgres");
    settings.url = "postgres://me:secret@127.0.0.1:1/postgres".to_owned().into();
    let unreachable = Store::connect(&settings).await.unwrap_err();
    assert!(matches!(unreachable, StoreError::Unreachable { .. }), "{unreachable:?}");
    assert!(!format!("{unreachable:?} {unreachable}").contains("secret"));
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_told_apart() {
    let mut settings = settings_of("postgres");
    settings.statement_timeout = Duration::from_millis(50);
    let store = Store::connect(&settings).await.unwrap();
    let outcome = store
        .tx("slow", |tx| {
            Box::pin(async move {
                sqlx::query("SELECT pg_sleep(60)").execute(&mut **tx).await?;
                Ok(())
            })
        })
        .await;
    assert!(matches!(outcome, Err(StoreError::TimedOut(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_transaction_that_is_chosen_to_break_a_deadlock_runs_again() {
    let store = empty_store().await;
    store.run_sql("CREATE TABLE t (id int PRIMARY KEY, n int)").await;
    store.run_sql("INSERT INTO t VALUES (1, 0), (2, 0)").await;
    let both_hold_one = tokio::sync::Barrier::new(2);
    let attempts = std::sync::atomic::AtomicU32::new(0);
    let cross = async |first: i32, second: i32| {
        let (barrier, attempts) = (&both_hold_one, &attempts);
        store
            .tx("cross", |tx| {
                Box::pin(async move {
                    let add = "UPDATE t SET n = n + 1 WHERE id = $1";
                    sqlx::query(add).bind(first).execute(&mut **tx).await?;
                    if attempts.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2 {
                        barrier.wait().await;
                    }
                    sqlx::query(add).bind(second).execute(&mut **tx).await?;
                    Ok(())
                })
            })
            .await
    };
    let (one, two) = tokio::join!(cross(1, 2), cross(2, 1));
    one.unwrap();
    two.unwrap();
    assert_eq!(attempts.into_inner(), 3);
    assert_eq!(store.value("SELECT sum(n) FROM t").await.as_deref(), Some("4"));
}
