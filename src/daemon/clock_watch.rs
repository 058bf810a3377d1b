//! Notices that the machine's time of day was set, that the machine slept, and that this process was
//! stopped for a while, and says so. Nothing else follows: what is due and whose lease has ended is
//! decided by the database's clock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

/// How often the clocks are looked at.
const EVERY: Duration = Duration::from_secs(10);
/// Clocks that drift apart by less between two looks are only being adjusted.
const NOTABLE: Duration = Duration::from_secs(2);
/// A look that comes later than this was kept from coming.
const LATE: Duration = Duration::from_secs(30);

/// The clocks at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The time of day.
    pub wall: DateTime<Utc>,
    /// The time that only grows; it stands still while the machine sleeps.
    pub monotonic: Instant,
    /// The time since the machine started, sleep included; `None` where nobody tells it.
    pub since_boot: Option<Duration>,
}

/// What happened between two readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// The time of day was set forward, or back if this is negative.
    ClockSet(TimeDelta),
    /// The machine slept.
    Slept(Duration),
    /// The process was not let work, or was stopped.
    Held(Duration),
}

/// What is odd about the time that passed between two readings that should be `period` apart.
pub fn oddities(before: Reading, after: Reading, period: Duration) -> Vec<Oddity> {
    let worked = after.monotonic.saturating_duration_since(before.monotonic);
    let slept = match (before.since_boot, after.since_boot) {
        (Some(before), Some(after)) => after.saturating_sub(before).saturating_sub(worked),
        (None, _) | (_, None) => Duration::ZERO,
    };
    let passed = TimeDelta::from_std(worked + slept).unwrap_or(TimeDelta::MAX);
    let set = (after.wall - before.wall) - passed;
    let mut found = Vec::new();
    if slept >= NOTABLE {
        found.push(Oddity::Slept(slept));
    }
    if set.abs().to_std().is_ok_and(|set| set >= NOTABLE) {
        found.push(Oddity::ClockSet(set));
    }
    if worked >= period + LATE {
        found.push(Oddity::Held(worked - period));
    }
    found
}

/// Watches until `stop`.
pub async fn watch(clock: Arc<dyn Clock>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = reading(clock.as_ref());
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => return,
        }
        let after = reading(clock.as_ref());
        for oddity in oddities(before, after, EVERY) {
            say(oddity);
        }
        before = after;
    }
}

fn reading(clock: &dyn Clock) -> Reading {
    let since_boot = std::fs::read_to_string("/proc/uptime").ok();
    Reading {
        wall: clock.now(),
        monotonic: clock.instant(),
        since_boot: since_boot.as_deref().and_then(uptime),
    }
}

/// The first number of `/proc/uptime`, which counts the time asleep.
fn uptime(text: &str) -> Option<Duration> {
    let secs: f64 = text.split_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(secs).ok()
}

fn say(oddity: Oddity) {
    match oddity {
        Oddity::ClockSet(by) => tracing::warn!(
            by_secs = by.num_seconds(),
            "the machine's clock was set; schedules keep to the database's"
        ),
        Oddity::Slept(span) => tracing::warn!(for_secs = span.as_secs(), "the machine slept"),
        Oddity::Held(span) => tracing::warn!(
            for_secs = span.as_secs(),
            "this process was held up; what it had leased may be somebody else's now"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    /// Seconds that pass on each of the clocks between two readings.
    #[rstest::rstest]
    #[case::nothing(10.0, 10.0, Some(10.0), &[])]
    #[case::slewed(10.005, 10.0, Some(10.0), &[])]
    #[case::a_little_late(35.0, 35.0, Some(35.0), &[])]
    #[case::set_forward(3610.0, 10.0, Some(10.0), &[Oddity::ClockSet(TimeDelta::seconds(3600))])]
    #[case::set_back(-3590.0, 10.0, Some(10.0), &[Oddity::ClockSet(TimeDelta::seconds(-3600))])]
    #[case::slept(3610.0, 10.0, Some(3610.0), &[Oddity::Slept(Duration::from_secs(3600))])]
    #[case::stopped(70.0, 70.0, Some(70.0), &[Oddity::Held(Duration::from_secs(60))])]
    #[case::slept_and_set(
        7210.0, 10.0, Some(3610.0),
        &[Oddity::Slept(Duration::from_secs(3600)), Oddity::ClockSet(TimeDelta::seconds(3600))]
    )]
    #[case::slept_where_nobody_tells(3610.0, 10.0, None, &[Oddity::ClockSet(TimeDelta::seconds(3600))])]
    fn the_clocks_tell_what_happened(
        #[case] wall: f64,
        #[case] monotonic: f64,
        #[case] boot: Option<f64>,
        #[case] expected: &[Oddity],
    ) {
        let before = Reading {
            wall: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
            monotonic: Instant::now(),
            since_boot: boot.map(|_| Duration::from_secs(5_000_000)),
        };
        let millis = |secs: f64| (secs * 1000.0).round();
        let after = Reading {
            wall: before.wall + TimeDelta::milliseconds(millis(wall) as i64),
            monotonic: before.monotonic + Duration::from_secs_f64(monotonic),
            since_boot: boot.and_then(|boot| {
                before.since_boot.map(|since| since + Duration::from_secs_f64(boot))
            }),
        };
        assert_eq!(oddities(before, after, EVERY), expected);
    }

    #[rstest::rstest]
    #[case("350735.47 234388.90\n", Some(350_735_470))]
    #[case("0.00 0.00", Some(0))]
    #[case("", None)]
    #[case("soon", None)]
    #[case("-3 1", None)]
    fn uptime_is_read(#[case] text: &str, #[case] millis: Option<u64>) {
        let read = uptime(text).map(|read| read.as_millis());
        assert_eq!(read, millis.map(u128::from));
    }

    #[tokio::test(start_paused = true)]
    async fn it_watches_until_it_is_told_to_stop() {
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let stop = CancellationToken::new();
        let watching = tokio::spawn(watch(clock, stop.clone()));
        tokio::time::sleep(EVERY * 3).await;
        assert!(!watching.is_finished());
        stop.cancel();
        watching.await.unwrap();
    }
}
