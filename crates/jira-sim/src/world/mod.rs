//! The simulated instance as a pure model: no I/O, no clock but its own, no randomness but a seed's.
//!
//! A world holds documents (`issue`) and, apart from them, what the search index knows (`index`).
//! Operations (`edits`, `children`, `lifecycle`, `archive`, `rename`, `reindex`) change documents at once and the index
//! now or late, as [`IndexLag`] says. Everything a test needs to compare against is readable here.

mod archive;
mod catalogue;
mod children;
mod corrupt;
mod defaults;
mod edits;
mod fields;
mod history;
mod hubs;
mod index;
mod issue;
mod key;
mod lifecycle;
mod project;
mod reindex;
mod rename;
mod streams;
mod worklog_feed;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;

pub(crate) use catalogue::Catalogue;
pub use catalogue::User;
pub use corrupt::{Corruption, Planted};
pub(crate) use fields::Selection;
pub use history::Written;
pub(crate) use history::{Past, items};
pub(crate) use index::Index;
pub use index::{IndexEntry, IndexLag};
pub(crate) use issue::Slot;
pub use issue::{Child, Issue};
use key::IdMap;
pub use key::{IssueId, IssueKey};
pub use lifecycle::{Draft, Imported};
pub use project::Project;
pub use reindex::Scope;
pub use streams::RemoteLink;
pub(crate) use streams::Streams;

use crate::json::Json;
use crate::random::Random;
use crate::time::{Millis, jira_text};

/// An operation was asked of something that is not there.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// No issue has this id.
    #[error("no issue with id {0}")]
    NoIssue(IssueId),
    /// No project has this key.
    #[error("no project with key {0}")]
    NoProject(String),
    /// Another project has, or had, this key.
    #[error("there is a project with key {0}, or there was")]
    ProjectTaken(String),
    /// The issue has no such comment, worklog or link.
    #[error("issue {issue} has no child with id {child}")]
    NoChild {
        /// The issue.
        issue: IssueId,
        /// What was looked for.
        child: u64,
    },
    /// The issue has no watcher, voter or property of this name.
    #[error("issue {issue} has nothing named {name}")]
    NotNamed {
        /// The issue.
        issue: IssueId,
        /// What was looked for.
        name: String,
    },
    /// The id or key is already in use.
    #[error("issue {0} exists already")]
    Taken(IssueKey),
}

/// The whole instance.
#[derive(Debug, Clone)]
pub struct World {
    now: Millis,
    zone: Tz,
    origin: String,
    projects: BTreeMap<Arc<str>, Project>,
    issues: IdMap<Issue>,
    keys: BTreeMap<IssueKey, IssueId>,
    former: HashMap<IssueKey, IssueId>,
    index: Index,
    lag: IndexLag,
    hidden: usize,
    /// While set, changes leave `updated` where it is.
    silent: bool,
    /// Whether JQL still takes the key that a project had before it was renamed.
    former_projects_in_jql: bool,
    /// How far a reindex has got, while one runs.
    rebuilding: Option<u8>,
    index_unreadable: bool,
    random: Random,
    pub(crate) catalogue: Catalogue,
    actor: Option<User>,
    next_issue: IssueId,
    next_child: u64,
    /// Worklogs that were deleted, and when, oldest first.
    deleted_worklogs: Vec<(u64, Millis)>,
}

impl World {
    /// An empty instance whose clock stands at `now`. Its JVM runs in UTC.
    pub fn new(now: Millis) -> Self {
        let origin = "https://jira.example.invalid".to_owned();
        Self {
            now,
            zone: Tz::UTC,
            catalogue: defaults::catalogue(&origin),
            origin,
            projects: BTreeMap::new(),
            issues: IdMap::default(),
            keys: BTreeMap::new(),
            former: HashMap::new(),
            index: Index::default(),
            lag: IndexLag::None,
            hidden: 0,
            silent: false,
            former_projects_in_jql: false,
            rebuilding: None,
            index_unreadable: false,
            deleted_worklogs: Vec::new(),
            random: Random::new(1),
            actor: Some(User::new("sim", "Simulated User")),
            next_issue: 10_000,
            next_child: 100_000,
        }
    }

    /// The instance's clock.
    pub fn now(&self) -> Millis {
        self.now
    }

    /// Moves the clock forward; index entries that become due arrive.
    pub fn advance(&mut self, by: Duration) {
        self.set_now(self.now + i64::try_from(by.as_millis()).unwrap_or(i64::MAX / 2));
    }

    /// Sets the clock. Going back is allowed, and brings no index entry back.
    pub fn set_now(&mut self, now: Millis) {
        self.now = now;
        self.index.catch_up(now);
    }

    /// The JVM's time zone, in which timestamps are printed from now on.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// Sets the JVM's time zone. Documents already written keep their text.
    pub fn set_zone(&mut self, zone: Tz) {
        self.zone = zone;
    }

