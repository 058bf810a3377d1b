//! The service behind `extractor run`: it keeps every followed project in sync, by a schedule that all
//! processes of a site share, until it is told to end.
//!
//! [`Service::run`] opens the database ([`base`]) and meets Jira ([`crew`]), however long that takes
//! ([`wishes`]), and then works in a [`shift`]: look what is asked for, was cut short or is due
//! ([`look`]), choose ([`due`]), run ([`runs`]), put down how it went ([`verdict`]). Another
//! configuration ends a shift if it concerns more than the schedule. What the service says of itself
//! goes through the [`board`]. What is absent: no decision about a request (that is `jira`'s) or
//! within a run (that is `sync`'s), and no HTTP (that is `admin`'s).

mod base;
mod board;
mod crew;
mod due;
mod heart;
mod help;
mod jira_watch;
mod look;
mod roster;
mod runs;
mod shift;
mod trouble;
mod verdict;
mod wishes;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::heartbeat::{self, Heartbeat};
use super::wiring::{WiringError, jira_client, user_filter};
use crate::admin::desk::{Desk, Phase, Pulse};
use crate::clock::Clock;
use crate::config::Config;

use base::Base;
use board::{Board, Patience};
use crew::Crew;
use heart::Heart;
use shift::{Next, Shift};
use wishes::{Order, Waited, Wish, Wishes};

pub use wishes::Reach;

/// The part of the time to end that is kept for closing connections in order; see [`for_runs`].
const CLOSING: Duration = Duration::from_secs(5);

/// The service, before it runs.
#[derive(Debug)]
pub struct Service {
    board: Board,
    wishes: Wishes,
    orders: watch::Sender<Order>,
    desk: Desk,
    watcher: heartbeat::Pulse,
}

/// The way to a running service.
#[derive(Debug, Clone)]
pub struct ServiceHandle {
    orders: watch::Sender<Order>,
    board: Board,
}

impl Service {
    /// A service that works by `config` until `stop` is cancelled.
    ///
    /// # Errors
    /// [`WiringError::Config`] without an address of Jira.
    pub fn new(
        config: Config,
        clock: Arc<dyn Clock>,
        stop: CancellationToken,
    ) -> Result<Self, WiringError> {
        let site = config.jira.instance()?.1.clone();
        let board = Board::new(Arc::clone(&clock), Patience::of(&config.sync));
        let (heartbeat, watcher): (Heartbeat, _) = heartbeat::heartbeat();
        let heart = Heart { pulse: Pulse::default(), heartbeat, clock };
        let desk = board.desk(site, heart.pulse.clone());
        let orders = watch::Sender::new(Order::first(config));
        let wishes = Wishes { stop, orders: orders.subscribe(), heart };
        Ok(Self { board, wishes, orders, desk, watcher })
    }

    /// What it lays open. It may be served before the service runs.
    pub fn desk(&self) -> Desk {
        self.desk.clone()
    }

    /// The way to it while it runs.
    pub fn handle(&self) -> ServiceHandle {
        ServiceHandle { orders: self.orders.clone(), board: self.board.clone() }
    }

    /// Takes part of the service apart: what runs, and the pulse by which its loop is watched.
    pub fn watched(self) -> (RunningService, heartbeat::Pulse) {
        let Self { board, wishes, orders, watcher, .. } = self;
        (RunningService { board, wishes, _orders: orders, begun: Begun::default() }, watcher)
    }

    /// Works until it is told to end.
    ///
    /// # Errors
    /// At the very start what somebody has to mend: a wrong configuration, refused credentials.
    pub async fn run(self) -> Result<(), WiringError> {
        self.watched().0.run().await
    }
}

impl ServiceHandle {
    /// Has the service work by another configuration from now on; `reach` says how much of it that
    /// concerns.
    ///
    /// # Errors
    /// Why this configuration cannot be used; the one before stays in force.
    pub fn apply(&self, config: Config, reach: Reach) -> Result<(), WiringError> {
        user_filter(&config)?;
        jira_client(&config.jira)?;
        let patience = Patience::of(&config.sync);
        self.orders.send_modify(|order| *order = order.followed_by(config, reach));
        self.board.configured(patience);
        Ok(())
    }

    /// Shows why a configuration was refused; the one before stays in force.
    pub fn refuse(&self, trouble: crate::admin::desk::Trouble) {
        self.board.refused(trouble);
    }
}

/// What has been there once: after that its absence ends nothing.
#[derive(Debug, Clone, Copy, Default)]
struct Begun {
    database: bool,
    jira: bool,
}

/// The service at work.
#[derive(Debug)]
pub struct RunningService {
    board: Board,
    wishes: Wishes,
    /// Kept so that orders can come as long as it runs.
    _orders: watch::Sender<Order>,
    begun: Begun,
}

impl RunningService {
    /// Works until it is told to end.
    ///
    /// # Errors
    /// As [`Service::run`].
    pub async fn run(mut self) -> Result<(), WiringError> {
        let ended = self.live().await;
        self.board.phase(Phase::Stopping);
        ended
    }

    async fn live(&mut self) -> Result<(), WiringError> {
        loop {
            let order = self.wishes.order();
            let opening = Base::open(&order, &self.board, &mut self.wishes, self.begun.database);
            let base = match Box::pin(opening).await? {
                Waited::Done(base) => base,
                Waited::Told(Wish::Order) => continue,
                Waited::Told(Wish::End) => return Ok(()),
            };
            self.begun.database = true;
            let next = self.with_database(&base, &order).await;
            base.close(&self.board).await;
            match next? {
                Next::End => return Ok(()),
                Next::Rebuild(_) => {}
            }
        }
    }

    /// Works with this database until another one is wanted.
    async fn with_database(&mut self, base: &Base, opened: &Order) -> Result<Next, WiringError> {
        loop {
            let order = self.wishes.order();
            if order.reach_since(opened) == Reach::Database {
                return Ok(Next::Rebuild(Reach::Database));
            }
            let meeting = Crew::meet(&order, base, &self.board, &mut self.wishes, self.begun.jira);
            let crew = match Box::pin(meeting).await? {
                Waited::Done(crew) => crew,
                Waited::Told(Wish::Order) => continue,
                Waited::Told(Wish::End) => return Ok(Next::End),
            };
            self.begun.jira = true;
            let mut shift = Shift::new(order.clone(), base, &crew, &self.board);
            let next = Box::pin(shift.work(&mut self.wishes)).await;
            if next == Next::End {
                self.board.phase(Phase::Stopping);
            }
            let grace = for_runs(shift.order.config.shutdown.grace);
            let in_time = shift.end(grace, &mut self.wishes.heart).await;
            drop(shift);
            crew.close().await;
            match next {
                Next::Rebuild(Reach::Jira) if in_time => {}
                // What was abandoned is free for others only once this session has ended.
                next => return Ok(next),
            }
        }
    }
}

/// Of the time to end, what runs get: the rest is for closing in order.
fn for_runs(grace: Duration) -> Duration {
    grace - CLOSING.min(grace / 4)
}

#[expect(clippy::disallowed_methods, reason = "the one place of the service that throws dice")]
fn dice() -> f64 {
    rand::random()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_get_most_of_the_time_to_end() {
        assert_eq!(for_runs(Duration::from_secs(20)), Duration::from_secs(15));
        assert_eq!(for_runs(Duration::from_secs(4)), Duration::from_secs(3));
        assert_eq!(for_runs(Duration::ZERO), Duration::ZERO);
    }
}
