//! What systemd is told (`Type=notify-reload`): ready, reloading, stopping, alive, and one line on
//! how things are. Outside of systemd nothing is sent and nothing differs.
//!
//! Ready means that the configuration is valid and that whoever asks over HTTP is answered, not that
//! the database and Jira are there: an outage at boot is waited out, and is no reason to be killed.

mod line;
mod socket;

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};
use tokio_util::sync::CancellationToken;

use super::heartbeat::Pulse;
use crate::admin::desk::ServiceStatus;

pub use line::status_line;
pub use socket::Notifier;

/// The status line is renewed no more often than this.
const LINE_EVERY: Duration = Duration::from_secs(1);
/// What the end may take beyond the time that batches in flight are given.
const AFTER_GRACE: Duration = Duration::from_secs(30);

impl Notifier {
    /// The service has started.
    pub fn ready(&self) {
        self.send(&[NotifyState::Ready]);
    }

    /// The configuration is being read again; [`Notifier::ready`] says that this is over.
    pub fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.send(&[NotifyState::Reloading, now]),
            Err(error) => tracing::debug!(error = %error, "systemd is not told of the reload"),
        }
    }

    /// The service ends, which may take `grace` and a little more.
    pub fn stopping(&self, grace: Duration) {
        let longest = grace.saturating_add(AFTER_GRACE).as_micros();
        let extended = NotifyState::ExtendTimeoutUsec(u32::try_from(longest).unwrap_or(u32::MAX));
        self.send(&[NotifyState::Stopping, extended]);
    }
}

/// Keeps systemd informed until `stop`: of how things are, and, when the unit
/// has `WatchdogSec`, that the loop behind `pulse` makes turns. A loop that does not answer is not
/// spoken for, and systemd kills the process.
pub async fn keep_informed(
    notifier: Notifier,
    status: watch::Receiver<ServiceStatus>,
    pulse: Pulse,
    stop: CancellationToken,
) {
    let lines = tell_lines(&notifier, status);
    let life = tell_life(&notifier, pulse);
    let told = async { tokio::join!(lines, life) };
    tokio::select! {
        () = stop.cancelled() => {}
        _ = told => {}
    }
}

/// Sends the status line when it changes.
async fn tell_lines(notifier: &Notifier, mut status: watch::Receiver<ServiceStatus>) {
    let mut ticks = interval(LINE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = String::new();
    loop {
        ticks.tick().await;
        let line = status_line(&status.borrow_and_update());
        if line != told {
            notifier.send(&[NotifyState::Status(&line)]);
            told = line;
        }
        if status.changed().await.is_err() {
            return;
        }
    }
}

/// Asks the loop twice in each watchdog period, and passes its answers on.
async fn tell_life(notifier: &Notifier, mut pulse: Pulse) {
    let Some(period) = notifier.watchdog() else { return };
    let mut ticks = interval(period / 2);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let asked: Instant = ticks.tick().await;
        match timeout_at(asked + period, pulse.feel()).await {
            Ok(Ok(())) => notifier.send(&[NotifyState::Watchdog]),
            // The loop ends in order; what follows is `stopping`'s.
            Ok(Err(_)) => return,
            Err(_) => tracing::error!(
                watchdog.secs = period.as_secs_f64(),
                "the service makes no turns, systemd will end it"
            ),
        }
    }
}

#[cfg(test)]
mod tests;
