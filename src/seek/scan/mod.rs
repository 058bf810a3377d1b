//! The machine itself: holds the phase, feeds it pages, and hands over between the methods.

mod by_token;

use std::collections::HashSet;

use super::budget::Budget;
use super::chain::{Chain, Leg};
use super::forward::{self, Forward};
use super::leaf::{self, Leaf, Part};
use super::plan::{Method, ScanPlan};
use super::step::{Accepted, Request, ScanError, Step, Summary};
use super::stretch::{Limits, Stretch};
use super::window::{self, Window};
use crate::jql::{Order, Query};
use crate::model::{Checkpoint, EpochSecond, IssueKey, ListedIssue, ListingPage, PageStart};

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
    /// Chains begun again since the frontier last rose.
    restarts: u32,
    /// The rows of the latest page of a chain, which come again when the chain begins again.
    latest: HashSet<ListedIssue>,
}

#[derive(Debug, Clone)]
enum Phase {
    Chain(Chain),
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
            restarts: 0,
            latest: HashSet::new(),
            plan,
        };
        scan.phase = scan.first_phase(checkpoint, begin);
        scan
    }

    fn first_phase(&mut self, checkpoint: &Checkpoint, begin: Option<EpochSecond>) -> Phase {
        if self.plan.method == Method::Census {
            (self.frontier, self.dated_done) = (begin, false);
            return self.go_on_from(begin);
        }
        let frontier = self.frontier;
        match &checkpoint.after {
            _ if checkpoint.done => Phase::Finished,
            after if checkpoint.dated_done => self.undated(after.clone()),
            Some(after) if checkpoint.frontier == frontier && frontier.is_some() => {
                self.narrowest_at_frontier(after.clone())
            }
            _ => self.go_on_from(frontier),
        }
    }

    /// What to do next. Asking twice changes nothing.
    pub fn poll(&self) -> Step {
        let (query, start) = match &self.phase {
            Phase::Finished => return Step::Finished(self.summary()),
            Phase::Leaf(leaf) => match leaf.in_doubt() {
                Some(anchor) => return Step::VerifyAnchor(anchor.clone()),
                None => leaf.request(&self.base, self.plan.grid),
            },
            Phase::Forward(forward) => (self.open_from(forward.from), PageStart::FIRST),
            Phase::Window(window) => (self.dated(window.stretch), PageStart::FIRST),
            Phase::Chain(chain) => (self.query_of(chain.leg), chain.start()),
        };
        Step::List(Request { query, start, max_results: self.page_rows })
    }

    /// Takes the page that [`Step::List`] asked for.
    ///
    /// # Errors
    /// [`ScanError::NoTotal`], [`ScanError::TokensBroken`] and [`ScanError::Stuck`].
    pub fn handle_page(&mut self, page: ListingPage) -> Result<Accepted, ScanError> {
        self.budget.count_request();
        self.budget.note_page(&page);
        let total = match self.phase {
            Phase::Chain(_) | Phase::Finished => 0,
            Phase::Forward(_) | Phase::Window(_) | Phase::Leaf(_) => {
                page.total.ok_or(ScanError::NoTotal)?
            }
        };
        let rows = self.fresh_rows(&page);
        match std::mem::replace(&mut self.phase, Phase::Finished) {
            Phase::Forward(forward) => self.take_forward(forward, &page, total),
            Phase::Window(window) => self.take_window(window, &page, total),
            Phase::Leaf(leaf) => self.take_leaf(leaf, &page, total),
            Phase::Chain(chain) => self.take_chain(chain, &page)?,
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

    /// Jira refused the page with a 400: an anchor that is gone, a token that it no longer takes, or
    /// a query it does not accept.
    ///
    /// # Errors
    /// [`ScanError::Refused`] when there was neither anchor nor token,
    /// [`ScanError::TokensBroken`] and [`ScanError::Stuck`].
    pub fn handle_refused(&mut self, message: &str) -> Result<(), ScanError> {
        self.budget.count_request();
        match &mut self.phase {
            Phase::Leaf(leaf) if leaf.anchor().is_some() => leaf.lose_anchor(),
            Phase::Chain(chain) if chain.follows_a_token() => {
                let leg = chain.leg;
                self.begin_again(leg)?;
            }
            Phase::Leaf(_)
            | Phase::Chain(_)
            | Phase::Forward(_)
            | Phase::Window(_)
            | Phase::Finished => {
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
        if let Phase::Chain(chain) = &self.phase {
            // A token belongs to the page size it came with.
            self.phase = self.chain_again(chain.leg);
        }
        self.check_budget()
    }

    /// Where the scan would resume.
    pub fn checkpoint(&self) -> Checkpoint {
        let after = match &self.phase {
            Phase::Leaf(leaf) => leaf.anchor().cloned(),
            Phase::Chain(_) | Phase::Forward(_) | Phase::Window(_) | Phase::Finished => None,
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

    fn open_from(&self, from: Option<EpochSecond>) -> Query {
        self.dated(Stretch { from, to: None })
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
            Method::Forward | Method::Windows | Method::Tokens | Method::Census => {
                Phase::Window(self.window_after(window, rows))
            }
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
                Method::Windows | Method::Tokens | Method::Census => {
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
            Method::Tokens => Phase::Chain(Chain::over(Leg::Updated(frontier))),
            Method::Census => Phase::Chain(Chain::over(Leg::Created)),
        }
    }

    fn narrowest_at_frontier(&self, after: IssueKey) -> Phase {
        let open = Stretch { from: self.frontier, to: None };
        let stretch = Stretch { to: open.second_instant(self.plan.grid), ..open };
        Phase::Leaf(Leaf::over(Part::Dated(stretch), Some(after)))
    }

    fn undated(&self, after: Option<IssueKey>) -> Phase {
        match self.plan.method {
            _ if !self.plan.undated => Phase::Finished,
            Method::Forward | Method::Windows => Phase::Leaf(Leaf::over(Part::Undated, after)),
            Method::Tokens | Method::Census => Phase::Chain(Chain::over(Leg::Undated)),
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
            self.restarts = 0;
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
            Phase::Chain(_) => {
                page.rows.iter().filter(|row| !self.latest.contains(*row)).cloned().collect()
            }
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
