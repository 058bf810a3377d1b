//! Jira Cloud's proof of completeness. Cloud counts nothing, and ends a listing with no more than
//! an absent token. So the same stretch is listed in two orders in turn, by `updated` and, the
//! *census*, by `created`, which no edit changes, until a listing brings nothing that the ones
//! before it lacked. What a listing brings is queued and fetched, whoever brought it.
//!
//! Pure: what the listings brought, and what follows from it. How they are run is the engine's.

use chrono::{DateTime, Utc};

use super::certify::{Check, USUAL_LOSS};
use crate::model::{Finding, ListedIssue};
use crate::seek::Method;

/// Rows of a census page, which Cloud gives where little is asked for of each
/// (its documentation: at most 5,000).
pub(super) const CENSUS_ROWS: u32 = 5_000;

/// The method after `last`, or of the first listing of this process. A run that was cut short
/// while it proved itself begins the proof anew: only a whole listing proves anything. Nor does a
/// census that fell short of what is known, which is taken again.
pub(super) fn next_method(last: Option<Method>, attempt: u32, fell_short: bool) -> Method {
    match last {
        None if attempt == 1 => Method::Tokens,
        Some(Method::Census) if !fell_short => Method::Tokens,
        None | Some(Method::Tokens | Method::Census | Method::Forward | Method::Windows) => {
            Method::Census
        }
    }
}

/// Issues that a listing brought although the listings before it had not, by when they were last
/// changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Brought {
    /// So long ago that the index had caught up: the listings before have left something out.
    pub(super) settled: u64,
    /// Shortly before the run began: the index may have been late.
    pub(super) late: u64,
}

/// Since when a change explains why an issue was not listed before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Explained {
    /// Changed from then on, but before the horizon: late in the index.
    pub(super) settled: DateTime<Utc>,
    /// Changed from then on: the next run's.
    pub(super) horizon: DateTime<Utc>,
}

impl Brought {
    /// Counts a row that no listing of the run had before.
    pub(super) fn note(&mut self, row: &ListedIssue, explained: Explained) {
        match row.updated {
            Some(updated) if updated >= explained.horizon => {}
            Some(updated) if updated >= explained.settled => self.late += 1,
            Some(_) | None => self.settled += 1,
        }
    }
}

/// What the listings of a Cloud run came to, in issues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Census {
    /// Whether it covered the whole project, so that its issues are the project's.
    pub(super) whole: bool,
    /// What it listed.
    pub(super) issues: u64,
    /// The same, and what a listing after it brought.
    pub(super) shown: u64,
    /// What the run listed, but for what was created since the horizon.
    pub(super) listed: u64,
    /// What Jira estimates that the census has to list: the least of several answers, so that an
    /// estimate that lags behind deletions is not believed.
    pub(super) estimated: u64,
    /// What the last listing brought.
    pub(super) brought: Brought,
    /// Listed, and then lost sight of.
    pub(super) lacking: u64,
}

impl Census {
    /// Whether it has to be taken again: Jira estimates more than it lists, or it lacks so much of
    /// what the run has listed that it must have been cut short itself. A few issues may have left
    /// meanwhile.
    pub(super) fn fell_short(&self) -> bool {
        self.kept_back() > 0 || self.lacks(self.listed, 10)
    }

    /// Issues that Jira estimates and does not show. An estimate below says nothing: it may lack
    /// what is recent.
    pub(super) fn kept_back(&self) -> u64 {
        self.estimated.saturating_sub(self.shown)
    }

    fn lacks(&self, known: u64, share: u64) -> bool {
        known.saturating_sub(self.issues) > USUAL_LOSS.max(known / share)
    }

    /// Whether another listing may find more.
    pub(super) fn may_find_more(&self) -> bool {
        self.is_missing() || self.brought.late > 0
    }

    /// Whether something may be missing that the next run would not find by itself.
    pub(super) fn is_missing(&self) -> bool {
        self.brought.settled > 0 || self.lacking > 0 || self.fell_short()
    }

