//! What hangs on an issue, as rows: each row an array of its columns, by table.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::served::Served;
use super::{documents, instant, person};

/// The tables, and the columns that are compared. A text that has a document stands before it, and
/// the document last.
pub(super) const STORED: [(&str, &str); 6] = [
    (
        "changes",
        "history_id, item, author_id, (extract(epoch FROM at) * 1000)::bigint, field, field_id,
         from_id, from_text, to_id, to_text",
    ),
    (
        "comments",
        "comment_id, author_id, update_author_id, (extract(epoch FROM created) * 1000)::bigint,
         (extract(epoch FROM updated) * 1000)::bigint, visibility, body, body_adf",
    ),
    (
        "worklogs",
        "worklog_id, author_id, update_author_id, (extract(epoch FROM created) * 1000)::bigint,
         (extract(epoch FROM updated) * 1000)::bigint,
         (extract(epoch FROM started) * 1000)::bigint, time_spent_secs, comment, comment_adf",
    ),
    ("links", "link_id, direction, type, other_id, other_key"),
    (
        "attachments",
        "attachment_id, author_id, (extract(epoch FROM created) * 1000)::bigint, filename,
         mime_type, size_bytes, content_url",
    ),
    ("issue_sprints", "sprint_id"),
];

/// A row that was found, in the form in which rows are compared.
pub(super) fn found(row: &str) -> String {
    let mut row: Value = serde_json::from_str(row).unwrap();
    if let Some([.., text, document]) = row.as_array_mut().map(Vec::as_mut_slice)
        && document.is_object()
        && documents::plain(document).is_none()
        && documents::holds_every_word(text.as_str().unwrap_or_default(), document)
    {
        *text = Value::Null;
    }
    row.to_string()
}

impl Served {
    /// The rows that should be there, by table.
    pub(super) fn children(&self) -> BTreeMap<&'static str, BTreeSet<String>> {
        let rows = |list: &[Value], row: fn(&Value) -> Option<Value>| -> BTreeSet<String> {
            list.iter().filter_map(row).map(|row| row.to_string()).collect()
        };
        BTreeMap::from([
            ("changes", self.histories.iter().flat_map(changes).collect()),
            ("comments", rows(&self.comments, comment)),
            ("worklogs", rows(&self.worklogs, worklog)),
            ("links", rows(&self.links, link)),
            ("attachments", rows(&self.attachments, attachment)),
            ("issue_sprints", sprint_rows(&self.fields)),
        ])
    }
}

fn changes(history: &Value) -> Vec<String> {
    let items = history["items"].as_array().into_iter().flatten().zip(0..);
    let row = |(change, item): (&Value, i32)| {
        let row = json!([
            id(&history["id"]),
            item,
            person(&history["author"]),
            time(&history["created"]),
            change["field"],
            change["fieldId"],
            change["from"],
            change["fromString"],
            change["to"],
            change["toString"],
        ]);
        row.to_string()
    };
    items.map(row).collect()
}

fn comment(json: &Value) -> Option<Value> {
    let visibility = json["visibility"]["type"]
        .as_str()
        .map(|kind| format!("{kind}:{}", json["visibility"]["value"].as_str().unwrap_or_default()));
    let (text, document) = body(&json["body"]);
    Some(json!([
        id(&json["id"]),
        person(&json["author"]),
        person(&json["updateAuthor"]),
        time(&json["created"]),
        time(&json["updated"]),
        visibility,
        text,
        document,
    ]))
}

fn worklog(json: &Value) -> Option<Value> {
    let (text, document) = body(&json["comment"]);
    Some(json!([
        id(&json["id"]),
        person(&json["author"]),
        person(&json["updateAuthor"]),
        time(&json["created"]),
        time(&json["updated"]),
        time(&json["started"]),
        json["timeSpentSeconds"],
        text,
        document,
    ]))
}

/// A body as text and as document, where it is one.
fn body(json: &Value) -> (Value, Value) {
    match json {
        Value::Object(_) => (documents::plain(json).into(), json.clone()),
        text => (text.clone(), Value::Null),
    }
}

fn link(json: &Value) -> Option<Value> {
    let ends = [("outward", "outwardIssue"), ("inward", "inwardIssue")];
    let (direction, end) = ends.into_iter().find(|(_, end)| json[end].is_object())?;
    let other = &json[end];
    Some(json!([id(&json["id"]), direction, json["type"]["name"], id(&other["id"]), other["key"]]))
}

fn attachment(json: &Value) -> Option<Value> {
    Some(json!([
        id(&json["id"]),
        person(&json["author"]),
        time(&json["created"]),
        json["filename"],
        json["mimeType"],
        json["size"],
        json["content"],
    ]))
}

fn sprint_rows(fields: &Value) -> BTreeSet<String> {
    sprints(fields).map(|sprint| json!([id(&sprint["id"])]).to_string()).collect()
}

/// The sprints that an issue is said to be in: objects, of which only the id is sure.
pub(super) fn sprints(fields: &Value) -> impl Iterator<Item = Value> {
    let custom = fields.as_object().into_iter().flatten();
    let custom = custom.filter(|(name, _)| name.starts_with("customfield_"));
    let values = custom.flat_map(|(_, value)| value.as_array().into_iter().flatten());
    values.filter_map(|value| match value {
        Value::String(text) if text.contains("greenhopper.service.sprint.Sprint@") => {
            let from = text.find("[id=").or_else(|| text.find(",id="))? + 4;
            let digits: String = text[from..].chars().take_while(char::is_ascii_digit).collect();
            Some(json!({"id": digits}))
        }
        Value::Object(map) if map.contains_key("state") && map.contains_key("goal") => {
            Some(value.clone())
        }
        _ => None,
    })
}

/// An id, which Jira writes as a number or as text.
pub(super) fn id(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// Milliseconds since 1970.
pub(super) fn time(value: &Value) -> Option<i64> {
    value.as_str().map(|text| instant(text).parse().unwrap())
}
