//! What goes on beside the service as long as it runs: systemd is kept informed, the configuration is
//! read again when that is asked for, the clocks are watched, and the lines of runs are kept. None of
//! it is needed for the service to work, and nothing of the service waits for it.

use std::io;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::clock_watch;
use super::heartbeat::Pulse;
use super::reload::Attendant;
use super::run_log::RunLog;
use super::service::ServiceHandle;
use super::systemd::{self, Notifier};
use crate::admin::Desk;
use crate::clock::Clock;
use crate::config::{Inputs, Loaded};
use crate::shutdown::Reloads;
use crate::telemetry::{LogLevel, RunLines};

/// What the process gives to them.
#[derive(Debug)]
pub struct Given {
    /// What the configuration was read from.
    pub inputs: Inputs,
    /// The configuration in force.
    pub loaded: Loaded,
    /// What is logged.
    pub log_level: LogLevel,
    /// The lines of runs; none when nobody may take them.
    pub run_lines: Option<RunLines>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Cancelled when the process is told to end.
    pub stop: CancellationToken,
}

/// The companions at work.
#[derive(Debug)]
pub struct Companions {
    tasks: JoinSet<()>,
    run_log: Option<RunLog>,
    end: CancellationToken,
}

impl Companions {
    /// Starts them, inside a tokio runtime, and tells systemd that the service has started: it is
    /// valid as configured, and answers whoever asks.
    ///
    /// # Errors
    /// When the operating system lets no handler for SIGHUP be installed.
    pub fn start(
        service: ServiceHandle,
        desk: &Desk,
        pulse: Pulse,
        given: Given,
    ) -> io::Result<Self> {
        let Given { inputs, loaded, log_level, run_lines, clock, stop } = given;
        let (notifier, end) = (Notifier::from_process(), CancellationToken::new());
        let (reloads, hurry) = (Reloads::listen()?, stop.clone());
        let grace = loaded.config.shutdown.grace;
        let mut tasks = JoinSet::new();
        let status = desk.status.clone();
        tasks.spawn(systemd::keep_informed(notifier.clone(), status, pulse, end.clone()));
        tasks.spawn(clock_watch::watch(clock, end.clone()));
        tasks.spawn({
            let notifier = notifier.clone();
            async move {
                stop.cancelled().await;
                notifier.stopping(grace);
            }
        });
        let current = Arc::new(loaded);
        let attendant =
            Attendant { inputs, current, service, log_level, notifier: notifier.clone() };
        tasks.spawn(attendant.attend(reloads));
        let (store, tally) = (desk.store.clone(), desk.tally.clone());
        let run_log = run_lines.map(|lines| RunLog::start(lines, store, tally, hurry));
        notifier.ready();
        Ok(Self { tasks, run_log, end })
    }

    /// Ends them.
    pub async fn close(mut self) {
        if let Some(run_log) = self.run_log.take() {
            run_log.close().await;
        }
        self.end.cancel();
        self.tasks.shutdown().await;
    }
}
