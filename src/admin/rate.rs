//! How fast a run is and how long it will still take, from what it has done so far. Pure.

use std::time::Duration;

use crate::sync::Snapshot;

/// Below this many issues a rate means little.
const ENOUGH: u64 = 10;
/// Nothing is foretold beyond this.
const FURTHEST: f64 = 365.0 * 86_400.0;

/// A rate, and what follows from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    /// Issues taken out of the queue in a second, on average.
    pub(super) per_second: f64,
    /// How long it will still take at that rate; none while that cannot be said.
    pub(super) remaining: Option<Duration>,
}

/// What `snapshot` tells of a run that has been under way for `elapsed`.
pub(super) fn estimate(snapshot: &Snapshot, elapsed: Duration) -> Estimate {
    let seconds = elapsed.as_secs_f64();
    let per_second = if seconds > 0.0 { snapshot.hydrated as f64 / seconds } else { 0.0 };
    Estimate { per_second, remaining: remaining(snapshot, per_second) }
}

/// The queue grows until the listing is complete; before that, it is taken to go on growing by as
/// much for each issue listed as so far.
fn remaining(snapshot: &Snapshot, per_second: f64) -> Option<Duration> {
    let queued = if snapshot.listing_done {
        snapshot.queued as f64
    } else if snapshot.listed > 0 && snapshot.expected >= snapshot.listed {
        snapshot.queued as f64 * (snapshot.expected as f64 / snapshot.listed as f64)
    } else {
        return None;
    };
    let left = (queued - snapshot.hydrated as f64).max(0.0);
    if snapshot.listing_done && left == 0.0 {
        return Some(Duration::ZERO);
    }
    if snapshot.hydrated < ENOUGH || per_second <= 0.0 {
        return None;
    }
    Duration::try_from_secs_f64((left / per_second).min(FURTHEST)).ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn snapshot(expected: u64, listed: u64, queued: u64, hydrated: u64, done: bool) -> Snapshot {
        Snapshot { expected, listed, queued, hydrated, listing_done: done }
    }

    #[rstest]
    #[case::listing_done(snapshot(1_000, 1_000, 600, 100, true), 10, 10.0, Some(50))]
    #[case::half_listed(snapshot(1_000, 500, 500, 100, false), 10, 10.0, Some(90))]
    #[case::nothing_to_fetch(snapshot(1_000, 1_000, 0, 0, true), 10, 0.0, Some(0))]
    #[case::too_early(snapshot(1_000, 500, 500, 9, false), 3, 3.0, None)]
    #[case::nothing_yet(snapshot(0, 0, 0, 0, false), 0, 0.0, None)]
    #[case::no_count_on_cloud(snapshot(0, 500, 500, 100, false), 10, 10.0, None)]
    fn the_rest_is_told_once_it_can_be(
        #[case] snapshot: Snapshot,
        #[case] elapsed: u64,
        #[case] per_second: f64,
        #[case] remaining: Option<u64>,
    ) {
        let told = estimate(&snapshot, Duration::from_secs(elapsed));
        assert!((told.per_second - per_second).abs() < 1e-9);
        assert_eq!(told.remaining, remaining.map(Duration::from_secs));
    }
}
