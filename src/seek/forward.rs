//! The first method: from an instant on, page after page, each page confirming the jump before it.

use std::collections::HashSet;

use super::stretch::is_complete;
use crate::jql::TimeGrid;
use crate::model::{EpochSecond, ListedIssue, ListingPage};

/// Where the forward method stands: about to ask for everything from `from` on.
#[derive(Debug, Clone)]
pub(super) struct Forward {
    pub(super) from: Option<EpochSecond>,
    last: Option<LastPage>,
}

/// The page that suggested the jump to the present `from`, which is not confirmed yet.
#[derive(Debug, Clone)]
struct LastPage {
    from: Option<EpochSecond>,
    rows: HashSet<ListedIssue>,
    /// What was counted from its `from` on; `None` when that was only a lower bound.
    total: Option<u64>,
    /// Its rows whose documents lie before the jump.
    rows_before_jump: u64,
}

/// What a page means for the scan.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Go on from the (higher) `from`.
    Jumped,
    /// Everything is listed.
    Complete,
    /// The jump that led here is not confirmed: cover this stretch by another method.
    Distrusted { from: Option<EpochSecond>, to: EpochSecond },
    /// More than a page, and its rows do not say where to go on.
    Crowded,
}

impl Forward {
    /// Begins at `from`, which is known to be reached without a gap.
    pub(super) fn starting_at(from: Option<EpochSecond>) -> Self {
        Self { from, last: None }
    }

    /// The instant before which everything is known to be listed.
    pub(super) fn confirmed(&self) -> Option<EpochSecond> {
        self.last.as_ref().map_or(self.from, |last| last.from)
    }

    /// Whether the row came on the page before this one, unchanged.
    pub(super) fn is_repeated(&self, row: &ListedIssue) -> bool {
        self.last.as_ref().is_some_and(|last| last.rows.contains(row))
    }

    pub(super) fn handle_page(
        &mut self,
        page: &ListingPage,
        total: u64,
        result_window: u64,
        grid: TimeGrid,
    ) -> Verdict {
        let exact_total = (total < result_window).then_some(total);
        if let (Some(last), Some(to)) = (&self.last, self.from)
            && !last.is_confirmed_by(page, exact_total)
        {
            return Verdict::Distrusted { from: last.from, to };
        }
        if is_complete(page, total, result_window) {
            self.last = None;
            return Verdict::Complete;
        }
        match self.next_jump(page, grid) {
            Some(to) => {
                self.last = Some(LastPage::new(self.from, page, exact_total, to));
                self.from = Some(to);
                Verdict::Jumped
            }
            None => {
                self.last = None;
                Verdict::Crowded
            }
        }
    }

    /// The instant of the last row that is progress: of the last one of all, where index and
    /// documents agree.
    fn next_jump(&self, page: &ListingPage, grid: TimeGrid) -> Option<EpochSecond> {
        let instant = |row: &ListedIssue| {
            let hint = EpochSecond::floor(row.updated?);
            grid.floor(hint).map(|boundary| boundary.second())
        };
        let rises = |to: &EpochSecond| self.from.is_none_or(|from| from < *to);
        page.rows.iter().rev().filter_map(instant).find(rises)
    }
}

impl LastPage {
    fn new(
        from: Option<EpochSecond>,
        page: &ListingPage,
        total: Option<u64>,
        to: EpochSecond,
    ) -> Self {
        let before = |row: &&ListedIssue| {
            row.updated.is_some_and(|updated| EpochSecond::floor(updated) < to)
        };
        Self {
            from,
            rows: page.rows.iter().cloned().collect(),
            total,
            rows_before_jump: page.rows.iter().filter(before).count() as u64,
        }
    }

    /// A row of the last page that comes again unchanged is indexed at or after the jump, and
    /// whatever was indexed before it stood before it on the last page. Its index entry may have
    /// been mended between the two pages, which is what the counts are for: what remained must
    /// still remain, less the rows seen before the jump.
    fn is_confirmed_by(&self, next: &ListingPage, next_total: Option<u64>) -> bool {
        let witnessed = next.rows.iter().any(|row| self.rows.contains(row));
        let conserved = match (self.total, next_total) {
            (Some(before), Some(after)) => after.saturating_add(self.rows_before_jump) >= before,
            _ => true,
        };
        witnessed && conserved
    }
}
