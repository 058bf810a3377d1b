//! Restarts the server when it ends though nobody stopped it. Gives up after a few quick deaths.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::postmaster::{Launch, Server};
use super::presence::Turn;
use super::{PrivatePostgresError, ServerState};

/// Restarts in a row before giving up.
const RESTART_ATTEMPTS: u32 = 6;
/// The pause before the second restart in a row; the first has none.
const RESTART_PAUSE: Duration = Duration::from_millis(500);
/// A server that lived this long ends the row.
const STABLE_AFTER: Duration = Duration::from_secs(60);

/// Watches `server` until `stop`, and returns the server that runs then, if there is one.
pub(super) async fn supervise(
    launch: Arc<Launch>,
    mut server: Server,
    state: watch::Sender<ServerState>,
    stop: CancellationToken,
) -> Option<Server> {
    let mut attempt = 0;
    loop {
        let since = Instant::now();
        tokio::select! {
            biased;
            () = stop.cancelled() => return Some(server),
            () = server.watch() => {}
        }
        tracing::warn!(postgres.pid = server.pid(), "private postgres ended unexpectedly");
        state.send_replace(ServerState::Restarting);
        if since.elapsed() >= STABLE_AFTER {
            attempt = 0;
        }
        server = tokio::select! {
            biased;
            () = stop.cancelled() => return None,
            restarted = restart(&launch, &mut attempt) => restarted.or_else(|| {
                state.send_replace(ServerState::Down);
                None
            })?,
        };
        tracing::info!(postgres.pid = server.pid(), "private postgres restarted");
        state.send_replace(ServerState::Up { pid: server.pid() });
    }
}

/// A server that answers, or None when the row of attempts is at its end.
async fn restart(launch: &Launch, attempt: &mut u32) -> Option<Server> {
    while let Some(pause) = restart_pause(*attempt) {
        *attempt += 1;
        sleep(pause).await;
        match try_restart(launch).await {
            Ok(server) => return Some(server),
            Err(error) => {
                tracing::warn!(
                    attempt = *attempt,
                    error = &error as &dyn std::error::Error,
                    "private postgres could not be restarted"
                );
            }
        }
    }
    tracing::error!(attempts = *attempt, "private postgres stays down");
    None
}

async fn try_restart(launch: &Launch) -> Result<Server, PrivatePostgresError> {
    let deadline = Instant::now() + launch.start_timeout;
    let _turn = Turn::take(&launch.layout, deadline).await?;
    launch.ensure_running().await
}

/// How long to wait before restart number `attempt` (from 0) of a row, or None to give up.
fn restart_pause(attempt: u32) -> Option<Duration> {
    match attempt {
        0 => Some(Duration::ZERO),
        1..RESTART_ATTEMPTS => Some(RESTART_PAUSE * 2_u32.pow(attempt - 1)),
        RESTART_ATTEMPTS.. => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_are_immediate_then_slower_then_given_up() {
        let pauses: Vec<u64> = (0..)
            .map_while(restart_pause)
            .map(|pause| u64::try_from(pause.as_millis()).unwrap())
            .collect();
        assert_eq!(pauses, [0, 500, 1000, 2000, 4000, 8000]);
    }
}
