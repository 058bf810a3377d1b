//! One issue's document: its fields as served, its history and its children.
//! What the search index holds of it is not here but in `index`.

use std::sync::Arc;

use super::fields::Selection;
use super::key::{IssueId, IssueKey};
use super::{Past, Streams};
use crate::json::{Json, push_array, push_quoted};
use crate::time::Millis;

/// How many worklogs Jira puts inline; the rest only shows in `total`.
const INLINE_WORKLOGS: usize = 20;

/// A comment, worklog, link or attachment.
#[derive(Debug, Clone)]
pub struct Child {
    /// Its own id.
    pub id: u64,
    /// The object as served.
    pub json: Json,
    /// The issue at the other end, for links made in this world.
    pub other: Option<IssueId>,
}

/// Where the value of a field comes from.
#[derive(Debug, Clone)]
pub(crate) enum Slot {
    /// The text itself.
    Json(Json),
    /// Rendered from the children.
    Comments,
    /// The first twenty worklogs and the true total.
    Worklogs,
    /// Rendered from the children.
    Links,
    /// Rendered from the children.
    Attachments,
}

/// One issue.
#[derive(Debug, Clone)]
pub struct Issue {
    pub(crate) id: IssueId,
    pub(crate) key: IssueKey,
    pub(crate) former: Vec<IssueKey>,
    pub(crate) updated: Option<Millis>,
    pub(crate) created: Option<Millis>,
    pub(crate) fields: Vec<(Arc<str>, Slot)>,
    /// The whole changelog as it came, until an edit adds to it.
    pub(crate) changelog_text: Option<Json>,
    pub(crate) histories: Vec<Json>,
    /// What its fields held before.
    pub(crate) past: Past,
    pub(crate) comments: Vec<Child>,
    pub(crate) worklogs: Vec<Child>,
    pub(crate) links: Vec<Child>,
    pub(crate) attachments: Vec<Child>,
    pub(crate) streams: Streams,
    pub(crate) hidden: bool,
    /// What the fields about archiving were before, while it is archived.
    pub(crate) archived: Option<[Option<Slot>; 2]>,
}

impl Issue {
    /// The immutable numeric id.
    pub fn id(&self) -> IssueId {
        self.id
    }

    /// The current key.
    pub fn key(&self) -> &IssueKey {
        &self.key
    }

    /// Keys it had before it was moved, oldest first.
    pub fn former_keys(&self) -> &[IssueKey] {
        &self.former
    }

    /// `fields.updated` of the document; the index may say otherwise.
    pub fn updated(&self) -> Option<Millis> {
        self.updated
    }

    /// `fields.created` of the document.
    pub fn created(&self) -> Option<Millis> {
        self.created
    }

    /// Whether a security level hides it from the caller.
    pub fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// Whether it is archived, so that no search shows it.
    pub fn is_archived(&self) -> bool {
        self.archived.is_some()
    }

    /// All comments, oldest first.
    pub fn comments(&self) -> &[Child] {
        &self.comments
    }

    /// All worklogs, not only the inline ones.
    pub fn worklogs(&self) -> &[Child] {
        &self.worklogs
    }

    /// Issue links, both directions.
    pub fn links(&self) -> &[Child] {
        &self.links
    }

    /// Attachments.
    pub fn attachments(&self) -> &[Child] {
        &self.attachments
    }

    /// The changelog's histories.
    pub fn histories(&self) -> &[Json] {
        &self.histories
    }

    /// Names of the fields, in the order in which they are served.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| &**name)
    }

    /// One field as served; `None` if the issue does not have it.
    pub fn field(&self, name: &str) -> Option<Json> {
        match self.slot(name)? {
            Slot::Json(json) => Some(json.clone()),
            slot => {
                let mut out = String::new();
                self.push_slot(&mut out, slot);
                Some(Json::built(out))
            }
        }
    }

    /// `fields` exactly as served for `*all`.
    pub fn fields_json(&self) -> String {
        let mut out = String::new();
        self.push_fields(&mut out, &Selection::all());
        out
    }

    /// `changelog` exactly as served inline.
    pub fn changelog_json(&self) -> String {
        let mut out = String::new();
        self.push_changelog(&mut out);
        out
    }

    /// Appends the object of the selected fields.
    pub(crate) fn push_fields(&self, out: &mut String, selection: &Selection) {
        out.push('{');
        let mut first = true;
        for (name, slot) in &self.fields {
            if !selection.takes(name) {
                continue;
            }
            if !first {
                out.push(',');
            }
            first = false;
            push_quoted(out, name);
            out.push(':');
            self.push_slot(out, slot);
        }
        out.push('}');
    }

    /// Appends the changelog as `expand=changelog` gives it: whole.
    pub(crate) fn push_changelog(&self, out: &mut String) {
        if let Some(text) = &self.changelog_text {
            out.push_str(text.as_str());
            return;
        }
        let total = self.histories.len();
        out.push_str(&format!(
            r#"{{"startAt":0,"maxResults":{total},"total":{total},"histories":"#
        ));
        push_array(out, self.histories.iter());
        out.push('}');
    }

    fn push_slot(&self, out: &mut String, slot: &Slot) {
        match slot {
            Slot::Json(json) => out.push_str(json.as_str()),
            Slot::Comments => {
                let total = self.comments.len();
                out.push_str(r#"{"comments":"#);
                push_array(out, self.comments.iter().map(|child| &child.json));
                out.push_str(&format!(r#","maxResults":{total},"total":{total},"startAt":0}}"#));
            }
            Slot::Worklogs => {
                let total = self.worklogs.len();
                out.push_str(&format!(
                    r#"{{"startAt":0,"maxResults":{INLINE_WORKLOGS},"total":{total},"worklogs":"#
                ));
                push_array(
                    out,
                    self.worklogs.iter().take(INLINE_WORKLOGS).map(|child| &child.json),
                );
                out.push('}');
            }
            Slot::Links => push_array(out, self.links.iter().map(|child| &child.json)),
            Slot::Attachments => push_array(out, self.attachments.iter().map(|child| &child.json)),
        }
    }

    pub(crate) fn slot(&self, name: &str) -> Option<&Slot> {
        self.fields.iter().find(|(have, _)| &**have == name).map(|(_, slot)| slot)
    }

    /// Sets a field, appending it if the issue did not have it.
    pub(crate) fn set(&mut self, name: &str, slot: Slot) {
        match self.fields.iter_mut().find(|(have, _)| &**have == name) {
            Some((_, value)) => *value = slot,
            None => self.fields.push((Arc::from(name), slot)),
        }
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.fields.retain(|(have, _)| &**have != name);
    }

    /// The text of a field that is a string, or the `name` (or `key`) of one that is an object.
    pub(crate) fn field_text(&self, name: &str) -> Option<String> {
        let Slot::Json(json) = self.slot(name)? else {
            return None;
        };
        if json.is_null() {
            return None;
        }
        json.text()
            .or_else(|| json.member("name"))
            .or_else(|| json.member("key"))
            .or_else(|| Some(json.as_str().to_owned()))
    }
}
