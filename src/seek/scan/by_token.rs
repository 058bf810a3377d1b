//! How a scan follows Cloud's tokens: takes a chain's pages, and begins it again where it breaks.

use super::{Phase, Scan};
use crate::jql::{Order, Query, Span};
use crate::model::{EpochSecond, ListingPage};
use crate::seek::chain::{self, Chain, Leg, Verdict};
use crate::seek::step::ScanError;
use crate::seek::stretch::Stretch;

/// Chains that may be begun again before the frontier has to rise.
const RESTARTS: u32 = 5;

impl Scan {
    pub(super) fn query_of(&self, leg: Leg) -> Query {
        let grid = self.plan.grid;
        let base = || self.base.clone();
        match leg {
            Leg::Updated(from) => self.open_from(from),
            Leg::Undated => base().over(Span::Undated, Order::Key),
            Leg::Created => {
                let from = self.frontier;
                let span = from.map_or(Span::All, |_| Stretch { from, to: None }.span(grid));
                let query = base().over(span, Order::CreatedThenKey);
                match grid.floor(self.horizon) {
                    Some(horizon) => query.created_before(horizon),
                    None => query,
                }
            }
        }
    }

    pub(super) fn take_chain(
        &mut self,
        mut chain: Chain,
        page: &ListingPage,
    ) -> Result<(), ScanError> {
        let verdict = chain.handle_page(page, self.horizon);
        if let Leg::Updated(_) = chain.leg {
            let settled = EpochSecond::floor(self.plan.settled);
            self.reach(chain::passed(page, settled, self.plan.grid));
        }
        if !page.rows.is_empty() {
            self.latest = page.rows.iter().cloned().collect();
        }
        match verdict {
            Verdict::Fruitful => {
                self.budget.note_fruitful_page();
                self.go_on_with(chain);
            }
            Verdict::Idle => self.go_on_with(chain),
            Verdict::Chased if self.budget.may_chase() => self.go_on_with(chain),
            Verdict::Chased => {
                self.summary.tail_left = true;
                self.finish_dated();
            }
            Verdict::Ended => self.leave_chain(&chain),
            Verdict::Broken => self.begin_again(chain.leg)?,
        }
        Ok(())
    }

    /// The chain has its own bound on pages that bring nothing, so any page counts as progress.
    fn go_on_with(&mut self, chain: Chain) {
        self.budget.note_progress();
        self.phase = Phase::Chain(chain);
    }

    fn leave_chain(&mut self, chain: &Chain) {
        self.restarts = 0;
        match chain.leg {
            Leg::Updated(_) => self.finish_dated(),
            Leg::Undated => self.phase = Phase::Finished,
            Leg::Created => {
                self.summary.census = Some(chain.issues());
                self.phase = Phase::Finished;
            }
        }
    }

    /// Follows a new chain instead of one that Jira broke off.
    pub(super) fn begin_again(&mut self, leg: Leg) -> Result<(), ScanError> {
        self.phase = self.chain_again(leg);
        if self.restarts >= RESTARTS {
            return Err(ScanError::TokensBroken { at: self.place(), restarts: self.restarts });
        }
        self.restarts += 1;
        self.summary.restarts += 1;
        Ok(())
    }

    /// The same leg from where nothing is left out: the frontier, or its beginning.
    pub(super) fn chain_again(&self, leg: Leg) -> Phase {
        Phase::Chain(Chain::over(match leg {
            Leg::Updated(_) => Leg::Updated(self.frontier),
            Leg::Undated | Leg::Created => leg,
        }))
    }
}
