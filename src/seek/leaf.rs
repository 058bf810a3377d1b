//! The last methods, for a stretch that cannot be narrowed and does not fit a page: by key after
//! an anchor, and by `startAt` when no anchor stands.
//!
//! `key > K` makes Jira look K up first and compare inside *that issue's* project. If K was
//! deleted or moved since, Jira refuses the query; if it was hidden, Jira answers with no rows.
//! So no rows after an anchor prove nothing until the anchor is seen to stand.

use std::collections::HashSet;

use super::stretch::{Limits, Stretch, is_complete};
use crate::jql::{Order, Query, Span, TimeGrid};
use crate::model::{IssueId, IssueKey, ListedIssue, ListingPage, PageStart, ProjectKey};

/// Walks by key begun again from the start of the part, before `startAt` is used.
const RESTARTS: u32 = 2;

/// What the leaf covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// A stretch of index time.
    Dated(Stretch),
    /// The issues without an `updated`.
    Undated,
}

/// The walk through one over-full part, in key order.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub(super) part: Part,
    cursor: Cursor,
    /// Keys of the latest page, ascending: the anchors to fall back to.
    trail: Vec<IssueKey>,
    /// Anchors lost since the last page came.
    anchors_lost: u32,
    restarts: u32,
    /// What was listed without a gap from the part's beginning.
    seen: HashSet<IssueId>,
    /// What Jira counted in the whole part, when the walk began at its beginning.
    counted: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Cursor {
    AfterKey(Option<IssueKey>),
    /// No row came after this anchor: does it still stand?
    InDoubt(IssueKey),
    Offset(u64),
}

/// What a page means for the leaf.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Ask again; `progress` if the page brought an issue not seen here before.
    GoOn { progress: bool },
    /// Everything that can be loaded is listed; `unloadable` index entries brought no row.
    Covered { unloadable: u64 },
}

impl Leaf {
    pub(super) fn over(part: Part, after: Option<IssueKey>) -> Self {
        Self {
            part,
            cursor: Cursor::AfterKey(after),
            trail: Vec::new(),
            anchors_lost: 0,
            restarts: 0,
            seen: HashSet::new(),
            counted: None,
        }
    }

    /// The anchor up to which everything is listed, for the checkpoint.
    pub(super) fn anchor(&self) -> Option<&IssueKey> {
        match &self.cursor {
            Cursor::AfterKey(after) => after.as_ref(),
            Cursor::InDoubt(_) | Cursor::Offset(_) => None,
        }
    }

    /// The anchor that has to be read again before anything else.
    pub(super) fn in_doubt(&self) -> Option<&IssueKey> {
        match &self.cursor {
            Cursor::InDoubt(anchor) => Some(anchor),
            Cursor::AfterKey(_) | Cursor::Offset(_) => None,
        }
    }

    /// The query for the next page and where that begins.
    pub(super) fn request(&self, base: &Query, grid: TimeGrid) -> (Query, PageStart) {
        let span = match self.part {
            Part::Dated(stretch) => stretch.span(grid),
            Part::Undated => Span::Undated,
        };
        let query = base.clone().over(span, Order::Key);
        match &self.cursor {
            Cursor::AfterKey(after) => (query.after_key(after.clone()), PageStart::FIRST),
            Cursor::InDoubt(anchor) => (query.after_key(Some(anchor.clone())), PageStart::FIRST),
            Cursor::Offset(start_at) => (query, PageStart::Offset(*start_at)),
        }
    }

    pub(super) fn handle_page(
        &mut self,
        page: &ListingPage,
        total: u64,
        limits: Limits,
        project: &ProjectKey,
    ) -> Verdict {
        match self.cursor.clone() {
            Cursor::AfterKey(after) => self.handle_page_after(after, page, total, limits, project),
            Cursor::InDoubt(after) => {
                self.handle_page_after(Some(after), page, total, limits, project)
            }
            Cursor::Offset(start_at) => self.handle_page_at(start_at, page, total, limits),
        }
    }

    fn handle_page_after(
        &mut self,
        after: Option<IssueKey>,
        page: &ListingPage,
        total: u64,
        limits: Limits,
        project: &ProjectKey,
    ) -> Verdict {
        if after.is_none() {
            self.counted = Some(total);
        }
        if !in_key_order(after.as_ref(), &page.rows, project) {
            // Keys do not tell places here: begin again by place, vouched for by nothing so far.
            self.seen.clear();
            self.cursor = Cursor::Offset(0);
            return Verdict::GoOn { progress: true };
        }
        let progress = self.note_seen(&page.rows);
        let had_room = total <= limits.page_capacity && total < limits.result_window;
        if page.rows.is_empty() && had_room {
            // Rows only come after an anchor that stands; silence may mean that it does not.
            return match after {
                Some(anchor) => self.doubt(anchor),
                None => self.covered(),
            };
        }
        if is_complete(page, total, limits.result_window) {
            return self.covered();
        }
        self.trail = page.rows.iter().map(|row| row.key.clone()).collect();
        self.anchors_lost = 0;
        match self.trail.pop() {
            Some(last) => self.cursor = Cursor::AfterKey(Some(last)),
            None => self.turn_to_offsets(),
        }
        Verdict::GoOn { progress }
    }

