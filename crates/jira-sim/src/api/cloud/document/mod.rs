//! Server's documents as Cloud shows them: people by account id, bodies as ADF, sprints as objects,
//! times in the caller's zone, children cut short. Works on the text of the JSON, so whatever it
//! does not know comes through token for token. The world itself is not changed.

mod adf;
mod changes;
mod people;
mod rich;
mod sprint;
mod translate;

use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use chrono_tz::Tz;

pub use people::account_id;

use crate::config::{CloudSite, SimConfig};
use crate::json::{Json, entries, push_quoted};
use crate::random::{Random, mix};
use crate::time::Millis;
use crate::world::{Child, Issue, Selection, Slot, World};

/// How Cloud shows the issues of a world; what tests compare an extraction with.
pub struct CloudView<'a> {
    world: &'a World,
    site: &'a CloudSite,
    zone: Tz,
    seed: u64,
    /// `/rest/api/3/`, or `/rest/api/2/`, where bodies are text.
    api: &'static str,
    /// Fields whose texts are bodies.
    bodies: HashSet<&'a str>,
    field_ids: OnceCell<HashMap<String, &'a str>>,
    accounts: OnceCell<HashMap<String, String>>,
    /// People as they were written before; they occur often.
    people: RefCell<HashMap<String, Rc<str>>>,
}

impl<'a> CloudView<'a> {
    /// REST v3, as the caller of this set-up sees it.
    pub fn new(world: &'a World, config: &'a SimConfig) -> Self {
        Self::of_version(world, config, "/rest/api/3/")
    }

