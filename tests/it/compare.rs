//! Compares what is stored with what the simulated Jira holds: row for row, field for field, child
//! for child. What a row should be is worked out here anew, from the world's JSON.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use jira_sim::{Issue, IssueId};
use serde_json::Value;
use sqlx::{AssertSqlSafe, FromRow, PgPool};

use crate::app::App;
use crate::served::Served;

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
    let expected: BTreeMap<i64, Stored> = {
        let (config, world) = (app.sim.config(), app.sim.world());
        let served = Served::all(&world, &config, project);
        served.iter().map(|(issue, served)| (id(issue), Stored::expected(issue, served))).collect()
    };
    let found = load(&app.pool, project).await;
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

fn id(issue: &Issue) -> i64 {
    i64::try_from(issue.id()).unwrap()
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
    fn expected(issue: &Issue, served: &Served) -> Self {
        let columns = columns(&served.fields);
        let children = BTreeMap::from([
            ("changes", changes(&served.histories)),
            ("comments", served.comments.iter().map(comment).collect()),
            ("worklogs", served.worklogs.iter().map(worklog).collect()),
            ("links", served.links.iter().flat_map(link).collect()),
            ("attachments", served.attachments.iter().map(attachment).collect()),
            ("issue_sprints", sprints(&served.fields)),
        ]);
        Self { key: issue.key().to_string(), fields: served.fields.clone(), columns, children }
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

fn number(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn changes(histories: &[Value]) -> BTreeSet<String> {
    histories
        .iter()
        .flat_map(|history| {
            let items = history["items"].as_array().into_iter().flatten().enumerate();
            items.map(|(item, change)| {
                let text = |name: &str| change[name].as_str().map(str::to_owned);
                format!(
                    "{:?}",
                    (
                        number(&history["id"]),
                        item as i32,
                        person(&history["author"]),
                        history["created"].as_str().map(instant),
                        text("field").unwrap_or_default(),
                        text("from"),
                        text("fromString"),
                        text("to"),
                        text("toString"),
                    )
                )
            })
        })
        .collect()
}

/// A body as it is compared: text, or the whole document.
fn body(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        document => document.to_string(),
    }
}

fn comment(json: &Value) -> String {
    let body = body(&json["body"]);
    let time = |name: &str| json[name].as_str().map(instant);
    let author = person(&json["author"]);
    format!("{:?}", (number(&json["id"]), author, time("created"), time("updated"), body))
}

fn worklog(json: &Value) -> String {
    let started = json["started"].as_str().map(instant);
    let seconds = json["timeSpentSeconds"].as_i64();
    format!("{:?}", (number(&json["id"]), person(&json["author"]), started, seconds))
}

fn link(json: &Value) -> Option<String> {
    let ends = [("outward", "outwardIssue"), ("inward", "inwardIssue")];
    ends.iter().find(|(_, name)| json[name].is_object()).map(|(direction, name)| {
        let kind = json["type"]["name"].as_str().unwrap_or_default();
        let other = json[name]["key"].as_str().unwrap_or_default();
        format!("{:?}", (number(&json["id"]), direction, kind, other))
    })
}

fn attachment(json: &Value) -> String {
    let name = json["filename"].as_str().unwrap_or_default().to_owned();
    format!("{:?}", (number(&json["id"]), person(&json["author"]), name, json["size"].as_i64()))
}

fn sprints(fields: &Value) -> BTreeSet<String> {
    let custom = fields.as_object().into_iter().flatten();
    let custom = custom.filter(|(name, _)| name.starts_with("customfield_"));
    custom
        .flat_map(|(_, value)| value.as_array().into_iter().flatten())
        .filter_map(|value| match value {
            Value::String(text) if text.contains("greenhopper.service.sprint.Sprint@") => {
                let from = text.find("[id=").map(|at| at + 4);
                let from = from.or_else(|| text.find(",id=").map(|at| at + 4))?;
                let digits = text[from..].chars().take_while(char::is_ascii_digit);
                Some(digits.collect())
            }
            Value::Object(map) if map.contains_key("state") && map.contains_key("goal") => {
                Some(number(&map["id"]))
            }
            _ => None,
        })
        .collect()
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

async fn load(pool: &PgPool, project: &str) -> BTreeMap<i64, Stored> {
    let rows: Vec<IssueRow> = sqlx::query_as(
        "SELECT id, key, summary, issue_type, status, status_category, priority, resolution,
             assignee_id, reporter_id, creator_id, parent_id, labels, created, updated, resolved,
             due, fields::text AS fields
         FROM jira.issues WHERE project_key = $1 AND deleted_at IS NULL",
    )
    .bind(project)
    .fetch_all(pool)
    .await
    .unwrap();
    let mut stored: BTreeMap<i64, Stored> =
        rows.into_iter().map(|row| (row.id, row.into())).collect();
    for (table, columns) in [
        (
            "changes",
            "history_id::text, item, author_id, at, field, from_id, from_text, to_id, to_text",
        ),
        ("comments", "comment_id::text, author_id, created, updated, body, body_adf"),
        ("worklogs", "worklog_id::text, author_id, started, time_spent_secs"),
        ("links", "link_id::text, direction, type, other_key"),
        ("attachments", "attachment_id::text, author_id, filename, size_bytes"),
        ("issue_sprints", "sprint_id::text"),
    ] {
        load_children(pool, project, table, columns, &mut stored).await;
    }
    stored
}

async fn load_children(
    pool: &PgPool,
    project: &str,
    table: &'static str,
    columns: &str,
    stored: &mut BTreeMap<i64, Stored>,
) {
    let sql = format!(
        "SELECT issue_id, {columns} FROM jira.{table} WHERE (site, issue_id) IN (
             SELECT site, id FROM jira.issues WHERE project_key = $1 AND deleted_at IS NULL
         )"
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(project).fetch_all(pool).await.unwrap();
    for row in rows {
        let (id, text) = child_row(table, &row);
        let Some(issue) = stored.get_mut(&id) else { continue };
        issue.children.entry(table).or_default().insert(text);
    }
}

fn child_row(table: &str, row: &sqlx::postgres::PgRow) -> (i64, String) {
    use sqlx::Row as _;
    type Text = Option<String>;
    type Time = Option<DateTime<Utc>>;
    let text = |at: usize| row.get::<String, _>(at);
    let maybe = |at: usize| row.get::<Text, _>(at);
    let time = |at: usize| millis(row.get::<Time, _>(at));
    let child = match table {
        "changes" => format!(
            "{:?}",
            (
                text(1),
                row.get::<i32, _>(2),
                maybe(3),
                time(4),
                text(5),
                maybe(6),
                maybe(7),
                maybe(8),
                maybe(9)
            )
        ),
        "comments" => {
            let document = row.get::<Option<Value>, _>(6);
            let body = document.map_or_else(|| text(5), |document| body(&document));
            format!("{:?}", (text(1), maybe(2), time(3), time(4), body))
        }
        "worklogs" => {
            format!("{:?}", (text(1), maybe(2), time(3), row.get::<Option<i64>, _>(4)))
        }
        "links" => format!("{:?}", (text(1), text(2), text(3), text(4))),
        "attachments" => {
            format!("{:?}", (text(1), maybe(2), text(3), row.get::<Option<i64>, _>(4)))
        }
        _ => text(1),
    };
    (row.get(0), child)
}
