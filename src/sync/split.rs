//! Writing a batch of which Postgres may refuse a part: halved down to the issue at fault.

use std::collections::{HashMap, HashSet, VecDeque};

use super::fetch::Fetched;
use super::people::{Current, People};
use super::policy;
use super::retry::patiently;
use crate::model::IssueId;
use crate::store::{BatchResult, BatchToken, PendingIssue, Store, StoreError};

/// Documents written in one transaction at the most: where bulk statements measured best.
const LARGEST_WRITE: usize = 500;
/// How often one batch is transformed anew because people are erased meanwhile.
const MOST_ERASURES: u32 = 32;

/// Writes everything that came of `issues`, which are leased under `token`; answers how many of them
/// have left the queue.
///
/// # Errors
/// [`StoreError::LeaseLost`] when others have taken the batch over; then nothing of the part under
/// way is written, and they will write it.
pub(super) async fn write(
    store: &Store,
    token: &BatchToken,
    issues: &[PendingIssue],
    fetched: Fetched,
    current: &Current,
) -> Result<u64, StoreError> {
    let issues: HashMap<IssueId, &PendingIssue> =
        issues.iter().map(|issue| (issue.id, issue)).collect();
    let named = named(&fetched);
    let mut people = current.now().await?;
    let mut parts = VecDeque::from(parts(token, fetched));
    let mut stay = 0;
    let mut erasures = 0;
    while let Some(mut part) = parts.pop_front() {
        transform(&mut part, &people);
        match patiently(|| store.write_batch(&part)).await {
            Ok(written) => stay += written.behind + written.retried,
            Err(StoreError::DataRejected(cause)) if part.documents.len() > 1 => {
                tracing::debug!(error = %cause, documents = part.documents.len(), "halving a write");
                let (one, other) = halves(part);
                parts.push_front(other);
                parts.push_front(one);
            }
            Err(StoreError::DataRejected(cause)) => {
                parts.push_front(as_failures(part, &issues, &cause.to_string()));
            }
            Err(StoreError::ErasedMeanwhile) if erasures < MOST_ERASURES => {
                erasures += 1;
                people = current.read_again().await?;
                parts.push_front(part);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(named.saturating_sub(stay))
}

/// Has the part say of people what may be stored; once more changes nothing.
fn transform(part: &mut BatchResult, people: &People) {
    part.documents.iter_mut().for_each(|document| people.document(document));
    part.erasures = people.generation();
}

/// How many issues it speaks of.
fn named(fetched: &Fetched) -> u64 {
    let documents = fetched.documents.iter().map(|document| document.id);
    let failed = fetched.failed.iter().map(|failure| failure.id);
    let later = fetched.retry_later.iter().map(|(id, _)| *id);
    let ids: HashSet<IssueId> =
        documents.chain(failed).chain(later).chain(fetched.gone.iter().copied()).collect();
    ids.len() as u64
}

/// Full-sized parts; what is not a document goes with the first, but for what is said of one that
/// goes with another.
fn parts(token: &BatchToken, fetched: Fetched) -> Vec<BatchResult> {
    let Fetched { documents, gone, failed, retry_later, climbs: _ } = fetched;
    let mut first =
        BatchResult { token: token.clone(), documents, gone, failed, retry_later, erasures: 0 };
    let mut later = Vec::new();
    while first.documents.len() > LARGEST_WRITE {
        let at = first.documents.len() - LARGEST_WRITE;
        later.push(split_off(&mut first, at));
    }
    std::iter::once(first).chain(later).collect()
}

fn halves(mut part: BatchResult) -> (BatchResult, BatchResult) {
    let at = part.documents.len() / 2;
    let other = split_off(&mut part, at);
    (part, other)
}

/// The documents from `at` on, with what is said of them besides.
fn split_off(part: &mut BatchResult, at: usize) -> BatchResult {
    let documents = part.documents.split_off(at);
    let ids: HashSet<IssueId> = documents.iter().map(|document| document.id).collect();
    let retry_later = part.retry_later.extract_if(.., |(id, _)| ids.contains(id)).collect();
    let failed = part.failed.extract_if(.., |failure| ids.contains(&failure.id)).collect();
    BatchResult {
        token: part.token.clone(),
        documents,
        gone: Vec::new(),
        failed,
        retry_later,
        erasures: part.erasures,
    }
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
