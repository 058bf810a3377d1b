//! The sign of life of the service's loop, for all who watch it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use crate::admin::desk::Pulse;
use crate::clock::Clock;
use crate::daemon::heartbeat::Heartbeat;

/// How often the loop beats while it waits.
const EVERY: Duration = Duration::from_secs(3);

/// Beats as long as the loop makes turns.
#[derive(Debug)]
pub(super) struct Heart {
    /// For `/healthz`.
    pub(super) pulse: Pulse,
    /// For systemd.
    pub(super) heartbeat: Heartbeat,
    pub(super) clock: Arc<dyn Clock>,
}

impl Heart {
    pub(super) fn beat(&self) {
        self.pulse.beat(self.clock.instant());
        self.heartbeat.beat();
    }

    /// Beats until it is dropped: beside whatever the loop waits for.
    pub(super) async fn beating(&mut self) -> Infallible {
        loop {
            self.beat();
            tokio::select! {
                () = self.heartbeat.asked() => {}
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// Beats while something is done that has a bound of its own.
    pub(super) async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            done = work => done,
            never = self.beating() => match never {},
        }
    }
}
