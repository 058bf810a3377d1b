//! What services look for: runs that wait to be taken up, that were left behind, that are to end; and
//! being told when there may be something.

use uuid::Uuid;

use super::standing::CONTROL_CHANNEL;
use super::{Run, RunFilter};
use crate::model::{RunId, RunState, Site, WorkerId};
use crate::store::listener::Listener;
use crate::store::{Store, StoreError};

/// How many runs a list has at most.
const LONGEST_LIST: u32 = 10_000;

impl Store {
    /// The runs of an instance that wait to be taken up, those asked for first at the front.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn list_queued_runs(&self, site: &Site) -> Result<Vec<Run>, StoreError> {
        let filter = RunFilter {
            site: Some(site.clone()),
            state: Some(RunState::Queued),
            ..RunFilter::default()
        };
        let mut runs = self.list_runs(&filter, LONGEST_LIST).await?;
        runs.sort_by_key(|run| (run.queued_at, run.id));
        Ok(runs)
    }

    /// The runs of an instance that were cut short and that no live process has: their process was
    /// killed, or was told to stop. They need not wait for their schedule. The oldest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn list_abandoned_runs(&self, site: &Site) -> Result<Vec<Run>, StoreError> {
        let ids: Vec<Uuid> = sqlx::query_scalar!(
            r#"SELECT r.id AS "id!"
               FROM extractor.cursors c
               CROSS JOIN LATERAL (
                   SELECT id, state, cancel_requested_at FROM extractor.runs
                   WHERE site = c.site AND project_key = c.project_key AND horizon IS NOT NULL
                   ORDER BY started_at DESC, id DESC LIMIT 1) AS r
               WHERE c.site = $1 AND r.state IN ('running', 'interrupted')
                 AND r.cancel_requested_at IS NULL
                 AND NOT EXISTS (
                     SELECT FROM extractor.live_workers w WHERE w.id = c.lease_worker)
               LIMIT $2"#,
            site.as_str(),
            i64::from(LONGEST_LIST),
        )
        .fetch_all(&self.pool)
        .await?;
        let mut runs = Vec::with_capacity(ids.len());
        for id in ids {
            runs.extend(self.load_run(RunId(id)).await?);
        }
        runs.sort_by_key(|run| (run.started_at, run.id));
        Ok(runs)
    }

    /// The runs that `worker` has under way and that an operator wants ended.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn list_cancel_requests(&self, worker: WorkerId) -> Result<Vec<RunId>, StoreError> {
        let ids = sqlx::query_scalar!(
            "SELECT id FROM extractor.runs
             WHERE state = 'running' AND worker = $1 AND cancel_requested_at IS NOT NULL
             ORDER BY id",
            worker.0
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(ids.into_iter().map(RunId).collect())
    }

    /// Hears of what is asked between two looks, over a connection of its own.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no further connection can be had.
    pub async fn listen_control(&self) -> Result<ControlListener, StoreError> {
        Ok(ControlListener(self.listen(CONTROL_CHANNEL).await?))
    }
}

/// Hears when a run was asked for, or its end. A hint, to be joined by looking now and then: a
/// pooler between may lose all of it.
#[derive(Debug)]
pub struct ControlListener(Listener);

impl ControlListener {
    /// Waits until something was asked on `site`, or may have been: a connection that broke and was
    /// had again may have lost it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the connection cannot be had again.
    pub async fn changed(&mut self, site: &Site) -> Result<(), StoreError> {
        self.0.told_of(site).await
    }
}
