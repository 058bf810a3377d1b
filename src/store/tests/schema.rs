//! Migrations, foreign databases, and what the schema says of itself.

use super::*;
use crate::store::testing::empty_store;

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
             AND c.relkind = 'r'
         WHERE n.nspname IN ('jira', 'extractor') AND c.relkind IN ('r', 'v', 'S')
           AND (obj_description(c.oid, 'pg_class') IS NULL
             OR (a.attnum IS NOT NULL AND c.relname <> 'schema_migrations'
                 AND col_description(c.oid, a.attnum) IS NULL))";
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
