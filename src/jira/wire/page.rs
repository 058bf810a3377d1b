//! Splitting answers into raw entries, without reading what is inside them.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::scalar::{Id, Text};
use crate::jira::send::Answer;
use crate::jira::shape::Came;
use crate::model::IssueId;

/// A page of whole issues, each still raw.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a search page")]
pub(in crate::jira) struct IssuePage<'a> {
    #[serde(borrow)]
    pub(in crate::jira) issues: Vec<&'a RawValue>,
    pub(in crate::jira) total: Option<u64>,
    #[serde(borrow, default)]
    issue_errors: Vec<&'a RawValue>,
}

impl IssuePage<'_> {
    /// The issues that Cloud names instead of delivering them; it keeps quiet about those that are
    /// not there for us.
    pub(in crate::jira) fn held_back(&self) -> Vec<IssueId> {
        self.issue_errors.iter().filter_map(|raw| partial_id(raw)).collect()
    }
}

/// Splits a page of whole issues.
pub(in crate::jira) fn page_of_issues(answer: &Answer) -> Result<IssuePage<'_>, Came> {
    answer.object()
}

/// The id of an issue that is otherwise unreadable.
pub(in crate::jira) fn partial_id(raw: &RawValue) -> Option<IssueId> {
    #[derive(Deserialize)]
    struct OnlyId {
        id: Id,
    }
    serde_json::from_str::<OnlyId>(raw.get()).ok().map(|only| IssueId(only.id.0))
}

/// What every catalogue entry has.
#[derive(Deserialize)]
#[serde(expecting = "a catalogue entry")]
pub(in crate::jira) struct Named {
    pub(in crate::jira) id: Text,
    pub(in crate::jira) name: Text,
}
