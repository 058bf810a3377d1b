//! The machine itself: holds the phase, feeds it pages, and hands over between the methods.

use chrono::{DateTime, Utc};

use super::budget::Budget;
use super::forward::{self, Forward};
use super::leaf::{self, Leaf, Part};
use super::stretch::{Limits, Stretch};
use super::window::{self, Window};
use crate::jql::{Order, Query, TimeGrid, UserFilter};
use crate::model::{
    Checkpoint, EpochSecond, IssueKey, ListedIssue, ListingPage, PageStart, ProjectKey,
};

/// Which method a scan begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Forward, confirmed page by page: one request a page on a quiet project.
    Forward,
    /// Stretches of index time only: never trusts a document. For repairs.
    Windows,
}

/// What to list, and what is known about the instance.
#[derive(Debug, Clone)]
pub struct ScanPlan {
    /// The project.
    pub project: ProjectKey,
    /// Extra JQL.
    pub filter: Option<UserFilter>,
    /// The instants that the instance's literals express.
    pub grid: TimeGrid,
    /// Rows to ask for on a page; the instance may deliver fewer.
    pub page_rows: u32,
    /// List issues whose indexed `updated` is at or after this; `None`: from the beginning.
    pub from: Option<DateTime<Utc>>,
    /// The run's start by Jira's clock. What is indexed later belongs to the next run too, so
    /// the scan may end once it is past it.
    pub horizon: DateTime<Utc>,
    /// A `total` this high is only a lower bound (`jira.search.platform.max.result.window`).
    pub result_window: u64,
    /// The method to begin with.
    pub method: Method,
    /// Whether to list the issues that have no `updated` as well.
    pub undated: bool,
}

/// A page to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The query.
    pub query: Query,
    /// Where the page begins: at 0 except inside a stretch that can neither be narrowed nor walked
    /// by key.
    pub start: PageStart,
    /// `maxResults`, in rows.
    pub max_results: u32,
}

/// What the machine wants next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Ask for this page, then [`Scan::handle_page`], [`Scan::handle_refused`] or
    /// [`Scan::handle_too_heavy`].
    List(Request),
    /// Read this issue, then say in [`Scan::handle_anchor`] whether it is still there by this key.
    VerifyAnchor(IssueKey),
    /// Nothing: the scan is complete.
    Finished(Summary),
}

/// Rows to diff and queue, and the checkpoint to store in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The page's rows, without those that the page before it held unchanged.
    pub rows: Vec<ListedIssue>,
    /// Where the scan resumes if it ends here.
    pub checkpoint: Checkpoint,
}

/// How a scan went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Pages and anchors asked for.
    pub requests: u64,
    /// Jumps that the next page did not confirm.
    pub distrusted: u64,
    /// Stretches that could neither be narrowed nor fit a page.
    pub overfull: u64,
    /// Index entries counted by Jira for which no row came.
    pub unloadable: u64,
    /// More was being touched than could be followed: what was indexed after the horizon is left
    /// to the next run.
    pub tail_left: bool,
}

/// Why a scan cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// Jira answered without `total`, which this kind of listing needs.
    #[error("jira answered a listing without `total`")]
    NoTotal,
    /// Jira refused a query that has no anchor to blame.
    #[error("jira refused the listing: {message}")]
    Refused {
        /// Jira's words.
        message: String,
    },
    /// Even a page of one row is too slow or too large.
    #[error("jira cannot deliver even one row of the listing at {at}")]
    TooHeavy {
        /// The frontier.
        at: String,
    },
    /// The bound on requests is reached.
    #[error("the listing makes no progress at {at} after {requests} requests")]
    Stuck {
        /// The frontier.
        at: String,
        /// Requests sent.
        requests: u64,
    },
}

