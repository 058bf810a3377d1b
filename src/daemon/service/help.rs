//! Help for other processes: while this one has no run of its own, it hydrates what theirs have
//! queued.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::sync::{Drained, Engine, RunControl, SyncError, Until};

/// Help that failed is not offered again for so long.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// The help that is given, if any.
#[derive(Debug, Default)]
pub(super) struct Helper {
    task: JoinSet<Result<Drained, SyncError>>,
    control: Option<RunControl>,
    not_before: Option<Instant>,
}

impl Helper {
    /// Whether it could start now.
    pub(super) fn is_free(&self) -> bool {
        self.task.is_empty() && self.not_before.is_none_or(|then| then <= Instant::now())
    }

    pub(super) fn is_idle(&self) -> bool {
        self.task.is_empty()
    }

    /// Hydrates until the queue of the site is empty.
    pub(super) fn start(&mut self, engine: &Arc<Engine>) {
        let (engine, control) = (Arc::clone(engine), engine.control());
        self.control = Some(control.clone());
        self.task.spawn(async move { Box::pin(engine.help(Until::Empty, &control)).await });
    }

    /// Has it put down what it holds.
    pub(super) fn interrupt(&mut self) {
        if let Some(control) = self.control.take() {
            control.interrupt();
        }
    }

    /// Waits for its end; for ever while it does nothing.
    pub(super) async fn ended(&mut self) {
        match self.task.join_next().await {
            None => std::future::pending().await,
            Some(Ok(Ok(drained))) => {
                tracing::info!(issues = drained.issues, "helped to fetch what others had queued");
            }
            Some(Ok(Err(SyncError::Interrupted))) => {}
            Some(Ok(Err(error))) => {
                tracing::warn!(error = %error, "could not help to fetch what others had queued");
                self.not_before = Some(Instant::now() + AFTER_FAILURE);
            }
            Some(Err(error)) => {
                tracing::error!(error = %error, "helping ended abnormally");
                self.not_before = Some(Instant::now() + AFTER_FAILURE);
            }
        }
    }

    pub(super) async fn abandon(&mut self) {
        self.task.shutdown().await;
    }
}
