//! How many requests a scan may send before it is declared stuck.

use crate::model::ListingPage;

/// Requests without any progress after which a scan is stuck. Halving the widest stretch takes
/// about 35, falling back through anchors about 10.
const PATIENCE: u32 = 100;
/// Requests that any scan may need beside those for its rows.
const BASE_REQUESTS: u64 = 1_000;
/// Requests allowed for each page of rows; an ordinary scan needs little more than one.
const REQUESTS_PER_PAGE: u64 = 50;

/// Counts requests and what came of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Budget {
    requests: u64,
    without_progress: u32,
    most_total: u64,
    most_rows: u64,
    fruitful_pages: u64,
    past_horizon: u64,
}

/// How many pages may bring nothing needed where `pages` brought something.
pub(super) fn allowance(pages: u64) -> u64 {
    16 + 2 * pages
}

impl Budget {
    pub(super) fn count_request(&mut self) {
        self.requests += 1;
        self.without_progress += 1;
    }

    pub(super) fn note_page(&mut self, page: &ListingPage) {
        self.most_total = self.most_total.max(page.total.unwrap_or(0));
        self.most_rows = self.most_rows.max(page.rows.len() as u64);
    }

    pub(super) fn note_progress(&mut self) {
        self.without_progress = 0;
    }

    /// A page of a listing that Jira does not count has brought something.
    pub(super) fn note_fruitful_page(&mut self) {
        self.fruitful_pages += 1;
    }

    /// The most rows a page has held: at least so many this instance delivers.
    pub(super) fn page_capacity(&self) -> u64 {
        self.most_rows.max(1)
    }

    pub(super) fn is_spent(&self) -> bool {
        self.without_progress > PATIENCE
            || self.requests > BASE_REQUESTS + REQUESTS_PER_PAGE * self.pages()
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    /// Counts a page asked for past the horizon, where everything belongs to the next run too.
    /// False once as many were chased as the whole scan should have needed.
    pub(super) fn may_chase(&mut self) -> bool {
        self.past_horizon += 1;
        self.past_horizon <= allowance(self.pages())
    }

    fn pages(&self) -> u64 {
        self.most_total.div_ceil(self.page_capacity()).max(self.fruitful_pages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_without_progress_is_stuck_after_its_patience() {
        let mut budget = Budget::default();
        for _ in 0..PATIENCE {
            budget.count_request();
        }
        assert!(!budget.is_spent());
        budget.count_request();
        assert!(budget.is_spent());
    }

    #[test]
    fn progress_renews_the_patience_but_not_the_whole_budget() {
        let mut budget = Budget::default();
        for _ in 0..=BASE_REQUESTS {
            budget.count_request();
            budget.note_progress();
        }
        assert!(budget.is_spent());
    }

    #[test]
    fn more_rows_allow_more_requests() {
        let mut budget = Budget::default();
        let page = ListingPage { rows: vec![], total: Some(10_000), max_results: None, next: None };
        budget.note_page(&page);
        for _ in 0..2 * BASE_REQUESTS {
            budget.count_request();
            budget.note_progress();
        }
        assert!(!budget.is_spent());
    }
}