/// One listing of one project. See the [module](super) for how it finds everything.
#[derive(Debug, Clone)]
pub struct Scan {
    plan: ScanPlan,
    base: Query,
    horizon: EpochSecond,
    page_rows: u32,
    phase: Phase,
    frontier: Option<EpochSecond>,
    dated_done: bool,
    budget: Budget,
    summary: Summary,
}

#[derive(Debug, Clone)]
enum Phase {
    Forward(Forward),
    Window(Window),
    Leaf(Leaf),
    Finished,
}

impl Scan {
    /// A scan of `plan`, going on from `checkpoint` (the default one: from the plan's beginning).
    pub fn new(plan: ScanPlan, checkpoint: &Checkpoint) -> Self {
        let floor = |second| plan.grid.floor(second).map(|boundary| boundary.second());
        let begin = plan.from.and_then(|from| floor(EpochSecond::floor(from)));
        let frontier = checkpoint.frontier.and_then(floor).max(begin);
        let mut scan = Self {
            base: Query::project(plan.project.clone(), plan.filter.clone()),
            horizon: EpochSecond::floor(plan.horizon),
            page_rows: plan.page_rows.max(1),
            phase: Phase::Finished,
            frontier,
            dated_done: checkpoint.dated_done || checkpoint.done,
            budget: Budget::default(),
            summary: Summary::default(),
            plan,
        };
        scan.phase = match &checkpoint.after {
            _ if checkpoint.done => Phase::Finished,
            after if checkpoint.dated_done => scan.undated(after.clone()),
            Some(after) if checkpoint.frontier == frontier && frontier.is_some() => {
                scan.narrowest_at_frontier(after.clone())
            }
            _ => scan.go_on_from(frontier),
        };
        scan
    }

    /// What to do next. Asking twice changes nothing.
    pub fn poll(&self) -> Step {
        let (query, start_at) = match &self.phase {
            Phase::Finished => return Step::Finished(self.summary()),
            Phase::Leaf(leaf) => match leaf.in_doubt() {
                Some(anchor) => return Step::VerifyAnchor(anchor.clone()),
                None => leaf.request(&self.base, self.plan.grid),
            },
            Phase::Forward(forward) => (self.dated(Stretch { from: forward.from, to: None }), 0),
            Phase::Window(window) => (self.dated(window.stretch), 0),
        };
        Step::List(Request {
            query,
            start: PageStart::Offset(start_at),
            max_results: self.page_rows,
        })
    }

    /// Takes the page that [`Step::List`] asked for.
    ///
    /// # Errors
    /// [`ScanError::NoTotal`] and [`ScanError::Stuck`].
    pub fn handle_page(&mut self, page: ListingPage) -> Result<Accepted, ScanError> {
        self.budget.count_request();
        self.budget.note_page(&page);
        let total = page.total.ok_or(ScanError::NoTotal)?;
        let rows = self.fresh_rows(&page);
        match std::mem::replace(&mut self.phase, Phase::Finished) {
            Phase::Forward(forward) => self.take_forward(forward, &page, total),
            Phase::Window(window) => self.take_window(window, &page, total),
            Phase::Leaf(leaf) => self.take_leaf(leaf, &page, total),
            Phase::Finished => {}
        }
        self.check_budget()?;
        Ok(Accepted { rows, checkpoint: self.checkpoint() })
    }

    /// Says whether the issue that [`Step::VerifyAnchor`] named is still there by that key.
    ///
    /// # Errors
    /// [`ScanError::Stuck`].
    pub fn handle_anchor(&mut self, stands: bool) -> Result<Checkpoint, ScanError> {
        self.budget.count_request();
        if let Phase::Leaf(mut leaf) = std::mem::replace(&mut self.phase, Phase::Finished) {
            let verdict = leaf.handle_anchor(stands);
            self.follow_leaf(leaf, &verdict);
        }
        self.check_budget()?;
        Ok(self.checkpoint())
    }

