//! The run that a project's cursor stands at: what the next one follows and is measured against.

use super::certify::Before;
use super::error::SyncError;
use crate::store::{ProjectLease, RunFilter, Store};

/// The last run that moved the project's cursor. After a reset of the cursor there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Precedent {
    /// The extra JQL it ran with.
    pub(super) filter: Option<String>,
    /// What Jira counted when it was certified, and how.
    pub(super) counted: Option<Before>,
}

impl Precedent {
    /// Loads it. Runs that came later and did not get to their end do not count: what they were to
    /// list may not have been listed.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn load(
        store: &Store,
        lease: &ProjectLease,
    ) -> Result<Option<Self>, SyncError> {
        let cursors = store.list_cursors(Some(lease.site())).await?;
        let cursor = cursors.into_iter().find(|cursor| cursor.project == *lease.project());
        let Some(id) = cursor.filter(|c| c.completed_until.is_some()).and_then(|c| c.last_run)
        else {
            return Ok(None);
        };
        let of_id = RunFilter { id: Some(id), ..RunFilter::default() };
        let Some(run) = store.list_runs(&of_id, 1).await?.pop() else { return Ok(None) };
        let certificate = store.load_certificate(id).await?;
        let counted = certificate
            .map(|certificate| Before { counted: certificate.counted, basis: certificate.basis });
        Ok(Some(Self { filter: run.filter, counted }))
    }
}
