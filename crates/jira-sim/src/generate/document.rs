//! The document of one generated issue.

use std::sync::Arc;

use super::Shape;
use super::custom::Custom;
use super::history;
use super::people::People;
use super::text::{line, paragraphs};
use super::timeline::Frame;
use crate::json::Json;
use crate::random::Random;
use crate::time::{Millis, jira_text};
use crate::world::{Issue, Past, Slot, Streams, World};

/// Share of the issues whose text holds something odd.
const ODD: f64 = 0.04;
/// Real texts can be megabytes; generated ones stop here.
const MAX_TEXT: usize = 200_000;
const LABELS: [&str; 6] =
    ["nightly", "good-first-issue", "Performance", "ci", "pull-request-available", "ünïcode"];
/// System fields that are null in nearly every issue.
const NULLS: [&str; 11] = [
    "lastViewed",
    "aggregatetimeoriginalestimate",
    "timeestimate",
    "aggregatetimeestimate",
    "timespent",
    "aggregatetimespent",
    "timeoriginalestimate",
    "environment",
    "security",
    "workratio",
    "archiveddate",
];

/// What is the same for all issues of a project.
pub(super) struct Writer {
    project: String,
    embedded: Json,
    people: People,
    shape: Shape,
    custom: Custom,
    versions: Vec<Json>,
    components: Vec<Json>,
    empty_list: Json,
    no_progress: Json,
    names: Vec<Arc<str>>,
}