    /// The address that `self` links inside documents begin with.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Who makes the next changes; `None` is anonymous.
    pub fn set_actor(&mut self, actor: Option<User>) {
        self.actor = actor;
    }

    /// Seeds the choices this world makes (which edits are late).
    pub fn set_seed(&mut self, seed: u64) {
        self.random = Random::new(seed);
    }

    /// An issue by id, visible or not.
    pub fn issue(&self, id: IssueId) -> Option<&Issue> {
        self.issues.get(&id)
    }

    /// An issue by its current key or one it had, visible or not.
    pub fn issue_by_key(&self, key: &IssueKey) -> Option<&Issue> {
        let id = self.keys.get(key).or_else(|| self.former.get(key))?;
        self.issues.get(id)
    }

    /// Whether this is a key that some issue had before it moved.
    pub(crate) fn is_former(&self, key: &IssueKey) -> bool {
        !self.keys.contains_key(key) && self.former.contains_key(key)
    }

    /// All issues of a project, in key order, hidden ones included.
    pub fn issues(&self, project: &str) -> impl Iterator<Item = &Issue> {
        let from = IssueKey::new(project, 0);
        let to = IssueKey::new(project, u32::MAX);
        self.keys.range(from..=to).filter_map(|(_, id)| self.issues.get(id))
    }

    /// The issues of a project that a sound index shows the caller, in key order: those that they
    /// may browse and that are not archived, with their project or alone.
    pub fn visible_issues(&self, project: &str) -> impl Iterator<Item = &Issue> {
        let searchable = self.projects.get(project).is_none_or(Project::is_searchable);
        self.issues(project)
            .filter(move |issue| searchable && !issue.is_archived() && self.may_browse(issue))
    }

    /// All issues of all projects, in no order.
    pub(crate) fn all_issues(&self) -> impl Iterator<Item = &Issue> {
        self.issues.values()
    }

    /// How many issues there are, hidden ones included.
    pub fn issue_count(&self) -> usize {
        self.issues.len()
    }

    /// Whether the caller may see this issue. Archived ones are still shown to those who ask for
    /// them by id or key.
    pub fn may_browse(&self, issue: &Issue) -> bool {
        !issue.hidden
            && self.projects.get(&issue.key.project).is_none_or(|project| !project.forbidden)
    }

    /// What the index holds for an issue; `None` if it is not indexed.
    pub fn index_entry(&self, id: IssueId) -> Option<&IndexEntry> {
        self.index.entry(id)
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// Whether every index entry of a project is one the caller may see, and has `updated`.
    pub(crate) fn shows_all_of(&self, project: &str) -> bool {
        let visible = self.projects.get(project).is_some_and(Project::is_searchable);
        visible && self.hidden == 0 && !self.index.is_behind() && !self.index.has_undated(project)
    }

    pub(crate) fn issue_mut(&mut self, id: IssueId) -> Result<&mut Issue, WorldError> {
        self.issues.get_mut(&id).ok_or(WorldError::NoIssue(id))
    }

    /// Takes in a finished issue and indexes it under its own `updated`, with no lag.
    pub(crate) fn insert(&mut self, issue: Issue) -> Result<IssueId, WorldError> {
        let (id, key) = (issue.id, issue.key.clone());
        if self.issues.contains_key(&id) || self.keys.contains_key(&key) {
            return Err(WorldError::Taken(key));
        }
        if let Some(project) = self.projects.get_mut(&key.project) {
            project.next_number = project.next_number.max(key.number + 1);
        }
        self.next_issue = self.next_issue.max(id + 1);
        for old in &issue.former {
            self.former.insert(old.clone(), id);
        }
        let entry = reindex::entry_of(&issue);
        self.keys.insert(key, id);
        self.issues.insert(id, issue);
        self.index.put(id, entry, None);
        Ok(id)
    }

    /// The highest id given to an issue so far, or a little less than the first one will get.
    pub(crate) fn highest_issue_id(&self) -> IssueId {
        self.next_issue.saturating_sub(1)
    }

    pub(crate) fn take_child_id(&mut self) -> u64 {
        self.next_child += 1;
        self.next_child
    }

    /// Makes sure ids handed out later are above this one.
    pub(crate) fn reserve_child_id(&mut self, id: u64) {
        self.next_child = self.next_child.max(id);
    }

    pub(crate) fn stamp(&self, at: Millis) -> Json {
        Json::string(&jira_text(at, self.zone))
    }

    pub(crate) fn actor_json(&self) -> Option<Json> {
        self.actor.as_ref().map(|user| user.json(&self.origin))
    }

    /// Whether somebody published by this instance has this name or key.
    pub(crate) fn user(&self, name: &str) -> Option<&Json> {
        self.catalogue.users.iter().find(|user| {
            user.member("name").as_deref() == Some(name)
                || user.member("key").as_deref() == Some(name)
        })
    }
}
