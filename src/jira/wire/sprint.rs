//! Sprints in a custom field's value: objects, or the text that old servers print instead, such
//! as `com.atlassian.greenhopper.service.sprint.Sprint@1f[id=7,state=CLOSED,name=A, B]`.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::scalar::Id;
use crate::model::{Sprint, parse_jira_time};

/// The sprints in the value of a custom field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SprintValue {
    pub(super) sprints: Vec<Sprint>,
    /// Every element was understood.
    pub(super) complete: bool,
}

/// Reads a custom field's value as sprints; `None` if it has not their shape.
pub(super) fn read_sprints(value: &str) -> Option<SprintValue> {
    let may_be =
        value.starts_with('[') && (value.contains("Sprint@") || value.contains("\"state\""));
    if !may_be {
        return None;
    }
    let elements: Vec<&RawValue> = serde_json::from_str(value).ok()?;
    let sprints: Vec<Sprint> = elements.iter().filter_map(|e| read_sprint(e.get())).collect();
    if sprints.is_empty() {
        return None;
    }
    let complete = sprints.len() == elements.len();
    Some(SprintValue { sprints, complete })
}

fn read_sprint(json: &str) -> Option<Sprint> {
    if json.starts_with('"') {
        return from_text(&serde_json::from_str::<String>(json).ok()?);
    }
    serde_json::from_str::<Object>(json).ok()?.into_sprint()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    id: Id,
    name: String,
    state: String,
    board_id: Option<Id>,
    origin_board_id: Option<Id>,
    rapid_view_id: Option<Id>,
    goal: Option<String>,
    start_date: Option<String>,
    end_date: Option<String>,
    complete_date: Option<String>,
}

impl Object {
    fn into_sprint(self) -> Option<Sprint> {
        if !is_state(&self.state) {
            return None;
        }
        Some(Sprint {
            sprint_id: self.id.0,
            board_id: self.board_id.or(self.origin_board_id).or(self.rapid_view_id).map(|id| id.0),
            name: Some(self.name),
            state: Some(self.state.to_ascii_lowercase()),
            goal: self.goal.filter(|goal| !goal.is_empty()),
            started_at: self.start_date.as_deref().and_then(instant),
            ends_at: self.end_date.as_deref().and_then(instant),
            completed_at: self.complete_date.as_deref().and_then(instant),
        })
    }
}

fn is_state(text: &str) -> bool {
    ["future", "active", "closed"].iter().any(|state| text.eq_ignore_ascii_case(state))
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    parse_jira_time(text).ok()
}

/// What a printed sprint may hold, and whether it is free text.
const ATTRIBUTES: &[(&str, Kind)] = &[
    ("id", Kind::Number),
    ("rapidViewId", Kind::Number),
    ("sequence", Kind::Number),
    ("state", Kind::State),
    ("startDate", Kind::Date),
    ("endDate", Kind::Date),
    ("completeDate", Kind::Date),
    ("activatedDate", Kind::Date),
    ("name", Kind::Free),
    ("goal", Kind::Free),
    ("autoStartStop", Kind::Flag),
    ("synced", Kind::Flag),
    ("incompleteIssuesDestinationId", Kind::Number),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    State,
    Date,
    Flag,
    Free,
}

