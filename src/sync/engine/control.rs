//! What whoever starts a run holds of it: what it has done so far, which run it is once that is
//! open, and the two ways to end it early. It decides nothing.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::model::{RunId, RunKind};
use crate::sync::progress::Progress;

/// The hold on one run. Clones are the same hold.
#[derive(Debug, Clone)]
pub struct RunControl {
    progress: Arc<Progress>,
    opened: watch::Sender<Option<OpenedRun>>,
    stop: CancellationToken,
    cancelled: CancellationToken,
    patient: bool,
}

/// A run that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenedRun {
    /// Which one.
    pub id: RunId,
    /// What it is, which may be another kind than was asked for.
    pub kind: RunKind,
    /// Whether it goes on with what was begun before.
    pub resumed: bool,
}

impl RunControl {
    /// The hold on a run that is also interrupted when `stop` is cancelled.
    pub fn under(stop: &CancellationToken) -> Self {
        Self {
            progress: Arc::default(),
            opened: watch::Sender::new(None),
            stop: stop.child_token(),
            cancelled: CancellationToken::new(),
            patient: false,
        }
    }

    /// The same for a process that lives on whatever happens to the run: how it ended is put down
    /// however long the database is away, because until then nobody else can have the project.
    #[must_use]
    pub fn patient(self) -> Self {
        Self { patient: true, ..self }
    }

    /// What the run has done so far.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// The run, as soon as it is open.
    pub fn opened(&self) -> watch::Receiver<Option<OpenedRun>> {
        self.opened.subscribe()
    }

    /// Interrupts the run: what is in flight is put down, and a later run goes on from there.
    pub fn interrupt(&self) {
        self.stop.cancel();
    }

    /// Ends the run for good: what is in flight is put down, and what was stored stays.
    pub fn cancel(&self) {
        self.cancelled.cancel();
        self.stop.cancel();
    }

    /// Whether an operator wants it ended for good.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }

    pub(super) fn is_patient(&self) -> bool {
        self.patient
    }

    pub(super) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    pub(super) fn counters(&self) -> &Arc<Progress> {
        &self.progress
    }

    pub(super) fn note_opened(&self, run: OpenedRun) {
        self.opened.send_replace(Some(run));
    }
}