    fn doubt(&mut self, anchor: IssueKey) -> Verdict {
        self.cursor = Cursor::InDoubt(anchor);
        Verdict::GoOn { progress: false }
    }

    fn covered(&self) -> Verdict {
        let unloadable = self.counted.unwrap_or(0).saturating_sub(self.seen.len() as u64);
        Verdict::Covered { unloadable }
    }

    /// `startAt` counts index entries, so entries whose issue cannot be loaded take up places.
    fn handle_page_at(
        &mut self,
        start_at: u64,
        page: &ListingPage,
        total: u64,
        limits: Limits,
    ) -> Verdict {
        let overlaps = page.rows.first().is_none_or(|row| self.seen.contains(&row.id));
        if start_at > 0 && !overlaps {
            // Rows before this place have left the part, and others moved up past it. What came is
            // not noted as seen: there is a gap before it, and it must not vouch for another place.
            self.cursor = Cursor::Offset(start_at - (limits.page_capacity / 2).clamp(1, start_at));
            return Verdict::GoOn { progress: true };
        }
        let progress = self.note_seen(&page.rows);
        if page.rows.is_empty() && total >= limits.result_window {
            // Beyond the result window nothing can be asked for by place.
            self.cursor = Cursor::AfterKey(None);
            return Verdict::GoOn { progress };
        }
        let step = match page.rows.len() as u64 {
            0 => limits.page_capacity,
            1 => 1,
            rows => rows - 1,
        };
        let end = start_at + step.max(page.rows.len() as u64);
        if end >= total && total < limits.result_window {
            self.counted = Some(total);
            return self.covered();
        }
        self.cursor = Cursor::Offset(start_at + step);
        Verdict::GoOn { progress }
    }

    /// The anchor was read again: it stands, so nothing came because nothing is left.
    pub(super) fn handle_anchor(&mut self, stands: bool) -> Verdict {
        if stands {
            return self.covered();
        }
        self.lose_anchor();
        Verdict::GoOn { progress: false }
    }

    /// Goes back to an earlier anchor, each time twice as far; when none is left, to the start.
    pub(super) fn lose_anchor(&mut self) {
        let back = 1_usize << self.anchors_lost.min(16);
        self.anchors_lost += 1;
        self.trail.truncate(self.trail.len().saturating_sub(back - 1));
        match self.trail.pop() {
            Some(earlier) => self.cursor = Cursor::AfterKey(Some(earlier)),
            None => self.restart(),
        }
    }

    fn restart(&mut self) {
        self.restarts += 1;
        if self.restarts <= RESTARTS {
            self.cursor = Cursor::AfterKey(None);
        } else {
            self.turn_to_offsets();
        }
    }

    /// The place of the last row seen, so that the first row of the page proves the place.
    fn turn_to_offsets(&mut self) {
        self.cursor = Cursor::Offset((self.seen.len() as u64).saturating_sub(1));
    }

    fn note_seen(&mut self, rows: &[ListedIssue]) -> bool {
        let before = self.seen.len();
        self.seen.extend(rows.iter().map(|row| row.id));
        self.seen.len() > before
    }
}

fn in_key_order(after: Option<&IssueKey>, rows: &[ListedIssue], project: &ProjectKey) -> bool {
    let starts_after = match (after, rows.first()) {
        (Some(after), Some(first)) => after < &first.key,
        _ => true,
    };
    starts_after
        && rows.is_sorted_by(|one, other| one.key < other.key)
        && rows.iter().all(|row| row.key.project() == project)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EpochSecond;

    const LIMITS: Limits = Limits { result_window: 10_000, page_capacity: 10 };

    fn page(numbers: std::ops::Range<u64>, total: u64) -> ListingPage {
        let row = |number: u64| ListedIssue {
            id: IssueId(i64::try_from(number).unwrap()),
            key: IssueKey::new(project(), number),
            updated: None,
        };
        ListingPage {
            rows: numbers.map(row).collect(),
            total: Some(total),
            max_results: None,
            next: None,
        }
    }

    fn project() -> ProjectKey {
        "P".parse().unwrap()
    }

    fn start_at(leaf: &Leaf) -> u64 {
        leaf.request(&Query::project(project(), None), TimeGrid::Seconds).1.offset()
    }

    /// Rows 1 to 10 are listed; then rows before them leave, so that place 9 shows row 20.
    fn leaf_at_a_wrong_place() -> Leaf {
        let stretch = Stretch { from: Some(EpochSecond(1)), to: Some(EpochSecond(2)) };
        let mut leaf = Leaf::over(Part::Dated(stretch), None);
        leaf.handle_page(&page(1..11, 40), 40, LIMITS, &project());
        while start_at(&leaf) == 0 {
            leaf.lose_anchor();
        }
        assert_eq!(start_at(&leaf), 9);
        leaf.handle_page(&page(20..30, 30), 30, LIMITS, &project());
        leaf
    }

    #[test]
    fn rows_of_a_wrong_place_vouch_for_no_other_place() {
        let mut leaf = leaf_at_a_wrong_place();
        assert_eq!(start_at(&leaf), 4);
        // More rows leave: place 4 now shows row 22, which was seen, but 11 to 19 never were.
        leaf.handle_page(&page(22..32, 23), 23, LIMITS, &project());
        assert_eq!(start_at(&leaf), 0);
    }
}
