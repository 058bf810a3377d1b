//! The time of day and the time that only grows, as a thing that is handed in, so that tests can
//! hold it. Timers belong to tokio; this only tells the time.

use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

/// Tells the time.
pub trait Clock: Debug + Send + Sync {
    /// The time of day. It may jump, because people and NTP set it.
    fn now(&self) -> DateTime<Utc>;

    /// A time that never goes back, for measuring how long something took.
    fn instant(&self) -> Instant;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that others are to use")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }
}

/// A clock that moves when it is told to, for tests and simulations.
#[derive(Debug)]
pub struct ManualClock {
    time: Mutex<(DateTime<Utc>, Instant)>,
}

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn new(now: DateTime<Utc>) -> Self {
        Self { time: Mutex::new((now, Instant::now())) }
    }

    /// Moves both times forward.
    pub fn advance(&self, by: Duration) {
        let mut time = self.time.lock().unwrap_or_else(PoisonError::into_inner);
        *time = (time.0 + by, time.1 + by);
    }

    /// Sets the time of day, forward or back; the time that only grows stays.
    pub fn set(&self, now: DateTime<Utc>) {
        self.time.lock().unwrap_or_else(PoisonError::into_inner).0 = now;
    }

    fn time(&self) -> (DateTime<Utc>, Instant) {
        *self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        self.time().0
    }

    fn instant(&self) -> Instant {
        self.time().1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let clock = ManualClock::new(start);
        let (now, instant) = (clock.now(), clock.instant());
        assert_eq!((clock.now(), clock.instant()), (now, instant));
        clock.advance(Duration::from_millis(1500));
        assert_eq!((clock.now() - now).num_milliseconds(), 1500);
        assert_eq!(clock.instant() - instant, Duration::from_millis(1500));
    }

    #[test]
    fn setting_the_time_of_day_leaves_measurements_alone() {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let clock = ManualClock::new(start);
        let instant = clock.instant();
        clock.set(start - Duration::from_secs(3600));
        assert_eq!(clock.now(), start - Duration::from_secs(3600));
        assert_eq!(clock.instant(), instant);
    }
}
