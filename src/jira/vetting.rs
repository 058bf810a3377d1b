//! Whether Cloud delivered an issue whole. Asked for many issues at once it leaves out a field that
//! it could not load, and says nothing; asked for one issue with `failFast` it fails instead. So
//! what issues of a project and type always have is learned from issues that were asked for alone,
//! and one that lacks some of it is asked for again. What is learned lives as long as the client.
//! Of a kind of which no issue can be had alone nothing can be learned: it is not taken for whole.

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

/// After so many failures in a row to learn it, issues of a kind are not asked for alone any more,
const FAILURES: u32 = 3;

/// until so many have come of which it is not known whether they are whole.
const UNPROVEN: u32 = 200;

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
    /// In a row.
    failures: u32,
    /// Taken for unproven since one was asked for alone.
    unproven: u32,
}

/// What there is to say of an issue that came with many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It has all that issues of its kind always have.
    Whole,
    /// It lacks something, or its kind is not known yet.
    Doubtful,
    /// The same, and asking for it alone is known to fail.
    Unproven,
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

    /// Forgets the failures, but not what was learned: the instance may have been mended since.
    pub(super) fn begin_anew(&self) {
        for expected in self.learned().kinds.values_mut() {
            (expected.failures, expected.unproven) = (0, 0);
        }
    }

    fn note_failure(&self, kind: Kind) {
        self.learned().kinds.entry(kind).or_default().failures += 1;
    }

    /// An issue is taken for unproven; after many of a kind the next one is asked for alone.
    fn note_unproven(&self, document: &IssueDocument) {
        let mut learned = self.learned();
        let expected = learned.kinds.entry(kind(document)).or_default();
        expected.unproven += 1;
        if expected.unproven >= UNPROVEN {
            (expected.failures, expected.unproven) = (FAILURES - 1, 0);
        }
    }

    fn verdict(&self, document: &IssueDocument) -> Verdict {
        let mut learned = self.learned();
        let fields = learned.fields(document);
        let Some(expected) = learned.kinds.get(&kind(document)) else { return Verdict::Doubtful };
        if expected.always.as_ref().is_some_and(|always| always.is_subset(&fields)) {
            Verdict::Whole
        } else if expected.failures >= FAILURES {
            Verdict::Unproven
        } else {
            Verdict::Doubtful
        }
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
    /// Tries again to learn what issues have, where that has failed before. For the beginning of a
    /// run: what an issue lacks is recorded as a failure then, and not asked for by the batch.
    pub fn vet_anew(&self) {
        self.0.vetting.begin_anew();
    }

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
        batch.unproven = self.take(Verdict::Unproven, &mut batch.issues);
        batch.unproven.iter().for_each(|issue| self.0.vetting.note_unproven(issue));
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
        self.take(Verdict::Doubtful, issues)
    }

    fn take(&self, verdict: Verdict, issues: &mut Vec<IssueDocument>) -> Vec<IssueDocument> {
        issues.extract_if(.., |issue| self.0.vetting.verdict(issue) == verdict).collect()
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::jira::wire::Context;
    use crate::model::Tier;

    /// An issue with these fields beside those that every issue has.
    fn issue(fields: &[&str]) -> IssueDocument {
        let mut all = json!({
            "summary": "s", "status": {"id": "1", "name": "Open"},
            "issuetype": {"id": "1", "name": "Bug"}, "project": {"id": "1", "key": "PROJ"},
            "created": "2024-01-01T00:00:00.000+0000", "updated": "2024-01-01T00:00:00.000+0000",
        });
        for field in fields {
            all[*field] = json!("value");
        }
        let raw = json!({"id": "10001", "key": "PROJ-1", "fields": all}).to_string();
        let context = Context {
            extracted_at: chrono::DateTime::UNIX_EPOCH,
            tier: Tier::Full,
            sprint_fields: &Default::default(),
        };
        wire::read_issue(serde_json::from_str(&raw).unwrap(), &context).unwrap()
    }

    fn fail(vetting: &Vetting, times: u32) {
        (0..times).for_each(|_| vetting.note_failure(kind(&issue(&[]))));
    }

    #[test]
    fn a_kind_of_which_nothing_is_known_is_never_taken_for_whole() {
        let vetting = Vetting::default();
        let issue = issue(&["customfield_1"]);
        assert_eq!(vetting.verdict(&issue), Verdict::Doubtful);
        fail(&vetting, FAILURES - 1);
        assert_eq!(vetting.verdict(&issue), Verdict::Doubtful);
        fail(&vetting, 1);
        assert_eq!(vetting.verdict(&issue), Verdict::Unproven);
        vetting.begin_anew();
        assert_eq!(vetting.verdict(&issue), Verdict::Doubtful);
    }

    #[test]
    fn what_lacks_nothing_that_is_known_is_whole_however_often_others_fail() {
        let vetting = Vetting::default();
        let (whole, lacking) = (issue(&["a", "b"]), issue(&["a"]));
        vetting.note_whole(&whole);
        fail(&vetting, FAILURES);
        assert_eq!(vetting.verdict(&whole), Verdict::Whole);
        assert_eq!(vetting.verdict(&lacking), Verdict::Unproven);
        vetting.note_whole(&lacking);
        assert_eq!(vetting.verdict(&lacking), Verdict::Whole);
    }

    #[test]
    fn after_many_unproven_issues_one_is_asked_for_alone_again() {
        let vetting = Vetting::default();
        let issue = issue(&[]);
        fail(&vetting, FAILURES);
        for _ in 1..UNPROVEN {
            vetting.note_unproven(&issue);
            assert_eq!(vetting.verdict(&issue), Verdict::Unproven);
        }
        vetting.note_unproven(&issue);
        assert_eq!(vetting.verdict(&issue), Verdict::Doubtful);
        fail(&vetting, 1);
        assert_eq!(vetting.verdict(&issue), Verdict::Unproven);
    }

    proptest! {
        /// A broken field is not learned: issues that lack it are whole only if one that came alone
        /// and whole lacks it too.
        #[test]
        fn an_issue_is_whole_only_if_it_has_what_every_whole_one_had(
            events in prop::collection::vec((any::<[bool; 3]>(), 0..4_u8), 0..40),
        ) {
            const FIELDS: [&str; 3] = ["a", "b", "c"];
            let of = |has: &[bool; 3]| {
                let names = FIELDS.iter().zip(has).filter(|(_, has)| **has);
                names.map(|(name, _)| *name).collect::<BTreeSet<_>>()
            };
            let vetting = Vetting::default();
            let mut always: Option<BTreeSet<&str>> = None;
            for (has, event) in &events {
                let names = of(has);
                let issue = issue(&names.iter().copied().collect::<Vec<_>>());
                match event {
                    0 => {
                        vetting.note_whole(&issue);
                        match &mut always {
                            Some(always) => always.retain(|name| names.contains(name)),
                            None => always = Some(names),
                        }
                    }
                    1 => fail(&vetting, 1),
                    2 => vetting.begin_anew(),
                    _ => {
                        let is_whole = always.as_ref().is_some_and(|all| all.is_subset(&names));
                        let verdict = vetting.verdict(&issue);
                        prop_assert_eq!(verdict == Verdict::Whole, is_whole);
                    }
                }
            }
        }
    }
}
