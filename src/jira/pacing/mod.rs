//! When a request may leave: a token bucket that paces, and a gate that closes for everybody
//! when Jira says `Retry-After`. Time is tokio's, so tests can run it.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

type Bucket = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>;

/// tokio's clock in the form the bucket reads.
#[derive(Debug, Clone)]
struct TokioClock(Instant);

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The gate is closed for longer than we are willing to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClosedTooLong {
    pub(super) remaining: Duration,
}

/// Paces every request of one client.
pub(super) struct Pacing {
    bucket: Option<Bucket>,
    clock: TokioClock,
    gate: Gate,
    max_wait: Duration,
    gate_waits: AtomicU64,
}

impl Pacing {
    /// `requests_per_second` of 0 is no limit; `max_wait` is the longest `Retry-After` to sit out.
    pub(super) fn new(requests_per_second: f64, burst: u32, max_wait: Duration) -> Self {
        let clock = TokioClock(Instant::now());
        let bucket = quota(requests_per_second, burst)
            .map(|quota| RateLimiter::direct_with_clock(quota, clock.clone()));
        let gate = Gate::default();
        Self { bucket, clock, gate, max_wait, gate_waits: AtomicU64::new(0) }
    }

    /// Waits until a request may leave. The gate is looked at last: nothing leaves before the
    /// instant that Jira named, whoever it was said to.
    pub(super) async fn wait(&self) -> Result<(), ClosedTooLong> {
        loop {
            self.wait_at_gate().await?;
            self.wait_for_token().await;
            if self.gate.remaining(Instant::now()).is_none() {
                return Ok(());
            }
        }
    }

    /// Lets nothing leave for `wait` from now on; never shortens what was said before.
    pub(super) fn close_for(&self, wait: Duration) {
        self.gate.close_until(Instant::now() + wait);
    }

    /// How often a request waited at the closed gate.
    pub(super) fn gate_waits(&self) -> u64 {
        self.gate_waits.load(Ordering::Relaxed)
    }

    async fn wait_at_gate(&self) -> Result<(), ClosedTooLong> {
        while let Some(remaining) = self.gate.remaining(Instant::now()) {
            if remaining > self.max_wait {
                return Err(ClosedTooLong { remaining });
            }
            self.gate_waits.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(remaining).await;
        }
        Ok(())
    }

    async fn wait_for_token(&self) {
        let Some(bucket) = &self.bucket else { return };
        while let Err(not_yet) = bucket.check() {
            tokio::time::sleep(not_yet.wait_time_from(self.clock.now())).await;
        }
    }
}

fn quota(requests_per_second: f64, burst: u32) -> Option<Quota> {
    if requests_per_second <= 0.0 || !requests_per_second.is_finite() {
        return None;
    }
    let period = Duration::try_from_secs_f64(1.0 / requests_per_second).ok()?;
    let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
    Some(Quota::with_period(period)?.allow_burst(burst))
}

/// Closed until an instant that only moves forward.
#[derive(Debug, Default)]
struct Gate(Mutex<Option<Instant>>);

impl Gate {
    fn close_until(&self, until: Instant) {
        let mut closed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *closed = (*closed).max(Some(until));
    }

    fn remaining(&self, now: Instant) -> Option<Duration> {
        let closed = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        closed?.checked_duration_since(now).filter(|remaining| !remaining.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn a_burst_leaves_at_once_and_the_rest_at_the_rate() {
        let pacing = Pacing::new(10.0, 5, LONG);
        let start = Instant::now();
        for _ in 0..105 {
            pacing.wait().await.unwrap();
        }
        let elapsed = start.elapsed();
        assert!(elapsed >= Duration::from_secs(10), "{elapsed:?}");
        assert!(elapsed < Duration::from_millis(10_300), "{elapsed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_rate_is_no_limit() {
        let pacing = Pacing::new(0.0, 1, LONG);
        let start = Instant::now();
        for _ in 0..1000 {
            pacing.wait().await.unwrap();
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_passes_the_closed_gate_even_with_a_token_in_hand() {
        let pacing = Pacing::new(2.0, 1, LONG);
        pacing.wait().await.unwrap();
        let start = Instant::now();
        let waiters = join_all((0..4).map(|_| async {
            pacing.wait().await.unwrap();
            start.elapsed()
        }));
        let closer = async {
            tokio::time::sleep(Duration::from_millis(250)).await;
            pacing.close_for(Duration::from_secs(17));
        };
        let (passed, ()) = tokio::join!(waiters, closer);
        assert!(passed.iter().all(|at| *at >= Duration::from_millis(17_250)), "{passed:?}");
        assert!(pacing.gate_waits() >= 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_shorter_wait_does_not_open_the_gate_earlier() {
        let pacing = Pacing::new(0.0, 1, LONG);
        pacing.close_for(Duration::from_secs(20));
        pacing.close_for(Duration::from_secs(1));
        let start = Instant::now();
        pacing.wait().await.unwrap();
        assert!(start.elapsed() >= Duration::from_secs(20));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_beyond_the_limit_is_reported_at_once() {
        let pacing = Pacing::new(0.0, 1, Duration::from_secs(60));
        pacing.close_for(Duration::from_secs(61));
        let closed = pacing.wait().await.unwrap_err();
        assert!(closed.remaining > Duration::from_secs(60));
    }
}
