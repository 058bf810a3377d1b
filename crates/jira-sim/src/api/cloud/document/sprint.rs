//! Sprints: the Java text of old servers, and Server's objects, as Cloud's objects.

use std::collections::HashMap;

use crate::json::{Json, elements, entries, quote};

/// What marks the Java text of a sprint.
const JAVA: &str = "greenhopper.service.sprint.Sprint@";
const ATTRIBUTES: [&str; 10] = [
    "id",
    "rapidViewId",
    "state",
    "name",
    "startDate",
    "endDate",
    "completeDate",
    "activatedDate",
    "sequence",
    "goal",
];

/// Whether a field's value is a list of sprints in a form that Cloud does not use.
pub(super) fn is_sprints(raw: &str) -> bool {
    let objects = raw.starts_with("[{") && raw.contains(r#""rapidViewId":"#);
    objects || (raw.starts_with("[\"") && raw.contains(JAVA))
}

/// Appends the list as Cloud writes it.
pub(super) fn push_sprints(out: &mut String, raw: &str) {
    out.push('[');
    for (at, sprint) in elements(raw).unwrap_or_default().into_iter().enumerate() {
        out.push_str(if at > 0 { "," } else { "" });
        let attributes = match Json::raw(sprint).text() {
            Some(java) => read_java(&java),
            None => read_object(sprint.get()),
        };
        push_sprint(out, &attributes);
    }
    out.push(']');
}

fn push_sprint(out: &mut String, attributes: &HashMap<String, String>) {
    let given = |name: &str| attributes.get(name).map(String::as_str).filter(|it| *it != "<null>");
    out.push_str(&format!(
        r#"{{"id":{},"name":{},"state":{},"boardId":{},"goal":{}"#,
        given("id").unwrap_or("0"),
        quote(given("name").unwrap_or("")),
        quote(&given("state").unwrap_or("").to_lowercase()),
        given("rapidViewId").unwrap_or("0"),
        quote(given("goal").unwrap_or("")),
    ));
    for name in ["startDate", "endDate", "completeDate"] {
        if let Some(date) = given(name) {
            out.push_str(&format!(r#","{name}":{}"#, quote(date)));
        }
    }
    out.push('}');
}

/// `…Sprint@1f[id=1,name=Sprint 1, late,goal=]`: names and goals may contain anything but the next
/// attribute's beginning.
fn read_java(text: &str) -> HashMap<String, String> {
    let inside = text.split_once('[').and_then(|(_, rest)| rest.strip_suffix(']')).unwrap_or("");
    let mut starts: Vec<(usize, &str)> = ATTRIBUTES
        .iter()
        .filter_map(|name| {
            let opening = format!("{name}=");
            if inside.starts_with(&opening) {
                return Some((0, *name));
            }
            inside.find(&format!(",{opening}")).map(|at| (at + 1, *name))
        })
        .collect();
    starts.sort_unstable();
    let ends = starts.iter().skip(1).map(|(at, _)| at - 1).chain([inside.len()]);
    starts
        .iter()
        .zip(ends)
        .filter_map(|((at, name), end)| {
            let value = inside.get(at + name.len() + 1..end)?;
            Some(((*name).to_owned(), value.to_owned()))
        })
        .collect()
}

fn read_object(raw: &str) -> HashMap<String, String> {
    let members = entries(raw).unwrap_or_default();
    members
        .into_iter()
        .filter(|(_, value)| value.get() != "null")
        .map(|(name, value)| {
            let text = Json::raw(value).text().unwrap_or_else(|| value.get().to_owned());
            (name, text)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn both_forms_of_server_become_the_form_of_cloud() {
        let java = "com.atlassian.greenhopper.service.sprint.Sprint@65199e1e[rapidViewId=34,state=ACTIVE,name=Sprint 5 [core, docs] | late,startDate=2020-01-01T00:00:00.000+02:00,endDate=<null>,completeDate=<null>,sequence=205,goal=ship it, then rest,id=205]";
        let object = json!({"id": 404, "rapidViewId": 41, "state": "closed", "name": "Iteration 4",
            "startDate": "2020-01-01T00:00:00.000Z", "completeDate": null, "sequence": 4, "goal": "one, two"});
        let raw = json!([java]).to_string();
        assert!(is_sprints(&raw));
        let mut out = String::new();
        push_sprints(&mut out, &raw);
        assert_eq!(
            serde_json::from_str::<Value>(&out).unwrap(),
            json!([{"id": 205, "name": "Sprint 5 [core, docs] | late", "state": "active", "boardId": 34,
                "goal": "ship it, then rest", "startDate": "2020-01-01T00:00:00.000+02:00"}])
        );
        let raw = format!("[{object}]");
        let mut out = String::new();
        push_sprints(&mut out, &raw);
        assert_eq!(
            serde_json::from_str::<Value>(&out).unwrap(),
            json!([{"id": 404, "name": "Iteration 4", "state": "closed", "boardId": 41, "goal": "one, two",
                "startDate": "2020-01-01T00:00:00.000Z"}])
        );
    }
}
