//! Edits of fields: they write the changelog and move `updated`.

use std::sync::Arc;

use serde_json::Value;

use super::{Catalogue, IssueId, Slot, World, WorldError};
use crate::json::{Json, quote};

impl World {
    /// Sets fields as the actor, in one changelog entry, and bumps `updated`. A status, priority,
    /// type, resolution or user may be given by its name.
    ///
    /// # Errors
    /// When there is no such issue.
    pub fn edit(&mut self, id: IssueId, changes: &[(&str, Value)]) -> Result<(), WorldError> {
        let mut items = Vec::new();
        for (name, value) in changes {
            let new = self.resolve(name, value);
            items.extend(self.change(id, name, new)?);
        }
        self.add_history(id, &items)?;
        self.touch(id)
    }

    /// The same edit of many issues, all with one `updated`.
    ///
    /// # Errors
    /// When one of them does not exist; those before it are edited.
    pub fn bulk_edit(
        &mut self,
        ids: &[IssueId],
        changes: &[(&str, Value)],
    ) -> Result<(), WorldError> {
        ids.iter().try_for_each(|id| self.edit(*id, changes))
    }

    /// Changes a field without a changelog entry and without moving `updated`, as votes, renames
    /// of versions and the like do.
    ///
    /// # Errors
    /// When there is no such issue.
    pub fn edit_silently(
        &mut self,
        id: IssueId,
        name: &str,
        value: &Value,
    ) -> Result<(), WorldError> {
        let new = self.resolve(name, value);
        self.issue_mut(id)?.set(name, Slot::Json(new));
        self.index_later(id);
        Ok(())
    }

    /// Takes a field away from an issue, as a change of the field configuration does, and bumps
    /// `updated`.
    ///
    /// # Errors
    /// When there is no such issue.
    pub fn remove_field(&mut self, id: IssueId, name: &str) -> Result<(), WorldError> {
        self.issue_mut(id)?.unset(name);
        self.touch(id)
    }

    /// Removes `updated` from the document and from the index.
    ///
    /// # Errors
    /// When there is no such issue.
    pub fn clear_updated(&mut self, id: IssueId) -> Result<(), WorldError> {
        let issue = self.issue_mut(id)?;
        issue.updated = None;
        issue.unset("updated");
        self.index_later(id);
        Ok(())
    }

    /// Has changes made without moving `updated`, whatever they would move otherwise: what an app
    /// does behind Jira's back, or a clean-up in Jira's own database.
    pub fn silently<T>(&mut self, change: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.silent, true);
        let done = change(self);
        self.silent = before;
        done
    }

    /// Sets `updated` to now, in the document at once and in the index now or late.
    ///
    /// # Errors
    /// When there is no such issue.
    pub fn touch(&mut self, id: IssueId) -> Result<(), WorldError> {
        let now = self.now;
        let stamp = self.stamp(now);
        let silent = self.silent;
        let issue = self.issue_mut(id)?;
        if !silent {
            issue.updated = Some(now);
            issue.set("updated", Slot::Json(stamp));
        }
        self.index_later(id);
        Ok(())
    }

    /// Appends a changelog entry by the actor.
    pub(crate) fn add_history(&mut self, id: IssueId, items: &[String]) -> Result<(), WorldError> {
        let history = self.take_child_id();
        let author =
            self.actor_json().map(|user| format!(r#""author":{user},"#)).unwrap_or_default();
        let created = self.stamp(self.now);
        let text = format!(
            r#"{{"id":"{history}",{author}"created":{created},"items":[{}]}}"#,
            items.join(",")
        );
        let issue = self.issue_mut(id)?;
        issue.changelog_text = None;
        issue.histories.push(Json::built(text));
        Ok(())
    }

    /// The object that a name stands for, in fields whose values are objects.
    pub(crate) fn resolve(&self, field: &str, value: &Value) -> Json {
        let Value::String(name) = value else {
            return Json::from_value(value);
        };
        let known = match field {
            "status" => Catalogue::named(&self.catalogue.statuses, name),
            "priority" => Catalogue::named(&self.catalogue.priorities, name),
            "issuetype" => Catalogue::named(&self.catalogue.issue_types, name),
            "resolution" => Catalogue::named(&self.catalogue.resolutions, name),
            "assignee" | "reporter" | "creator" => self.user(name),
            _ => None,
        };
        known.cloned().unwrap_or_else(|| Json::from_value(value))
    }
}

/// A changelog item, as Jira writes it: ids in `from`/`to`, names in `fromString`/`toString`.
pub(crate) fn item(field: &str, old: &Json, new: &Json) -> String {
    let fieldtype = if field.starts_with("customfield_") { "custom" } else { "jira" };
    let id = |json: &Json| match json.member("id").or_else(|| json.member("key")) {
        Some(id) => quote(&id),
        None => "null".to_owned(),
    };
    let text = |json: &Json| match json.text().or_else(|| json.member("name")) {
        Some(text) => quote(&text),
        None if json.is_null() => "null".to_owned(),
        None => quote(json.as_str()),
    };
    format!(
        r#"{{"field":{},"fieldtype":"{fieldtype}","from":{},"fromString":{},"to":{},"toString":{}}}"#,
        quote(field),
        id(old),
        text(old),
        id(new),
        text(new),
    )
}

/// A field's name and text, for building documents.
pub(crate) fn field(name: &str, json: Json) -> (Arc<str>, Slot) {
    (Arc::from(name), Slot::Json(json))
}
