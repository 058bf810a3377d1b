//! The store against a real Postgres, each test in a database of its own.

mod absences;
mod batches;
mod certificates;
mod children;
mod control;
mod diff;
mod events;
mod failures;
mod leases;
mod partial;
mod people;
mod queue;
mod replay;
mod runs;
mod schedules;
mod schema;
mod streams;
mod throttles;
mod versions;
mod views;
mod wholeness;

use std::time::Duration;

use super::testing::{at, document, lease, listed, project, session, site, store};
use super::{
    Batch, BatchResult, BatchWritten, ListedCounts, NewRun, ProjectLease, QueueScope, Session,
    Store, StoreError,
};
use crate::model::{Checkpoint, IssueDocument, ListedIssue, RunId, RunKind};

const LEASE: Duration = Duration::from_secs(60);

/// A store with a worker that holds the project and has started a backfill.
struct Running {
    store: Store,
    session: Session,
    lease: ProjectLease,
    run: RunId,
}

impl Running {
    async fn start() -> Self {
        let store = store().await;
        let session = session(&store).await;
        let lease = lease(&store, &session).await;
        let run = store.start_run(&lease, &new_run(RunKind::Backfill)).await.unwrap();
        Self { store, session, lease, run }
    }

    async fn list(&self, page: &[ListedIssue]) -> super::PageOutcome {
        self.store.record_page(&self.lease, self.run, page, &Checkpoint::default()).await.unwrap()
    }

    /// Leases up to `limit` issues of the run.
    async fn batch_of(&self, limit: u32) -> Option<Batch> {
        self.store
            .acquire_batch(self.session.worker(), &QueueScope::Run(self.run), limit, LEASE)
            .await
            .unwrap()
    }

    async fn batch(&self) -> Batch {
        self.batch_of(1000).await.expect("something is queued")
    }

    /// Lists the documents as they are, fetches them, and writes them.
    async fn hydrate(&self, documents: &[IssueDocument]) -> BatchWritten {
        let page: Vec<_> = documents
            .iter()
            .map(|d| ListedIssue { id: d.id, key: d.key.clone(), updated: d.updated })
            .collect();
        // What is stored may not differ from the listing: then only a forced row brings it back.
        self.list(&page).await;
        for d in documents {
            let sql = format!(
                "INSERT INTO extractor.pending (site, issue_id, project_key, run_id, key,
                     queue_order, queued_at)
                 VALUES ('{}', {}, 'P', '{}', '{}', 0, now()) ON CONFLICT DO NOTHING",
                site(),
                d.id,
                self.run,
                d.key
            );
            self.store.run_sql(&sql).await;
        }
        let batch = self.batch().await;
        self.write(&batch, documents).await.unwrap()
    }

    async fn write(
        &self,
        batch: &Batch,
        documents: &[IssueDocument],
    ) -> Result<BatchWritten, StoreError> {
        self.store.write_batch(&result(batch, documents)).await
    }
}

fn result(batch: &Batch, documents: &[IssueDocument]) -> BatchResult {
    BatchResult {
        token: batch.token.clone(),
        documents: documents.to_vec(),
        gone: Vec::new(),
        failed: Vec::new(),
        retry_later: Vec::new(),
        erasures: 0,
    }
}

fn new_run(kind: RunKind) -> NewRun {
    NewRun { kind, lists_from: None, horizon: at(20_000), filter: None }
}
