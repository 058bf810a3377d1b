//! A gate that stalled requests wait at until a test opens it.

use std::sync::Arc;

use tokio::sync::watch;

/// Cloned handles share one gate; once open it stays open.
#[derive(Debug, Clone)]
pub struct Gate {
    open: Arc<watch::Sender<bool>>,
    waiting: Arc<watch::Sender<usize>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { open: Arc::new(watch::Sender::new(false)), waiting: Arc::new(watch::Sender::new(0)) }
    }
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets everybody through, now and later.
    pub fn release(&self) {
        self.open.send_replace(true);
    }

    /// Waits until at least `n` requests have come to the gate.
    pub async fn reached_by(&self, n: usize) {
        let mut waiting = self.waiting.subscribe();
        // The sender lives as long as this handle.
        let _ = waiting.wait_for(|count| *count >= n).await;
    }

    pub(crate) async fn pass(&self) {
        self.waiting.send_modify(|count| *count += 1);
        let mut open = self.open.subscribe();
        let _ = open.wait_for(|open| *open).await;
    }
}
