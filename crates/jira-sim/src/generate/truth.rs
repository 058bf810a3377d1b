//! The changelogs of generated issues made true: told backwards from what each issue holds, so that
//! they arrive there, and kept as the past that each field had. Entries stay where they are; which
//! fields they tell of does not depend on anything drawn elsewhere.

use std::collections::BTreeMap;

use super::text::{line, paragraphs};
use crate::json::{Json, elements, entries, push_array};
use crate::random::{Random, mix};
use crate::time::{Millis, parse_jira};
use crate::world::{IssueId, Slot, World, WorldError, items};

/// Fields that are told of, by id or by the name of a custom field, and how often.
const TOLD: [(&str, usize); 20] = [
    ("status", 8),
    ("resolution", 3),
    ("assignee", 4),
    ("reporter", 1),
    ("priority", 2),
    ("issuetype", 1),
    ("summary", 2),
    ("description", 3),
    ("labels", 2),
    ("fixVersions", 3),
    ("versions", 1),
    ("components", 1),
    ("duedate", 1),
    ("timeestimate", 1),
    ("Story Points", 2),
    ("Severity", 1),
    ("Reviewer", 1),
    ("Sprint", 3),
    ("Release Note", 1),
    ("Target", 1),
];

/// An entry of the changelog without its items.
struct Entry {
    at: Millis,
    id: u64,
    place: usize,
    items: usize,
}

