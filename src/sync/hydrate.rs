//! Workers that empty the queue: lease a batch, fetch it whole, write it in one transaction.
//! Any number of processes may do this for the same run; the store keeps them apart.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::error::SyncError;
use super::fetch::{Climb, Fetched, Source};
use super::ladder::Start;
use super::people::Current;
use super::progress::Progress;
use super::retry::patiently;
use super::span::within_run;
use super::split;
use crate::model::{Tier, WorkerId};
use crate::store::{
    Batch, BatchToken, PendingCounts, PendingIssue, QueueScope, Release, Store, StoreError,
};

/// A lease is renewed when this part of it has passed.
const RENEW_AFTER: u32 = 4;
/// The longest wait for work before the queue is looked at again.
const POLL: Duration = Duration::from_millis(500);

/// Batches written at once by one process, at the most. Every writer locks its run's counters until
/// its commit is on disk, so more of them only wait for each other, with connections in their hands.
pub(super) const WRITERS: usize = 4;

/// Issues of one worker that are on the ladder at once, at the most: they wait for places, and cost
/// nothing but their leases until they have one.
const MOST_CLIMBS: usize = 64;

/// How long what is being fetched is waited for after being told to stop.
const FETCH_GRACE: Duration = Duration::from_secs(4);

/// When hydration is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Nothing is left, and nothing more will be queued.
    Empty,
    /// It is told to stop.
    Stopped,
}

/// What hydration did, in issues.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drained {
    /// Taken out of the queue by this process.
    pub issues: u64,
}

/// What the workers share.
#[derive(Debug)]
pub(super) struct Hydrator {
    pub(super) source: Source,
    pub(super) worker: WorkerId,
    pub(super) scope: QueueScope,
    /// How long a batch is leased, and leased again.
    pub(super) lease: Duration,
    /// As many permits as batches may be written at once.
    pub(super) writers: Semaphore,
    pub(super) progress: Arc<Progress>,
    /// How people are treated in what is written.
    pub(super) people: Arc<Current>,
    /// Nothing more will be queued.
    pub(super) no_more: CancellationToken,
    pub(super) stop: CancellationToken,
    /// Work may have come.
    pub(super) wake: Notify,
}

/// The issues of one worker that are on the ladder, each on its own, while it goes on.
type Climbs = JoinSet<Result<u64, SyncError>>;

impl Hydrator {
    /// Runs `workers` workers until the queue is empty and nothing more will come.
    ///
    /// # Errors
    /// The first error of a worker; the others then finish the batch they are at and stop.
    /// [`SyncError::Interrupted`] when it was told to stop.
    pub(super) async fn run(self: Arc<Self>, workers: usize) -> Result<Drained, SyncError> {
        let mut tasks = JoinSet::new();
        for place in 0..workers.max(1) {
            let this = Arc::clone(&self);
            tasks.spawn(async move { this.work(place).await }.in_current_span());
        }
        let mut drained = Drained::default();
        let mut first_error = None;
        while let Some(ended) = tasks.join_next().await {
            match ended.map_err(SyncError::Crashed).flatten() {
                Ok(issues) => drained.issues += issues,
                Err(error) => {
                    self.stop.cancel();
                    first_error.get_or_insert(error);
                }
            }
        }
        match first_error {
            Some(error) => Err(error),
            None if self.stop.is_cancelled() => Err(SyncError::Interrupted),
            None => Ok(drained),
        }
    }

    async fn work(self: Arc<Self>, place: usize) -> Result<u64, SyncError> {
        let mut climbs = Climbs::new();
        let mut issues = self.empty_the_queue(place, &mut climbs).await?;
        while let Some(ended) = climbs.join_next().await {
            issues += ended.map_err(SyncError::Crashed).flatten()?;
        }
        Ok(issues)
    }

    async fn empty_the_queue(
        self: &Arc<Self>,
        place: usize,
        climbs: &mut Climbs,
    ) -> Result<u64, SyncError> {
        let mut issues = 0;
        while !self.stop.is_cancelled() {
            issues += ended(climbs).await?;
            if place >= self.source.pace(|pace| pace.in_flight()) {
                self.rest(POLL).await;
                if self.is_done().await? {
                    break;
                }
                continue;
            }
            // Read before the look into the queue: what is queued after it is seen next time.
            let no_more = self.no_more.is_cancelled();
            match self.acquire().await? {
                Some(batch) => issues += self.hydrate_for_its_run(batch, climbs).await?,
                None if no_more && self.is_done().await? => break,
                None => self.rest(self.next_look().await?).await,
            }
        }
        Ok(issues)
    }

