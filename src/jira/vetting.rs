//! Whether Cloud delivered an issue whole. Asked for many issues at once it leaves out a field that
//! it could not load, and says nothing; asked for one issue with `failFast` it fails instead. So
//! what issues of a project and type always have is learned from issues that were asked for alone,
//! and one that lacks some of it is asked for again. What is learned lives as long as the client.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::join_all;

use super::JiraClient;
use super::error::JiraError;
use super::hydrate::FetchedBatch;
use super::wire;
use crate::model::{IssueDocument, IssueId, ProjectKey};

/// How often in one batch an issue of each kind is asked for alone to learn what it has.
const ROUNDS: usize = 3;

/// After so many failures to learn it, issues of a kind are taken as they come.
const FAILURES: u32 = 3;

/// What was learned so far.
#[derive(Debug, Default)]
pub(super) struct Vetting {
    learned: Mutex<Learned>,
    /// Held by who learns, so that others profit instead of asking the same.
    turn: tokio::sync::Mutex<()>,
}

/// Issues of one kind have the same fields, empty or not, but for a few.
type Kind = (ProjectKey, Option<String>);

#[derive(Debug, Default)]
struct Learned {
    /// Every field's name once, by a short number.
    numbers: HashMap<String, u32>,
    kinds: HashMap<Kind, Expected>,
}

#[derive(Debug, Default)]
struct Expected {
    /// The fields that every issue of the kind had which is known to be whole.
    always: Option<BTreeSet<u32>>,
    failures: u32,
}

/// What there is to say of an issue that came with many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It has all that issues of its kind always have, or nothing can be said.
    Whole,
    /// It lacks something, or its kind is not known yet.
    Doubtful,
}

/// What came of an issue that was asked for alone.
enum Alone {
    Whole(IssueDocument),
    Gone,
    /// It cannot be had strictly; this is how it came with others.
    Fails(IssueDocument),
}

impl Vetting {
    /// Learns from an issue that is whole.
    pub(super) fn note_whole(&self, document: &IssueDocument) {
        let mut learned = self.learned();
        let fields = learned.fields(document);
        let expected = learned.kinds.entry(kind(document)).or_default();
        expected.failures = 0;
        match &mut expected.always {
            Some(always) => always.retain(|field| fields.contains(field)),
            None => expected.always = Some(fields),
        }
    }

    fn note_failure(&self, kind: Kind) {
        self.learned().kinds.entry(kind).or_default().failures += 1;
    }

    fn verdict(&self, document: &IssueDocument) -> Verdict {
        let mut learned = self.learned();
        let fields = learned.fields(document);
        let whole = learned.kinds.get(&kind(document)).is_some_and(|expected| {
            expected.failures >= FAILURES
                || expected.always.as_ref().is_some_and(|always| always.is_subset(&fields))
        });
        if whole { Verdict::Whole } else { Verdict::Doubtful }
    }

    fn learned(&self) -> MutexGuard<'_, Learned> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Learned {
    fn fields(&mut self, document: &IssueDocument) -> BTreeSet<u32> {
        let names = wire::field_names(&document.fields).into_iter();
        names.map(|name| self.number(name)).collect()
    }

    fn number(&mut self, name: String) -> u32 {
        let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        *self.numbers.entry(name).or_insert(next)
    }
}

fn kind(document: &IssueDocument) -> Kind {
    (document.key.project().clone(), document.issue_type.clone())
}

impl JiraClient {
    /// Issues in bulk, each of them whole as far as one can tell.
    pub(super) async fn fetch_vetted(&self, ids: &[IssueId]) -> Result<FetchedBatch, JiraError> {
        let mut batch = self.fetch_in_bulk(ids).await?;
        let doubtful = self.vet(&mut batch).await?;
        if !doubtful.is_empty() {
            // What did not load a moment ago may load now.
            tracing::debug!(issues = doubtful.len(), "fields did not load, asking again");
            let mut again = self.fetch_in_bulk(&doubtful).await?;
            let still = self.take_doubtful(&mut again.issues);
            batch.extend(again);
            let (samples, mut others) = one_of_each_kind(still);
            self.sort_samples(samples, &mut batch).await?;
            batch.lacking.extend(self.take_doubtful(&mut others));
            batch.issues.append(&mut others);
        }
        batch.issues.sort_unstable_by_key(|issue| issue.id);
        Ok(batch)
    }

