//! The loop of the service while database and Jira are known: look what there is to do, start what
//! there is room for, put down how it went, and wait for the next reason to look.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::base::Base;
use super::board::{Board, Peer};
use super::crew::Crew;
use super::dice;
use super::due::{Room, Work};
use super::heart::Heart;
use super::help::Helper;
use super::jira_watch::JiraWatch;
use super::roster::{self, Roster};
use super::runs::{EndedRun, Runs};
use super::trouble;
use super::verdict;
use super::wishes::{Order, Reach, Wish, Wishes};
use crate::admin::desk::{Phase, Trouble};
use crate::config::SyncConfig;
use crate::model::{FailureCategory, ProjectKey, RunKind, Schedule, Site};
use crate::store::{ControlListener, Store};

/// The longest wait until the next look; others are heard of at once.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How soon a database that did not answer is asked again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long a look may take.
const LOOK_LIMIT: Duration = Duration::from_secs(8);
/// How long a project is left alone that was not to be had.
pub(super) const LEFT_ALONE: Duration = Duration::from_secs(5);

/// What comes after a shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    End,
    /// Everything that this order reaches is built anew.
    Rebuild(Reach),
}

/// A shift under way.
pub(super) struct Shift<'a> {
    pub(super) base: &'a Base,
    pub(super) board: &'a Board,
    pub(super) work: Work,
    pub(super) runs: Runs,
    pub(super) helper: Helper,
    /// Runs that have ended and are not put down yet.
    pub(super) ended: Vec<EndedRun>,
    pub(super) left_alone: HashMap<ProjectKey, Instant>,
    /// Projects that other processes hold.
    pub(super) held_elsewhere: BTreeSet<ProjectKey>,
    pub(super) roster: watch::Sender<Roster>,
    /// The roster as it is stored.
    pub(super) stored_roster: Roster,
    /// The projects in it, by the keys they have now.
    pub(super) followed: BTreeSet<ProjectKey>,
    pub(super) listener: Option<ControlListener>,
    /// Issues that others have queued and nobody fetches.
    pub(super) queue_waits: bool,
    pub(super) order: Order,
    crew: &'a Crew,
    watch: Arc<JiraWatch>,
    duties: JoinSet<()>,
}

impl<'a> Shift<'a> {
    pub(super) fn new(order: Order, base: &'a Base, crew: &'a Crew, board: &'a Board) -> Self {
        let wanted = order.config.sync.projects.clone();
        let watch = Arc::new(JiraWatch::new(Arc::clone(&crew.peer), wanted, board.clone()));
        let mut shift = Self {
            order,
            base,
            crew,
            board,
            watch,
            work: Work::default(),
            runs: Runs::new(board.clone()),
            helper: Helper::default(),
            ended: Vec::new(),
            left_alone: HashMap::new(),
            held_elsewhere: BTreeSet::new(),
            roster: watch::Sender::new(None),
            stored_roster: None,
            followed: BTreeSet::new(),
            listener: None,
            queue_waits: false,
            duties: JoinSet::new(),
        };
        shift.take_up_duties();
        shift
    }

