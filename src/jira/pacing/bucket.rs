//! The token bucket, whose rate can be changed while it is in use: each limiter is `governor`'s,
//! and what was left in the one before is carried over. Pure: the present is an argument.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

/// Slower than this no rate is.
const LONGEST_PERIOD: Duration = Duration::from_secs(24 * 3600);
/// No bucket takes longer to fill: the limiter's arithmetic ends after some centuries.
const LONGEST_FILLING: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

type Limiter = RateLimiter<NotKeyed, FullAt, Told, NoOpMiddleware<Duration>>;

/// Tokens of one process: its share of what the site allows.
pub(super) struct Bucket {
    /// Of the site, a second.
    rate: f64,
    /// Of the site.
    burst: u32,
    processes: u32,
    share: Share,
    limiter: Limiter,
    clock: Told,
    full_at: FullAt,
    /// When the limiter in use was made; its clock counts from then.
    since: Instant,
}

impl Bucket {
    /// A full bucket for one process; `None` where `rate` (tokens a second) is 0, which is no limit.
    pub(super) fn new(rate: f64, burst: u32, now: Instant) -> Option<Self> {
        if rate <= 0.0 || !rate.is_finite() {
            return None;
        }
        let share = Share::of(rate, burst, 1);
        let (limiter, clock, full_at) = share.limiter(f64::from(share.most.get()))?;
        Some(Self { rate, burst, processes: 1, share, limiter, clock, full_at, since: now })
    }

    /// Takes a token; or says when there may be one.
    pub(super) fn take(&self, now: Instant) -> Result<(), Instant> {
        let since = now.saturating_duration_since(self.since);
        self.clock.set(since);
        self.limiter.check().map_err(|not_yet| now + not_yet.wait_time_from(since))
    }

    /// From now on this process is one of `processes`. It keeps the tokens it has, as far as its
    /// share can hold them, and gets none for the change.
    pub(super) fn share_among(&mut self, processes: u32, now: Instant) {
        if processes.max(1) != self.processes {
            self.replace(processes, self.left(now), now);
        }
    }

    /// As [`Bucket::share_among`], where the others have been using all there is: what this
    /// process has saved up is not its own.
    pub(super) fn join(&mut self, processes: u32, now: Instant) {
        self.replace(processes, 0.0, now);
    }

    /// Between two tokens.
    pub(super) fn period(&self) -> Duration {
        self.share.period
    }

    fn replace(&mut self, processes: u32, left: f64, now: Instant) {
        let share = Share::of(self.rate, self.burst, processes);
        if let Some((limiter, clock, full_at)) = share.limiter(left) {
            (self.limiter, self.clock, self.full_at) = (limiter, clock, full_at);
            (self.share, self.processes, self.since) = (share, processes.max(1), now);
        }
    }

    /// The tokens there are, and how much of the next one.
    fn left(&self, now: Instant) -> f64 {
        let missing = self.full_at.get().saturating_sub(now.saturating_duration_since(self.since));
        f64::from(self.share.most.get()) - missing.as_secs_f64() / self.share.period.as_secs_f64()
    }
}

/// What one of several processes may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Share {
    /// Between two tokens.
    period: Duration,
    /// The most tokens that are saved up.
    most: NonZeroU32,
}

impl Share {
    fn of(rate: f64, burst: u32, processes: u32) -> Self {
        let processes = processes.max(1);
        let period = Duration::try_from_secs_f64(f64::from(processes) / rate)
            .unwrap_or(LONGEST_PERIOD)
            .clamp(Duration::from_nanos(1), LONGEST_PERIOD);
        let fills = LONGEST_FILLING.as_nanos() / period.as_nanos();
        let most = (burst / processes).min(u32::try_from(fills).unwrap_or(u32::MAX));
        Self { period, most: NonZeroU32::new(most).unwrap_or(NonZeroU32::MIN) }
    }

    /// A limiter with `left` tokens in it, or as many as it holds; with its clock, and what it
    /// remembers. `None` never happens: no period is zero.
    fn limiter(self, left: f64) -> Option<(Limiter, Told, FullAt)> {
        let missing = (f64::from(self.most.get()) - left).max(0.0);
        let full_at = FullAt::default();
        full_at.set(self.period.mul_f64(missing));
        let clock = Told::default();
        let quota = Quota::with_period(self.period)?.allow_burst(self.most);
        Some((RateLimiter::new(quota, full_at.clone(), clock.clone()), clock, full_at))
    }
}

/// A clock that shows what it was told.
#[derive(Debug, Clone, Default)]
struct Told(Arc<AtomicU64>);

impl Told {
    fn set(&self, now: Duration) {
        self.0.store(nanos(now), Ordering::Relaxed);
    }
}

impl Clock for Told {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// The one number a limiter remembers: when the bucket would be full if nobody took anything.
#[derive(Debug, Clone, Default)]
struct FullAt(Arc<AtomicU64>);

impl FullAt {
    fn set(&self, at: Duration) {
        self.0.store(nanos(at), Ordering::Relaxed);
    }

