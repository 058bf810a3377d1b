//! What issues held at every instant, kept apart from the changelog that is served, so that a history
//! made of the changelog can be compared with the truth; and the changelog's way of writing values.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::{Catalogue, Issue, IssueId, Slot, World, WorldError};
use crate::json::{Json, elements, quote};
use crate::time::Millis;

/// Fields that Jira derives, counts or changes without an entry: their past is not known.
const DERIVED: [&str; 24] = [
    "created",
    "updated",
    "lastViewed",
    "resolutiondate",
    "workratio",
    "issuelinks",
    "subtasks",
    "comment",
    "attachment",
    "worklog",
    "votes",
    "watches",
    "progress",
    "aggregateprogress",
    "timetracking",
    "aggregatetimespent",
    "aggregatetimeestimate",
    "aggregatetimeoriginalestimate",
    "thumbnail",
    "issuerestriction",
    "archiveddate",
    "archivedby",
    "statusCategory",
    "statuscategorychangedate",
];

/// Lists of which the changelog has an item for each element that came or went.
const BY_ELEMENT: [&str; 3] = ["fixVersions", "versions", "components"];

/// A value as changelogs write it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// `from` or `to`: the id of an option, the key of a person, `[1, 2]` for lists.
    pub id: Option<String>,
    /// `fromString` or `toString`.
    pub text: Option<String>,
    /// Whether `text` is the whole truth: no decoder takes halves of surrogate pairs, and numbers
    /// have many spellings.
    pub exact: bool,
}

/// The values that fields had, each with the instant from which on; only of fields that changed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Past(BTreeMap<Arc<str>, Vec<(Millis, Json)>>);

impl Past {
    /// A field became `new`; it was `old` from `created` on if nothing is known of it.
    pub(crate) fn note(
        &mut self,
        field: &str,
        created: Millis,
        old: &Json,
        at: Millis,
        new: &Json,
    ) {
        let values = self.0.entry(Arc::from(field)).or_insert_with(|| vec![(created, old.clone())]);
        values.push((at, new.clone()));
    }

    /// What is known of a field, oldest first.
    pub(crate) fn put(&mut self, field: &str, values: Vec<(Millis, Json)>) {
        self.0.insert(Arc::from(field), values);
    }

    fn at(&self, field: &str, at: Millis) -> Option<&Json> {
        let values = self.0.get(field)?;
        let known = values.partition_point(|(from, _)| *from <= at).max(1);
        values.get(known - 1).map(|(_, value)| value)
    }
}

impl World {
    /// Every field that had a value at an instant, `key` among them, as changelogs write values;
    /// `None` if the issue is not there or was not yet. Derived fields are left out.
    pub fn fields_at(&self, id: IssueId, at: Millis) -> Option<BTreeMap<String, Written>> {
        let issue = self.issues.get(&id)?;
        if issue.created.is_some_and(|created| created > at) {
            return None;
        }
        let key = Json::string(&issue.key.to_string());
        let present = issue.fields.iter().filter_map(|(name, slot)| match slot {
            Slot::Json(json) => Some((&**name, json)),
            Slot::Comments | Slot::Worklogs | Slot::Links | Slot::Attachments => None,
        });
        let mut fields = BTreeMap::new();
        for (name, json) in present.chain([("key", &key)]) {
            let value = issue.past.at(name, at).unwrap_or(json);
            let written = written(name, value);
            if !DERIVED.contains(&name) && (written.id.is_some() || written.text.is_some()) {
                fields.insert(name.to_owned(), written);
            }
        }
        Some(fields)
    }

    /// The instants at which anything changed that the changelog tells of, oldest first.
    pub fn changes_of(&self, id: IssueId) -> Vec<Millis> {
        let past = self.issues.get(&id).map(|issue| &issue.past.0);
        let mut at: Vec<Millis> = past
            .into_iter()
            .flat_map(BTreeMap::values)
            .flat_map(|values| values.iter().skip(1).map(|(at, _)| *at))
            .collect();
        at.sort_unstable();
        at.dedup();
        at
    }

    /// Sets a field and keeps what it was; answers the changelog's items.
    pub(super) fn change(
        &mut self,
        id: IssueId,
        name: &str,
        new: Json,
    ) -> Result<Vec<String>, WorldError> {
        let now = self.now;
        let issue = self.issue_mut(id)?;
        let old = issue.field(name).unwrap_or_else(Json::null);
        issue.set(name, Slot::Json(new.clone()));
        issue.note(name, &old, now, &new);
        Ok(items(&self.catalogue, name, &old, &new))
    }
}