/// Rewrites an issue's changelog so that it is true.
pub(super) fn tell(world: &mut World, seed: u64, id: IssueId) -> Result<(), WorldError> {
    let mut random = Random::new(mix(seed ^ mix(id)));
    let issue = world.issue(id).ok_or(WorldError::NoIssue(id))?;
    let created = issue.created().unwrap_or_default();
    let mut histories = issue.histories().to_vec();
    let fields = told(world, id);
    let mut held: BTreeMap<String, Json> = BTreeMap::new();
    let mut past: BTreeMap<String, Vec<(Millis, Json)>> = BTreeMap::new();
    for entry in newest_first(&histories) {
        let Some(history) = histories.get_mut(entry.place) else { continue };
        if history.as_str().contains(r#""field":"Key""#) {
            let (from, to) = keys(history);
            past.insert("key".to_owned(), vec![(entry.at, to), (created, from)]);
            continue;
        }
        let mut told = Vec::new();
        let mut items_told = Vec::new();
        for _ in 0..entry.items {
            let Some(field) = random.pick(&fields).filter(|field| !told.contains(*field)) else {
                continue;
            };
            let present = world.issue(id).and_then(|issue| issue.field(field));
            let new = held.remove(field).or(present).unwrap_or_else(Json::null);
            let old = before(world, &mut random, id, field, &new);
            items_told.extend(items(&world.catalogue, field, &old, &new));
            past.entry(field.clone()).or_default().push((entry.at, new));
            held.insert(field.clone(), old);
            told.push(field.clone());
        }
        let head = history.as_str().split_once(r#""items":"#).map_or("{", |(head, _)| head);
        *history = Json::built(format!(r#"{head}"items":[{}]}}"#, items_told.join(",")));
    }
    for (field, first) in held {
        past.entry(field).or_default().push((created, first));
    }
    let issue = world.issue_mut(id)?;
    issue.histories = histories;
    for (field, mut values) in past {
        values.reverse();
        issue.past.put(&field, values);
    }
    Ok(())
}

/// The fields of this issue that can be told of, by id, each as often as it is to be drawn.
fn told(world: &World, id: IssueId) -> Vec<String> {
    let Some(issue) = world.issue(id) else { return Vec::new() };
    let id_of = |name: &str| {
        let custom = world.catalogue.fields.iter().find(|f| f.is_custom() && f.name == name);
        custom.map_or_else(|| name.to_owned(), |field| field.id.clone())
    };
    TOLD.iter()
        .map(|(name, often)| (id_of(name), *often))
        .filter(|(field, _)| matches!(issue.slot(field), Some(Slot::Json(_))))
        .flat_map(|(field, often)| std::iter::repeat_n(field, often))
        .collect()
}

fn newest_first(histories: &[Json]) -> Vec<Entry> {
    let entry = |(place, history): (usize, &Json)| {
        let members = entries(history.as_str()).unwrap_or_default();
        let items = members.iter().find(|(name, _)| name == "items").map(|(_, raw)| raw.get());
        Entry {
            at: history.member("created").as_deref().and_then(parse_jira).unwrap_or_default(),
            id: history.member("id").and_then(|id| id.parse().ok()).unwrap_or_default(),
            place,
            items: items.and_then(|items| elements(items).ok()).map_or(0, |items| items.len()),
        }
    };
    let mut entries: Vec<Entry> = histories.iter().enumerate().map(entry).collect();
    entries.sort_by_key(|entry| std::cmp::Reverse((entry.at, entry.id)));
    entries
}

fn keys(history: &Json) -> (Json, Json) {
    let members = entries(history.as_str()).unwrap_or_default();
    let items = members.iter().find(|(name, _)| name == "items").map(|(_, raw)| raw.get());
    let item = items.and_then(|items| elements(items).ok()?.first().map(|item| Json::raw(item)));
    let text = |name: &str| {
        let text = item.as_ref().and_then(|item| item.member(name));
        Json::string(&text.unwrap_or_default())
    };
    (text("fromString"), text("toString"))
}

/// Another value that the field may have had before it became `new`.
fn before(world: &World, random: &mut Random, id: IssueId, field: &str, new: &Json) -> Json {
    let catalogue = &world.catalogue;
    let project = world.issue(id).and_then(|issue| world.project(&issue.key().project));
    let name = catalogue.fields.iter().find(|known| known.id == field);
    let name = name.map_or(field, |known| known.name.as_str());
    match field {
        "status" => another(random, &catalogue.statuses, new),
        "priority" => another(random, &catalogue.priorities, new),
        "issuetype" => another(random, &catalogue.issue_types, new),
        "resolution" if new.is_null() => another(random, &catalogue.resolutions, new),
        "assignee" if !new.is_null() && random.chance(0.4) => Json::null(),
        "assignee" | "reporter" => another(random, &catalogue.users, new),
        "summary" => line(random, 6),
        "description" => paragraphs(random, 200, false),
        "labels" => labels(random, new),
        "fixVersions" | "versions" => {
            toggled(random, project.map_or(&[], |project| &project.versions), new)
        }
        "components" => toggled(random, project.map_or(&[], |project| &project.components), new),
        "duedate" if new.is_null() => day(random),
        "timeestimate" => seconds(random, new),
        _ => match name {
            "Reviewer" if new.is_null() => another(random, &catalogue.users, new),
            "Severity" if new.is_null() => option(random),
            "Story Points" if new.is_null() => Json::built(format!("{}.0", 1 + random.below(13))),
            "Sprint" if new.is_null() => sprint(random),
            "Release Note" if new.is_null() => line(random, 9),
            "Target" if new.is_null() => day(random),
            // What was there before is that there was nothing.
            _ => Json::null(),
        },
    }
}

fn another(random: &mut Random, among: &[Json], than: &Json) -> Json {
    let id = |json: &Json| json.member("id").or_else(|| json.member("key"));
    let others: Vec<&Json> = among.iter().filter(|json| id(json) != id(than)).collect();
    random.pick(&others).map_or_else(Json::null, |json| (*json).clone())
}

fn labels(random: &mut Random, than: &Json) -> Json {
    let texts: Vec<String> = serde_json::from_str(than.as_str()).unwrap_or_default();
    match texts.is_empty() || random.chance(0.5) {
        true => {
            let label = format!("label-{}", random.below(9));
            let mut all = texts;
            if !all.contains(&label) {
                all.push(label);
                return Json::from_value(&serde_json::json!(all));
            }
            Json::built("[]")
        }
        false => Json::built("[]"),
    }
}

/// The same list with one element more, or one less.
fn toggled(random: &mut Random, among: &[Json], list: &Json) -> Json {
    let mut parts: Vec<Json> =
        elements(list.as_str()).unwrap_or_default().into_iter().map(Json::raw).collect();
    let Some(part) = random.pick(among) else { return list.clone() };
    match parts.iter().position(|have| have == part) {
        Some(at) => {
            parts.remove(at);
        }
        None => parts.push(part.clone()),
    }
    let mut out = String::new();
    push_array(&mut out, parts.iter());
    Json::built(out)
}

fn day(random: &mut Random) -> Json {
    Json::built(format!("\"2021-{:02}-{:02}\"", 1 + random.below(12), 1 + random.below(28)))
}

fn seconds(random: &mut Random, than: &Json) -> Json {
    if !than.is_null() {
        return Json::null();
    }
    Json::built((600 * (1 + random.below(50))).to_string())
}

fn option(random: &mut Random) -> Json {
    let id = 10_200 + random.below(6);
    Json::built(format!(r#"{{"value":"Option {id}","id":"{id}","disabled":false}}"#))
}

fn sprint(random: &mut Random) -> Json {
    let n = 1 + random.below(60);
    Json::built(format!(
        r#"["com.atlassian.greenhopper.service.sprint.Sprint@1f[id={},rapidViewId=31,state=CLOSED,name=Sprint {n},goal=]"]"#,
        200 + n
    ))
}
