//! Worlds made of real payloads: newline-delimited issue objects, served token for token.
//! What an endpoint needs beyond them (projects, catalogues) is gathered from the issues.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::json::{Json, elements, entries};
use crate::time::{Millis, parse_jira};
use crate::world::{Child, Issue, IssueKey, Past, Slot, Streams, World};

/// The clock of a loaded world stands this long after the last `updated` in it.
const AFTERWARDS: Millis = 3_600_000;

/// What was loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Issues that are now in the world.
    pub issues: usize,
    /// Issues left out because their id or key was there already; the first one wins.
    pub duplicates: usize,
    /// The projects, by key.
    pub projects: Vec<String>,
}

/// A file could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It could not be read.
    #[error("could not read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line of it is not an issue object.
    #[error("{path}:{line} is not an issue")]
    NotAnIssue {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

/// Reads files of issues, one object a line, several projects a file if need be.
///
/// # Errors
/// When a file cannot be read or holds something else.
pub fn load_payloads(paths: &[impl AsRef<Path>]) -> Result<(World, LoadReport), LoadError> {
    let mut loader = Loader::new();
    for path in paths {
        let path = path.as_ref();
        let read = |source| LoadError::Read { path: path.to_owned(), source };
        let file = BufReader::new(File::open(path).map_err(read)?);
        for (at, line) in file.lines().enumerate() {
            let line = line.map_err(read)?;
            if line.trim().is_empty() {
                continue;
            }
            let not_an_issue = || LoadError::NotAnIssue { path: path.to_owned(), line: at + 1 };
            let issue = loader.read_issue(&line).ok_or_else(not_an_issue)?;
            loader.insert(issue);
        }
    }
    Ok(loader.finish())
}

struct Loader {
    world: World,
    report: LoadReport,
    names: HashMap<String, Arc<str>>,
    /// What the catalogues hold already: kind and identity.
    known: HashSet<(&'static str, String)>,
    last: Millis,
}

impl Loader {
    fn new() -> Self {
        let mut world = World::new(0);
        for list in [
            &mut world.catalogue.statuses,
            &mut world.catalogue.issue_types,
            &mut world.catalogue.priorities,
            &mut world.catalogue.resolutions,
            &mut world.catalogue.link_types,
        ] {
            list.clear();
        }
        Self {
            world,
            report: LoadReport::default(),
            names: HashMap::new(),
            known: HashSet::new(),
            last: 0,
        }
    }

    fn read_issue(&mut self, line: &str) -> Option<Issue> {
        let top: HashMap<String, &RawValue> = entries(line).ok()?.into_iter().collect();
        let text = |name: &str| {
            top.get(name).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok())
        };
        let id = text("id")?.parse().ok()?;
        let key: IssueKey = text("key")?.parse().ok()?;
        let changelog = top.get("changelog").map(|raw| Json::raw(raw));
        let histories = changelog.as_ref().and_then(|log| list_in(log.as_str(), Some("histories")));
        let mut issue = Issue {
            id,
            key,
            former: Vec::new(),
            updated: None,
            created: None,
            fields: Vec::new(),
            changelog_text: changelog,
            histories: histories.unwrap_or_default(),
            past: Past::default(),
            comments: Vec::new(),
            worklogs: Vec::new(),
            links: Vec::new(),
            attachments: Vec::new(),
            streams: Streams::default(),
            hidden: false,
            archived: None,
        };
        for (name, raw) in entries(top.get("fields")?.get()).ok()? {
            let json = Json::raw(raw);
            match name.as_str() {
                "updated" => issue.updated = json.text().as_deref().and_then(parse_jira),
                "created" => issue.created = json.text().as_deref().and_then(parse_jira),
                "comment" => issue.comments = children(&json, Some("comments")),
                "worklog" => issue.worklogs = children(&json, Some("worklogs")),
                "issuelinks" => issue.links = children(&json, None),
                "attachment" => issue.attachments = children(&json, None),
                _ => {}
            }
            let shared = self.names.entry(name).or_insert_with_key(|name| Arc::from(name.as_str()));
            issue.fields.push((Arc::clone(shared), Slot::Json(json)));
        }
        Some(issue)
    }

    fn insert(&mut self, issue: Issue) {
        let embedded = issue.field("project").filter(|json| !json.is_null());
        let key = issue.key.project.to_string();
        let name =
            embedded.as_ref().and_then(|json| json.member("name")).unwrap_or_else(|| key.clone());
        let project = self.world.add_project(&key, &name);
        if project.embedded.is_none()
            && let Some(embedded) = embedded
        {
            project.id = embedded.member("id").and_then(|id| id.parse().ok()).unwrap_or(project.id);
            project.name = name;
            project.embedded = Some(embedded);
        }
        self.last = self.last.max(issue.updated.unwrap_or_default());
        self.gather(&issue);
        match self.world.insert(issue) {
            Ok(_) => self.report.issues += 1,
            Err(_) => self.report.duplicates += 1,
        }
    }

    /// Adds what an issue embeds to the instance's lists.
    fn gather(&mut self, issue: &Issue) {
        let ids = [&issue.comments, &issue.worklogs, &issue.links, &issue.attachments];
        let highest = ids.into_iter().flatten().map(|child| child.id).max().unwrap_or_default();
        self.world.reserve_child_id(highest);
        for (name, _) in &issue.fields {
            if self.known.insert(("field", name.to_string())) {
                let number = name.trim_start_matches("customfield_");
                let schema =
                    format!(r#"{{"type":"any","custom":"unknown","customId":"{number}"}}"#);
                self.world.catalogue.add_field(
                    name,
                    &format!("Field {number}"),
                    Json::built(schema),
                );
            }
        }
        for (kind, field) in [
            ("status", "status"),
            ("issuetype", "issuetype"),
            ("priority", "priority"),
            ("resolution", "resolution"),
            ("user", "assignee"),
            ("user", "reporter"),
            ("user", "creator"),
        ] {
            if let Some(json) = issue.field(field) {
                self.add(kind, &json, &issue.key);
            }
        }
        for (kind, field) in
            [("version", "versions"), ("version", "fixVersions"), ("component", "components")]
        {
            let list = issue
                .field(field)
                .and_then(|json| list_in(json.as_str(), None))
                .unwrap_or_default();
            for json in list {
                self.add(kind, &json, &issue.key);
            }
        }
        for link in &issue.links {
            let members = entries(link.json.as_str()).unwrap_or_default();
            if let Some((_, kind)) = members.into_iter().find(|(name, _)| name == "type") {
                self.add("link type", &Json::raw(kind), &issue.key);
            }
        }
    }

    fn add(&mut self, kind: &'static str, json: &Json, key: &IssueKey) {
        if json.is_null() {
            return;
        }
        let Some(identity) =
            ["id", "accountId", "key", "name"].iter().find_map(|name| json.member(name))
        else {
            return;
        };
        if !self.known.insert((kind, identity)) {
            return;
        }
        let catalogue = &mut self.world.catalogue;
        match kind {
            "status" => catalogue.statuses.push(json.clone()),
            "issuetype" => catalogue.issue_types.push(json.clone()),
            "priority" => catalogue.priorities.push(json.clone()),
            "resolution" => catalogue.resolutions.push(json.clone()),
            "link type" => catalogue.link_types.push(json.clone()),
            "user" => catalogue.users.push(json.clone()),
            _ => {
                if let Some(project) = self.world.project_mut(&key.project) {
                    let list = if kind == "version" {
                        &mut project.versions
                    } else {
                        &mut project.components
                    };
                    list.push(json.clone());
                }
            }
        }
    }

    fn finish(mut self) -> (World, LoadReport) {
        self.world.set_now(self.last + AFTERWARDS);
        self.report.projects =
            self.world.projects().map(|project| project.key().to_owned()).collect();
        (self.world, self.report)
    }
}

/// The elements of an array, or of the array that a member of an object is.
fn list_in(text: &str, member: Option<&str>) -> Option<Vec<Json>> {
    let array = match member {
        None => text,
        Some(member) => entries(text).ok()?.into_iter().find(|(name, _)| name == member)?.1.get(),
    };
    Some(elements(array).ok()?.into_iter().map(Json::raw).collect())
}

fn children(json: &Json, member: Option<&str>) -> Vec<Child> {
    let list = list_in(json.as_str(), member).unwrap_or_default();
    let child = |json: Json| Child {
        id: json.member("id").and_then(|id| id.parse().ok()).unwrap_or_default(),
        json,
        other: None,
    };
    list.into_iter().map(child).collect()
}
