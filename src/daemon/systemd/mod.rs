//! What systemd is told (`Type=notify-reload`): ready, reloading, stopping, alive, and one line on
//! how things are. Outside of systemd nothing is sent and nothing differs.
//!
//! Ready means that the configuration is valid and that whoever asks over HTTP is answered, not that
//! the database and Jira are there: an outage at boot is waited out, and is no reason to be killed.

mod line;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::admin::Desk;
use crate::admin::desk::{Pulse, ServiceStatus};
use crate::clock::Clock;

pub use line::status_line;
pub use socket::Notifier;

/// The status line is renewed no more often than this.
const LINE_EVERY: Duration = Duration::from_secs(1);
/// Looks at the pulse in one watchdog period.
const LOOKS: u32 = 4;
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

/// Keeps systemd informed until `stop`, in a task of its own: of how things are, and, when the unit
/// has `WatchdogSec`, that the service's loop makes turns. A loop without a sign of life is not
/// spoken for, and systemd kills the process.
pub fn keep_informed(
    notifier: Notifier,
    desk: &Desk,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) -> JoinHandle<()> {
    let (status, pulse) = (desk.status.clone(), desk.pulse.clone());
    tokio::spawn(async move {
        let told = async {
            tokio::join!(
                tell_lines(&notifier, status),
                tell_life(&notifier, &pulse, clock.as_ref())
            )
        };
        tokio::select! {
            () = stop.cancelled() => {}
            _ = told => {}
        }
    })
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

/// Looks at the pulse four times in each watchdog period, and passes on that it beats. `WatchdogSec`
/// is to be several times [`Pulse::EXPECTED_EVERY`].
async fn tell_life(notifier: &Notifier, pulse: &Pulse, clock: &dyn Clock) {
    let Some(period) = notifier.watchdog() else { return };
    let mut ticks = interval(period / LOOKS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let started = clock.instant();
    let mut silent = false;
    loop {
        ticks.tick().await;
        let now = clock.instant();
        let age = pulse.age(now).unwrap_or_else(|| now.saturating_duration_since(started));
        if age < period / 2 {
            notifier.send(&[NotifyState::Watchdog]);
            silent = false;
        } else if !silent {
            tracing::error!(idle_secs = age.as_secs(), "the service makes no turns");
            silent = true;
        }
    }
}

#[cfg(test)]
mod tests;