    /// Takes the doubtful issues out of the batch, asks for some of them alone, and puts back what
    /// is whole; answers which are not.
    async fn vet(&self, batch: &mut FetchedBatch) -> Result<Vec<IssueId>, JiraError> {
        let mut doubtful = self.take_doubtful(&mut batch.issues);
        if doubtful.is_empty() {
            return Ok(Vec::new());
        }
        let _turn = self.0.vetting.turn.lock().await;
        for _ in 0..ROUNDS {
            // Somebody else may have learned meanwhile, or this did in the round before.
            let known = doubtful.len();
            let still = self.take_doubtful(&mut doubtful);
            batch.issues.append(&mut doubtful);
            doubtful = still;
            let (samples, others) = one_of_each_kind(doubtful);
            doubtful = others;
            if samples.is_empty() {
                break;
            }
            tracing::debug!(issues = known, samples = samples.len(), "learning what issues have");
            self.sort_samples(samples, batch).await?;
        }
        let still = self.take_doubtful(&mut doubtful);
        batch.issues.append(&mut doubtful);
        Ok(still.iter().map(|issue| issue.id).collect())
    }

    /// Asks for each of these alone, and puts what comes of it into the batch.
    async fn sort_samples(
        &self,
        samples: Vec<IssueDocument>,
        batch: &mut FetchedBatch,
    ) -> Result<(), JiraError> {
        for sample in self.fetch_alone(samples).await {
            match sample? {
                Alone::Whole(issue) => batch.issues.push(issue),
                Alone::Gone => {}
                Alone::Fails(issue) => batch.lacking.push(issue),
            }
        }
        Ok(())
    }

    fn take_doubtful(&self, issues: &mut Vec<IssueDocument>) -> Vec<IssueDocument> {
        issues.extract_if(.., |issue| self.0.vetting.verdict(issue) == Verdict::Doubtful).collect()
    }

    /// Each issue alone.
    async fn fetch_alone(&self, issues: Vec<IssueDocument>) -> Vec<Result<Alone, JiraError>> {
        let alone = issues.into_iter().map(async |issue| match self.fetch_issue(issue.id).await {
            Ok(Some(whole)) => Ok(Alone::Whole(whole)),
            Ok(None) => Ok(Alone::Gone),
            Err(error) if is_of_the_issue(&error) => {
                self.0.vetting.note_failure(kind(&issue));
                Ok(Alone::Fails(issue))
            }
            Err(error) => Err(error),
        });
        join_all(alone).await
    }
}

/// The first issue of each kind, and the others.
fn one_of_each_kind(issues: Vec<IssueDocument>) -> (Vec<IssueDocument>, Vec<IssueDocument>) {
    let mut seen = HashSet::new();
    issues.into_iter().partition(|issue| seen.insert(kind(issue)))
}

/// Whether the failure may have to do with the issue that was asked for.
fn is_of_the_issue(error: &JiraError) -> bool {
    match error {
        JiraError::Timeout { .. }
        | JiraError::TooLarge { .. }
        | JiraError::Unavailable { .. }
        | JiraError::Refused { .. }
        | JiraError::NotFound { .. }
        | JiraError::BadData { .. } => true,
        JiraError::Settings { .. }
        | JiraError::Unreachable { .. }
        | JiraError::Tls { .. }
        | JiraError::RateLimited { .. }
        | JiraError::Unauthorized { .. }
        | JiraError::NotLoggedIn { .. }
        | JiraError::Forbidden { .. }
        | JiraError::NoEndpoint { .. }
        | JiraError::Redirected { .. }
        | JiraError::Unsupported { .. } => false,
    }
}
