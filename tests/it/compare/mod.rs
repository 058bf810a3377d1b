//! Compares what is stored with what the simulated Jira holds: row for row, field for field, child
//! for child. What a row should be is worked out here anew, from the JSON that this Jira serves.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use jira_sim::IssueId;
use serde_json::Value;
use sqlx::{AssertSqlSafe, FromRow};

use self::served::{Served, each_served};
use crate::app::App;

mod children;
mod documents;
mod exact;
mod served;

pub(crate) use exact::{assert_exact, assert_nothing_open};

/// Panics with the first differences between the world's project and the rows stored of it.
pub(crate) async fn assert_equal(app: &App, project: &str) {
    let differences = differences(app, project).await;
    assert!(
        differences.is_empty(),
        "{} differences, the first: {:#?}",
        differences.len(),
        &differences[..differences.len().min(5)]
    );
}

/// The same, but rows of issues that have left the project may remain: only a reconcile removes
/// those. Answers with how many there are.
pub(crate) async fn assert_equal_but_for_departed(app: &App, project: &str) -> usize {
    let differences = differences(app, project).await;
    let (departed, others): (Vec<_>, Vec<_>) =
        differences.into_iter().partition(|difference| difference.ends_with(TOO_MANY));
    let first = &others[..others.len().min(5)];
    assert!(others.is_empty(), "{} differences, the first: {first:#?}", others.len());
    departed.len()
}

/// Panics if anything stored of the project is not as the world holds it; lacking is allowed.
pub(crate) async fn assert_nothing_wrong(app: &App, project: &str) {
    let mut differences = differences(app, project).await;
    differences.retain(|difference| !difference.ends_with(MISSING));
    assert!(differences.is_empty(), "{differences:#?}");
}

/// Panics if anything differs but what is said of these issues.
pub(crate) async fn assert_equal_but_for(app: &App, project: &str, issues: &[IssueId]) {
    let mut differences = differences(app, project).await;
    let of: Vec<String> = {
        let world = app.sim.world();
        issues.iter().map(|id| format!("{} ", world.issue(*id).unwrap().key())).collect()
    };
    differences.retain(|difference| !of.iter().any(|key| difference.starts_with(key)));
    assert!(differences.is_empty(), "{differences:#?}");
}

const MISSING: &str = " is missing";
const TOO_MANY: &str = " is too many";

pub(crate) async fn differences(app: &App, project: &str) -> Vec<String> {
    let expected: BTreeMap<i64, Stored> =
        each_served(app, project, |id, served| (id, Stored::expected(served)));
    let found = load(app, project).await;
    let mut differences = Vec::new();
    for id in expected.keys().chain(found.keys()).collect::<BTreeSet<_>>() {
        match (expected.get(id), found.get(id)) {
            (Some(expected), Some(found)) => expected.compare(found, *id, &mut differences),
            (Some(expected), None) => differences.push(format!("{}{MISSING}", expected.key)),
            (None, Some(found)) => differences.push(format!("{}{TOO_MANY}", found.key)),
            (None, None) => {}
        }
    }
    differences
}

/// An issue as it should be, or is, stored.
#[derive(Debug, Default)]
struct Stored {
    key: String,
    fields: Value,
    columns: BTreeMap<&'static str, Option<String>>,
    children: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Stored {
    fn expected(served: Served) -> Self {
        let children = served.children();
        let Served { key, fields, .. } = served;
        Self { key, columns: columns(&fields), fields, children }
    }

    fn compare(&self, found: &Self, id: i64, differences: &mut Vec<String>) {
        let key = &self.key;
        let mut differ = |what: &str, expected: String, found: String| {
            if expected != found {
                differences
                    .push(format!("{key} ({id}) {what}: {expected} expected, {found} found"));
            }
        };
        differ("key", self.key.clone(), found.key.clone());
        for (column, expected) in &self.columns {
            let found = found.columns.get(column).cloned().flatten();
            differ(column, format!("{expected:?}"), format!("{found:?}"));
        }
        for (table, expected) in &self.children {
            let empty = BTreeSet::new();
            let found = found.children.get(table).unwrap_or(&empty);
            let lacking: Vec<_> = expected.difference(found).collect();
            let extra: Vec<_> = found.difference(expected).collect();
            differ(table, format!("{lacking:?}"), format!("{:?}", Vec::<&String>::new()));
            differ(table, format!("{:?}", Vec::<&String>::new()), format!("{extra:?}"));
        }
        if !same(&self.fields, &found.fields) {
            let names = |value: &Value| {
                value.as_object().map(|map| map.keys().cloned().collect::<BTreeSet<_>>())
            };
            let all = names(&self.fields).into_iter().chain(names(&found.fields)).flatten();
            for name in all.collect::<BTreeSet<_>>() {
                let (one, other) = (&self.fields[&name], &found.fields[&name]);
                if same(one, other) {
                    continue;
                }
                differ(&format!("fields.{name}"), one.to_string(), other.to_string());
            }
        }
    }
}

/// Whether two values are the same JSON; `1e2` and `100` are the same number.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, value)| other.get(name).is_some_and(|other| same(value, other)))
        }
        (one, other) => one == other,
    }
}

/// JSON as Postgres can hold it: U+0000 and lone surrogates become U+FFFD.
fn parse(json: &str) -> Value {
    serde_json::from_str(&storable(json)).unwrap_or_else(|error| panic!("{error}: {json:.200}"))
}

