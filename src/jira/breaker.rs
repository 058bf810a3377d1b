//! The circuit breaker: an instance that is down is asked once in a while, and not by everybody.
//! Pure: the present is an argument, and what is sent as a probe is `send`'s business.
//!
//! Closed, it counts failures in a row that speak of the whole instance: no connection, or a server
//! error. Any answer that shows Jira at work, of whatever request, sets the count back; so one
//! request that fails for ever opens nothing while others succeed. After [`FAILURES`] it opens.
//! Open, nothing leaves but one small request as a probe after a pause; a probe that fails doubles
//! the pause, an answer of any kind closes the breaker. The probe is a request of its own, because
//! one of those that failed could fail for reasons of its own for ever.
//!
//! An instance that has not answered yet has nothing to come back to: before the first answer the
//! breaker stays closed, and retries alone decide how long a wrong address is tried.

use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row that open the breaker: fewer than the attempts of any profile, so that a
/// request made alone lives through an outage as well.
const FAILURES: u32 = 4;
/// How often the pause between two probes doubles.
const DOUBLINGS: u32 = 5;

/// What a request showed of the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// It is there: it answered, if only to refuse or to ask for patience.
    Alive,
    /// It is not: no connection, or a server error.
    Down,
    /// Nothing is known: too slow, or broken off.
    Unclear,
}

/// Where the breaker stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BreakerState {
    /// Requests leave.
    #[default]
    Closed,
    /// Nothing leaves until the next probe.
    Open,
    /// One request is under way to see whether Jira is back.
    HalfOpen,
}

/// What becomes of a request that wants to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may.
    Pass,
    /// A probe is due: who asks sends it first.
    Probe,
    /// It waits, until then at the longest.
    Wait(Instant),
    /// The instance has been down for longer than anybody waits.
    GiveUp,
}

/// Guards one instance.
#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    has_answered: bool,
    openings: u64,
    first_pause: Duration,
    max_outage: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Closed { failures: u32 },
    Open { since: Instant, pause: Duration, next_probe: Instant, probing: bool },
}

impl Breaker {
    /// Closed. `first_pause` comes before the first probe; nobody waits longer than `max_outage`
    /// after the breaker opened.
    pub(super) fn new(first_pause: Duration, max_outage: Duration) -> Self {
        let state = State::Closed { failures: 0 };
        Self { state, has_answered: false, openings: 0, first_pause, max_outage }
    }

    /// Whether a request may leave.
    pub(super) fn ask(&self, now: Instant) -> Verdict {
        match self.state {
            State::Closed { .. } => Verdict::Pass,
            State::Open { next_probe, probing: false, .. } if now >= next_probe => Verdict::Probe,
            State::Open { since, next_probe, probing, .. } => {
                let end = since + self.max_outage;
                let next = if probing { end } else { end.min(next_probe) };
                if now >= end { Verdict::GiveUp } else { Verdict::Wait(next) }
            }
        }
    }

    /// A request showed `health`. Whether that opened the breaker.
    pub(super) fn handle_outcome(&mut self, health: Health, now: Instant) -> bool {
        match (health, &mut self.state) {
            (Health::Alive, state) => {
                *state = State::Closed { failures: 0 };
                self.has_answered = true;
                false
            }
            (Health::Down, State::Closed { failures }) if self.has_answered => {
                *failures += 1;
                let opens = *failures >= FAILURES;
                if opens {
                    self.open(now);
                }
                opens
            }
            (Health::Down | Health::Unclear, State::Closed { .. } | State::Open { .. }) => false,
        }
    }

    /// The probe that was due is sent.
    pub(super) fn begin_probe(&mut self) {
        if let State::Open { probing, .. } = &mut self.state {
            *probing = true;
        }
    }

    /// The probe showed `health`; or nothing, because whoever sent it went away.
    pub(super) fn end_probe(&mut self, health: Option<Health>, now: Instant) {
        let longest = self.first_pause.saturating_mul(1 << DOUBLINGS);
        match (health, &mut self.state) {
            (Some(Health::Alive), _) => {
                self.handle_outcome(Health::Alive, now);
            }
            (
                Some(Health::Down | Health::Unclear),
                State::Open { pause, next_probe, probing, .. },
            ) => {
                *pause = pause.saturating_mul(2).min(longest);
                *next_probe = now + *pause;
                *probing = false;
            }
            (None, State::Open { next_probe, probing, .. }) => {
                *next_probe = now;
                *probing = false;
            }
            // Another answer has closed it meanwhile.
            (Some(Health::Down | Health::Unclear) | None, State::Closed { .. }) => {}
        }
    }

    /// Where it stands.
    pub(super) fn state(&self) -> BreakerState {
        match self.state {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { probing: false, .. } => BreakerState::Open,
            State::Open { probing: true, .. } => BreakerState::HalfOpen,
        }
    }

    /// How often it has opened.
    pub(super) fn openings(&self) -> u64 {
        self.openings
    }