    pub(super) fn of_version(world: &'a World, config: &'a SimConfig, api: &'static str) -> Self {
        let text_areas = world.catalogue.fields.iter();
        let text_areas = text_areas.filter(|field| field.schema.as_str().contains(r#":textarea""#));
        let bodies =
            text_areas.map(|field| field.id.as_str()).chain(["description", "environment"]);
        Self {
            world,
            site: &config.cloud,
            zone: config.user_zone,
            seed: config.seed,
            api,
            bodies: if api == "/rest/api/3/" { bodies.collect() } else { HashSet::new() },
            field_ids: OnceCell::new(),
            accounts: OnceCell::new(),
            people: RefCell::default(),
        }
    }

    /// `fields` exactly as served for `*all`, with children cut short.
    pub fn fields_json(&self, issue: &Issue) -> String {
        let mut out = String::new();
        self.push_fields(&mut out, issue, &Selection::all());
        out
    }

    /// `changelog` exactly as served inline: the newest entries, newest first.
    pub fn changelog_json(&self, issue: &Issue) -> String {
        let mut out = String::new();
        self.push_inline_changelog(&mut out, issue);
        out
    }

    /// The whole changelog, oldest entry first.
    pub fn histories(&self, issue: &Issue) -> Vec<Json> {
        self.dated_histories(issue).into_iter().map(|(_, history)| self.history(history)).collect()
    }

    /// All comments, oldest first.
    pub fn comments(&self, issue: &Issue) -> Vec<Json> {
        issue.comments().iter().map(|child| self.comment(child)).collect()
    }

    /// All worklogs, oldest first.
    pub fn worklogs(&self, issue: &Issue) -> Vec<Json> {
        issue.worklogs().iter().map(|child| self.worklog(child)).collect()
    }

    /// Any other value of Server's (watchers, remote links, attachments): links, people and times as
    /// Cloud writes them.
    pub fn translated(&self, json: &Json) -> Json {
        Json::built(self.translated_text(json.as_str()))
    }

    pub(super) fn translated_text(&self, raw: &str) -> String {
        let mut out = String::with_capacity(raw.len());
        self.push_value(&mut out, "", raw);
        out
    }

    /// Appends the object of the selected fields.
    pub(super) fn push_fields(&self, out: &mut String, issue: &Issue, selection: &Selection) {
        out.push('{');
        let mut first = true;
        for (name, slot) in &issue.fields {
            if !selection.takes(name) {
                continue;
            }
            out.push_str(if first { "" } else { "," });
            first = false;
            push_quoted(out, name);
            out.push(':');
            match slot {
                Slot::Json(json) => self.push_field(out, issue, name, json.as_str()),
                Slot::Comments => self.push_inline_comments(out, issue),
                Slot::Worklogs => self.push_inline_worklogs(out, issue),
                Slot::Links | Slot::Attachments => {
                    if let Some(list) = issue.field(name) {
                        self.push_value(out, name, list.as_str());
                    }
                }
            }
        }
        out.push('}');
    }

    fn push_field(&self, out: &mut String, issue: &Issue, name: &str, raw: &str) {
        if raw.starts_with('"') && self.bodies.contains(name) {
            match raw {
                r#""""# => out.push_str("null"),
                text => self.push_body(out, mix(issue.id()) ^ name.len() as u64, text),
            }
        } else if name == "comment" && raw.starts_with('{') {
            self.push_inline_comments(out, issue);
        } else if name == "worklog" && raw.starts_with('{') {
            self.push_inline_worklogs(out, issue);
        } else if name.starts_with("customfield_") && sprint::is_sprints(raw) {
            sprint::push_sprints(out, raw);
        } else {
            self.push_value(out, name, raw);
        }
    }

    /// Appends a body: text as it is in version 2, a document in version 3, rich or plain by `id`.
    fn push_body(&self, out: &mut String, id: u64, literal: &str) {
        let mut random = Random::new(mix(self.seed ^ id));
        if self.api == "/rest/api/2/" {
            out.push_str(literal);
        } else if random.chance(self.site.rich_bodies) {
            rich::push_rich(out, literal, &mut random);
        } else {
            adf::push_plain(out, literal);
        }
    }

    fn push_inline_comments(&self, out: &mut String, issue: &Issue) {
        let total = issue.comments().len();
        let max = self.site.inline_comments;
        out.push_str(r#"{"comments":"#);
        let newest = issue.comments().iter().skip(total.saturating_sub(max));
        push_list(out, newest.map(|child| self.comment(child)));
        out.push_str(&format!(
            r#","self":"{}{}issue/{}/comment","maxResults":{max},"total":{total},"startAt":0}}"#,
            self.world.origin(),
            self.api,
            issue.id()
        ));
    }

    fn push_inline_worklogs(&self, out: &mut String, issue: &Issue) {
        let total = issue.worklogs().len();
        let max = self.site.inline_worklogs;
        out.push_str(&format!(r#"{{"startAt":0,"maxResults":{max},"total":{total},"worklogs":"#));
        push_list(out, issue.worklogs().iter().take(max).map(|child| self.worklog(child)));
        out.push('}');
    }

    /// Appends `expand=changelog`: the newest entries, newest first, with the true total.
    pub(super) fn push_inline_changelog(&self, out: &mut String, issue: &Issue) {
        let histories = self.dated_histories(issue);
        let (total, max) = (histories.len(), self.site.inline_changelog);
        out.push_str(&format!(r#"{{"startAt":0,"maxResults":{max},"total":{total},"histories":"#));
        let newest = histories.into_iter().rev().take(max);
        push_list(out, newest.map(|(_, history)| self.history(history)));
        out.push('}');
    }

    pub(super) fn comment(&self, child: &Child) -> Json {
        let mut out = String::new();
        let members = entries(child.json.as_str()).unwrap_or_default();
        out.push('{');
        for (name, raw) in &members {
            push_quoted(&mut out, name);
            out.push(':');
            match raw.get() {
                body if name == "body" && body.starts_with('"') => {
                    self.push_body(&mut out, child.id, body);
                }
                other => self.push_value(&mut out, name, other),
            }
            out.push(',');
        }
        out.push_str(r#""jsdPublic":true}"#);
        Json::built(out)
    }

    /// A worklog without a comment has no `comment`.
    pub(super) fn worklog(&self, child: &Child) -> Json {
        let mut out = String::new();
        let members = entries(child.json.as_str()).unwrap_or_default();
        out.push('{');
        let shown = |(name, raw): &&(String, &serde_json::value::RawValue)| {
            name != "comment" || raw.get() != r#""""#
        };
        for (at, (name, raw)) in members.iter().filter(shown).enumerate() {
            out.push_str(if at > 0 { "," } else { "" });
            push_quoted(&mut out, name);
            out.push(':');
            match raw.get() {
                text if name == "comment" && text.starts_with('"') => {
                    self.push_body(&mut out, child.id, text);
                }
                other => self.push_value(&mut out, name, other),
            }
        }
        out.push('}');
        Json::built(out)
    }

    /// The entries of a changelog with their times, oldest first.
    pub(super) fn dated_histories<'i>(&self, issue: &'i Issue) -> Vec<(Millis, &'i Json)> {
        let mut dated: Vec<(Millis, &Json)> =
            issue.histories().iter().map(|history| (changes::created(history), history)).collect();
        dated.sort_by_key(|(at, _)| *at);
        dated
    }
}

/// Appends an array.
pub(super) fn push_list(out: &mut String, items: impl Iterator<Item = Json>) {
    out.push('[');
    for (at, item) in items.enumerate() {
        out.push_str(if at > 0 { "," } else { "" });
        out.push_str(item.as_str());
    }
    out.push(']');
}
