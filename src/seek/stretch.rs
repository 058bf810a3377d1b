//! A stretch of index time, and the arithmetic of making it narrower.

use crate::jql::{Span, TimeGrid};
use crate::model::{EpochSecond, ListedIssue, ListingPage};

/// Index time from `from` (`None`: the beginning) up to but without `to` (`None`: no end).
/// Both are instants that the grid expresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) from: Option<EpochSecond>,
    pub(super) to: Option<EpochSecond>,
}

impl Stretch {
    pub(super) fn span(self, grid: TimeGrid) -> Span {
        let boundary = |second: Option<EpochSecond>| second.and_then(|second| grid.floor(second));
        Span::Updated { from: boundary(self.from), to: boundary(self.to) }
    }

    /// Whether the documents of `rows` all lie inside, as they do where index and documents agree.
    pub(super) fn agrees_with(self, rows: &[ListedIssue]) -> bool {
        rows.iter().all(|row| {
            row.updated.map(EpochSecond::floor).is_some_and(|second| {
                self.from.is_none_or(|from| from <= second) && self.to.is_none_or(|to| second < to)
            })
        })
    }

    /// The first instant after the stretch's beginning.
    pub(super) fn second_instant(self, grid: TimeGrid) -> Option<EpochSecond> {
        let from = self.from.unwrap_or(EpochSecond(-1));
        grid.after(from).map(|boundary| boundary.second())
    }

    /// Whether nothing narrower can be asked for.
    pub(super) fn is_narrowest(self, grid: TimeGrid) -> bool {
        match (self.to, self.second_instant(grid)) {
            (Some(to), Some(next)) => next >= to,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    /// The same beginning, ended at `wanted` as nearly as the grid can and strictly inside.
    pub(super) fn ended_near(self, wanted: EpochSecond, grid: TimeGrid) -> Self {
        let floor = grid.floor(wanted).map(|boundary| boundary.second());
        let inside = |second: &EpochSecond| {
            self.from.is_none_or(|from| from < *second) && self.to.is_none_or(|to| *second < to)
        };
        let to = floor.filter(inside).or_else(|| self.second_instant(grid));
        Self { from: self.from, to }
    }
}

/// What is known about the instance's pages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// A `total` this high is only a lower bound.
    pub(super) result_window: u64,
    /// The most rows a page has held so far.
    pub(super) page_capacity: u64,
}

/// Whether `page` holds everything its query matched: it says so itself, in one answer.
/// A `total` at the instance's result window is a lower bound and proves nothing.
pub(super) fn is_complete(page: &ListingPage, total: u64, result_window: u64) -> bool {
    page.rows.len() as u64 >= total && total < result_window
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(from: i64, to: i64) -> Stretch {
        Stretch { from: Some(EpochSecond(from)), to: Some(EpochSecond(to)) }
    }

    #[test]
    fn one_second_is_the_narrowest_and_an_open_stretch_never_is() {
        assert!(stretch(10, 11).is_narrowest(TimeGrid::Seconds));
        assert!(!stretch(10, 12).is_narrowest(TimeGrid::Seconds));
        assert!(!Stretch { from: None, to: None }.is_narrowest(TimeGrid::Seconds));
        assert!(Stretch { from: None, to: Some(EpochSecond(0)) }.is_narrowest(TimeGrid::Seconds));
    }

    #[test]
    fn an_end_outside_becomes_the_first_instant_inside() {
        for wanted in [-5, 10, 20, 99] {
            let ended = stretch(10, 20).ended_near(EpochSecond(wanted), TimeGrid::Seconds);
            assert_eq!(ended, stretch(10, 11), "{wanted}");
        }
        let ended = stretch(10, 20).ended_near(EpochSecond(15), TimeGrid::Seconds);
        assert_eq!(ended, stretch(10, 15));
    }

    #[test]
    fn a_page_is_complete_by_count_and_never_at_the_result_window() {
        let page = ListingPage { rows: vec![], total: Some(0), max_results: None, next: None };
        assert!(is_complete(&page, 0, 10_000));
        assert!(!is_complete(&page, 1, 10_000));
        assert!(!is_complete(&page, 0, 0));
    }
}
