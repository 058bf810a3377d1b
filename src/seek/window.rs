//! The second method: stretches of index time with both ends, narrowed until one fits a page.

use super::stretch::{Limits, Stretch, is_complete};
use crate::jql::TimeGrid;
use crate::model::{EpochSecond, ListedIssue, ListingPage};

/// Narrowings that may follow a row's document before only halving is trusted.
const HINTS_TRUSTED: u8 = 2;
/// How much wider the next stretch is when one held nothing.
const GROWTH: i64 = 8;
/// The share of a page that the next stretch aims to fill, in percent.
const FILL_PERCENT: i128 = 70;
/// No stretch needs to be wider: about thirty years.
const WIDEST_SECS: i64 = 1_000_000_000;

/// A stretch about to be asked for, and what is known about how wide it should be.
#[derive(Debug, Clone)]
pub(super) struct Window {
    pub(super) stretch: Stretch,
    /// Between the stretch's beginning and here there is more than a page.
    crowded_before: Option<EpochSecond>,
    hints_followed: u8,
}

/// What a page means for the stretch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Everything in the stretch is listed.
    Covered {
        /// There are rows, and their documents lie where the index has them: the forward method
        /// may go on.
        agrees: bool,
    },
    /// Too much for a page: the stretch has become narrower.
    Narrowed,
    /// Narrower stretches do not help: nothing narrower can be asked for, or the page had room
    /// for entries that did not come.
    Overfull,
}

impl Window {
    pub(super) fn over(stretch: Stretch) -> Self {
        Self { stretch, crowded_before: None, hints_followed: 0 }
    }

    pub(super) fn handle_page(
        &mut self,
        page: &ListingPage,
        total: u64,
        limits: Limits,
        horizon: EpochSecond,
        grid: TimeGrid,
    ) -> Verdict {
        if is_complete(page, total, limits.result_window) {
            return Verdict::Covered {
                agrees: !page.rows.is_empty() && self.stretch.agrees_with(&page.rows),
            };
        }
        if self.stretch.is_narrowest(grid) || total <= limits.page_capacity {
            return Verdict::Overfull;
        }
        let crowded_before = self.stretch.to.or(Some(horizon));
        let wanted =
            self.follow_hint(&page.rows).unwrap_or_else(|| self.halve(page, total, horizon));
        self.crowded_before = crowded_before;
        self.stretch = self.stretch.ended_near(wanted, grid);
        Verdict::Narrowed
    }

    /// The document of the last row that lies inside, while documents have not misled us twice.
    fn follow_hint(&mut self, rows: &[ListedIssue]) -> Option<EpochSecond> {
        if self.hints_followed >= HINTS_TRUSTED {
            return None;
        }
        self.hints_followed += 1;
        let inside = |hint: &EpochSecond| {
            self.stretch.from.is_none_or(|from| from < *hint)
                && self.stretch.to.is_none_or(|to| *hint < to)
        };
        rows.iter().rev().filter_map(|row| row.updated.map(EpochSecond::floor)).find(inside)
    }

    /// The share of the stretch that should fill a page, half of it at most.
    fn halve(&self, page: &ListingPage, total: u64, horizon: EpochSecond) -> EpochSecond {
        let from = self.stretch.from.unwrap_or(EpochSecond(0));
        let to = self.stretch.to.unwrap_or(horizon.max(from.plus(GROWTH)));
        let width = to.0.saturating_sub(from.0).max(1);
        from.plus(scaled(width, page.rows.len() as u64, total).min(width / 2))
    }

    /// The stretch after this one, as wide as its rows suggest; open once it reaches `horizon`.
    pub(super) fn next(
        &self,
        rows: usize,
        capacity: u64,
        horizon: EpochSecond,
        grid: TimeGrid,
    ) -> Self {
        let Some(from) = self.stretch.to else { return self.clone() };
        let width = self.stretch.from.map_or(1, |before| from.0.saturating_sub(before.0).max(1));
        let crowded_before = self.crowded_before.filter(|crowded| *crowded > from);
        let width = match (rows, crowded_before) {
            (0, Some(crowded)) => (crowded.0 - from.0) / 2,
            (0, None) => width.saturating_mul(GROWTH),
            _ => scaled(width, capacity, rows as u64).min(width.saturating_mul(GROWTH)),
        };
        let end = from.plus(width.clamp(1, WIDEST_SECS));
        let open = Stretch { from: Some(from), to: None };
        let stretch = if end >= horizon { open } else { open.ended_near(end, grid) };
        Self { stretch, crowded_before, hints_followed: self.hints_followed }
    }
}

/// `width` scaled so that what held `found` rows would hold most of `capacity`.
fn scaled(width: i64, capacity: u64, found: u64) -> i64 {
    let filled =
        i128::from(width).saturating_mul(i128::from(capacity)).saturating_mul(FILL_PERCENT);
    i64::try_from(filled / (i128::from(found.max(1)) * 100)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_follows_density() {
        assert_eq!(scaled(100, 1_000, 1_000), 70);
        assert_eq!(scaled(100, 1_000, 100), 700);
        assert_eq!(scaled(i64::MAX, u64::MAX, 0), i64::MAX);
    }

    #[test]
    fn an_empty_stretch_grows_and_ends_open_at_the_horizon() {
        let from = |second| Some(EpochSecond(second));
        let window = Window::over(Stretch { from: from(0), to: from(10) });
        let horizon = EpochSecond(1_000);
        let next = window.next(0, 100, horizon, TimeGrid::Seconds);
        assert_eq!(next.stretch, Stretch { from: from(10), to: from(90) });
        let last =
            next.next(0, 100, horizon, TimeGrid::Seconds).next(0, 1, horizon, TimeGrid::Seconds);
        assert_eq!(last.stretch, Stretch { from: from(730), to: None });
    }
}
