//! The `fields` object of an issue: its values by name, each read only when asked for.

use std::borrow::{Borrow, Cow};
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Unreadable, read, read_text};

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl Borrow<str> for Name<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The names of an issue's fields, given as `fields` is kept.
pub(in crate::jira) fn field_names(json: &str) -> Vec<String> {
    let fields = Fields::parse(json);
    fields.iter().flat_map(Fields::all).map(|(name, _)| name.to_owned()).collect()
}

/// The values of an issue's fields. A name that occurs twice has its last value, as in `jsonb`.
#[derive(Debug)]
pub(super) struct Fields<'a>(BTreeMap<Name<'a>, &'a RawValue>);

impl<'a> Fields<'a> {
    pub(super) fn parse(json: &'a str) -> Result<Self, Unreadable> {
        read_text(json, "fields").map(Self)
    }

    /// The field's value; `None` where it is absent or null.
    pub(super) fn value<T: Deserialize<'a>>(&self, name: &str) -> Result<Option<T>, Unreadable> {
        match self.0.get(name) {
            Some(raw) => read(raw, &format!("fields.{name}")),
            None => Ok(None),
        }
    }

    /// The JSON text of every field, ordered by name.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(name, raw)| (&*name.0, raw.get()))
    }

    /// The JSON text of every custom field.
    pub(super) fn custom(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.all().filter(|(name, _)| name.starts_with("customfield_"))
    }
}
