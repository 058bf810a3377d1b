//! When a project counts as stalled: too far behind, and nothing moves. Pure; `/readyz`, the metrics
//! and the page ask the same question here.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::store::{ProjectFacts, Schedule};

/// What a project's standing is judged by, as durations up to one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    /// How far behind it is: since its newest complete window, or else since it is followed.
    behind: Duration,
    /// How long ago a run of it last stored something; none if none ever did.
    idle: Option<Duration>,
}

/// Whether a followed project is stalled at `now`, by the database's clock: it is further behind
/// than `may_lag` (its schedule's longest pause and `sync.stalled_after` together), and no run of it
/// has stored a page or a batch for as long.
pub(super) fn is_stalled(
    schedule: &Schedule,
    facts: Option<&ProjectFacts>,
    may_lag: Duration,
    now: DateTime<Utc>,
) -> bool {
    let since = |at: DateTime<Utc>| (now - at).to_std().unwrap_or_default();
    let lag = facts.and_then(|facts| facts.lag);
    let runs = facts.map_or(&[][..], |facts| &facts.runs);
    let standing = Standing {
        // A project that is followed again is given the time that it takes.
        behind: lag
            .map_or(since(schedule.followed_since), |lag| lag.min(since(schedule.followed_since))),
        idle: runs.iter().filter_map(|run| run.progressed_at).max().map(since),
    };
    standing.is_stalled(may_lag)
}

impl Standing {
    fn is_stalled(self, may_lag: Duration) -> bool {
        self.behind > may_lag && self.idle.is_none_or(|idle| idle > may_lag)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    #[rstest]
    #[case::on_time(5, Some(5), false)]
    #[case::as_far_as_it_may(65, None, false)]
    #[case::behind_and_nothing_ever_came(66, None, true)]
    #[case::behind_and_nothing_comes(90, Some(80), true)]
    #[case::behind_but_on_its_way(600, Some(1), false)]
    #[case::idle_because_nothing_changes(4, Some(9_000), false)]
    fn a_project_is_stalled_when_it_is_behind_and_nothing_moves(
        #[case] behind: u64,
        #[case] idle: Option<u64>,
        #[case] expected: bool,
    ) {
        let standing = Standing { behind: minutes(behind), idle: idle.map(minutes) };
        assert_eq!(standing.is_stalled(minutes(65)), expected);
    }
}
