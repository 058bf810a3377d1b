//! The replay audit of what a run wrote: fetch again once, then report.

use super::{Engine, Held};
use crate::sync::error::SyncError;
use crate::sync::replay::{self, Step};
use crate::sync::retry::patiently;

impl Engine {
    /// Replays the changelogs of what was written since the last audit; answers how many issues of
    /// the project do not replay even after they were fetched again.
    pub(super) async fn audit(&self, held: &Held<'_>) -> Result<u64, SyncError> {
        let (lease, run) = (held.lease, held.run);
        let mut audits = 0;
        loop {
            let audit = patiently(|| self.store.audit_replay(lease, run.id)).await?;
            audits += 1;
            match replay::after(audit, audits) {
                Step::Refetch => {
                    let queued = patiently(|| self.store.requeue_unreplayed(lease, run.id)).await?;
                    tracing::info!(run.queued = queued, "changelogs do not replay, fetching again");
                    self.drain(held).await?;
                }
                Step::Report => break,
            }
        }
        Ok(patiently(|| self.store.count_unreplayed(&run.site, &run.project)).await?)
    }
}
