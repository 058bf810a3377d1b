//! When a request may leave: a place among those in flight, the gates that `Retry-After` closes, the
//! breaker, the slowdown that Jira's headers advise, the token bucket. All of them are asked at
//! once under one lock, so nothing changes between the first and the last. Each is pure; here are
//! the lock, the clock (tokio's, so tests can run it) and the waiting.

mod bucket;
mod gates;
mod slowdown;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::Instant;

use super::breaker::{Breaker, Health, Verdict};
use super::rate_limit::Advice;
use super::scope::Scope;
use super::stats::{ClientStats, Waits};
use bucket::Bucket;
use gates::Gates;
use slowdown::Slowdown;

pub(super) use gates::Told;

/// The bounds within which requests leave.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    /// Of the site; 0 is no limit.
    pub(super) requests_per_second: f64,
    /// Of the site; at least 1.
    pub(super) burst: u32,
    /// Of this client; at least 1.
    pub(super) max_in_flight: usize,
    /// The longest `Retry-After` to sit out.
    pub(super) max_retry_after: Duration,
    /// Before the breaker's first probe.
    pub(super) probe_after: Duration,
    /// How long an instance that is down is waited for.
    pub(super) max_outage: Duration,
    /// What the breaker's probe asks.
    pub(super) probe: Scope,
}

/// Why a request does not leave at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The gate is closed for longer than we are willing to wait.
    ClosedTooLong { remaining: Duration },
    /// The instance is down for longer than we are willing to wait.
    Outage,
}

/// Paces every request of one client.
pub(super) struct Pacing {
    limits: Limits,
    in_flight: Semaphore,
    state: Mutex<State>,
    /// Rings when something may leave earlier than those who wait were told.
    changed: watch::Sender<()>,
    /// Counts how often Jira has told this client to wait.
    told: watch::Sender<u64>,
}

struct State {
    gates: Gates,
    breaker: Breaker,
    slowdown: Slowdown,
    bucket: Option<Bucket>,
    /// 0: nobody has said yet.
    processes: u32,
    waits: [Waits; 4],
}

/// What a request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Gate,
    Breaker,
    Slowdown,
    Bucket,
}

/// The answer to a request that wants to leave now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Go,
    Probe,
    Wait(At, Instant),
}

/// The right to send one request.
pub(super) enum Turn<'a> {
    /// The one that asked for it. Its place is to be kept until the answer is judged, so that a
    /// `Retry-After` in it closes the gate for whoever takes the place.
    Go(Option<SemaphorePermit<'a>>),
    /// The breaker's probe, and then ask again.
    Probe(Probe<'a>),
}

/// The one probe that is under way. Dropped without a word, it is anybody's again.
pub(super) struct Probe<'a> {
    pacing: &'a Pacing,
    health: Option<Health>,
    _place: Option<SemaphorePermit<'a>>,
}

impl Probe<'_> {
    /// Tells what it showed.
    pub(super) fn end(mut self, health: Health) {
        self.health = Some(health);
    }
}

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        self.pacing.lock().breaker.end_probe(self.health, Instant::now());
        self.pacing.changed.send_replace(());
    }
}

impl Pacing {
    pub(super) fn new(limits: Limits) -> Self {
        let state = State {
            gates: Gates::default(),
            breaker: Breaker::new(limits.probe_after, limits.max_outage),
            slowdown: Slowdown::default(),
            bucket: Bucket::new(limits.requests_per_second, limits.burst, Instant::now()),
            processes: 0,
            waits: [Waits::default(); 4],
        };
        let in_flight = Semaphore::new(limits.max_in_flight.clamp(1, Semaphore::MAX_PERMITS));
        let (changed, told) = (watch::Sender::new(()), watch::Sender::new(0));
        Self { limits, in_flight, state: Mutex::new(state), changed, told }
    }

