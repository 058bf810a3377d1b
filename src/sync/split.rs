//! Writing a batch of which Postgres may refuse a part: halved down to the issue at fault.

use std::collections::{HashMap, VecDeque};

use super::fetch::Fetched;
use super::policy;
use super::retry::patiently;
use crate::model::IssueId;
use crate::store::{Batch, BatchResult, BatchWritten, PendingIssue, Store, StoreError};

/// Documents written in one transaction at the most: where bulk statements measured best.
const LARGEST_WRITE: usize = 500;

/// Writes everything that came of `batch`.
///
/// # Errors
/// [`StoreError::LeaseLost`] when others have taken the batch over; then nothing of the part under
/// way is written, and they will write it.
pub(super) async fn write(
    store: &Store,
    batch: &Batch,
    fetched: Fetched,
) -> Result<BatchWritten, StoreError> {
    let issues: HashMap<IssueId, &PendingIssue> =
        batch.items.iter().map(|issue| (issue.id, issue)).collect();
    let mut parts = VecDeque::from(parts(batch, fetched));
    let mut sum = BatchWritten::default();
    while let Some(part) = parts.pop_front() {
        match patiently(|| store.write_batch(&part)).await {
            Ok(written) => add(&mut sum, written),
            Err(StoreError::DataRejected(cause)) if part.documents.len() > 1 => {
                tracing::debug!(error = %cause, documents = part.documents.len(), "halving a write");
                let (one, other) = halves(part);
                parts.push_front(other);
                parts.push_front(one);
            }
            Err(StoreError::DataRejected(cause)) => {
                parts.push_front(as_failures(part, &issues, &cause.to_string()));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(sum)
}

/// Full-sized parts; what is not a document goes with the first.
fn parts(batch: &Batch, fetched: Fetched) -> Vec<BatchResult> {
    let Fetched { mut documents, gone, failed, mut retry_later } = fetched;
    let rest = documents.split_off(documents.len().min(LARGEST_WRITE));
    let mut later = Vec::new();
    let mut rest = rest.into_iter().peekable();
    while rest.peek().is_some() {
        let chunk: Vec<_> = rest.by_ref().take(LARGEST_WRITE).collect();
        let is_in = |id: &IssueId| chunk.iter().any(|document| document.id == *id);
        let of_chunk = retry_later.extract_if(.., |(id, _)| is_in(id)).collect();
        later.push(BatchResult {
            token: batch.token.clone(),
            documents: chunk,
            gone: Vec::new(),
            failed: Vec::new(),
            retry_later: of_chunk,
        });
    }
    let token = batch.token.clone();
    let first = BatchResult { token, documents, gone, failed, retry_later };
    std::iter::once(first).chain(later).collect()
}

fn halves(mut part: BatchResult) -> (BatchResult, BatchResult) {
    let documents = part.documents.split_off(part.documents.len() / 2);
    let is_in = |id: &IssueId| documents.iter().any(|document| document.id == *id);
    let retry_later = part.retry_later.extract_if(.., |(id, _)| is_in(id)).collect();
    let token = part.token.clone();
    let other = BatchResult { token, documents, gone: Vec::new(), failed: Vec::new(), retry_later };
    (part, other)
}

/// The part without its one document, which is recorded as a failure instead.
fn as_failures(
    mut part: BatchResult,
    issues: &HashMap<IssueId, &PendingIssue>,
    reason: &str,
) -> BatchResult {
    for document in part.documents.drain(..) {
        part.retry_later.retain(|(id, _)| *id != document.id);
        if let Some(issue) = issues.get(&document.id) {
            part.failed.push(policy::unstorable(issue, reason.to_owned()));
        }
    }
    part
}

fn add(sum: &mut BatchWritten, more: BatchWritten) {
    let BatchWritten { written, unchanged, refused, behind, gone, failed, retried } = more;
    sum.written += written;
    sum.unchanged += unchanged;
    sum.refused += refused;
    sum.behind += behind;
    sum.gone += gone;
    sum.failed += failed;
    sum.retried += retried;
}
