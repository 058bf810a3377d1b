//! How long something that failed is left alone: twice as long after each failure, within a limit,
//! and never to the second, so that what failed together does not try again together. Pure: chance
//! is an argument.

use std::time::Duration;

use crate::model::Schedule;

/// After its first failure a project waits this long at the most, however rare its runs are.
const PROJECT_FIRST: Duration = Duration::from_secs(60);
/// A project that keeps failing is tried this often at the least, unless its runs are rarer.
const PROJECT_LONGEST: Duration = Duration::from_secs(60 * 60);
/// A database or a Jira that is away is asked again after this long, and no later than that.
const PEER: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(30) };

/// How waits grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
}

impl Backoff {
    /// Of a project whose runs fail: from its period or a minute, whichever is less, to its period
    /// or an hour, whichever is more.
    pub fn of_project(schedule: &Schedule) -> Self {
        let period = schedule.period();
        Self { first: period.min(PROJECT_FIRST), longest: period.max(PROJECT_LONGEST) }
    }

    /// Of a database or a Jira that does not answer.
    pub fn of_peer() -> Self {
        PEER
    }

    /// How long to wait after the `failures`-th failure in a row, from 1; none after none. `dice` is
    /// a number from 0 to 1: the wait lies between half of what it has grown to and all of it.
    pub fn wait(&self, failures: u32, dice: f64) -> Duration {
        let Some(doublings) = failures.checked_sub(1) else { return Duration::ZERO };
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        let grown = self.first.saturating_mul(factor).min(self.longest);
        let dice = if dice.is_finite() { dice.clamp(0.0, 1.0) } else { 1.0 };
        grown / 2 + (grown / 2).mul_f64(dice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(schedule: &str) -> Backoff {
        Backoff::of_project(&schedule.parse().unwrap())
    }

    fn span(text: &str) -> Duration {
        humantime::parse_duration(text).unwrap()
    }

    #[rstest::rstest]
    #[case("5m", 0, "0s", "0s")]
    #[case("5m", 1, "30s", "1m")]
    #[case("5m", 2, "1m", "2m")]
    #[case("5m", 6, "16m", "32m")]
    #[case("5m", 7, "30m", "1h")]
    #[case("5m", 32, "30m", "1h")]
    #[case("5m", 33, "30m", "1h")]
    #[case("5m", 4_000_000_000, "30m", "1h")]
    #[case("2s", 1, "1s", "2s")]
    #[case("2s", 20, "30m", "1h")]
    // Once a day, and over the weekend.
    #[case("0 3 * * *", 1, "30s", "1m")]
    #[case("0 3 * * *", 40, "12h", "1d")]
    #[case("0 3 * * 1-5", 40, "1d 12h", "3d")]
    fn a_project_waits(
        #[case] schedule: &str,
        #[case] failures: u32,
        #[case] least: &str,
        #[case] most: &str,
    ) {
        let backoff = project(schedule);
        assert_eq!(backoff.wait(failures, 0.0), span(least));
        assert_eq!(backoff.wait(failures, 1.0), span(most));
    }

    #[rstest::rstest]
    #[case(1, "500ms", "1s")]
    #[case(4, "4s", "8s")]
    #[case(60, "15s", "30s")]
    fn a_peer_waits(#[case] failures: u32, #[case] least: &str, #[case] most: &str) {
        let backoff = Backoff::of_peer();
        assert_eq!(backoff.wait(failures, 0.0), span(least));
        assert_eq!(backoff.wait(failures, 1.0), span(most));
    }

    #[rstest::rstest]
    #[case(f64::NAN)]
    #[case(-3.0)]
    #[case(7.0)]
    fn dice_that_fall_off_the_table_do_no_harm(#[case] dice: f64) {
        let wait = project("5m").wait(3, dice);
        assert!((span("2m")..=span("4m")).contains(&wait), "{wait:?}");
    }

    #[test]
    fn waits_never_shrink() {
        for schedule in ["1s", "5m", "3h", "0 3 * * 1-5"] {
            let backoff = project(schedule);
            for failures in 0..70 {
                assert!(backoff.wait(failures + 1, 0.0) >= backoff.wait(failures, 0.0));
            }
        }
    }
}
