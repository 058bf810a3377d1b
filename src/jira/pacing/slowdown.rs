//! Going slower than the bucket allows, for as long as Jira advises it. Pure: the present is an
//! argument.

use std::time::Duration;

use tokio::time::Instant;

use crate::jira::rate_limit::Advice;

/// What half of an unlimited rate is, as the time between two requests: the rate of the profile
/// `balanced`.
const HALF_OF_UNLIMITED: Duration = Duration::from_millis(100);

/// How far apart requests leave at the moment.
#[derive(Debug, Default)]
pub(super) struct Slowdown {
    spread: Option<Spread>,
    held_until: Option<Instant>,
    /// When the next request would be due, were they sent as far apart as is advised.
    due: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Spread {
    interval: Duration,
    until: Instant,
}

impl Slowdown {
    /// Does as advised. `period` lies between two tokens of this process, if their number is
    /// limited; what Jira counts it counts for all of `processes`, so each goes so much slower.
    pub(super) fn heed(
        &mut self,
        advice: Advice,
        period: Option<Duration>,
        processes: u32,
        now: Instant,
    ) {
        let shared = |interval: Duration| interval.saturating_mul(processes.max(1));
        match advice {
            Advice::Free => self.spread = None,
            Advice::Half { lasts } => {
                let half = period.map_or(shared(HALF_OF_UNLIMITED), |period| period * 2);
                // A hint takes nothing back of what numbers said.
                let known = self.spread.filter(|spread| spread.until > now);
                let interval = known.map_or(half, |known| known.interval.max(half));
                let until = known.map_or(now + lasts, |known| known.until.max(now + lasts));
                self.spread = Some(Spread { interval, until });
            }
            Advice::Spread { interval, lasts } => {
                self.spread = Some(Spread { interval: shared(interval), until: now + lasts });
            }
            Advice::Hold { wait, interval, lasts } => {
                self.hold(now + wait);
                self.spread = Some(Spread { interval: shared(interval), until: now + lasts });
            }
        }
    }

    /// Nothing leaves before `until`.
    pub(super) fn hold(&mut self, until: Instant) {
        self.held_until = self.held_until.max(Some(until));
    }

    /// The instant that the next request has to wait for; `None` if it may leave now.
    pub(super) fn not_before(&self, now: Instant) -> Option<Instant> {
        let due = self.interval(now).and(self.due);
        self.held_until.max(due).filter(|at| *at > now)
    }

    /// A request leaves. One that is late does not delay those behind it, but makes up for no more
    /// than itself.
    pub(super) fn note_sent(&mut self, now: Instant) {
        let interval = self.interval(now).unwrap_or_default();
        let late = self.due.map_or(Duration::ZERO, |due| now.saturating_duration_since(due));
        self.due = Some(now + interval - late.min(interval));
    }

    /// From one request to the next, while there is advice.
    pub(super) fn interval(&self, now: Instant) -> Option<Duration> {
        self.spread.filter(|spread| spread.until > now).map(|spread| spread.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: f64) -> Duration {
        Duration::from_secs_f64(secs)
    }

    /// How many leave in `span` from `start` on, asked for all the time.
    fn sent(slowdown: &mut Slowdown, start: Instant, span: Duration) -> usize {
        let mut now = start;
        let mut sent = 0;
        while now < start + span {
            match slowdown.not_before(now) {
                Some(at) => now = at,
                None => {
                    slowdown.note_sent(now);
                    sent += 1;
                    assert!(sent < 1_000, "nothing slows it down");
                }
            }
        }
        sent
    }

    #[test]
    fn requests_are_spread_for_as_long_as_it_was_advised() {
        let start = Instant::now();
        let mut slowdown = Slowdown::default();
        slowdown.heed(Advice::Spread { interval: secs(2.0), lasts: secs(30.0) }, None, 1, start);
        assert_eq!(sent(&mut slowdown, start, secs(30.0)), 15);
        assert_eq!(slowdown.not_before(start + secs(30.0)), None);
    }

    #[test]
    fn several_processes_spread_together() {
        let start = Instant::now();
        let mut slowdown = Slowdown::default();
        slowdown.heed(Advice::Spread { interval: secs(2.0), lasts: secs(90.0) }, None, 3, start);
        assert_eq!(sent(&mut slowdown, start, secs(30.0)), 5);
    }

    #[test]
    fn plenty_ends_the_spread_and_not_the_hold() {
        let start = Instant::now();
        let mut slowdown = Slowdown::default();
        let hold = Advice::Hold { wait: secs(5.0), interval: secs(2.0), lasts: secs(60.0) };
        slowdown.heed(hold, None, 1, start);
        slowdown.heed(Advice::Free, None, 1, start);
        assert_eq!(slowdown.not_before(start), Some(start + secs(5.0)));
        assert_eq!(slowdown.not_before(start + secs(5.0)), None);
        assert_eq!(slowdown.interval(start), None);
    }

    #[test]
    fn nothing_leaves_while_held_and_then_one_by_one() {
        let start = Instant::now();
        let mut slowdown = Slowdown::default();
        let hold = Advice::Hold { wait: secs(5.0), interval: secs(2.0), lasts: secs(60.0) };
        slowdown.heed(hold, None, 1, start);
        assert_eq!(sent(&mut slowdown, start, secs(5.0)), 0);
        assert_eq!(sent(&mut slowdown, start + secs(5.0), secs(10.0)), 5);
    }

    #[test]
    fn half_is_half_of_the_configured_rate_or_of_a_guess() {
        let start = Instant::now();
        for (period, expected) in [(Some(secs(0.1)), secs(0.2)), (None, HALF_OF_UNLIMITED)] {
            let mut slowdown = Slowdown::default();
            slowdown.heed(Advice::HALVE, period, 1, start);
            assert_eq!(slowdown.interval(start), Some(expected));
        }
    }

    #[test]
    fn a_hint_does_not_undo_what_numbers_said() {
        let start = Instant::now();
        let mut slowdown = Slowdown::default();
        slowdown.heed(Advice::Spread { interval: secs(9.0), lasts: secs(600.0) }, None, 1, start);
        slowdown.heed(Advice::HALVE, Some(secs(0.1)), 1, start);
        assert_eq!(slowdown.interval(start + secs(599.0)), Some(secs(9.0)));
    }

    #[test]
    fn who_wakes_late_does_not_lower_the_rate() {
        let start = Instant::now();
        let mut slowdown = Slowdown::default();
        slowdown.heed(Advice::Spread { interval: secs(0.05), lasts: secs(60.0) }, None, 1, start);
        let mut now = start;
        let mut sent = 0;
        while now < start + secs(10.0) {
            match slowdown.not_before(now) {
                Some(at) => now = at + secs(0.01),
                None => {
                    slowdown.note_sent(now);
                    sent += 1;
                }
            }
        }
        assert!((199..=201).contains(&sent), "{sent}");
    }
}