impl Issue {
    /// A field, or `key`, became another value.
    pub(super) fn note(&mut self, name: &str, old: &Json, at: Millis, new: &Json) {
        self.past.note(name, self.created.unwrap_or(at), old, at, new);
    }
}

/// The changelog items of a change: names in `fromString`/`toString`, ids in `from`/`to`.
pub(crate) fn items(catalogue: &Catalogue, field: &str, old: &Json, new: &Json) -> Vec<String> {
    let custom = field.starts_with("customfield_");
    let known = catalogue.fields.iter().find(|known| known.id == field);
    let name = match field {
        "fixVersions" => "Fix Version",
        "versions" => "Version",
        "components" => "Component",
        "parent" => "Parent",
        _ => known.filter(|_| custom).map_or(field, |known| known.name.as_str()),
    };
    if !BY_ELEMENT.contains(&field) {
        return vec![one(field, name, old, new)];
    }
    let parts = |json: &Json| -> Vec<Json> {
        elements(json.as_str()).unwrap_or_default().into_iter().map(Json::raw).collect()
    };
    let (had, has, none) = (parts(old), parts(new), Json::null());
    let gone = had.iter().filter(|part| !has.contains(part)).map(|part| (part, &none));
    let come = has.iter().filter(|part| !had.contains(part)).map(|part| (&none, part));
    gone.chain(come).map(|(old, new)| one(field, name, old, new)).collect()
}

fn one(field: &str, name: &str, old: &Json, new: &Json) -> String {
    let kind = if field.starts_with("customfield_") { "custom" } else { "jira" };
    let id = |json| written(field, json).id.map_or_else(|| "null".to_owned(), |id| quote(&id));
    format!(
        r#"{{"field":{},"fieldtype":"{kind}","from":{},"fromString":{},"to":{},"toString":{}}}"#,
        quote(name),
        id(old),
        literal(field, old),
        id(new),
        literal(field, new),
    )
}

/// A value's text as a JSON literal. Texts come through as they are written, with every escape.
fn literal(field: &str, json: &Json) -> String {
    let date = written(field, json).id.filter(|_| json.as_str().starts_with('"'));
    match date {
        Some(date) if field == "duedate" => quote(&format!("{date} 00:00:00.0")),
        Some(date) => quote(&date.split('-').rev().collect::<Vec<_>>().join("/")),
        None if json.as_str().starts_with('"') => json.as_str().to_owned(),
        None => match written(field, json).text {
            Some(text) => quote(&text),
            None if field == "labels" => r#""""#.to_owned(),
            None => "null".to_owned(),
        },
    }
}

/// A field's value as the changelog writes it.
fn written(field: &str, json: &Json) -> Written {
    let exact = Written { exact: true, ..Written::default() };
    let Some(value) = json.to_value() else {
        return Written { text: Some(json.as_str().to_owned()), exact: false, ..exact };
    };
    match value {
        Value::Null => exact,
        Value::Bool(flag) => Written { text: Some(flag.to_string()), ..exact },
        Value::Number(_) => number(field, json.as_str()),
        Value::String(text) if is_date(&text) => {
            Written { id: Some(text.clone()), text: Some(text), ..exact }
        }
        Value::String(text) if text.is_empty() => exact,
        Value::String(text) => Written { exact: !text.contains('\0'), text: Some(text), ..exact },
        Value::Object(_) => {
            let (id, text) = element(&value);
            Written { id, text, ..exact }
        }
        Value::Array(parts) => list(&parts),
    }
}

fn is_date(text: &str) -> bool {
    let shape = text.bytes().map(|byte| if byte.is_ascii_digit() { b'9' } else { byte });
    let shape: Vec<u8> = shape.collect();
    shape == b"9999-99-99"
        || shape.starts_with(b"9999-99-99T99:")
        || shape.starts_with(b"9999-99-99 99:")
}

