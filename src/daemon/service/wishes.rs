//! What the service is told from outside while it works: to end, or to work as another configuration
//! says. And patience: doing something again until it succeeds or something else is wanted.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::board::{Board, Peer};
use super::dice;
use super::heart::Heart;
use super::trouble::{self, Outlook};
use crate::config::Config;
use crate::daemon::backoff::Backoff;
use crate::daemon::wiring::WiringError;

/// How much of the service another configuration concerns. The greater includes the less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Which projects are followed and when: runs under way go on.
    Schedule,
    /// How Jira is asked and what of its issues: runs under way are interrupted and resumed.
    Jira,
    /// Where everything is stored.
    Database,
}

/// A configuration to work by, and how far it reaches since the service began.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) config: Arc<Config>,
    /// How many orders have reached that far: jira, database.
    pub(super) reached: [u64; 2],
}

impl Order {
    pub(super) fn first(config: Config) -> Self {
        Self { config: Arc::new(config), reached: [0, 0] }
    }

    /// The next order after this one.
    pub(super) fn followed_by(&self, config: Config, reach: Reach) -> Self {
        let [jira, database] = self.reached;
        let reached = match reach {
            Reach::Schedule => [jira, database],
            Reach::Jira => [jira + 1, database],
            Reach::Database => [jira + 1, database + 1],
        };
        Self { config: Arc::new(config), reached }
    }

    /// How far this order reaches for what was built by an `earlier` one.
    pub(super) fn reach_since(&self, earlier: &Self) -> Reach {
        match (self.reached[0] == earlier.reached[0], self.reached[1] == earlier.reached[1]) {
            (_, false) => Reach::Database,
            (false, true) => Reach::Jira,
            (true, true) => Reach::Schedule,
        }
    }
}

/// The service's ear, and its heart: whoever waits here lives.
#[derive(Debug)]
pub(super) struct Wishes {
    pub(super) stop: CancellationToken,
    pub(super) orders: watch::Receiver<Order>,
    pub(super) heart: Heart,
}

/// Something else is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    End,
    Order,
}

/// What became of something that was waited for.
#[derive(Debug)]
pub(super) enum Waited<T> {
    Done(T),
    Told(Wish),
}

impl Wishes {
    /// The order in force, which is known from now on.
    pub(super) fn order(&mut self) -> Order {
        self.orders.borrow_and_update().clone()
    }

    /// Waits for the next wish, alive.
    pub(super) async fn next(&mut self) -> Wish {
        let Self { stop, orders, heart } = self;
        tokio::select! {
            () = stop.cancelled() => Wish::End,
            Ok(()) = orders.changed() => Wish::Order,
            never = heart.beating() => match never {},
        }
    }

    /// Tries until it succeeds, with growing waits. `begun` says whether the service has got that
    /// far before: then no error ends it.
    ///
    /// # Errors
    /// The first one that somebody has to mend, unless it has `begun` before.
    pub(super) async fn patiently<T, F>(
        &mut self,
        board: &Board,
        begun: bool,
        mut attempt: impl FnMut() -> F,
    ) -> Result<Waited<T>, WiringError>
    where
        F: Future<Output = Result<T, WiringError>>,
    {
        let mut failures = 0;
        loop {
            let outcome = tokio::select! {
                outcome = attempt() => outcome,
                wish = self.next() => return Ok(Waited::Told(wish)),
            };
            let error = match outcome {
                Ok(done) => return Ok(Waited::Done(done)),
                Err(WiringError::Interrupted) => return Ok(Waited::Told(Wish::End)),
                Err(error) => error,
            };
            match trouble::outlook(&error) {
                Outlook::Hopeless if !begun => return Err(error),
                Outlook::Hopeless | Outlook::Wait => {}
            }
            board.down(peer_of(&error), trouble::of_wiring(&error));
            failures += 1;
            tokio::select! {
                () = tokio::time::sleep(Backoff::of_peer().wait(failures, dice())) => {}
                wish = self.next() => return Ok(Waited::Told(wish)),
            }
        }
    }
}

fn peer_of(error: &WiringError) -> Peer {
    match error {
        WiringError::Jira(_) | WiringError::Config(_) | WiringError::Filter(_) => Peer::Jira,
        WiringError::Store(_)
        | WiringError::PrivatePostgres(_)
        | WiringError::NoDataDir
        | WiringError::Interrupted => Peer::Database,
    }
}
