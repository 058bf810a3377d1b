//! What analysts work with: the views over generated and real projects, the questions of
//! docs/queries.md, the description of the schema, and dbt's sources.

mod catalogues;
mod documents;
mod questions;
mod views;

use std::path::{Path, PathBuf};

use extractor::model::{Catalogue, CatalogueEntry, ProjectKey, Site};
use extractor::store::{Store, ViewsRefreshed};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool, Row as _};

/// A file of the real payloads, which are not part of the repository.
fn payload(file: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("EXTRACTOR_PAYLOADS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    let path = folder.join(file);
    if !path.is_file() {
        eprintln!("SKIPPED: no {}", path.display());
        return None;
    }
    Some(path)
}

/// The field catalogue that a file of real payloads holds.
fn fields_in(file: &Path) -> Vec<CatalogueEntry> {
    let fields: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let text = |field: &Value, name: &str| field[name].as_str().unwrap_or_default().to_owned();
    let entry = |field: &Value| CatalogueEntry {
        id: text(field, "id"),
        name: text(field, "name"),
        raw: field.to_string(),
    };
    fields.iter().map(entry).collect()
}

/// Has the database know these fields, and brings the views in line.
async fn learn(
    store: &Store,
    site: &str,
    project: &str,
    fields: Vec<CatalogueEntry>,
) -> ViewsRefreshed {
    let (site, project) = (Site::new(site), project.parse::<ProjectKey>().unwrap());
    let catalogue = Catalogue { fields, ..Catalogue::default() };
    store.upsert_catalogue(&site, &project, &catalogue, 0).await.unwrap();
    let refreshed = store.refresh_views(&site, &project).await.unwrap();
    assert!(refreshed.failed.is_empty(), "{:?}", refreshed.failed);
    refreshed
}

/// The rows that a query gives, each as texts.
async fn rows(pool: &PgPool, sql: &str) -> Vec<Vec<String>> {
    let rows = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch_all(pool).await;
    let rows = rows.unwrap_or_else(|error| panic!("{error}\n{sql}"));
    let cell = |row: &sqlx::postgres::PgRow, at: usize| {
        row.try_get_raw(at).ok().and_then(|raw| raw.as_str().ok().map(str::to_owned))
    };
    rows.iter()
        .map(|row| (0..row.len()).map(|at| cell(row, at).unwrap_or_default()).collect())
        .collect()
}
