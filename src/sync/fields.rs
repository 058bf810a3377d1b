//! Jira Cloud leaves out a field that fails to load and says 200 (`failFast` is false in bulk). What
//! issues of a kind always have is vetted by the client; this tells, of an issue that is stored, a
//! field that it has lost from one that did not come. Pure; asking again, strictly, is `intake`'s.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::de::IgnoredAny;

use crate::model::{IssueDocument, ProjectKey};

/// What no issue is without.
const ALWAYS: [&str; 6] = ["summary", "status", "created", "updated", "project", "issuetype"];

/// What issues have unless an administrator has switched it off, which one issue of a kind proves.
const USUAL: [&str; 4] = ["comment", "worklog", "issuelinks", "attachment"];

/// So many issues must have lost a field for good, proven one by one, before its absence is believed
/// of an issue that has a value of it stored: an administrator may have taken it away.
const TAKEN_AWAY: u32 = 20;

/// Names of fields.
pub(super) type Names = BTreeSet<String>;

/// Issues that have the same fields, as far as Jira's configuration goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    project: ProjectKey,
    issue_type: Option<String>,
}

impl Kind {
    pub(super) fn of(document: &IssueDocument) -> Self {
        let project = document.key.project().clone();
        Self { project, issue_type: document.issue_type.clone() }
    }
}

/// What to think of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Opinion {
    /// It has every field that it should have.
    Whole,
    /// These are missing: ask for the issue alone, and strictly.
    AskAlone(Names),
    /// These are missing, and asking strictly is known to fail.
    Partial(Names),
}

impl Opinion {
    fn of(missing: Names, failing: &Names) -> Self {
        if missing.is_empty() {
            Self::Whole
        } else if missing.is_subset(failing) {
            Self::Partial(missing)
        } else {
            Self::AskAlone(missing)
        }
    }
}

/// What was seen of the fields of each kind of issue.
#[derive(Debug, Default)]
pub(super) struct FieldMemory(HashMap<Kind, Known>);

#[derive(Debug, Default)]
struct Known {
    /// Proven to be absent from some issue, with how many times.
    absent: BTreeMap<String, u32>,
    /// Jira fails to load these.
    failing: Names,
}

impl Known {
    /// Whether an issue of this kind was proven not to have this field, which issues usually have.
    fn has_off(&self, name: &str) -> bool {
        USUAL.contains(&name) && self.absent.contains_key(name)
    }
}

impl FieldMemory {
    /// A document of this kind has these fields.
    pub(super) fn learn(&mut self, kind: &Kind, names: &Names) {
        if let Some(known) = self.0.get_mut(kind) {
            known.failing.retain(|name| !names.contains(name));
            let is_back = |name: &str| USUAL.contains(&name) && names.contains(name);
            known.absent.retain(|name, _| !is_back(name));
        }
    }

    /// What to think of a document that has the fields `names`, where `stored` has the names of the
    /// fields that have a value in what is stored of the issue.
    pub(super) fn judge(&self, kind: &Kind, names: &Names, stored: Option<&Names>) -> Opinion {
        self.judge_again(kind, self.missing(kind, names, stored))
    }

    /// The same of a document that was found to lack these, after more has been learned.
    pub(super) fn judge_again(&self, kind: &Kind, mut missing: Names) -> Opinion {
        let Some(known) = self.0.get(kind) else { return Opinion::of(missing, &Names::new()) };
        missing.retain(|name| !known.has_off(name));
        Opinion::of(missing, &known.failing)
    }

    /// What such a document should have and has not.
    pub(super) fn missing(&self, kind: &Kind, names: &Names, stored: Option<&Names>) -> Names {
        let known = self.0.get(kind);
        let taken_away = |name: &String| {
            known.and_then(|known| known.absent.get(name)).is_some_and(|times| *times >= TAKEN_AWAY)
        };
        let is_off = |name: &&&str| known.is_some_and(|known| known.has_off(name));
        let usual = USUAL.iter().filter(|name| !is_off(name));
        let always = ALWAYS.iter().chain(usual).map(|name| (*name).to_owned());
        let stored = stored.into_iter().flatten().filter(|&name| !taken_away(name)).cloned();
        always.chain(stored).filter(|name| !names.contains(name)).collect()
    }