    fn open(&mut self, now: Instant) {
        self.openings += 1;
        let pause = self.first_pause;
        self.state = State::Open { since: now, pause, next_probe: now + pause, probing: false };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(1);
    const OUTAGE: Duration = Duration::from_secs(120);

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    /// A breaker of an instance that has answered before.
    fn breaker(now: Instant) -> Breaker {
        let mut breaker = Breaker::new(PAUSE, OUTAGE);
        breaker.handle_outcome(Health::Alive, now);
        breaker
    }

    fn opened(now: Instant) -> Breaker {
        let mut breaker = breaker(now);
        for n in 1..=FAILURES {
            assert_eq!(breaker.handle_outcome(Health::Down, now), n == FAILURES);
        }
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row() {
        let now = Instant::now();
        let breaker = opened(now);
        assert_eq!(breaker.state(), BreakerState::Open);
        assert_eq!(breaker.openings(), 1);
        assert_eq!(breaker.ask(now), Verdict::Wait(now + PAUSE));
    }

    #[test]
    fn one_request_that_always_fails_opens_nothing_while_others_succeed() {
        let now = Instant::now();
        let mut breaker = breaker(now);
        for _ in 0..100 {
            for _ in 1..FAILURES {
                breaker.handle_outcome(Health::Down, now);
            }
            breaker.handle_outcome(Health::Alive, now);
        }
        assert_eq!(breaker.ask(now), Verdict::Pass);
    }

    #[test]
    fn what_says_nothing_counts_for_nothing() {
        let now = Instant::now();
        let mut breaker = breaker(now);
        for _ in 0..100 {
            breaker.handle_outcome(Health::Unclear, now);
        }
        assert_eq!(breaker.ask(now), Verdict::Pass);
        for _ in 0..FAILURES {
            breaker.handle_outcome(Health::Unclear, now);
            breaker.handle_outcome(Health::Down, now);
        }
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    #[test]
    fn an_instance_that_has_never_answered_is_left_to_the_retries() {
        let now = Instant::now();
        let mut breaker = Breaker::new(PAUSE, OUTAGE);
        for _ in 0..100 {
            assert!(!breaker.handle_outcome(Health::Down, now));
        }
        assert_eq!(breaker.ask(now), Verdict::Pass);
        breaker.handle_outcome(Health::Alive, now);
        for _ in 0..FAILURES {
            breaker.handle_outcome(Health::Down, now);
        }
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    #[test]
    fn one_probes_and_the_others_wait_for_it() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let due = now + PAUSE;
        assert_eq!(breaker.ask(due), Verdict::Probe);
        breaker.begin_probe();
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        assert_eq!(breaker.ask(due), Verdict::Wait(now + OUTAGE));
        breaker.end_probe(Some(Health::Alive), due);
        assert_eq!(breaker.ask(due), Verdict::Pass);
    }

    #[test]
    fn the_pause_doubles_with_each_failed_probe_up_to_a_bound() {
        let mut now = Instant::now();
        let mut breaker = opened(now);
        now += PAUSE;
        for pause in [2, 4, 8, 16, 32, 32] {
            assert_eq!(breaker.ask(now), Verdict::Probe);
            breaker.begin_probe();
            breaker.end_probe(Some(Health::Down), now);
            let next = now + secs(pause);
            assert!(matches!(breaker.ask(now), Verdict::Wait(at) if at <= next));
            assert_ne!(breaker.ask(next - secs(1)), Verdict::Probe);
            now = next;
        }
    }

    #[test]
    fn a_probe_that_is_given_up_is_anybodys() {
        let now = Instant::now();
        let mut breaker = opened(now);
        breaker.begin_probe();
        breaker.end_probe(None, now + PAUSE);
        assert_eq!(breaker.ask(now + PAUSE), Verdict::Probe);
    }

    #[test]
    fn any_answer_closes_it_and_a_late_probe_does_not_open_it_again() {
        let now = Instant::now();
        let mut breaker = opened(now);
        breaker.begin_probe();
        breaker.handle_outcome(Health::Alive, now);
        breaker.end_probe(Some(Health::Down), now);
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn failures_that_were_under_way_when_it_opened_change_nothing() {
        let now = Instant::now();
        let mut breaker = opened(now);
        for _ in 0..20 {
            breaker.handle_outcome(Health::Down, now);
        }
        assert_eq!((breaker.ask(now), breaker.openings()), (Verdict::Wait(now + PAUSE), 1));
    }

    #[test]
    fn nobody_waits_longer_than_the_longest_outage_but_who_comes_later_may_look() {
        let now = Instant::now();
        let mut breaker = opened(now);
        breaker.begin_probe();
        let end = now + OUTAGE;
        assert_eq!(breaker.ask(end - secs(1)), Verdict::Wait(end));
        assert_eq!(breaker.ask(end), Verdict::GiveUp);
        breaker.end_probe(Some(Health::Down), end);
        assert_eq!(breaker.ask(end), Verdict::GiveUp);
        assert_eq!(breaker.ask(end + secs(2)), Verdict::Probe);
    }
}
