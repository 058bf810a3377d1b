//! What Jira counted when the project was last certified: a count that has collapsed since is no
//! proof of anything.

use super::error::SyncError;
use crate::store::{ProjectLease, Run, RunFilter, Store};

/// What Jira counted at the run that the project's cursor stands at, if that had the same filter.
/// After a reset of the cursor there is none.
///
/// # Errors
/// The store's.
pub(super) async fn counted_before(
    store: &Store,
    lease: &ProjectLease,
    run: &Run,
) -> Result<Option<u64>, SyncError> {
    let cursors = store.list_cursors(Some(lease.site())).await?;
    let last = cursors.into_iter().find(|cursor| cursor.project == *lease.project());
    let Some(id) = last.filter(|c| c.completed_until.is_some()).and_then(|c| c.last_run) else {
        return Ok(None);
    };
    let of_id = RunFilter { id: Some(id), ..RunFilter::default() };
    let same_filter =
        store.list_runs(&of_id, 1).await?.pop().is_some_and(|last| last.filter == run.filter);
    if !same_filter {
        return Ok(None);
    }
    Ok(store.load_certificate(id).await?.map(|certificate| certificate.counted))
}