/// A number without trailing zeros. Exponents and huge ones have too many spellings.
fn number(field: &str, raw: &str) -> Written {
    let plain = match raw.split_once('.') {
        Some((_, fraction)) if fraction.len() < 6 => {
            raw.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => raw.to_owned(),
    };
    let plain = if plain == "-0" { "0".to_owned() } else { plain };
    Written {
        id: field.starts_with("time").then(|| raw.to_owned()),
        exact: plain.len() < 16 && !plain.contains(['e', 'E']),
        text: Some(plain),
    }
}

fn element(value: &Value) -> (Option<String>, Option<String>) {
    let text = |name: &str| match value.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let name = text("displayName")
        .or_else(|| text("name"))
        .or_else(|| text("value"))
        .or_else(|| text("key"));
    let id = match text("displayName") {
        Some(_) => text("accountId").or_else(|| text("key")).or_else(|| text("name")),
        None => text("id"),
    };
    (id, name)
}

fn list(parts: &[Value]) -> Written {
    let sprint = |text: &str| text.starts_with("com.atlassian.greenhopper");
    let exact = Written { exact: true, ..Written::default() };
    let texts: Option<Vec<&str>> = parts.iter().map(Value::as_str).collect();
    match texts {
        _ if parts.is_empty() => exact,
        Some(texts) if texts.iter().all(|text| sprint(text)) => {
            let all = |name: &str| {
                texts.iter().filter_map(|text| attribute(text, name)).collect::<Vec<_>>()
            };
            Written { id: Some(all("id").join(", ")), text: Some(all("name").join(", ")), ..exact }
        }
        Some(texts) => Written { text: Some(texts.join(" ")), ..exact },
        None => {
            let (ids, names): (Vec<_>, Vec<_>) = parts.iter().map(element).unzip();
            let ids = ids.into_iter().flatten().collect::<Vec<_>>().join(", ");
            let names = names.into_iter().flatten().collect::<Vec<_>>().join(", ");
            let sprints = parts.iter().all(|part| part.get("state").is_some());
            let id = if sprints { ids } else { format!("[{ids}]") };
            Written { id: Some(id), text: Some(names), ..exact }
        }
    }
}

/// An attribute of a sprint's Java text. Names hold commas, so what follows must look like the next
/// attribute.
fn attribute(text: &str, name: &str) -> Option<String> {
    let inside = text.split_once('[')?.1.strip_suffix(']')?;
    let mut attributes: Vec<(&str, String)> = Vec::new();
    for part in inside.split(',') {
        match part.split_once('=') {
            Some((key, value)) if key.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                attributes.push((key, value.to_owned()));
            }
            _ => {
                let (_, value) = attributes.last_mut()?;
                value.push(',');
                value.push_str(part);
            }
        }
    }
    attributes.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_changelogs_write_them() {
        let cases = [
            ("summary", r#""one""#, None, Some("one")),
            ("status", r#"{"id":"3","name":"Open"}"#, Some("3"), Some("Open")),
            ("assignee", r#"{"key":"k","name":"n","displayName":"N"}"#, Some("k"), Some("N")),
            ("labels", r#"["a","b"]"#, None, Some("a b")),
            ("customfield_1", "8.0", None, Some("8")),
            ("timespent", "600", Some("600"), Some("600")),
            ("duedate", r#""2024-02-29""#, Some("2024-02-29"), Some("2024-02-29")),
            (
                "customfield_2",
                r#"[{"id":"1","value":"A"},{"id":"2","value":"B"}]"#,
                Some("[1, 2]"),
                Some("A, B"),
            ),
            (
                "customfield_3",
                r#"["com.atlassian.greenhopper.service.sprint.Sprint@1[name=S [a, b] | c,state=CLOSED,id=7]"]"#,
                Some("7"),
                Some("S [a, b] | c"),
            ),
            ("customfield_3", r#"[{"id":7,"name":"S","state":"closed"}]"#, Some("7"), Some("S")),
            ("resolution", "null", None, None),
        ];
        for (field, json, id, text) in cases {
            let written = written(field, &Json::built(json));
            assert_eq!((written.id.as_deref(), written.text.as_deref()), (id, text), "{json}");
        }
    }

    #[test]
    fn a_list_has_an_item_for_each_element_that_came_or_went() {
        let (old, new) = (r#"[{"id":"1","name":"a"}]"#, r#"[{"id":"2","name":"b"}]"#);
        let items =
            items(&Catalogue::default(), "fixVersions", &Json::built(old), &Json::built(new));
        assert_eq!(items.len(), 2);
        assert!(items[0].contains(r#""from":"1","fromString":"a","to":null"#), "{items:?}");
        assert!(items[1].contains(r#""field":"Fix Version""#), "{items:?}");
    }
}