/// The same JSON text as Postgres can hold it.
pub(crate) fn storable(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = &rest[at..];
        let unit = |text: &str| {
            let hex = text.strip_prefix("\\u")?.get(..4)?;
            u16::from_str_radix(hex, 16).ok()
        };
        let (taken, replaced) = match unit(escape) {
            None => (2, false),
            Some(0 | 0xDC00..=0xDFFF) => (6, true),
            Some(0xD800..=0xDBFF) => match unit(&escape[6..]) {
                Some(0xDC00..=0xDFFF) => (12, false),
                _ => (6, true),
            },
            Some(_) => (6, false),
        };
        out.push_str(if replaced { "\\ufffd" } else { &escape[..taken] });
        rest = &escape[taken..];
    }
    out + rest
}

fn columns(fields: &Value) -> BTreeMap<&'static str, Option<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let time = |value: &Value| value.as_str().map(instant);
    BTreeMap::from([
        ("summary", text(&fields["summary"])),
        ("issue_type", text(&fields["issuetype"]["name"])),
        ("status", text(&fields["status"]["name"])),
        ("status_category", text(&fields["status"]["statusCategory"]["key"])),
        ("priority", text(&fields["priority"]["name"])),
        ("resolution", text(&fields["resolution"]["name"])),
        ("assignee_id", person(&fields["assignee"])),
        ("reporter_id", person(&fields["reporter"])),
        ("creator_id", person(&fields["creator"])),
        ("parent_id", text(&fields["parent"]["id"])),
        ("labels", Some(labels(&fields["labels"]))),
        ("created", time(&fields["created"])),
        ("updated", time(&fields["updated"])),
        ("resolved", time(&fields["resolutiondate"])),
        ("due", text(&fields["duedate"])),
    ])
}

fn labels(value: &Value) -> String {
    let labels = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    labels.collect::<Vec<_>>().join("\u{1f}")
}

fn person(value: &Value) -> Option<String> {
    ["accountId", "key", "name"].iter().find_map(|name| value[name].as_str().map(str::to_owned))
}

/// An instant as it is compared: milliseconds since 1970.
fn instant(text: &str) -> String {
    let time = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z")
        .or_else(|_| DateTime::parse_from_rfc3339(text))
        .unwrap_or_else(|error| panic!("{text}: {error}"));
    time.timestamp_millis().to_string()
}

fn millis(time: Option<DateTime<Utc>>) -> Option<String> {
    time.map(|time| time.timestamp_millis().to_string())
}

#[derive(FromRow)]
struct IssueRow {
    id: i64,
    key: String,
    summary: Option<String>,
    issue_type: Option<String>,
    status: Option<String>,
    status_category: Option<String>,
    priority: Option<String>,
    resolution: Option<String>,
    assignee_id: Option<String>,
    reporter_id: Option<String>,
    creator_id: Option<String>,
    parent_id: Option<i64>,
    labels: Vec<String>,
    created: Option<DateTime<Utc>>,
    updated: Option<DateTime<Utc>>,
    resolved: Option<DateTime<Utc>>,
    due: Option<chrono::NaiveDate>,
    fields: String,
}

impl From<IssueRow> for Stored {
    fn from(row: IssueRow) -> Self {
        let columns = BTreeMap::from([
            ("summary", row.summary),
            ("issue_type", row.issue_type),
            ("status", row.status),
            ("status_category", row.status_category),
            ("priority", row.priority),
            ("resolution", row.resolution),
            ("assignee_id", row.assignee_id),
            ("reporter_id", row.reporter_id),
            ("creator_id", row.creator_id),
            ("parent_id", row.parent_id.map(|id| id.to_string())),
            ("labels", Some(row.labels.join("\u{1f}"))),
            ("created", millis(row.created)),
            ("updated", millis(row.updated)),
            ("resolved", millis(row.resolved)),
            ("due", row.due.map(|due| due.to_string())),
        ]);
        let fields = serde_json::from_str(&row.fields).unwrap();
        Self { key: row.key, fields, columns, children: BTreeMap::new() }
    }
}

async fn load(app: &App, project: &str) -> BTreeMap<i64, Stored> {
    let rows: Vec<IssueRow> = sqlx::query_as(
        "SELECT id, key, summary, issue_type, status, status_category, priority, resolution,
             assignee_id, reporter_id, creator_id, parent_id, labels, created, updated, resolved,
             due, fields::text AS fields
         FROM jira.issues WHERE site = $1 AND project_key = $2 AND deleted_at IS NULL",
    )
    .bind(&app.options.site)
    .bind(project)
    .fetch_all(&app.pool)
    .await
    .unwrap();
    let mut stored: BTreeMap<i64, Stored> =
        rows.into_iter().map(|row| (row.id, row.into())).collect();
    for (table, columns) in children::STORED {
        load_children(app, project, table, columns, &mut stored).await;
    }
    stored
}

async fn load_children(
    app: &App,
    project: &str,
    table: &'static str,
    columns: &str,
    stored: &mut BTreeMap<i64, Stored>,
) {
    let sql = format!(
        "SELECT issue_id, jsonb_build_array({columns})::text FROM jira.{table}
         WHERE (site, issue_id) IN (
             SELECT site, id FROM jira.issues
             WHERE site = $1 AND project_key = $2 AND deleted_at IS NULL
         )"
    );
    let rows = sqlx::query_as::<_, (i64, String)>(AssertSqlSafe(sql));
    let rows = rows.bind(&app.options.site).bind(project).fetch_all(&app.pool).await.unwrap();
    for (id, row) in rows {
        let Some(issue) = stored.get_mut(&id) else { continue };
        issue.children.entry(table).or_default().insert(children::found(&row));
    }
}