    pub(super) fn store(&self) -> &'a Store {
        self.base.store()
    }

    pub(super) fn site(&self) -> &'a Site {
        &self.crew.peer.site
    }

    pub(super) fn sync(&self) -> &SyncConfig {
        &self.order.config.sync
    }

    /// When runs of a kind are due; that of deltas for reconciles that nobody has scheduled.
    pub(super) fn schedule_of(&self, kind: RunKind) -> &Schedule {
        let sync = self.sync();
        match kind {
            RunKind::Backfill | RunKind::Delta => &sync.schedule,
            RunKind::Reconcile => sync.reconcile_schedule.as_ref().unwrap_or(&sync.schedule),
        }
    }

    /// What goes on beside the loop, for the order in force.
    fn take_up_duties(&mut self) {
        self.duties = JoinSet::new();
        let wanted = self.sync().projects.clone();
        let peer = Arc::clone(&self.crew.peer);
        self.watch =
            Arc::new(JiraWatch::new(Arc::clone(&peer), wanted.clone(), self.board.clone()));
        let watch = Arc::clone(&self.watch);
        self.duties.spawn(async move { watch.keep().await });
        let (board, roster) = (self.board.clone(), self.roster.clone());
        let period = self.sync().schedule.period();
        self.duties.spawn(async move {
            roster::keep((wanted, period), &peer, &board, &roster).await;
        });
    }

    /// Works until something else is wanted.
    pub(super) async fn work(&mut self, wishes: &mut Wishes) -> Next {
        let mut roster = self.roster.subscribe();
        loop {
            let wait = wishes.heart.during(Box::pin(self.turn())).await;
            let site = self.site();
            tokio::select! {
                wish = wishes.next() => match wish {
                    Wish::End => return Next::End,
                    Wish::Order => {
                        let order = wishes.order();
                        match order.reach_since(&self.order) {
                            Reach::Schedule => self.follow_order(order),
                            reach @ (Reach::Jira | Reach::Database) => return Next::Rebuild(reach),
                        }
                    }
                },
                ended = self.runs.next_ended() => self.ended.push(ended),
                () = self.helper.ended() => {}
                () = heard(&mut self.listener, site) => {}
                Ok(()) = roster.changed() => {}
                Some(ended) = self.duties.join_next() => {
                    tracing::error!(ended = ?ended, "a duty of the service ended abnormally");
                    self.take_up_duties();
                }
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Other projects, or another schedule: runs under way go on.
    fn follow_order(&mut self, order: Order) {
        self.order = order;
        self.stored_roster = None;
        self.take_up_duties();
    }

    /// Looks and starts what there is room for; answers how long to wait.
    async fn turn(&mut self) -> Duration {
        let trouble = match tokio::time::timeout(LOOK_LIMIT, self.look()).await {
            Ok(Ok(())) => {
                self.board.up(Peer::Database);
                self.board.phase(Phase::Running);
                self.start_runs();
                let next = self.work.next_due_in().map(|due| due + Duration::from_millis(20));
                return next.map_or(LOOK_EVERY, |due| due.min(LOOK_EVERY));
            }
            Ok(Err(error)) => trouble::of_store(&error),
            Err(_) => Trouble {
                text: format!("the database did not answer within {LOOK_LIMIT:?}"),
                category: FailureCategory::Temporary,
                remedy: "see in pg_stat_activity what it waits for".to_owned(),
            },
        };
        self.board.down(Peer::Database, trouble);
        LOOK_AGAIN
    }

    fn start_runs(&mut self) {
        if self.board.is_down(Peer::Jira) {
            return;
        }
        let (under_way, reconciles) = (self.runs.len(), self.runs.reconciles());
        let room = Room::of(self.sync().max_runs, under_way, reconciles);
        let mut taken = self.runs.projects();
        taken.extend(self.held_elsewhere.iter().cloned());
        self.left_alone.retain(|_, until| *until > Instant::now());
        taken.extend(self.left_alone.keys().cloned());
        let now = self.board.now();
        let next_in = |kind| verdict::next_in(self.schedule_of(kind), now, dice());
        let chosen = self.work.choose(room, &taken, next_in);
        if !chosen.is_empty() {
            self.helper.interrupt();
        }
        for request in chosen {
            self.runs.start(&self.crew.engine, &self.watch, request);
        }
        if self.runs.len() == 0 && self.queue_waits && self.helper.is_free() {
            self.helper.start(&self.crew.engine);
        }
    }

    /// Has everything put down within `grace`; answers whether it was.
    pub(super) async fn end(&mut self, grace: Duration, heart: &mut Heart) -> bool {
        self.duties.shutdown().await;
        self.runs.interrupt();
        self.helper.interrupt();
        let deadline = Instant::now() + grace;
        let mut in_time = true;
        while self.runs.len() > 0 || !self.helper.is_idle() {
            tokio::select! {
                ended = self.runs.next_ended() => self.ended.push(ended),
                () = self.helper.ended() => {}
                () = tokio::time::sleep_until(deadline) => {
                    self.runs.abandon(grace).await;
                    self.helper.abandon().await;
                    in_time = false;
                }
                never = heart.beating() => match never {},
            }
        }
        match heart.during(tokio::time::timeout(LOOK_AGAIN, self.put_down())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = %error, "the schedule is not up to date"),
            Err(_) => tracing::warn!("the schedule is not up to date: the database is too slow"),
        }
        in_time
    }
}

/// Waits until another process asks for something; for ever without a way to hear it.
async fn heard(listener: &mut Option<ControlListener>, site: &Site) {
    match listener {
        None => std::future::pending().await,
        Some(hears) => {
            if let Err(error) = hears.changed(site).await {
                tracing::debug!(error = %error, "requests are seen by looking only");
                *listener = None;
            }
        }
    }
}
