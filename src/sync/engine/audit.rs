//! The replay audit of what a run wrote: fetch again once, then report.

use std::sync::Arc;

use super::{Engine, Held};
use crate::store::QueueScope;
use crate::sync::error::SyncError;
use crate::sync::replay::{self, Step};

impl Engine {
    /// Replays the changelogs of what was written since the last audit; answers how many issues of
    /// the project do not replay even after they were fetched again.
    pub(super) async fn audit(&self, held: &Held<'_>) -> Result<u64, SyncError> {
        let (lease, run) = (held.lease, held.run);
        let mut audits = 0;
        loop {
            let audit = self.store.audit_replay(lease, run.id).await?;
            audits += 1;
            match replay::after(audit, audits) {
                Step::Refetch => {
                    let queued = self.store.requeue_unreplayed(lease, run.id).await?;
                    tracing::info!(audit.unreplayed = queued, "changelogs do not replay, fetching again");
                    self.hydrate_queued(held).await?;
                }
                Step::Report => break,
            }
        }
        Ok(self.store.count_unreplayed(&run.site, &run.project).await?)
    }

    /// Fetches what is queued for the run, without listing.
    pub(super) async fn hydrate_queued(&self, held: &Held<'_>) -> Result<(), SyncError> {
        let scope = QueueScope::Run(held.run.id);
        let hydrator = self.hydrator(scope, held.control.counters(), held.stop.clone());
        hydrator.no_more.cancel();
        Arc::clone(&hydrator).run(self.settings.max_in_flight).await.map(drop)
    }
}