    /// What does not agree, for the certificate.
    pub(super) fn findings(&self) -> impl Iterator<Item = Finding> {
        let few = [self.lost_sight_of(), self.still_bringing(), self.late()];
        few.into_iter().chain([self.below_listed(), self.below_estimate()]).flatten()
    }

    fn lost_sight_of(&self) -> Option<Finding> {
        Check {
            name: "listed, and then neither stored nor failed nor gone",
            expected: 0,
            found: self.lacking,
            meaning: "Jira's search shows issues that it then does not deliver: the next run tries \
                      again",
        }
        .finding()
    }

    fn still_bringing(&self) -> Option<Finding> {
        Check {
            name: "brought by the last listing, and lacking in all before it",
            expected: 0,
            found: self.brought.settled,
            meaning: "Jira's search answers differently each time: its index is rebuilding, or it \
                      ends listings too early; these issues are stored, but others may be missing, \
                      and the next run lists the same stretch again",
        }
        .finding()
    }

    fn late(&self) -> Option<Finding> {
        Check {
            name: "changed before the run, and shown by Jira's search only during it",
            expected: 0,
            found: self.brought.late,
            meaning: "Jira's search is late; these issues are stored, and the next run looks back \
                      far enough for others",
        }
        .finding()
    }

    fn below_listed(&self) -> Option<Finding> {
        let meaning = if self.lacks(self.listed, 10) {
            CUT_SHORT
        } else {
            "issues that were deleted, moved or hidden while the run was under way; they are stored \
             as they were"
        };
        Check {
            name: "listed by the census, against listed by the run",
            expected: self.listed,
            found: self.issues.min(self.listed),
            meaning,
        }
        .finding()
    }

    fn below_estimate(&self) -> Option<Finding> {
        Check {
            name: "listed by the census, against estimated by Jira",
            expected: self.estimated.max(self.shown),
            found: self.shown,
            meaning: if self.lacks(self.estimated, 2) { CUT_SHORT } else { KEPT_BACK },
        }
        .finding()
    }
}

const CUT_SHORT: &str = "Jira ends listings too early, or its index is rebuilding: nothing is \
    concluded, and the next run lists the same stretch again";
const KEPT_BACK: &str = "Jira's search counts issues that it shows in no order: its index is damaged \
    or behind, or the estimate is wrong; they may be missing here, and until the two agree every run \
    lists the same stretch again";

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::first(None, 1, false, Method::Tokens)]
    #[case::then(Some(Method::Tokens), 2, false, Method::Census)]
    #[case::and_again(Some(Method::Census), 3, false, Method::Tokens)]
    #[case::after_one_that_fell_short(Some(Method::Census), 3, true, Method::Census)]
    #[case::the_run_was_killed_in_the_census(None, 2, false, Method::Census)]
    #[case::the_run_was_killed_after_it(None, 3, false, Method::Census)]
    fn listing_and_census_take_turns(
        #[case] last: Option<Method>,
        #[case] attempt: u32,
        #[case] fell_short: bool,
        #[case] expected: Method,
    ) {
        assert_eq!(next_method(last, attempt, fell_short), expected);
    }

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(secs, 0).unwrap()
    }

    #[rstest]
    #[case::since_the_run_began(Some(200), 0, 0)]
    #[case::late(Some(199), 0, 1)]
    #[case::late_at_the_most(Some(100), 0, 1)]
    #[case::long_ago(Some(99), 1, 0)]
    #[case::undated(None, 1, 0)]
    fn what_is_brought_late_is_explained_by_when_it_was_changed(
        #[case] updated: Option<i64>,
        #[case] settled: u64,
        #[case] late: u64,
    ) {
        let row = ListedIssue {
            id: crate::model::IssueId(1),
            key: "P-1".parse().unwrap(),
            updated: updated.map(at),
        };
        let mut brought = Brought::default();
        brought.note(&row, Explained { settled: at(100), horizon: at(200) });
        assert_eq!(brought, Brought { settled, late });
    }
}
