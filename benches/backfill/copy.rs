//! The second limit: the rows of the backfill through binary `COPY` into equal tables.
//!
//! Equal means `LIKE … INCLUDING ALL`: the columns, compression, checks, primary keys and indexes
//! of the tables that hold issues and what hangs on them. People and sprints, which issues have in
//! common, are left out. The rows are cut into as many parts as there are connections, by issue;
//! a connection writes its part in one transaction.

use anyhow::Context as _;
use bytes::Bytes;
use futures::TryStreamExt as _;
use sqlx::postgres::{PgConnectOptions, PgPoolCopyExt as _};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, PgConnection, PgPool};
use tokio::task::JoinSet;

use crate::options::Options;
use crate::role::{Done, Work};

const TABLES: [(&str, &str); 8] = [
    ("issues", "id"),
    ("issue_keys", "issue_id"),
    ("changes", "issue_id"),
    ("comments", "issue_id"),
    ("worklogs", "issue_id"),
    ("links", "issue_id"),
    ("attachments", "issue_id"),
    ("issue_sprints", "issue_id"),
];

/// What one connection copies: statements with their data.
type Part = Vec<(String, Vec<Bytes>)>;

/// The rows in memory, and tables to copy them to.
pub(crate) struct Copy {
    parts: Vec<(PgConnection, Part)>,
    issues: u64,
    done: Vec<PgConnection>,
}

impl Copy {
    pub(crate) async fn prepare(options: &Options) -> anyhow::Result<Self> {
        let url = options.database_url.as_deref().context("no database URL")?;
        let pool = PgPool::connect(url).await?;
        pool.execute("DROP SCHEMA IF EXISTS plain CASCADE; CREATE SCHEMA plain").await?;
        for (table, _) in TABLES {
            let make = format!("CREATE TABLE plain.{table} (LIKE jira.{table} INCLUDING ALL)");
            pool.execute(AssertSqlSafe(make)).await?;
        }
        let connect: PgConnectOptions = url.parse()?;
        let mut parts = Vec::new();
        for number in 0..options.copiers.max(1) {
            let mut part = Part::new();
            for (table, issue) in TABLES {
                part.push(read(&pool, table, issue, number, options.copiers.max(1)).await?);
            }
            parts.push((connect.connect().await?, part));
        }
        let issues: i64 =
            sqlx::query_scalar("SELECT count(*) FROM jira.issues").fetch_one(&pool).await?;
        pool.close().await;
        Ok(Self { parts, issues: u64::try_from(issues)?, done: Vec::new() })
    }
}

/// The rows of one part of a table, with the statement that takes them.
async fn read(
    pool: &PgPool,
    table: &str,
    issue: &str,
    part: i32,
    parts: i32,
) -> anyhow::Result<(String, Vec<Bytes>)> {
    let columns: String = sqlx::query_scalar(
        "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
         WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
    )
    .bind(format!("jira.{table}"))
    .fetch_one(pool)
    .await?;
    let out = format!(
        "COPY (SELECT {columns} FROM jira.{table} WHERE {issue} % {parts} = {part})
         TO STDOUT (FORMAT binary)"
    );
    let rows = pool.copy_out_raw(&out).await?.try_collect().await?;
    Ok((format!("COPY plain.{table} ({columns}) FROM STDIN (FORMAT binary)"), rows))
}

async fn write(mut connection: PgConnection, part: Part) -> anyhow::Result<PgConnection> {
    connection.execute("BEGIN").await?;
    for (statement, rows) in part {
        let mut copy = connection.copy_in_raw(&statement).await?;
        for row in rows {
            copy.send(row).await?;
        }
        copy.finish().await?;
    }
    connection.execute("COMMIT").await?;
    Ok(connection)
}

impl Work for Copy {
    async fn run(&mut self) -> anyhow::Result<Done> {
        let mut copiers = JoinSet::new();
        for (connection, part) in std::mem::take(&mut self.parts) {
            copiers.spawn(write(connection, part));
        }
        while let Some(ended) = copiers.join_next().await {
            self.done.push(ended??);
        }
        Ok(Done { issues: self.issues, ..Done::default() })
    }
}
