//! What an issue has beyond its document: remote links, watchers, voters, entity properties. Only
//! remote links move `updated`; the rest changes in silence, as Jira has it.

use serde_json::Value;

use super::{Child, Issue, IssueId, Slot, User, World, WorldError};
use crate::json::{Json, quote};

/// A link to something outside Jira.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RemoteLink {
    /// The identity that its maker gave it.
    pub global_id: Option<String>,
    /// How the issue stands to it, such as `mentioned in`.
    pub relationship: Option<String>,
    /// Type and name of the application it lies in.
    pub application: Option<(String, String)>,
    /// Where it is.
    pub url: String,
    /// What people see.
    pub title: String,
    /// A line about it.
    pub summary: Option<String>,
    /// Whether it is resolved, where that means something.
    pub resolved: Option<bool>,
}

impl RemoteLink {
    /// A link with nothing but an address and a title.
    pub fn new(url: &str, title: &str) -> Self {
        Self { url: url.to_owned(), title: title.to_owned(), ..Self::default() }
    }

    /// The object as served.
    fn json(&self, origin: &str, issue: IssueId, id: u64) -> Json {
        let text = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!(r#""{name}":{},"#, quote(value))).unwrap_or_default()
        };
        let application = match &self.application {
            None => "{}".to_owned(),
            Some((kind, name)) => format!(r#"{{"type":{},"name":{}}}"#, quote(kind), quote(name)),
        };
        let status = match self.resolved {
            None => r#"{"icon":{}}"#.to_owned(),
            Some(resolved) => format!(r#"{{"resolved":{resolved},"icon":{{}}}}"#),
        };
        Json::built(format!(
            r#"{{"id":{id},"self":"{origin}/rest/api/2/issue/{issue}/remotelink/{id}",{}"application":{application},{}"object":{{"url":{},"title":{},{}"icon":{{}},"status":{status}}}}}"#,
            text("globalId", &self.global_id),
            text("relationship", &self.relationship),
            quote(&self.url),
            quote(&self.title),
            text("summary", &self.summary),
        ))
    }
}

/// The four of one issue.
#[derive(Debug, Clone, Default)]
pub(crate) struct Streams {
    remote_links: Vec<Child>,
    watchers: Vec<Json>,
    voters: Vec<Json>,
    properties: Vec<(String, Json)>,
}

impl Issue {
    /// Remote links, oldest first.
    pub fn remote_links(&self) -> &[Child] {
        &self.streams.remote_links
    }

    /// Those who watch it, as user objects.
    pub fn watchers(&self) -> &[Json] {
        &self.streams.watchers
    }

    /// Those who voted for it, as user objects.
    pub fn voters(&self) -> &[Json] {
        &self.streams.voters
    }

    /// Entity properties with their values, oldest first.
    pub fn properties(&self) -> &[(String, Json)] {
        &self.streams.properties
    }

    /// The fields that count watchers and voters.
    fn recount(&mut self, origin: &str) {
        let (watchers, votes) = (self.streams.watchers.len(), self.streams.voters.len());
        let place = format!("{origin}/rest/api/2/issue/{}", self.id);
        let watches =
            format!(r#"{{"self":"{place}/watchers","watchCount":{watchers},"isWatching":false}}"#);
        self.set("watches", Slot::Json(Json::built(watches)));
        let votes = format!(r#"{{"self":"{place}/votes","votes":{votes},"hasVoted":false}}"#);
        self.set("votes", Slot::Json(Json::built(votes)));
    }
}

impl World {
    /// Adds a remote link, which moves `updated`; its id is returned.
    ///
    /// # Errors
    /// When there is no such issue.
    pub fn add_remote_link(&mut self, id: IssueId, link: &RemoteLink) -> Result<u64, WorldError> {
        let child = self.put_remote_link(id, link)?;
        self.touch(id)?;
        Ok(child)
    }

    /// The same without moving `updated`: for worlds under construction.
    pub(crate) fn put_remote_link(
        &mut self,
        id: IssueId,
        link: &RemoteLink,
    ) -> Result<u64, WorldError> {
        let child = self.take_child_id();
        let json = link.json(&self.origin, id, child);
        let link = Child { id: child, json, other: None };
        self.issue_mut(id)?.streams.remote_links.push(link);
        Ok(child)
    }

    /// Removes a remote link, which moves `updated`.
    ///
    /// # Errors
    /// When there is no such issue or link.
    pub fn remove_remote_link(&mut self, id: IssueId, link: u64) -> Result<(), WorldError> {
        let links = &mut self.issue_mut(id)?.streams.remote_links;
        let at = links.iter().position(|have| have.id == link);
        links.remove(at.ok_or(WorldError::NoChild { issue: id, child: link })?);
        self.touch(id)
    }

    /// Has somebody watch an issue; nothing changes if they do already. `updated` stays.
    ///
    /// # Errors
    /// When there is no such issue.
    pub fn add_watcher(&mut self, id: IssueId, user: &User) -> Result<(), WorldError> {
        let user = user.json(&self.origin);
        self.people(id, |streams| add_person(&mut streams.watchers, user))
    }

    /// Has somebody, by login name, watch no longer. `updated` stays.
    ///
    /// # Errors
    /// When there is no such issue, or they do not watch it.
    pub fn remove_watcher(&mut self, id: IssueId, name: &str) -> Result<(), WorldError> {
        self.people(id, |streams| remove_person(&mut streams.watchers, id, name))
    }

    /// Has somebody vote for an issue; nothing changes if they did already. `updated` stays.
    ///
    /// # Errors
    /// When there is no such issue.
    pub fn add_vote(&mut self, id: IssueId, user: &User) -> Result<(), WorldError> {
        let user = user.json(&self.origin);
        self.people(id, |streams| add_person(&mut streams.voters, user))
    }

    /// Takes the vote of somebody, by login name, back. `updated` stays.
    ///
    /// # Errors
    /// When there is no such issue, or they did not vote.
    pub fn remove_vote(&mut self, id: IssueId, name: &str) -> Result<(), WorldError> {
        self.people(id, |streams| remove_person(&mut streams.voters, id, name))
    }

    /// Sets an entity property. `updated` stays.
    ///
    /// # Errors
    /// When there is no such issue.
    pub fn set_property(
        &mut self,
        id: IssueId,
        key: &str,
        value: &Value,
    ) -> Result<(), WorldError> {
        let value = Json::from_value(value);
        let properties = &mut self.issue_mut(id)?.streams.properties;
        match properties.iter_mut().find(|(have, _)| have == key) {
            Some((_, old)) => *old = value,
            None => properties.push((key.to_owned(), value)),
        }
        Ok(())
    }

    /// Removes an entity property. `updated` stays.
    ///
    /// # Errors
    /// When there is no such issue or property.
    pub fn remove_property(&mut self, id: IssueId, key: &str) -> Result<(), WorldError> {
        let properties = &mut self.issue_mut(id)?.streams.properties;
        let at = properties.iter().position(|(have, _)| have == key);
        properties.remove(at.ok_or_else(|| nothing_named(id, key))?);
        Ok(())
    }

    /// Puts people in place who are user objects already; those named twice are taken once.
    pub(crate) fn put_people(
        &mut self,
        id: IssueId,
        watchers: Vec<Json>,
        voters: Vec<Json>,
    ) -> Result<(), WorldError> {
        self.people(id, |streams| {
            watchers.into_iter().try_for_each(|user| add_person(&mut streams.watchers, user))?;
            voters.into_iter().try_for_each(|user| add_person(&mut streams.voters, user))
        })
    }

    fn people(
        &mut self,
        id: IssueId,
        change: impl FnOnce(&mut Streams) -> Result<(), WorldError>,
    ) -> Result<(), WorldError> {
        let origin = self.origin.clone();
        let issue = self.issue_mut(id)?;
        change(&mut issue.streams)?;
        issue.recount(&origin);
        Ok(())
    }
}

fn add_person(people: &mut Vec<Json>, user: Json) -> Result<(), WorldError> {
    let name = user.member("name");
    if !people.iter().any(|have| have.member("name") == name) {
        people.push(user);
    }
    Ok(())
}

fn remove_person(people: &mut Vec<Json>, id: IssueId, name: &str) -> Result<(), WorldError> {
    let at = people.iter().position(|user| user.member("name").as_deref() == Some(name));
    people.remove(at.ok_or_else(|| nothing_named(id, name))?);
    Ok(())
}

fn nothing_named(issue: IssueId, name: &str) -> WorldError {
    WorldError::NotNamed { issue, name: name.to_owned() }
}