    /// An issue of this kind, asked for strictly, lacks these: it does not have them.
    pub(super) fn note_absent(&mut self, kind: &Kind, missing: &Names) {
        let known = self.known(kind);
        for name in missing {
            *known.absent.entry(name.clone()).or_default() += 1;
        }
    }

    /// An issue of this kind that lacks these could not be had strictly.
    pub(super) fn note_failing(&mut self, kind: &Kind, missing: Names) {
        self.known(kind).failing.extend(missing);
    }

    fn known(&mut self, kind: &Kind) -> &mut Known {
        self.0.entry(kind.clone()).or_default()
    }
}

/// The names of a document's fields.
pub(super) fn names_of(document: &IssueDocument) -> Names {
    let fields: BTreeMap<Cow<'_, str>, IgnoredAny> =
        serde_json::from_str(&document.fields).unwrap_or_default();
    fields.into_keys().map(Cow::into_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind() -> Kind {
        Kind { project: "PROJ".parse().unwrap(), issue_type: Some("Bug".to_owned()) }
    }

    /// The fields that issues have, and these.
    fn with(more: &[&str]) -> Names {
        ALWAYS.iter().chain(&USUAL).chain(more).map(|name| (*name).to_owned()).collect()
    }

    fn names(names: &[&str]) -> Names {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn ask(missing: &[&str]) -> Opinion {
        Opinion::AskAlone(names(missing))
    }

    #[test]
    fn what_no_issue_is_without_is_missed_at_once() {
        let memory = FieldMemory::default();
        assert_eq!(memory.judge(&kind(), &with(&[]), None), Opinion::Whole);
        let mut without = with(&["customfield_1"]);
        without.remove("status");
        assert_eq!(memory.judge(&kind(), &without, None), ask(&["status"]));
    }

    #[test]
    fn what_is_usual_is_missed_until_one_issue_is_proven_to_have_none_or_until_one_has_it() {
        let mut memory = FieldMemory::default();
        let mut without = with(&[]);
        without.remove("worklog");
        assert_eq!(memory.judge(&kind(), &without, None), ask(&["worklog"]));
        memory.note_absent(&kind(), &names(&["worklog"]));
        assert_eq!(memory.judge(&kind(), &without, None), Opinion::Whole);
        assert_eq!(memory.judge_again(&kind(), names(&["worklog"])), Opinion::Whole);
        without.remove("comment");
        assert_eq!(memory.judge(&kind(), &without, None), ask(&["comment"]));
        memory.note_failing(&kind(), names(&["comment"]));
        let failing = Opinion::Partial(names(&["comment"]));
        assert_eq!(memory.judge_again(&kind(), names(&["comment", "worklog"])), failing);
        memory.learn(&kind(), &with(&[]));
        assert_eq!(memory.judge(&kind(), &without, None), ask(&["comment", "worklog"]));
    }

    #[test]
    fn what_is_stored_of_the_issue_is_missed_until_many_are_proven_to_have_lost_it() {
        let mut memory = FieldMemory::default();
        let stored = names(&["customfield_1"]);
        for _ in 0..TAKEN_AWAY {
            let opinion = memory.judge(&kind(), &with(&[]), Some(&stored));
            assert_eq!(opinion, ask(&["customfield_1"]));
            memory.note_absent(&kind(), &stored);
        }
        assert_eq!(memory.judge(&kind(), &with(&[]), Some(&stored)), Opinion::Whole);
        let story = Kind { issue_type: Some("Story".to_owned()), ..kind() };
        let opinion = memory.judge(&story, &with(&[]), Some(&stored));
        assert_eq!(opinion, ask(&["customfield_1"]), "another type");
    }

    #[test]
    fn what_fails_is_not_asked_for_again_until_it_has_come() {
        let mut memory = FieldMemory::default();
        let stored = names(&["customfield_1", "customfield_2"]);
        memory.note_failing(&kind(), names(&["customfield_1"]));
        let judge =
            |memory: &FieldMemory, more: &[&str]| memory.judge(&kind(), &with(more), Some(&stored));
        let missing = names(&["customfield_1"]);
        assert_eq!(judge(&memory, &["customfield_2"]), Opinion::Partial(missing));
        assert_eq!(judge(&memory, &[]), ask(&["customfield_1", "customfield_2"]));
        memory.learn(&kind(), &with(&["customfield_1"]));
        assert_eq!(judge(&memory, &["customfield_2"]), ask(&["customfield_1"]));
    }
}
