//! The parts of a document that need no knowledge of the field they are in: people, links, times.

use super::CloudView;
use super::people::{is_person, push_person};
use crate::json::{elements, entries, push_quoted};
use crate::time::{jira_text, parse_jira};

/// Members that hold an instant.
const TIMES: [&str; 7] = [
    "created",
    "updated",
    "started",
    "resolutiondate",
    "lastViewed",
    "statuscategorychangedate",
    "archiveddate",
];
/// What only a text worth taking apart contains.
const MARKS: [&str; 5] =
    [r#""displayName""#, "/rest/api/2/", r#""created""#, r#""updated""#, r#""started""#];

impl CloudView<'_> {
    /// Appends a value of Server's as Cloud writes it; `name` is the member that it is.
    pub(super) fn push_value(&self, out: &mut String, name: &str, raw: &str) {
        match raw.as_bytes().first() {
            Some(b'"') => self.push_string(out, name, raw),
            Some(b'{' | b'[') if !MARKS.iter().any(|mark| raw.contains(mark)) => out.push_str(raw),
            Some(b'{') => self.push_object(out, raw),
            Some(b'[') => {
                out.push('[');
                for (at, element) in elements(raw).unwrap_or_default().into_iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    self.push_value(out, "", element.get());
                }
                out.push(']');
            }
            _ => out.push_str(raw),
        }
    }

    fn push_object(&self, out: &mut String, raw: &str) {
        let known = self.people.borrow().get(raw).cloned();
        if let Some(person) = known {
            out.push_str(&person);
            return;
        }
        let members = entries(raw).unwrap_or_default();
        if is_person(&members) {
            let mut person = String::new();
            push_person(&mut person, &members, self.api);
            out.push_str(&person);
            self.people.borrow_mut().insert(raw.to_owned(), person.into());
            return;
        }
        out.push('{');
        for (at, (name, value)) in members.iter().enumerate() {
            out.push_str(if at > 0 { "," } else { "" });
            push_quoted(out, name);
            out.push(':');
            self.push_value(out, name, value.get());
        }
        out.push('}');
    }

    fn push_string(&self, out: &mut String, name: &str, raw: &str) {
        let time = Some(raw).filter(|_| TIMES.contains(&name)).and_then(|raw| {
            let text: String = serde_json::from_str(raw).ok()?;
            parse_jira(&text)
        });
        match time {
            Some(at) => push_quoted(out, &jira_text(at, self.zone)),
            None if name == "self" => out.push_str(&raw.replace("/rest/api/2/", self.api)),
            None => out.push_str(raw),
        }
    }
}
