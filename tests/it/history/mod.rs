//! History: issues as of any instant, replayed from changelogs, against what the simulator knows that
//! they were; the audit of changelogs; versions; time in status.

mod as_of;
mod audit;
mod real;
mod status;
mod versions;

use sqlx::AssertSqlSafe;

use crate::app::App;

/// The rows of a query as JSON.
async fn rows(app: &App, sql: &str) -> Vec<serde_json::Value> {
    let sql = format!("SELECT to_jsonb(q) FROM ({sql}) AS q");
    let rows: Vec<(serde_json::Value,)> =
        sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&app.pool).await.unwrap();
    rows.into_iter().map(|row| row.0).collect()
}
