//! Issues that could not be fetched whole, grouped by who can do something about them. What an
//! issue holds is not told, and nor is what Jira said of it, for that may quote the issue. Pure.

use std::collections::BTreeMap;

use crate::admin::page::words::{count, sentence, stopped};
use crate::model::{FailureCategory, FailureCause};
use crate::store::StoredFailure;

/// How many keys a group names.
const KEYS: usize = 12;

/// Failures that the same person can do the same thing about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::admin::page) struct FailureGroup {
    /// Who.
    pub(in crate::admin::page) category: FailureCategory,
    /// What went wrong.
    pub(in crate::admin::page) cause: &'static str,
    /// What to do.
    pub(in crate::admin::page) what_to_do: String,
    /// How many, in words.
    pub(in crate::admin::page) issues: String,
    /// The first of them, by key.
    pub(in crate::admin::page) keys: Vec<String>,
    /// How many more there are.
    pub(in crate::admin::page) more: u64,
}

/// The groups, those that need a person first.
pub(in crate::admin::page) fn groups(failures: &[StoredFailure]) -> Vec<FailureGroup> {
    let mut groups: BTreeMap<(u8, FailureCause, &str), Vec<&StoredFailure>> = BTreeMap::new();
    for failure in failures {
        let told = &failure.failure;
        let place = (urgency(told.category), told.cause, told.what_to_do.as_str());
        groups.entry(place).or_default().push(failure);
    }
    groups
        .into_values()
        .filter_map(|mut group| {
            group.sort_by_key(|failure| failure.failure.id);
            let first = &group.first()?.failure;
            Some(FailureGroup {
                category: first.category,
                cause: cause_words(first.cause),
                what_to_do: stopped(&sentence(&first.what_to_do)),
                issues: count(group.len() as u64, "issue"),
                keys: group.iter().take(KEYS).map(|f| f.failure.key.to_string()).collect(),
                more: group.len().saturating_sub(KEYS) as u64,
            })
        })
        .collect()
}

fn urgency(category: FailureCategory) -> u8 {
    match category {
        FailureCategory::AdminRequired => 0,
        FailureCategory::UserFixable => 1,
        FailureCategory::Temporary => 2,
    }
}

/// Who can do something about it.
pub(in crate::admin::page) fn category_words(category: FailureCategory) -> &'static str {
    match category {
        FailureCategory::AdminRequired => "For an administrator of Jira, Postgres or the network",
        FailureCategory::UserFixable => "For whoever configures extractor",
        FailureCategory::Temporary => "Tried again by itself",
    }
}

/// What went wrong.
pub(in crate::admin::page) fn cause_words(cause: FailureCause) -> &'static str {
    match cause {
        FailureCause::Timeout => "Jira did not answer in time",
        FailureCause::TooLarge => "Larger than is accepted",
        FailureCause::Unreadable => "Jira's answer is not an issue",
        FailureCause::Refused => "Jira refuses to give it out",
        FailureCause::ServerError => "Jira fails to put it together",
        FailureCause::Unstorable => "Postgres cannot hold it",
        FailureCause::LackingLinks => "Stored without its links",
        FailureCause::LackingChildren => "Stored with a list cut short",
        FailureCause::LackingFields => "Stored with a few fields only",
        FailureCause::Other => "Something else",
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::model::{Failure, IssueId, ProjectKey, RunId, Site};

    fn failure(id: i64, cause: FailureCause) -> StoredFailure {
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        StoredFailure {
            site: Site::new("sim"),
            project: "P".parse::<ProjectKey>().unwrap(),
            run: RunId(Uuid::nil()),
            failure: Failure {
                id: IssueId(id),
                key: format!("P-{id}").parse().unwrap(),
                reason: "the summary says hello".to_owned(),
                category: cause.category(),
                cause,
                what_to_do: "nothing, wait".to_owned(),
            },
            attempts: 1,
            first_at: at,
            last_at: at,
            next_try: at,
        }
    }

    #[test]
    fn what_needs_a_person_comes_first_and_long_groups_are_cut() {
        let mut failures: Vec<_> =
            (1..=20).rev().map(|id| failure(id, FailureCause::Timeout)).collect();
        failures.push(failure(30, FailureCause::Refused));
        let groups = groups(&failures);
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[0].category, FailureCategory::AdminRequired);
        assert_eq!((groups[0].issues.as_str(), groups[0].more), ("1 issue", 0));
        assert_eq!((groups[1].keys.len(), groups[1].more), (KEYS, 8));
        assert_eq!((groups[1].keys[0].as_str(), groups[1].keys[11].as_str()), ("P-1", "P-12"));
        assert_eq!(groups[1].what_to_do, "Nothing, wait.");
    }

    #[test]
    fn what_jira_said_of_an_issue_is_not_told() {
        let groups = groups(&[failure(1, FailureCause::Refused)]);
        assert!(!format!("{groups:?}").contains("summary"));
    }
}
