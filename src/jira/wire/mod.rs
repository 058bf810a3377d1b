//! Jira's JSON and how it becomes the model: unknown JSON is kept as it came, never guessed.
//! Documents are split with borrowed raw values; no page is ever turned into a tree.

mod adf;
mod children;
mod complete;
mod fields;
mod hash;
mod issue;
mod listing;
mod page;
mod people;
mod scalar;
mod sprint;
mod streams;

#[cfg(test)]
mod payloads;

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::shape::describe;

pub use adf::plain_text;
pub(super) use children::{
    ChangelogsPage, ChildPage, History, IssueChangelog, read_changelog, read_comments,
    read_histories, read_worklogs,
};
pub use complete::{Completed, complete_changes, complete_comments, complete_worklogs};
pub(super) use fields::field_names;
pub(super) use issue::{Context, read_issue};
pub(super) use listing::{approximate_count, listing_page, total};
pub(super) use page::{Named, page_of_issues, partial_id};
pub(super) use people::People;
pub use streams::{FetchedStream, complete_stream};
pub(super) use streams::{
    WireProperty, WirePropertyKeys, counted_people, read_people, read_remote_links,
};

/// Why one issue cannot be read, in words that name the place and quote nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub(super) struct Unreadable {
    place: String,
    problem: String,
}

impl Unreadable {
    fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }
}

/// Reads `raw`, which stands at `place`.
fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue, place: &str) -> Result<T, Unreadable> {
    read_text(raw.get(), place)
}

fn read_text<'a, T: Deserialize<'a>>(json: &'a str, place: &str) -> Result<T, Unreadable> {
    serde_json::from_str(json).map_err(|error| Unreadable::new(place, describe(&error)))
}

/// The custom fields that hold sprints. They are known from the fields catalogue or by the shape
/// of a value; knowing them is what tells "in no sprint" from "did not say".
#[derive(Debug, Default)]
pub(super) struct SprintFields(RwLock<BTreeSet<String>>);

impl SprintFields {
    fn knows(&self, field: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(field)
    }

    pub(super) fn learn(&self, field: &str) {
        if !self.knows(field) {
            self.0.write().unwrap_or_else(PoisonError::into_inner).insert(field.to_owned());
        }
    }
}