    /// Jira refused the page with a 400: an anchor that is gone, or a query it does not accept.
    ///
    /// # Errors
    /// [`ScanError::Refused`] when there was no anchor, and [`ScanError::Stuck`].
    pub fn handle_refused(&mut self, message: &str) -> Result<(), ScanError> {
        self.budget.count_request();
        match &mut self.phase {
            Phase::Leaf(leaf) if leaf.anchor().is_some() => leaf.lose_anchor(),
            Phase::Leaf(_) | Phase::Forward(_) | Phase::Window(_) | Phase::Finished => {
                return Err(ScanError::Refused { message: message.to_owned() });
            }
        }
        self.check_budget()
    }

    /// The page was too slow or too large to deliver: ask for half as many rows from now on.
    ///
    /// # Errors
    /// [`ScanError::TooHeavy`] when it was one row already, and [`ScanError::Stuck`].
    pub fn handle_too_heavy(&mut self) -> Result<(), ScanError> {
        self.budget.count_request();
        if self.page_rows == 1 {
            return Err(ScanError::TooHeavy { at: self.place() });
        }
        self.page_rows /= 2;
        self.check_budget()
    }

    /// Where the scan would resume.
    pub fn checkpoint(&self) -> Checkpoint {
        let after = match &self.phase {
            Phase::Leaf(leaf) => leaf.anchor().cloned(),
            Phase::Forward(_) | Phase::Window(_) | Phase::Finished => None,
        };
        Checkpoint {
            frontier: self.frontier,
            after,
            dated_done: self.dated_done,
            done: matches!(self.phase, Phase::Finished),
        }
    }

    fn summary(&self) -> Summary {
        Summary { requests: self.budget.requests(), ..self.summary }
    }

    fn dated(&self, stretch: Stretch) -> Query {
        self.base.clone().over(stretch.span(self.plan.grid), Order::UpdatedThenKey)
    }

    fn take_forward(&mut self, mut forward: Forward, page: &ListingPage, total: u64) {
        let window = self.plan.result_window;
        match forward.handle_page(page, total, window, self.plan.grid) {
            forward::Verdict::Complete => self.finish_dated(),
            forward::Verdict::Jumped => {
                self.reach(forward.confirmed());
                if self.may_go_on_from(forward.confirmed()) {
                    self.phase = Phase::Forward(forward);
                }
            }
            forward::Verdict::Distrusted { from, to } => {
                self.summary.distrusted += 1;
                self.phase = Phase::Window(Window::over(Stretch { from, to: Some(to) }));
            }
            forward::Verdict::Crowded => {
                self.reach(forward.from);
                let open = Stretch { from: forward.from, to: None };
                let next = open.second_instant(self.plan.grid);
                self.phase = Phase::Window(Window::over(Stretch { from: forward.from, to: next }));
            }
        }
    }

    fn take_window(&mut self, mut window: Window, page: &ListingPage, total: u64) {
        let (limits, grid) = (self.limits(), self.plan.grid);
        match window.handle_page(page, total, limits, self.horizon, grid) {
            window::Verdict::Covered { agrees } => {
                self.leave_window(&window, page.rows.len(), agrees)
            }
            window::Verdict::Narrowed => self.phase = Phase::Window(window),
            window::Verdict::Overfull => {
                self.summary.overfull += 1;
                self.phase = Phase::Leaf(Leaf::over(Part::Dated(window.stretch), None));
            }
        }
    }

    fn leave_window(&mut self, window: &Window, rows: usize, agrees: bool) {
        let Some(to) = window.stretch.to else { return self.finish_dated() };
        self.reach(Some(to));
        if !self.may_go_on_from(Some(to)) {
            return;
        }
        self.phase = match self.plan.method {
            Method::Forward if agrees => Phase::Forward(Forward::starting_at(Some(to))),
            Method::Forward | Method::Windows => Phase::Window(self.window_after(window, rows)),
        };
    }

