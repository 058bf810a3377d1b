//! Tells an issue that cannot be had from a Jira that gives nothing: failures of different issues
//! with no success between them. Pure.

use std::collections::BTreeSet;

use crate::model::IssueId;

/// So many different issues in a row do not fail for reasons of their own.
const TOO_MANY: usize = 25;

/// Issues that failed since one came last.
#[derive(Debug, Default)]
pub(super) struct Streak(BTreeSet<IssueId>);

impl Streak {
    /// An issue came, as whole as its rung goes: a few fields are no sign that Jira is well.
    pub(super) fn note_success(&mut self) {
        self.0.clear();
    }

    /// An issue failed, alone. True when it is time to stop.
    pub(super) fn note_failure(&mut self, issue: IssueId) -> bool {
        self.0.insert(issue);
        self.0.len() >= TOO_MANY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_different_issues_in_a_row_are_too_many() {
        let mut streak = Streak::default();
        for _ in 0..100 {
            assert!(!streak.note_failure(IssueId(1)), "one issue, again and again");
        }
        assert!((2..25).all(|id| !streak.note_failure(IssueId(id))));
        streak.note_success();
        assert!((1..25).all(|id| !streak.note_failure(IssueId(id))));
        assert!(streak.note_failure(IssueId(25)));
    }
}