/// Names and goals hold commas, brackets and equals signs, unescaped. So an attribute begins only
/// where its name stands and, unless it is free text, a value of its kind follows.
fn from_text(text: &str) -> Option<Sprint> {
    let (_, rest) = text.split_once("Sprint@")?;
    let (hash, rest) = rest.split_once('[')?;
    if !hash.chars().all(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    let inside = rest.strip_suffix(']')?;
    let attributes = attributes(inside);
    let value = |name: &str| {
        let found = attributes.iter().find(|(found, _)| *found == name)?;
        Some(found.1).filter(|value| *value != "<null>" && !value.is_empty())
    };
    Some(Sprint {
        sprint_id: value("id")?.parse().ok()?,
        board_id: value("rapidViewId").and_then(|id| id.parse().ok()),
        name: value("name").map(str::to_owned),
        state: value("state").map(str::to_ascii_lowercase),
        goal: value("goal").map(str::to_owned),
        started_at: value("startDate").and_then(instant),
        ends_at: value("endDate").and_then(instant),
        completed_at: value("completeDate").and_then(instant),
    })
}

/// Splits at the attributes' beginnings; each attribute once, the first that fits.
fn attributes(inside: &str) -> Vec<(&'static str, &str)> {
    let mut starts: Vec<(&'static str, usize, usize)> = Vec::new();
    let commas = inside.match_indices(',').map(|(at, _)| at + 1);
    for begin in std::iter::once(0).chain(commas) {
        let rest = &inside[begin..];
        let fitting = ATTRIBUTES.iter().find(|(name, kind)| {
            rest.strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('='))
                .is_some_and(|value| fits(*kind, value))
        });
        if let Some((name, _)) = fitting
            && !starts.iter().any(|(seen, _, _)| seen == name)
        {
            starts.push((name, begin, begin + name.len() + 1));
        }
    }
    let ends = starts.iter().skip(1).map(|(_, begin, _)| begin - 1).chain([inside.len()]);
    starts.iter().zip(ends).map(|(&(name, _, value), end)| (name, &inside[value..end])).collect()
}

fn fits(kind: Kind, rest: &str) -> bool {
    let value = rest.split(',').next().unwrap_or_default();
    match kind {
        _ if value == "<null>" || kind == Kind::Free => true,
        Kind::Number => !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()),
        Kind::State => is_state(value),
        Kind::Date => value.is_empty() || instant(value).is_some(),
        Kind::Flag => matches!(value, "true" | "false"),
        Kind::Free => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    proptest! {
        #[test]
        fn any_name_survives_between_other_attributes(name in "[ -~é]{1,30}") {
            prop_assume!(name != "<null>" && !name.contains(",goal="));
            let text = format!("rapidViewId=2,state=CLOSED,id=7,name={name},goal=<null>");
            let sprint = sprint(&text).unwrap();
            prop_assert_eq!(sprint.name, Some(name));
        }

        #[test]
        fn no_text_makes_it_panic(text in "(Sprint@|\\[|\\]|,|id=|name=|é|<null>|7|\"){0,20}") {
            let _ = from_text(&text);
            let _ = read_sprints(&text);
        }
    }

    const PREFIX: &str = "com.atlassian.greenhopper.service.sprint.Sprint@65199e1e";

    fn sprint(inside: &str) -> Option<Sprint> {
        from_text(&format!("{PREFIX}[{inside}]"))
    }

    #[rstest]
    #[case("id=7,rapidViewId=2,state=CLOSED,name=A,goal=<null>,startDate=<null>", "A")]
    #[case(
        "rapidViewId=2,state=CLOSED,name=A, B [x] | c=d,startDate=2020-01-01T00:00:00.000Z,sequence=1,id=7",
        "A, B [x] | c=d"
    )]
    #[case(
        "id=7,state=ACTIVE,rapidViewId=2,name=with,id=x and,state=of the art,endDate=<null>",
        "with,id=x and,state=of the art"
    )]
    #[case("state=FUTURE,rapidViewId=2,name=],goal=a, b, [c],id=7", "]")]
    fn names_keep_their_commas_and_brackets(#[case] inside: &str, #[case] name: &str) {
        let sprint = sprint(inside).unwrap();
        assert_eq!((sprint.sprint_id, sprint.board_id), (7, Some(2)));
        assert_eq!(sprint.name.as_deref(), Some(name));
    }

    #[test]
    fn every_attribute_is_read() {
        let sprint = sprint(
            "id=225,rapidViewId=24,state=CLOSED,name=Sprint 5,goal=less, better,\
             startDate=2017-09-19T16:07:27.697Z,endDate=2017-10-10T18:07:00.000+02:00,\
             completeDate=<null>,sequence=225",
        )
        .unwrap();
        assert_eq!(sprint.state.as_deref(), Some("closed"));
        assert_eq!(sprint.goal.as_deref(), Some("less, better"));
        assert_eq!(sprint.started_at, instant("2017-09-19T16:07:27.697Z"));
        assert_eq!(sprint.ends_at, instant("2017-10-10T16:07:00Z"));
        assert_eq!(sprint.completed_at, None);
    }

    #[rstest]
    #[case("[]")]
    #[case("null")]
    #[case(r#"["a","b"]"#)]
    #[case(r#"[{"id":1,"name":"1.0","released":true}]"#)]
    #[case(r#"[{"id":1,"name":"x","state":"enabled"}]"#)]
    #[case(r#"["see Sprint@home [sic]"]"#)]
    #[case(r#"{"state":"active"}"#)]
    fn what_has_not_their_shape_is_no_sprint(#[case] value: &str) {
        assert_eq!(read_sprints(value), None);
    }

    #[test]
    fn objects_are_read_too() {
        let value = r#"[{"id":3,"name":"S","state":"Active","boardId":9,"goal":"","startDate":"2024-01-02T03:04:05.678Z"}]"#;
        let read = read_sprints(value).unwrap();
        assert!(read.complete);
        assert_eq!(read.sprints[0].board_id, Some(9));
        assert_eq!(read.sprints[0].state.as_deref(), Some("active"));
        assert_eq!(read.sprints[0].goal, None);
    }

    #[test]
    fn one_element_not_understood_makes_the_list_partial() {
        let value = format!(r#"["{PREFIX}[id=1,name=A]","{PREFIX}[name=no id]"]"#);
        let read = read_sprints(&value).unwrap();
        assert_eq!(read.sprints.len(), 1);
        assert!(!read.complete);
    }
}
