//! What a client has done so far, in counters from 0, and what holds it back at the moment.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::breaker::BreakerState;
use super::outcome::Outcome;

/// How often requests waited for something, and how long in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waits {
    /// Waits. A request that waits for several things is counted for each.
    pub count: u64,
    /// The sum of their waits; several requests wait at the same time.
    pub time: Duration,
}

/// Counters since the client was made, and its state.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ClientStats {
    /// Requests sent: retries are among them, and the probes of the breaker.
    pub requests: u64,
    /// Those that were answered with a success.
    pub ok: u64,
    /// Those that Jira refused for what they were (401, 403, 404, 400, redirects).
    pub refused: u64,
    /// Those whose answer asked for patience: 429, or a server error with `Retry-After`.
    pub throttled: u64,
    /// Those that broke, or were answered with a server error or with too much.
    pub failed: u64,
    /// Those that were not answered in time.
    pub timed_out: u64,
    /// Requests sent again after a failure.
    pub retries: u64,
    /// Bytes of answers read, after decompression.
    pub bytes: u64,
    /// Waits at the gates that `Retry-After` closed.
    pub gate: Waits,
    /// Waits for the breaker.
    pub breaker: Waits,
    /// Waits because Jira's headers advise to go slower.
    pub slowdown: Waits,
    /// Waits for a token of the bucket.
    pub bucket: Waits,
    /// Where the breaker stands.
    pub breaker_state: BreakerState,
    /// How often the breaker has opened.
    pub breaker_openings: u64,
    /// Requests under way.
    pub in_flight: usize,
    /// How many processes share the site's rate, this one included; 0 before anybody has said.
    pub processes: u32,
    /// Requests a second that this process may send at the moment; `None` without a limit.
    pub allowed_per_second: Option<f64>,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    requests: AtomicU64,
    ok: AtomicU64,
    refused: AtomicU64,
    throttled: AtomicU64,
    failed: AtomicU64,
    timed_out: AtomicU64,
    retries: AtomicU64,
    bytes: AtomicU64,
}

impl Counters {
    pub(super) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_outcome(&self, outcome: Outcome) {
        let counter = match outcome {
            Outcome::Ok => &self.ok,
            Outcome::Refused => &self.refused,
            Outcome::Throttled => &self.throttled,
            Outcome::Failed => &self.failed,
            Outcome::TimedOut => &self.timed_out,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_bytes(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Adds what was counted here to `pacing`, which tells the rest.
    pub(super) fn read(&self, pacing: ClientStats) -> ClientStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ClientStats {
            requests: read(&self.requests),
            ok: read(&self.ok),
            refused: read(&self.refused),
            throttled: read(&self.throttled),
            failed: read(&self.failed),
            timed_out: read(&self.timed_out),
            retries: read(&self.retries),
            bytes: read(&self.bytes),
            ..pacing
        }
    }
}