    fn get(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

impl StateStore for FullAt {
    type Key = NotKeyed;

    /// Whoever asks holds the lock of the pacing, so nobody comes between.
    fn measure_and_replace<T, F, E>(&self, _key: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (outcome, full_at) = decide(Some(self.0.load(Ordering::Relaxed).into()))?;
        self.0.store(full_at.into(), Ordering::Relaxed);
        Ok(outcome)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The second, from `start`, in which each token is taken by somebody who never stops asking,
    /// until `end`.
    fn taken(bucket: &mut Bucket, from: Instant, end: Instant) -> Vec<Instant> {
        let mut taken = Vec::new();
        let mut now = from;
        while now < end {
            match bucket.take(now) {
                Ok(()) => taken.push(now),
                Err(at) => now = at.max(now + Duration::from_nanos(1)),
            }
        }
        taken
    }

    fn secs(secs: f64) -> Duration {
        Duration::from_secs_f64(secs)
    }

    #[test]
    fn a_burst_is_there_at_once_and_the_rest_at_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10.0, 5, start).unwrap();
        assert_eq!(taken(&mut bucket, start, start + secs(10.05)).len(), 105);
        assert_eq!(
            taken(&mut bucket, start + secs(20.0), start + secs(20.0) + secs(0.05)).len(),
            5
        );
    }

    #[test]
    fn no_rate_is_no_bucket() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Bucket::new(rate, 5, Instant::now()).is_none());
        }
    }

    #[test]
    fn the_slowest_rate_and_the_largest_burst_do_not_overflow() {
        let start = Instant::now();
        let mut bucket = Bucket::new(f64::MIN_POSITIVE, u32::MAX, start).unwrap();
        assert!(bucket.take(start).is_ok());
        bucket.share_among(u32::MAX, start);
        bucket.join(u32::MAX, start);
        assert!(bucket.take(start).is_err());
        let bucket = Bucket::new(f64::MAX, u32::MAX, start).unwrap();
        assert!(bucket.take(start).is_ok());
    }

    #[test]
    fn each_of_several_processes_has_its_share_of_rate_and_burst() {
        let start = Instant::now();
        let mut bucket = Bucket::new(12.0, 9, start).unwrap();
        bucket.share_among(4, start);
        assert_eq!(taken(&mut bucket, start, start).len(), 0);
        let first = taken(&mut bucket, start, start + secs(0.001));
        assert_eq!(first.len(), 2, "a burst of 9 divided by 4");
        assert_eq!(taken(&mut bucket, start + secs(0.001), start + secs(10.001)).len(), 30);
    }

    #[test]
    fn a_burst_smaller_than_the_number_of_processes_is_one() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10.0, 5, start).unwrap();
        bucket.share_among(100, start);
        assert_eq!(taken(&mut bucket, start, start + secs(0.001)).len(), 1);
        assert_eq!(taken(&mut bucket, start + secs(0.001), start + secs(100.001)).len(), 10);
    }

    #[test]
    fn nobody_gains_by_changing_shares_all_the_time() {
        let start = Instant::now();
        let mut bucket = Bucket::new(1.0, 10, start).unwrap();
        let burst = taken(&mut bucket, start, start + secs(0.001)).len();
        assert_eq!(burst, 10);
        let mut more = 0;
        for step in 0..1000u32 {
            let now = start + secs(0.01 * f64::from(step));
            bucket.share_among(1 + step % 3, now);
            more += taken(&mut bucket, now, now + secs(0.01)).len();
        }
        assert!(more <= 10, "{more} in ten seconds at one a second");
        // Nor loses the part of a token it has waited for: a third of the time at each rate.
        assert!(more >= 5, "{more}");
    }

    #[test]
    fn who_joins_others_begins_with_nothing() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10.0, 20, start).unwrap();
        bucket.join(2, start);
        assert_eq!(bucket.take(start).unwrap_err(), start + secs(0.2));
        assert!(bucket.take(start + secs(0.2)).is_ok());
    }

    proptest! {
        /// Against a bucket of real numbers: never more than is in it, and never less than there is
        /// but for rounding.
        #[test]
        fn what_is_taken_is_what_a_bucket_holds(
            rate in 0.5..50.0f64,
            burst in 1..40u32,
            steps in prop::collection::vec((0.0..2.0f64, 1..6u32), 1..30),
        ) {
            let start = Instant::now();
            let mut bucket = Bucket::new(rate, burst, start).unwrap();
            let (mut model, mut most, mut speed) = (f64::from(burst), f64::from(burst), rate);
            let mut now = start;
            let mut all = Vec::new();
            for (pause, processes) in steps {
                let end = now + secs(pause);
                let mut at = now;
                for token in taken(&mut bucket, now, end) {
                    model = (model + (token - at).as_secs_f64() * speed).min(most) - 1.0;
                    prop_assert!(model > -1e-3, "{model} after taking");
                    at = token;
                    all.push(token);
                }
                model = (model + (end - at).as_secs_f64() * speed).min(most);
                prop_assert!(model < 1.0 + 1e-3, "{model} left lying");
                bucket.share_among(processes, end);
                most = f64::from((burst / processes).max(1));
                speed = rate / f64::from(processes);
                model = model.min(most);
                now = end;
            }
            let allowed = rate.ceil() as usize + burst as usize;
            for (i, first) in all.iter().enumerate() {
                let in_a_second = all[i..].iter().filter(|at| **at - *first < secs(1.0)).count();
                prop_assert!(in_a_second <= allowed, "{in_a_second} of {allowed}");
            }
        }
    }
}