impl Writer {
    /// Prepares a project: its versions, components and custom fields.
    pub(super) fn new(
        world: &mut World,
        project: &str,
        people: People,
        shape: Shape,
        random: &mut Random,
    ) -> Self {
        let origin = world.origin().to_owned();
        let embedded =
            world.project(project).map_or_else(Json::null, |project| project.json(&origin));
        let versions = (0..12).map(|n| version(&origin, project, n)).collect::<Vec<_>>();
        let components = (0..8).map(|n| component(&origin, project, n)).collect::<Vec<_>>();
        if let Some(project) = world.project_mut(project) {
            project.versions.clone_from(&versions);
            project.components.clone_from(&components);
        }
        let custom = match shape {
            Shape::Realistic => Custom::define(world, random),
            Shape::Plain { .. } => Custom::default(),
        };
        Self {
            project: project.to_owned(),
            embedded,
            people,
            shape,
            custom,
            versions,
            components,
            empty_list: Json::built("[]"),
            no_progress: Json::built(r#"{"progress":0,"total":0}"#),
            names: world
                .catalogue
                .fields
                .iter()
                .map(|field| Arc::from(field.id.as_str()))
                .collect(),
        }
    }

    /// Writes one issue, with its children and its history but without links.
    pub(super) fn write(&self, world: &mut World, random: &mut Random, frame: &Frame) -> Issue {
        let mut issue = Issue {
            id: frame.id,
            key: frame.key(&self.project),
            former: frame.former.iter().cloned().collect(),
            updated: Some(frame.updated),
            created: Some(frame.created),
            fields: Vec::with_capacity(132),
            changelog_text: None,
            histories: Vec::new(),
            past: Past::default(),
            comments: Vec::new(),
            worklogs: Vec::new(),
            links: Vec::new(),
            attachments: Vec::new(),
            streams: Streams::default(),
            hidden: false,
            archived: None,
        };
        self.system_fields(world, random, frame, &mut issue);
        self.custom.fill(random, &self.people, frame, &mut issue);
        let origin = world.origin().to_owned();
        match self.shape {
            Shape::Realistic => {
                history::full(world, random, &self.people, &origin, frame, &mut issue)
            }
            Shape::Plain { bytes } => {
                history::minimal(world, random, &self.people, &origin, frame, &mut issue);
                pad(&mut issue, random, bytes);
            }
        }
        issue
    }

    fn system_fields(&self, world: &World, random: &mut Random, frame: &Frame, issue: &mut Issue) {
        self.workflow_fields(world, random, frame, issue);
        self.people_fields(random, issue);
        let progress = &self.no_progress;
        let votes = count(world, frame, "votes", r#""votes":0,"hasVoted":false"#);
        let watches = count(world, frame, "watchers", r#""watchCount":1,"isWatching":false"#);
        let plain = self.is_plain();
        let odd = random.chance(if plain { 0.0 } else { ODD });
        let length = (random.heavy_tailed(600.0, 1.2) as usize).min(MAX_TEXT);
        let due = random.chance(0.05);
        for (name, json) in [
            ("fixVersions", self.some(random, &self.versions, 0.4)),
            ("labels", labels(random)),
            ("versions", self.some(random, &self.versions, 0.3)),
            ("components", self.some(random, &self.components, 0.6)),
            ("subtasks", self.empty_list.clone()),
            ("aggregateprogress", progress.clone()),
            ("progress", progress.clone()),
            ("votes", votes),
            ("watches", watches),
            ("project", self.embedded.clone()),
            ("duedate", unless(!due, || Json::built("\"2022-12-31\""))),
            ("summary", line(random, 7)),
        ] {
            self.put(issue, name, Slot::Json(json));
        }
        let described = plain || random.chance(0.85);
        let length = if plain { 40 } else { length };
        let description = unless(!described, || paragraphs(random, length, odd));
        self.put(issue, "description", Slot::Json(description));
        for name in NULLS {
            self.put(issue, name, Slot::Json(Json::null()));
        }
        self.put(issue, "issuelinks", Slot::Links);
        self.put(issue, "worklog", Slot::Worklogs);
        self.put(issue, "comment", Slot::Comments);
        self.put(issue, "attachment", Slot::Attachments);
    }

    /// Status and what goes with it, type, priority, times.
    fn workflow_fields(
        &self,
        world: &World,
        random: &mut Random,
        frame: &Frame,
        issue: &mut Issue,
    ) {
        let catalogue = &world.catalogue;
        let stamp = |at: Millis| Json::string(&jira_text(at, world.zone()));
        let done = random.chance(0.7);
        let status = catalogue.statuses.get(if done { 3 } else { 0 } + random.below(3));
        let kinds = catalogue.issue_types.len().saturating_sub(1);
        let kind =
            catalogue.issue_types.get(if frame.subtask { kinds } else { random.below(kinds) });
        let or_null = |json: Option<&Json>| json.cloned().unwrap_or_else(Json::null);
        let resolution = or_null(random.pick(&catalogue.resolutions));
        let no_priority = random.chance(0.01);
        for (name, json) in [
            ("status", or_null(status)),
            ("resolution", unless(!done, || resolution)),
            ("resolutiondate", unless(!done, || stamp(frame.updated))),
            ("issuetype", or_null(kind)),
            ("priority", unless(no_priority, || or_null(random.pick(&catalogue.priorities)))),
            ("created", stamp(frame.created)),
            ("updated", stamp(frame.updated)),
        ] {
            self.put(issue, name, Slot::Json(json));
        }
    }

    /// Some issues have no assignee, and a few have lost their creator or reporter.
    fn people_fields(&self, random: &mut Random, issue: &mut Issue) {
        let reporter = self.people.somebody(random);
        let assignee = self.people.somebody(random);
        let (unassigned, no_creator, no_reporter) =
            (random.chance(0.3) || self.is_plain(), random.chance(0.01), random.chance(0.005));
        self.put(issue, "assignee", Slot::Json(unless(unassigned, || assignee)));
        self.put(issue, "creator", Slot::Json(unless(no_creator, || reporter.clone())));
        self.put(issue, "reporter", Slot::Json(unless(no_reporter, || reporter)));
    }

    fn is_plain(&self) -> bool {
        matches!(self.shape, Shape::Plain { .. })
    }

    fn put(&self, issue: &mut Issue, name: &str, slot: Slot) {
        issue.fields.push((self.name(name), slot));
    }

    /// A short list of a project's things, often none.
    fn some(&self, random: &mut Random, of: &[Json], often: f64) -> Json {
        if !random.chance(often) || self.is_plain() {
            return self.empty_list.clone();
        }
        match random.pick(of) {
            Some(one) => Json::built(format!("[{one}]")),
            None => self.empty_list.clone(),
        }
    }

    /// The shared copy of a field's name.
    fn name(&self, name: &str) -> Arc<str> {
        self.names.iter().find(|have| &***have == name).map_or_else(|| Arc::from(name), Arc::clone)
    }
}

fn unless(absent: bool, json: impl FnOnce() -> Json) -> Json {
    if absent { Json::null() } else { json() }
}

/// Fills the description up until the issue has its size.
fn pad(issue: &mut Issue, random: &mut Random, bytes: usize) {
    let have = issue.fields_json().len() + issue.changelog_json().len();
    if have < bytes {
        let text = paragraphs(random, bytes - have, false);
        issue.set("description", Slot::Json(text));
    }
}

fn count(world: &World, frame: &Frame, path: &str, members: &str) -> Json {
    let origin = world.origin();
    Json::built(format!(r#"{{"self":"{origin}/rest/api/2/issue/{}/{path}",{members}}}"#, frame.id))
}

fn labels(random: &mut Random) -> Json {
    let count = if random.chance(0.6) { 0 } else { 1 + random.below(3) };
    let labels: Vec<&str> = LABELS.iter().copied().skip(random.below(3)).take(count).collect();
    Json::from_value(&serde_json::json!(labels))
}

fn version(origin: &str, project: &str, n: usize) -> Json {
    let released =
        if n < 9 { format!(r#","releaseDate":"20{:02}-03-01""#, 14 + n) } else { String::new() };
    Json::built(format!(
        r#"{{"self":"{origin}/rest/api/2/version/{id}","id":"{id}","description":"{project} release {n}","name":"0.{n}.0","archived":false,"released":{}{released}}}"#,
        n < 9,
        id = 12_330_000 + n,
    ))
}

fn component(origin: &str, project: &str, n: usize) -> Json {
    Json::built(format!(
        r#"{{"self":"{origin}/rest/api/2/component/{id}","id":"{id}","name":"{project} component {n}"}}"#,
        id = 12_340_000 + n,
    ))
}