    async fn acquire(&self) -> Result<Option<Batch>, SyncError> {
        let size = self.source.pace(|pace| pace.batch());
        let number = patiently(|| self.store().draw_batch()).await?;
        let asked_before = AtomicBool::new(false);
        let lease = async || {
            // What an answer that was lost has leased to us would wait for its lease to run out.
            if asked_before.swap(true, Ordering::Relaxed) {
                self.store().release_stray_batch(number).await?;
            }
            self.store().lease_batch(number, self.worker, &self.scope, size, self.lease).await
        };
        Ok(patiently(lease).await?)
    }

    /// Has what is logged of the batch say whose it is, where that goes without saying for nobody.
    async fn hydrate_for_its_run(
        self: &Arc<Self>,
        batch: Batch,
        climbs: &mut Climbs,
    ) -> Result<u64, SyncError> {
        let one_run = match (&self.scope, batch.items.as_slice()) {
            (QueueScope::Site(_), [first, others @ ..])
                if others.iter().all(|issue| issue.run == first.run) =>
            {
                Some((first.run, first.key.project().clone()))
            }
            (QueueScope::Site(_) | QueueScope::Run(_), _) => None,
        };
        let work = Box::pin(self.hydrate(batch, climbs));
        match one_run {
            Some((run, project)) => within_run((run, &project), work).await,
            None => work.await,
        }
    }

    /// Fetches and writes one batch, and sends on their way the issues that have to be fetched by
    /// themselves. Gives it back untouched when the run cannot go on.
    async fn hydrate(
        self: &Arc<Self>,
        batch: Batch,
        climbs: &mut Climbs,
    ) -> Result<u64, SyncError> {
        let Batch { token, items } = batch;
        let (apart, together): (Vec<_>, Vec<_>) = items.into_iter().partition(goes_apart);
        let known = apart.into_iter().map(|issue| Climb { issue, start: Start::KnownHub });
        self.send_off(&token, known.collect(), climbs);
        if together.is_empty() {
            return Ok(0);
        }
        match self.leased(&token, self.fetch_and_write(&token, &together)).await {
            Ok((issues, on_their_own)) => {
                self.send_off(&token, on_their_own, climbs);
                Ok(issues)
            }
            // Another worker has taken the batch over and writes it.
            Err(SyncError::Store(StoreError::LeaseLost { .. })) => Ok(0),
            Err(error) => {
                self.give_back(&token, &together).await;
                Err(error)
            }
        }
    }

    /// Answers how many issues have left the queue, and which are to be fetched by themselves.
    async fn fetch_and_write(
        &self,
        token: &BatchToken,
        issues: &[PendingIssue],
    ) -> Result<(u64, Vec<Climb>), SyncError> {
        let mut fetched = self.unless_abandoned(Box::pin(self.source.fetch(issues))).await?;
        let on_their_own = std::mem::take(&mut fetched.climbs);
        Ok((Box::pin(self.write(token, issues, fetched)).await?, on_their_own))
    }