    /// Waits until a request of `scope` may leave. Who waits holds no place in flight: a limit of
    /// one endpoint does not keep the others from being asked.
    pub(super) async fn turn(&self, scope: &Scope) -> Result<Turn<'_>, Refusal> {
        let mut waited_at = None;
        loop {
            let mut changed = self.changed.subscribe();
            // Acquiring fails only on a closed semaphore, which this never is.
            let place = self.in_flight.acquire().await.ok();
            let step = self.lock().poll(scope, &self.limits, Instant::now())?;
            let (at, until) = match step {
                Step::Go => return Ok(Turn::Go(place)),
                Step::Probe => {
                    return Ok(Turn::Probe(Probe { pacing: self, health: None, _place: place }));
                }
                Step::Wait(at, until) => (at, until),
            };
            drop(place);
            let began = Instant::now();
            tokio::select! {
                () = tokio::time::sleep_until(until) => {}
                _ = changed.changed() => {}
            }
            let again = waited_at.replace(at) == Some(at);
            self.lock().note_wait(at, began.elapsed(), again);
        }
    }

    /// Lets nothing of `scope` leave for `wait` from now on; never shortens what was said before.
    pub(super) fn close(&self, scope: &Scope, wait: Duration, told: Told) {
        let until = Instant::now() + wait;
        if self.lock().gates.close(scope, until, told) {
            self.told.send_modify(|times| *times += 1);
        }
    }

    /// For how long Jira has told this client to wait.
    pub(super) fn told_here(&self) -> Vec<(Scope, Duration)> {
        self.lock().gates.told_here(Instant::now())
    }

    /// Changes whenever Jira tells this client to wait longer than before.
    pub(super) fn told_to_wait(&self) -> watch::Receiver<u64> {
        self.told.subscribe()
    }

    /// Goes as fast as is advised.
    pub(super) fn heed(&self, advice: Advice) {
        let now = Instant::now();
        let mut state = self.lock();
        let before = state.slowdown.interval(now);
        let period = state.bucket.as_ref().map(Bucket::period);
        let processes = state.processes;
        state.slowdown.heed(advice, period, processes, now);
        let after = state.slowdown.interval(now);
        drop(state);
        if after < before {
            self.changed.send_replace(());
        }
    }

    /// Notes what a request showed of the instance. Whether that opened the breaker.
    pub(super) fn note(&self, health: Health) -> bool {
        let mut state = self.lock();
        let before = state.breaker.state();
        let opened = state.breaker.handle_outcome(health, Instant::now());
        let changed = state.breaker.state() != before;
        drop(state);
        if changed && !opened {
            tracing::info!("jira answers again");
            self.changed.send_replace(());
        }
        opened
    }

    /// From now on this process is one of `processes` that share the rate of the site.
    pub(super) fn share_among(&self, processes: u32) {
        let mut state = self.lock();
        let processes = processes.max(1);
        if state.processes == processes {
            return;
        }
        state.processes = processes;
        if let Some(bucket) = &mut state.bucket {
            bucket.share_among(processes, Instant::now());
        }
        drop(state);
        self.changed.send_replace(());
    }

    /// As [`Pacing::share_among`] for a process that comes to others: it begins without a token,
    /// after they have heard of it.
    pub(super) fn join(&self, processes: u32, heard_in: Duration) {
        let mut state = self.lock();
        state.processes = processes.max(1);
        if let Some(bucket) = &mut state.bucket {
            let then = Instant::now() + heard_in;
            bucket.join(processes, then);
            state.slowdown.hold(then);
        }
    }

    /// Requests under way.
    pub(super) fn in_flight(&self) -> usize {
        let most = self.limits.max_in_flight.clamp(1, Semaphore::MAX_PERMITS);
        most.saturating_sub(self.in_flight.available_permits())
    }

    /// What is known here for the statistics.
    pub(super) fn stats(&self) -> ClientStats {
        let in_flight = self.in_flight();
        let state = self.lock();
        let of = |at: At| state.waits[at as usize];
        ClientStats {
            gate: of(At::Gate),
            breaker: of(At::Breaker),
            slowdown: of(At::Slowdown),
            bucket: of(At::Bucket),
            breaker_state: state.breaker.state(),
            breaker_openings: state.breaker.openings(),
            in_flight,
            processes: state.processes,
            allowed_per_second: state.allowed_per_second(Instant::now()),
            ..ClientStats::default()
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether a request of `scope` may leave now. If it may, it has taken its token.
    fn poll(&mut self, scope: &Scope, limits: &Limits, now: Instant) -> Result<Step, Refusal> {
        if let Some(until) = self.gates.closed_until(scope, now) {
            return closed(until, limits, now);
        }
        let probing = match self.breaker.ask(now) {
            Verdict::Pass => false,
            Verdict::Probe => true,
            Verdict::Wait(until) => return Ok(Step::Wait(At::Breaker, until)),
            Verdict::GiveUp => return Err(Refusal::Outage),
        };
        if probing && let Some(until) = self.gates.closed_until(&limits.probe, now) {
            return closed(until, limits, now);
        }
        if let Some(until) = self.slowdown.not_before(now) {
            return Ok(Step::Wait(At::Slowdown, until));
        }
        if let Some(Err(until)) = self.bucket.as_ref().map(|bucket| bucket.take(now)) {
            return Ok(Step::Wait(At::Bucket, until));
        }
        self.slowdown.note_sent(now);
        if probing {
            self.breaker.begin_probe();
            return Ok(Step::Probe);
        }
        Ok(Step::Go)
    }

    fn note_wait(&mut self, at: At, time: Duration, again: bool) {
        let waits = &mut self.waits[at as usize];
        waits.count += u64::from(!again);
        waits.time += time;
    }

    /// The slower of bucket and slowdown.
    fn allowed_per_second(&self, now: Instant) -> Option<f64> {
        let period = self.bucket.as_ref().map(Bucket::period);
        period.max(self.slowdown.interval(now)).map(|period| 1.0 / period.as_secs_f64())
    }
}

fn closed(until: Instant, limits: &Limits, now: Instant) -> Result<Step, Refusal> {
    let remaining = until.saturating_duration_since(now);
    if remaining > limits.max_retry_after {
        return Err(Refusal::ClosedTooLong { remaining });
    }
    Ok(Step::Wait(At::Gate, until))
}

#[cfg(test)]
mod tests;