    fn take_leaf(&mut self, mut leaf: Leaf, page: &ListingPage, total: u64) {
        let verdict = leaf.handle_page(page, total, self.limits(), &self.plan.project);
        self.follow_leaf(leaf, &verdict);
    }

    fn follow_leaf(&mut self, leaf: Leaf, verdict: &leaf::Verdict) {
        match *verdict {
            leaf::Verdict::GoOn { progress } => {
                if progress {
                    self.budget.note_progress();
                }
                self.phase = Phase::Leaf(leaf);
            }
            leaf::Verdict::Covered { unloadable } => {
                self.summary.unloadable += unloadable;
                match leaf.part {
                    Part::Undated => self.phase = Phase::Finished,
                    Part::Dated(stretch) => self.leave_leaf(stretch),
                }
            }
        }
    }

    fn leave_leaf(&mut self, stretch: Stretch) {
        self.reach(stretch.to);
        if self.may_go_on_from(stretch.to) {
            self.phase = match self.plan.method {
                Method::Forward => Phase::Forward(Forward::starting_at(stretch.to)),
                Method::Windows => {
                    let full = usize::try_from(self.budget.page_capacity()).unwrap_or(usize::MAX);
                    Phase::Window(self.window_after(&Window::over(stretch), full))
                }
            };
        }
    }

    fn window_after(&self, window: &Window, rows: usize) -> Window {
        window.next(rows, self.budget.page_capacity(), self.horizon, self.plan.grid)
    }

    fn go_on_from(&self, frontier: Option<EpochSecond>) -> Phase {
        match self.plan.method {
            Method::Forward => Phase::Forward(Forward::starting_at(frontier)),
            Method::Windows => Phase::Window(Window::over(Stretch { from: frontier, to: None })),
        }
    }

    fn narrowest_at_frontier(&self, after: IssueKey) -> Phase {
        let open = Stretch { from: self.frontier, to: None };
        let stretch = Stretch { to: open.second_instant(self.plan.grid), ..open };
        Phase::Leaf(Leaf::over(Part::Dated(stretch), Some(after)))
    }

    fn undated(&self, after: Option<IssueKey>) -> Phase {
        if self.plan.undated {
            Phase::Leaf(Leaf::over(Part::Undated, after))
        } else {
            Phase::Finished
        }
    }

    fn finish_dated(&mut self) {
        self.dated_done = true;
        self.phase = self.undated(None);
    }

    /// The monotonic guard: the frontier never falls.
    fn reach(&mut self, to: Option<EpochSecond>) {
        if to > self.frontier {
            self.frontier = to;
            self.budget.note_progress();
        }
    }

    /// Past the horizon everything belongs to the next run as well, so there is an end to chasing.
    fn may_go_on_from(&mut self, reached: Option<EpochSecond>) -> bool {
        if reached < Some(self.horizon) || self.budget.may_chase() {
            return true;
        }
        self.summary.tail_left = true;
        self.finish_dated();
        false
    }

    fn limits(&self) -> Limits {
        Limits {
            result_window: self.plan.result_window,
            page_capacity: self.budget.page_capacity(),
        }
    }

    fn fresh_rows(&self, page: &ListingPage) -> Vec<ListedIssue> {
        match &self.phase {
            Phase::Forward(forward) => {
                page.rows.iter().filter(|row| !forward.is_repeated(row)).cloned().collect()
            }
            Phase::Window(_) | Phase::Leaf(_) | Phase::Finished => page.rows.clone(),
        }
    }

    fn check_budget(&self) -> Result<(), ScanError> {
        if self.budget.is_spent() && !matches!(self.phase, Phase::Finished) {
            return Err(ScanError::Stuck { at: self.place(), requests: self.budget.requests() });
        }
        Ok(())
    }

    fn place(&self) -> String {
        match self.frontier {
            Some(frontier) => frontier.to_string(),
            None => "the beginning".to_owned(),
        }
    }
}
