//! Jira Cloud's method: one query, followed from page to page by the token that each page brings.
//! Judges the pages; where a broken chain begins again is the scan's to say.
//!
//! A token names a place in one query's order, so there is no jump to be confirmed. But an absent
//! token is the only sign of the end, and nothing counts along: a chain that Jira ends too early
//! looks like one that is complete. That is the census' to find.

use std::collections::HashSet;

use super::budget::allowance;
use crate::jql::TimeGrid;
use crate::model::{EpochSecond, IssueId, ListingPage, PageStart, PageToken};

/// What a chain lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leg {
    /// What is indexed from an instant on, by `updated`.
    Updated(Option<EpochSecond>),
    /// The issues without an `updated`, by key.
    Undated,
    /// The census: what was created before the horizon, by `created`.
    Created,
}

/// One query under way.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    pub(super) leg: Leg,
    /// Where the next page begins; `None`: with the query.
    next: Option<PageToken>,
    /// Every token of this query so far.
    tokens: HashSet<PageToken>,
    /// Every issue that came.
    seen: HashSet<IssueId>,
    fruitful: u64,
    idle_in_a_row: u64,
}

/// What a page is to the chain.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It brought issues that had not come before: go on.
    Fruitful,
    /// It brought nothing but what was changed since the run began: go on, for a while.
    Chased,
    /// It brought nothing, which is no end (Jira may filter a page down to nothing): go on.
    Idle,
    /// It has no token: the query is at its end, so Jira says.
    Ended,
    /// Its token has been followed already, or too many pages in a row brought nothing.
    Broken,
}

impl Chain {
    pub(super) fn over(leg: Leg) -> Self {
        Self {
            leg,
            next: None,
            tokens: HashSet::new(),
            seen: HashSet::new(),
            fruitful: 0,
            idle_in_a_row: 0,
        }
    }

    /// Where the next page begins.
    pub(super) fn start(&self) -> PageStart {
        match &self.next {
            None => PageStart::FIRST,
            Some(token) => PageStart::Token(token.clone()),
        }
    }

    /// Whether the page that is asked for is named by a token, so that Jira may refuse just that.
    pub(super) fn follows_a_token(&self) -> bool {
        self.next.is_some()
    }

    /// Distinct issues that came.
    pub(super) fn issues(&self) -> u64 {
        self.seen.len() as u64
    }

    pub(super) fn handle_page(&mut self, page: &ListingPage, horizon: EpochSecond) -> Verdict {
        let verdict = self.judge(page, horizon);
        match verdict {
            Verdict::Fruitful => (self.fruitful, self.idle_in_a_row) = (self.fruitful + 1, 0),
            Verdict::Idle => self.idle_in_a_row += 1,
            Verdict::Chased | Verdict::Ended | Verdict::Broken => {}
        }
        let Some(token) = page.next.clone() else { return Verdict::Ended };
        // A whole project may be reindexed while it is listed, and come once more.
        if self.idle_in_a_row > allowance(self.fruitful) || !self.tokens.insert(token.clone()) {
            return Verdict::Broken;
        }
        self.next = Some(token);
        verdict
    }

    fn judge(&mut self, page: &ListingPage, horizon: EpochSecond) -> Verdict {
        let since_horizon =
            |updated| matches!(self.leg, Leg::Updated(_)) && EpochSecond::floor(updated) >= horizon;
        let (mut fruitful, mut chased) = (false, false);
        for row in &page.rows {
            let chasing = row.updated.is_some_and(since_horizon);
            let unseen = self.seen.insert(row.id);
            fruitful |= unseen && !chasing;
            chased |= chasing;
        }
        match (fruitful, chased) {
            (true, _) => Verdict::Fruitful,
            (false, true) => Verdict::Chased,
            (false, false) => Verdict::Idle,
        }
    }
}

/// The instant from which a chain by `updated` may begin again after `page` without leaving
/// anything out; `None` where the page does not tell.
///
/// Rows come in the order of the index, so everything indexed before the *last* row's index time
/// has come. That time is not told: a row shows its document's `updated`. A reindex puts the index
/// after the document, and search lag puts it before, for what was changed lately. A document from
/// before `settled` is therefore not after its index entry, nor that after the last one. The oldest
/// document is taken, not the last, so that a stale index entry here and there misleads nobody
/// either, and not a document of these days, because on a page all of which was just edited in bulk
/// even the oldest may be far ahead of the index.
pub(super) fn passed(
    page: &ListingPage,
    settled: EpochSecond,
    grid: TimeGrid,
) -> Option<EpochSecond> {
    let oldest = page.rows.iter().filter_map(|row| row.updated).map(EpochSecond::floor).min()?;
    if oldest >= settled {
        return None;
    }
    grid.floor(oldest).map(|boundary| boundary.second())
}
