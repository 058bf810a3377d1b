//! What runs say of themselves: their log lines, kept for people. Nothing is decided by them, so
//! writing them needs no lease; how many there are is bounded.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::model::{EventLevel, RunId};
use crate::store::rows::parse;
use crate::store::{Store, StoreError};

/// How many lines of a run are kept: the newest.
pub const EVENTS_KEPT: u32 = 1_000;
/// The most that a message may have, in characters; the rest is cut off.
const LONGEST_MESSAGE: usize = 500;
/// The most that the particulars of a line may have as JSON, in bytes; more are left out.
const LARGEST_FIELDS: usize = 8 * 1024;
/// How many old lines the start of a run removes at most, so that no start takes long.
const PRUNED_AT_ONCE: i64 = 20_000;

/// A line of a run's log.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEvent {
    /// When it was logged, by the clock of the process.
    pub at: DateTime<Utc>,
    /// How much it matters.
    pub level: EventLevel,
    /// What happened, in constant words.
    pub message: String,
    /// The particulars, by name.
    pub fields: Value,
}

/// A line as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// Its number among the lines of its run, from 1.
    pub seq: i64,
    /// The line.
    pub event: RunEvent,
}

impl Store {
    /// Stores lines in their order, and removes of each run what is more than [`EVENTS_KEPT`].
    /// U+0000, which Postgres cannot hold, becomes U+FFFD; what is too long is cut.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn record_events(&self, events: &[(RunId, RunEvent)]) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let rows = &Rows::of(events);
        self.tx("record_events", |tx| {
            Box::pin(async move {
                take_turns(tx, &rows.distinct).await?;
                insert(tx, rows).await?;
                trim(tx, &rows.distinct).await
            })
        })
        .await
    }

    /// Lines of a run, in their order. With `after`, the first `limit` that come after that number,
    /// which is how to follow a log; without, the last `limit`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn list_events(
        &self,
        run: RunId,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT seq AS "seq!", at AS "at!", level AS "level!", message AS "message!",
                 fields AS "fields!"
               FROM (
                   (SELECT * FROM extractor.run_events
                    WHERE run_id = $1 AND seq > $2 ORDER BY seq LIMIT $3)
                   UNION ALL
                   (SELECT * FROM extractor.run_events
                    WHERE run_id = $1 AND $2::bigint IS NULL ORDER BY seq DESC LIMIT $3)
               ) AS wanted ORDER BY seq"#,
            run.0,
            after,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                let level = parse("event level", &row.level)?;
                let event =
                    RunEvent { at: row.at, level, message: row.message, fields: row.fields };
                Ok(StoredEvent { seq: row.seq, event })
            })
            .collect()
    }
}

/// Lines as the statements take them.
struct Rows {
    distinct: Vec<Uuid>,
    runs: Vec<Uuid>,
    at: Vec<DateTime<Utc>>,
    levels: Vec<&'static str>,
    messages: Vec<String>,
    fields: Vec<Json<Value>>,
}

impl Rows {
    fn of(events: &[(RunId, RunEvent)]) -> Self {
        let runs: Vec<Uuid> = events.iter().map(|(run, _)| run.0).collect();
        let distinct: BTreeSet<Uuid> = runs.iter().copied().collect();
        Self {
            distinct: distinct.into_iter().collect(),
            runs,
            at: events.iter().map(|(_, event)| event.at).collect(),
            levels: events.iter().map(|(_, event)| event.level.as_str()).collect(),
            messages: events.iter().map(|(_, event)| short(&event.message)).collect(),
            fields: events.iter().map(|(_, event)| Json(bounded(&event.fields))).collect(),
        }
    }
}

/// Whoever writes lines of the same run waits here, so that a number that was seen is never followed
/// by a lower one.
async fn take_turns(connection: &mut PgConnection, runs: &[Uuid]) -> Result<(), StoreError> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('extractor.run_events:' || run, 0))
         FROM unnest($1::uuid[]) AS run ORDER BY run",
        runs,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert(connection: &mut PgConnection, rows: &Rows) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO extractor.run_events (run_id, seq, at, level, message, fields)
         SELECT n.run_id,
             coalesce((SELECT max(seq) FROM extractor.run_events e WHERE e.run_id = n.run_id), 0)
                 + row_number() OVER (PARTITION BY n.run_id ORDER BY n.position),
             n.at, n.level, n.message, n.fields
         FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::jsonb[])
             WITH ORDINALITY AS n(run_id, at, level, message, fields, position)",
        &rows.runs,
        &rows.at,
        &rows.levels as _,
        &rows.messages,
        &rows.fields as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn trim(connection: &mut PgConnection, runs: &[Uuid]) -> Result<(), StoreError> {
    sqlx::query!(
        "DELETE FROM extractor.run_events e
         USING (SELECT run, (SELECT max(seq) FROM extractor.run_events WHERE run_id = run) AS last
                FROM unnest($1::uuid[]) AS run) AS newest
         WHERE e.run_id = newest.run AND e.seq <= newest.last - $2",
        runs,
        i64::from(EVENTS_KEPT),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes lines that are older than thirty days, the oldest first and not too many at once.
pub(super) async fn prune_events(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!(
        "DELETE FROM extractor.run_events WHERE (run_id, seq) IN (
             SELECT run_id, seq FROM extractor.run_events
             WHERE at < clock_timestamp() - interval '30 days' ORDER BY at LIMIT $1)",
        PRUNED_AT_ONCE,
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn short(message: &str) -> String {
    message.chars().take(LONGEST_MESSAGE).map(storable).collect()
}

fn storable(letter: char) -> char {
    if letter == '\0' { char::REPLACEMENT_CHARACTER } else { letter }
}

fn bounded(fields: &Value) -> Value {
    let fields = cleaned(fields);
    if fields.to_string().len() > LARGEST_FIELDS {
        return serde_json::json!({ "left_out": "too large" });
    }
    fields
}

fn cleaned(value: &Value) -> Value {
    let text = |text: &str| text.chars().map(storable).collect::<String>();
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        Value::String(string) => Value::String(text(string)),
        Value::Array(values) => Value::Array(values.iter().map(cleaned).collect()),
        Value::Object(members) => Value::Object(
            members.iter().map(|(name, value)| (text(name), cleaned(value))).collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_stored_is_replaced_and_what_is_too_large_left_out() {
        assert_eq!(short("a\0b"), "a\u{FFFD}b");
        assert_eq!(short(&"é".repeat(LONGEST_MESSAGE + 1)).chars().count(), LONGEST_MESSAGE);
        let fields = serde_json::json!({ "a\0": ["\0", 1, null, { "b": true }] });
        let stored = serde_json::json!({ "a\u{FFFD}": ["\u{FFFD}", 1, null, { "b": true }] });
        assert_eq!(bounded(&fields), stored);
        let large = serde_json::json!({ "a": "x".repeat(LARGEST_FIELDS) });
        assert_eq!(bounded(&large), serde_json::json!({ "left_out": "too large" }));
    }
}
