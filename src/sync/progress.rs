//! What a run shows while it works: counters that anybody may read at any time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shared counters of one run, in issues. They restart with each of its listings.
#[derive(Debug, Default)]
pub struct Progress {
    expected: AtomicU64,
    listed: AtomicU64,
    queued: AtomicU64,
    hydrated: AtomicU64,
    listing_done: AtomicBool,
    /// As `hydrated`, but it does not restart.
    hydrated_in_all: AtomicU64,
    batch: AtomicU64,
    in_flight: AtomicU64,
}

/// How much is asked for at once at the moment: it follows how quickly Jira answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PaceInUse {
    /// Issues in one request; 0 before the first.
    pub batch: u64,
    /// Batches under way at once; 0 before the first.
    pub in_flight: u64,
}

/// The counters at one instant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// How many issues Jira counts for the listing, as of its first page.
    pub expected: u64,
    /// Distinct issues listed; by the present listing, where it confirms those before it.
    pub listed: u64,
    /// Issues queued for fetching.
    pub queued: u64,
    /// Issues taken out of the queue: fetched, gone or failed.
    pub hydrated: u64,
    /// Whether the listing is complete, so that `queued` is final.
    pub listing_done: bool,
}

impl Progress {
    /// The counters now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            expected: self.expected.load(Ordering::Relaxed),
            listed: self.listed.load(Ordering::Relaxed),
            queued: self.queued.load(Ordering::Relaxed),
            hydrated: self.hydrated.load(Ordering::Relaxed),
            listing_done: self.listing_done.load(Ordering::Relaxed),
        }
    }

    /// Issues taken out of the queue since the counters were made: it never falls.
    pub fn hydrated_in_all(&self) -> u64 {
        self.hydrated_in_all.load(Ordering::Relaxed)
    }

    /// How much is asked for at once now.
    pub fn pace(&self) -> PaceInUse {
        PaceInUse {
            batch: self.batch.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
        }
    }

    pub(super) fn note_pace(&self, batch: u32, in_flight: usize) {
        self.batch.store(u64::from(batch), Ordering::Relaxed);
        self.in_flight.store(in_flight as u64, Ordering::Relaxed);
    }

    pub(super) fn begin(&self, queued: u64) {
        self.expected.store(0, Ordering::Relaxed);
        self.listed.store(0, Ordering::Relaxed);
        self.queued.store(queued, Ordering::Relaxed);
        self.hydrated.store(0, Ordering::Relaxed);
        self.listing_done.store(false, Ordering::Relaxed);
    }

    pub(super) fn note_expected(&self, issues: u64) {
        self.expected.fetch_max(issues, Ordering::Relaxed);
    }

    pub(super) fn note_page(&self, listed: u64, queued: u64) {
        self.listed.fetch_add(listed, Ordering::Relaxed);
        self.queued.fetch_add(queued, Ordering::Relaxed);
    }

    pub(crate) fn note_hydrated(&self, issues: u64) {
        self.hydrated.fetch_add(issues, Ordering::Relaxed);
        self.hydrated_in_all.fetch_add(issues, Ordering::Relaxed);
    }

    pub(super) fn note_listing_done(&self) {
        self.listing_done.store(true, Ordering::Relaxed);
    }
}