    fn send_off(self: &Arc<Self>, token: &BatchToken, which: Vec<Climb>, climbs: &mut Climbs) {
        for climb in which {
            let this = Arc::clone(self);
            let token = token.clone();
            let climbing = async move {
                let left = this.climb(&token, &climb).await;
                this.wake.notify_waiters();
                left
            };
            climbs.spawn(Box::pin(climbing.in_current_span()) as BoxFuture<'static, _>);
        }
    }

    /// Fetches one issue by itself and writes it, under the lease that it was taken with.
    async fn climb(&self, token: &BatchToken, climb: &Climb) -> Result<u64, SyncError> {
        let issue = std::slice::from_ref(&climb.issue);
        let written = self.leased(token, async {
            let climbed = self.unless_abandoned(Box::pin(self.source.climb(climb))).await?;
            let written = Box::pin(self.write(token, issue, climbed.fetched)).await;
            drop(climbed.place);
            written
        });
        match written.await {
            Ok(left) => Ok(left),
            Err(SyncError::Store(StoreError::LeaseLost { .. })) => Ok(0),
            Err(error) => {
                self.give_back(token, issue).await;
                Err(error)
            }
        }
    }

    /// Writes what came of `issues`; answers how many have left the queue.
    async fn write(
        &self,
        token: &BatchToken,
        issues: &[PendingIssue],
        mut fetched: Fetched,
    ) -> Result<u64, SyncError> {
        let people = patiently(|| self.people.now()).await?;
        fetched.failed.iter_mut().for_each(|failure| people.failure(failure));
        for failure in &fetched.failed {
            tracing::warn!(
                issue.key = %failure.key,
                failure.category = %failure.category,
                error = failure.reason,
                "issue not fetched whole"
            );
        }
        // Held while writing; acquiring fails only on a closed semaphore, which this never is.
        let _turn = self.writers.acquire().await.ok();
        let left = split::write(self.store(), token, issues, fetched, &self.people).await?;
        self.progress.note_hydrated(left);
        Ok(left)
    }

    /// Renews the lease for as long as `work` takes. If that fails, the write will notice.
    async fn leased<T>(&self, token: &BatchToken, work: impl Future<Output = T>) -> T {
        tokio::select! {
            done = work => done,
            never = self.renewing(token) => match never {},
        }
    }

    async fn renewing(&self, token: &BatchToken) -> Infallible {
        loop {
            tokio::time::sleep(self.lease / RENEW_AFTER).await;
            if let Err(error) = self.store().renew_batch(token, self.lease).await {
                tracing::debug!(error = %error, "lease not renewed");
            }
        }
    }

    async fn give_back(&self, token: &BatchToken, issues: &[PendingIssue]) {
        let ids: Vec<_> = issues.iter().map(|issue| issue.id).collect();
        let release = self.store().release_batch(token, Some(&ids), Release::Untouched);
        if let Err(error) = release.await {
            tracing::debug!(error = %error, "batch left to its lease");
        }
    }

    async fn unless_abandoned<T>(
        &self,
        fetch: impl Future<Output = Result<T, SyncError>>,
    ) -> Result<T, SyncError> {
        tokio::select! {
            fetched = fetch => fetched,
            () = self.abandoned() => Err(SyncError::Interrupted),
        }
    }

    /// Ends a little after it was told to stop: a batch may still arrive, but not after minutes of
    /// waiting because Jira asked for them.
    async fn abandoned(&self) {
        self.stop.cancelled().await;
        tokio::time::sleep(FETCH_GRACE).await;
    }

    /// Whether nothing is left and nothing more will come.
    async fn is_done(&self) -> Result<bool, SyncError> {
        if !self.no_more.is_cancelled() {
            return Ok(false);
        }
        Ok(self.remaining().await?.total == 0)
    }

    async fn remaining(&self) -> Result<PendingCounts, SyncError> {
        Ok(patiently(|| self.store().pending_remaining(&self.scope)).await?)
    }

    async fn next_look(&self) -> Result<Duration, SyncError> {
        let counts = self.remaining().await?;
        Ok(counts.next_due_in.map_or(POLL, |wait| wait.min(POLL)))
    }

    async fn rest(&self, longest: Duration) {
        tokio::select! {
            () = self.wake.notified() => {}
            () = self.source.faster.notified() => {}
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(longest) => {}
        }
    }

    fn store(&self) -> &Store {
        &self.source.store
    }
}

/// Whether an issue is fetched by itself from the beginning: with it, a batch would not come.
fn goes_apart(issue: &PendingIssue) -> bool {
    match issue.stored_tier {
        Some(Tier::Hub | Tier::Minimal) => true,
        Some(Tier::Full) | None => false,
    }
}

/// Takes in the climbs that have ended, and waits for some when there are too many. Answers how many
/// issues they took out of the queue.
async fn ended(climbs: &mut Climbs) -> Result<u64, SyncError> {
    let mut issues = 0;
    while let Some(ended) = climbs.try_join_next() {
        issues += ended.map_err(SyncError::Crashed).flatten()?;
    }
    while climbs.len() > MOST_CLIMBS {
        let Some(ended) = climbs.join_next().await else { break };
        issues += ended.map_err(SyncError::Crashed).flatten()?;
    }
    Ok(issues)
}
