//! Workers that empty the queue: lease a batch, fetch it whole, write it in one transaction.
//! Any number of processes may do this for the same run; the store keeps them apart.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::error::SyncError;
use super::fetch::{self, Fetched, SharedPace};
use super::progress::Progress;
use super::retry::patiently;
use super::split;
use super::streams::{Streamed, Streams};
use crate::jira::{JiraClient, JiraError};
use crate::model::WorkerId;
use crate::store::{Batch, PendingCounts, QueueScope, Release, Store, StoreError};

/// How long a batch is leased: longer than fetching one may take, `Retry-After` included.
const BATCH_LEASE: Duration = Duration::from_mins(20);
/// The longest wait for work before the queue is looked at again.
const POLL: Duration = Duration::from_millis(500);

/// Batches written at once by one process, at the most. Every writer locks its run's counters until
/// its commit is on disk, so more of them only wait for each other, with connections in their hands.
pub(super) const WRITERS: usize = 4;

/// How long a batch that is being fetched is waited for after being told to stop.
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
    pub(super) jira: JiraClient,
    pub(super) store: Store,
    pub(super) worker: WorkerId,
    pub(super) scope: QueueScope,
    pub(super) pace: SharedPace,
    /// As many permits as batches may be written at once.
    pub(super) writers: Semaphore,
    pub(super) progress: Arc<Progress>,
    /// Nothing more will be queued.
    pub(super) no_more: CancellationToken,
    pub(super) stop: CancellationToken,
    /// Work may have come.
    pub(super) wake: Notify,
    /// What is fetched beside the issues themselves.
    pub(super) streams: Streams,
}

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
            tasks.spawn(async move { this.work(place).await });
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

    async fn work(&self, place: usize) -> Result<u64, SyncError> {
        let mut issues = 0;
        while !self.stop.is_cancelled() {
            if place >= self.in_flight() {
                self.rest(POLL).await;
                if self.is_done().await? {
                    break;
                }
                continue;
            }
            // Read before the look into the queue: what is queued after it is seen next time.
            let no_more = self.no_more.is_cancelled();
            let size = self.batch_size();
            let lease =
                patiently(|| self.store.acquire_batch(self.worker, &self.scope, size, BATCH_LEASE))
                    .await;
            match lease? {
                Some(batch) => issues += self.hydrate(&batch).await?,
                None if no_more && self.is_done().await? => break,
                None => self.rest(self.next_look().await?).await,
            }
        }
        Ok(issues)
    }

    /// Fetches and writes one batch; gives it back untouched when the run cannot go on.
    async fn hydrate(&self, batch: &Batch) -> Result<u64, SyncError> {
        match self.fetch_and_write(batch).await {
            Ok(issues) => {
                self.progress.note_hydrated(issues);
                Ok(issues)
            }
            // Another worker has taken the batch over and writes it.
            Err(SyncError::Store(StoreError::LeaseLost { .. })) => Ok(0),
            Err(error) => {
                let release = self.store.release_batch(&batch.token, None, Release::Untouched);
                if let Err(error) = release.await {
                    tracing::debug!(error = %error, "batch left to its lease");
                }
                Err(error)
            }
        }
    }

    async fn fetch_and_write(&self, batch: &Batch) -> Result<u64, SyncError> {
        let fetched = tokio::select! {
            fetched = self.fetch(batch) => fetched?,
            () = self.abandoned() => return Err(SyncError::Interrupted),
        };
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
        let written = split::write(&self.store, batch, fetched).await?;
        let stay = written.behind + written.retried;
        Ok((batch.items.len() as u64).saturating_sub(stay))
    }

    async fn fetch(&self, batch: &Batch) -> Result<Fetched, JiraError> {
        let mut fetched = fetch::fetch(&self.jira, &batch.items, &self.pace).await?;
        let documents = std::mem::take(&mut fetched.documents);
        for Streamed { document, lacking } in self.streams.fetch(&self.jira, documents).await? {
            if let (Some(error), Some(issue)) =
                (lacking, batch.items.iter().find(|issue| issue.id == document.id))
            {
                fetched.put_off(issue, &error);
            }
            fetched.documents.push(document);
        }
        Ok(fetched)
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
        Ok(patiently(|| self.store.pending_remaining(&self.scope)).await?)
    }

    async fn next_look(&self) -> Result<Duration, SyncError> {
        let counts = self.remaining().await?;
        Ok(counts.next_due_in.map_or(POLL, |wait| wait.min(POLL)))
    }

    async fn rest(&self, longest: Duration) {
        tokio::select! {
            () = self.wake.notified() => {}
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(longest) => {}
        }
    }

    fn batch_size(&self) -> u32 {
        self.pace.lock().unwrap_or_else(std::sync::PoisonError::into_inner).batch()
    }

    fn in_flight(&self) -> usize {
        self.pace.lock().unwrap_or_else(std::sync::PoisonError::into_inner).in_flight()
    }
}
