//! The views for analysts, as those see them who build on them.

mod access;
mod change;
mod values;

use super::*;
use crate::model::{Catalogue, CatalogueEntry, ProjectKey, Site};
use crate::store::ViewsRefreshed;

/// A field by id, name and schema.
type Field<'a> = (&'a str, &'a str, &'a str);

const NUMBER: &str = r#"{"type":"number","custom":"x:float"}"#;
const TEXT: &str = r#"{"type":"string","custom":"x:textfield"}"#;

/// Has Jira's catalogue hold these fields, and brings the views of project P in line.
async fn refresh(store: &Store, fields: &[Field<'_>]) -> ViewsRefreshed {
    refresh_of(store, &site(), &project(), fields).await
}

async fn refresh_of(
    store: &Store,
    site: &Site,
    project: &ProjectKey,
    fields: &[Field<'_>],
) -> ViewsRefreshed {
    let entry = |(id, name, schema): &Field<'_>| CatalogueEntry {
        id: (*id).to_owned(),
        name: (*name).to_owned(),
        raw: format!(r#"{{"id":"{id}","schema":{schema}}}"#),
    };
    let fields = fields.iter().map(entry).collect();
    let catalogue = Catalogue { fields, ..Catalogue::default() };
    store.upsert_catalogue(site, project, &catalogue, 0).await.unwrap();
    store.refresh_views(site, project).await.unwrap()
}

/// The same where every view could be written.
async fn refreshed(store: &Store, fields: &[Field<'_>]) -> Vec<String> {
    let refreshed = refresh(store, fields).await;
    assert!(refreshed.failed.is_empty(), "{:?}", refreshed.failed);
    refreshed.written
}

/// Stores an issue of a project with these fields.
async fn put(store: &Store, project: &str, id: i64, fields: &str) {
    let fields = fields.replace('\'', "''");
    store
        .run_sql(&format!(
            "INSERT INTO jira.issues (site, id, key, project_key, labels, fields, tier, text_repaired,
                 content_hash, extracted_at)
             VALUES ('jira.example', {id}, '{project}-{id}', '{project}', '{{}}', '{fields}', 'full',
                 false, '\\x00112233445566778899aabbccddeeff', now())"
        ))
        .await;
}

/// The columns of a view that fields have, with their types, in order.
async fn columns(store: &Store, view: &str) -> String {
    let sql = format!(
        "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
         FROM pg_attribute WHERE attrelid = 'jira_views.{view}'::regclass AND attnum > 0
           AND attname NOT IN (SELECT attname FROM pg_attribute WHERE attrelid = 'jira.issues'::regclass)"
    );
    store.value(&sql).await.unwrap_or_default()
}

async fn comment(store: &Store, column: &str) -> String {
    let sql = format!(
        "SELECT col_description('jira_views.p'::regclass, attnum) FROM pg_attribute
         WHERE attrelid = 'jira_views.p'::regclass AND attname = '{column}'"
    );
    store.value(&sql).await.unwrap_or_default()
}
