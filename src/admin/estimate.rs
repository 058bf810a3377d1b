//! How fast a run goes and how long it still takes, by its counters. Pure.

use std::time::Duration;

use crate::sync::Snapshot;

/// What is expected of a run under way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    /// Issues a second taken out of the queue so far.
    pub(super) rate: f64,
    /// How long the rest takes at that rate; none before there is one.
    pub(super) left: Option<Duration>,
}

/// Estimates by what a run has done in `elapsed`. While it still lists, as much of the rest is
/// expected to be queued as of what was listed so far.
pub(super) fn estimate(done: &Snapshot, elapsed: Duration) -> Estimate {
    let rate = match elapsed.as_secs_f64() {
        secs if secs > 0.0 => number(done.hydrated) / secs,
        _ => 0.0,
    };
    let all = match (done.listing_done, done.listed) {
        (true, _) | (false, 0) => number(done.queued),
        (false, listed) => {
            let expected = done.expected.max(listed);
            number(done.queued) * number(expected) / number(listed)
        }
    };
    let left = (all - number(done.hydrated)).max(0.0);
    let left = if left == 0.0 && done.listing_done { 0.0 } else { left / rate };
    Estimate { rate, left: Duration::try_from_secs_f64(left).ok() }
}

/// A count as a number to reckon with.
#[expect(clippy::cast_precision_loss, reason = "an estimate, and nobody has 2^53 issues")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Duration = Duration::from_secs(10);

    fn done(expected: u64, listed: u64, queued: u64, hydrated: u64, over: bool) -> Snapshot {
        Snapshot { expected, listed, queued, hydrated, listing_done: over }
    }

    #[test]
    fn at_the_rate_so_far_the_rest_takes_as_long() {
        let estimate = estimate(&done(100, 100, 100, 25, true), TEN);
        assert_eq!(estimate, Estimate { rate: 2.5, left: Some(Duration::from_secs(30)) });
    }

    #[test]
    fn what_is_not_listed_yet_is_expected_to_be_like_the_rest() {
        // A tenth is listed, half of that was queued and fetched.
        let estimate = estimate(&done(1000, 100, 50, 50, false), TEN);
        assert_eq!(estimate, Estimate { rate: 5.0, left: Some(Duration::from_secs(90)) });
    }

    #[test]
    fn without_a_rate_nothing_is_promised() {
        assert_eq!(estimate(&done(100, 10, 10, 0, false), TEN).left, None);
        assert_eq!(estimate(&done(0, 0, 0, 0, false), Duration::ZERO).left, None);
    }

    #[test]
    fn who_has_nothing_to_do_is_done() {
        let idle = Estimate { rate: 0.0, left: Some(Duration::ZERO) };
        assert_eq!(estimate(&done(100, 100, 0, 0, true), TEN), idle);
    }
}
