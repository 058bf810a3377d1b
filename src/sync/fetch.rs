//! Fetching the issues of a batch so that none hurts another. A request that fails is asked again in
//! pieces, side by side; what is left in a piece that fails too has to climb down the ladder, each
//! issue by itself, after the rest was written. An id that did not come is looked up alone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::{Notify, Semaphore};

use super::error::SyncError;
use super::fields::FieldMemory;
use super::intake::Arrival;
use super::ladder::Start;
use super::pace::{self, Began, Burden, Pace};
use super::policy::{self, Decision, Fault, Shortfall};
use super::progress::Progress;
use super::streak::Streak;
use super::streams::Streams;
use crate::jira::{FetchedBatch, JiraClient, JiraError};
use crate::model::{Failure, IssueDocument, IssueId, Site};
use crate::store::{PendingIssue, Store};

/// Pieces of one batch, or ids that did not come with it, that are asked for at once.
const AT_ONCE: usize = 4;

/// What became of the issues of a batch. Each issue is in exactly one of the lists, except that
/// one in `retry_later` or `failed` may be among `documents` as well: what came of it is stored.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    pub(super) documents: Vec<IssueDocument>,
    pub(super) gone: Vec<IssueId>,
    pub(super) failed: Vec<Failure>,
    pub(super) retry_later: Vec<(IssueId, Duration)>,
    /// To be fetched by themselves, once the others are written.
    pub(super) climbs: Vec<Climb>,
}

/// An issue that has to be fetched by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Climb {
    pub(super) issue: PendingIssue,
    pub(super) start: Start,
}

/// Where issues come from: what everybody who fetches shares.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) jira: JiraClient,
    pub(super) store: Store,
    pub(super) site: Site,
    /// As many permits as heavy issues may be fetched at once: each takes minutes of Jira's time
    /// and megabytes of this process.
    pub(super) heavy: Semaphore,
    /// Told when more may be asked for at once.
    pub(super) faster: Notify,
    pub(super) fields: Arc<Mutex<FieldMemory>>,
    /// What is fetched beside the issues themselves.
    pub(super) streams: Streams,
    pace: Mutex<Pace>,
    /// Where the pace is shown.
    progress: Arc<Progress>,
    streak: Mutex<Streak>,
}

/// An issue by its id; `None` where there is none for us.
type LookedUp = Result<Option<IssueDocument>, JiraError>;

/// A request that failed, in a way that asking for less may mend.
struct Refusal {
    group: Vec<PendingIssue>,
    fault: Fault,
}

impl Source {
    /// A source that asks for at most `batch_size` issues in each of at most `max_in_flight`
    /// requests. `fields` is what this process has seen of the instance's fields.
    pub(super) fn new(
        (jira, store, site): (JiraClient, Store, Site),
        batch_size: u32,
        max_in_flight: usize,
        fields: Arc<Mutex<FieldMemory>>,
        streams: Streams,
        progress: Arc<Progress>,
    ) -> Self {
        let pace = Pace::new(batch_size, max_in_flight, jira.stats().throttled);
        progress.note_pace(pace.batch(), pace.in_flight());
        Self {
            jira,
            store,
            site,
            heavy: Semaphore::new(heavy_places(max_in_flight)),
            faster: Notify::new(),
            fields,
            streams,
            pace: Mutex::new(pace),
            progress,
            streak: Mutex::default(),
        }
    }

    /// Fetches `issues` whole, as far as that takes no ladder.
    ///
    /// # Errors
    /// What has nothing to do with these issues: the run cannot go on.
    pub(super) async fn fetch(&self, issues: &[PendingIssue]) -> Result<Fetched, SyncError> {
        let began = self.pace(|pace| pace.begin());
        let (mut fetched, refusal) = self.ask(issues.to_vec()).await?;
        if let Some(refusal) = refusal {
            self.isolate(refusal, began, &mut fetched).await?;
        }
        let throttled = self.jira.stats().throttled;
        self.pace(|pace| pace.note_throttled(throttled, began));
        Ok(fetched)
    }

    /// Looks at the pace, or changes it.
    pub(super) fn pace<T>(&self, change: impl FnOnce(&mut Pace) -> T) -> T {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = change(&mut pace);
        self.progress.note_pace(pace.batch(), pace.in_flight());
        answer
    }

    pub(super) fn note_success(&self) {
        self.streak.lock().unwrap_or_else(PoisonError::into_inner).note_success();
    }

    /// An issue failed, alone; answers whether that was one too many in a row.
    pub(super) fn note_failure(&self, issue: IssueId) -> bool {
        self.streak.lock().unwrap_or_else(PoisonError::into_inner).note_failure(issue)
    }

    /// Asks for a group in one request, and again for what a cap on pages left out of the answer.
    async fn ask(
        &self,
        mut group: Vec<PendingIssue>,
    ) -> Result<(Fetched, Option<Refusal>), SyncError> {
        let began = self.pace(|pace| pace.begin());
        let mut fetched = Fetched::default();
        loop {
            let ids: Vec<IssueId> = group.iter().map(|issue| issue.id).collect();
            let batch = match self.jira.fetch_issues(&ids).await {
                Ok(batch) => batch,
                Err(error) => match policy::decide(&error) {
                    Decision::Abort => return Err(error.into()),
                    Decision::Split(fault) => {
                        tracing::debug!(batch.issues = group.len(), %error, "batch does not come");
                        return Ok((fetched, Some(Refusal { group, fault })));
                    }
                },
            };
            self.note_success();
            self.note_answer(group.len(), batch.elapsed);
            let (cut_short, held_back) = (batch.is_cut_short(), !batch.held_back.is_empty());
            let asked = group.len();
            let absent = self.sort_out(group, batch, &mut fetched).await?;
            let came = asked - absent.len();
            if cut_short && came > 0 {
                self.pace(|pace| match held_back {
                    true => pace.note_burden(Burden::TooMuch, began),
                    false => pace.note_cap(came),
                });
                group = absent;
                continue;
            }
            self.look_up(absent, &mut fetched).await?;
            return Ok((fetched, None));
        }
    }

    fn note_answer(&self, asked: usize, elapsed: Duration) {
        let rises = self.pace(|pace| {
            let before = pace.in_flight();
            pace.note_answer(asked, elapsed);
            pace.in_flight() > before
        });
        if rises {
            self.faster.notify_waiters();
        }
    }

    /// Takes in what came; answers what did not.
    async fn sort_out(
        &self,
        group: Vec<PendingIssue>,
        batch: FetchedBatch,
        fetched: &mut Fetched,
    ) -> Result<Vec<PendingIssue>, SyncError> {
        let mut asked: BTreeMap<IssueId, PendingIssue> =
            group.into_iter().map(|issue| (issue.id, issue)).collect();
        for unreadable in batch.unreadable {
            if let Some(issue) = unreadable.id.and_then(|id| asked.remove(&id)) {
                fetched.failed.push(policy::unreadable(&issue, &unreadable.reason));
            }
        }
        let arrivals: Vec<Arrival> = batch
            .issues
            .into_iter()
            .filter_map(|document| Some(Arrival::new(asked.remove(&document.id)?, document)))
            .collect();
        let mut arrivals = self.with_every_field(arrivals).await?;
        let mut lacking = |documents: Vec<IssueDocument>| {
            let of = |document: IssueDocument| Some((asked.remove(&document.id)?, document));
            let known = documents.into_iter().filter_map(of);
            known.map(|(issue, document)| Arrival::new(issue, document)).collect::<Vec<_>>()
        };
        let (lacking, unproven) = (lacking(batch.lacking), lacking(batch.unproven));
        arrivals.extend(self.without_some_field(lacking, Shortfall::Fields).await?);
        arrivals.extend(self.without_some_field(unproven, Shortfall::FieldsOfItsKind).await?);
        self.take_in(arrivals, fetched).await?;
        Ok(asked.into_values().collect())
    }

    /// An id that did not come may be moved, gone, hidden, or late in the index: only looking it up
    /// alone tells.
    async fn look_up(
        &self,
        absent: Vec<PendingIssue>,
        fetched: &mut Fetched,
    ) -> Result<(), SyncError> {
        let answers: Vec<(PendingIssue, LookedUp)> = stream::iter(absent)
            .map(|issue| self.look_up_one(issue))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut found = Vec::new();
        for (issue, answer) in answers {
            match answer {
                Ok(Some(document)) => found.push(Arrival::new(issue, document)),
                Ok(None) => fetched.gone.push(issue.id),
                Err(error) => match policy::decide(&error) {
                    Decision::Abort => return Err(error.into()),
                    Decision::Split(_) => {
                        fetched.climbs.push(Climb { issue, start: Start::FailedWhole });
                    }
                },
            }
        }
        self.take_in(found, fetched).await
    }

    async fn look_up_one(&self, issue: PendingIssue) -> (PendingIssue, LookedUp) {
        let answer = self.jira.fetch_issue(issue.id).await;
        (issue, answer)
    }

    /// Asks for the pieces of a batch that failed. After that no more than the pieces that fail too
    /// is left, and each issue of these is on its own.
    async fn isolate(
        &self,
        refusal: Refusal,
        began: Began,
        fetched: &mut Fetched,
    ) -> Result<(), SyncError> {
        let Refusal { group, fault } = refusal;
        if group.len() < 2 {
            fetched.climbs.extend(alone(group, fault));
            return Ok(());
        }
        let pieces = pieces(group);
        let asked = pieces.len();
        let answers: Vec<(Fetched, Option<Refusal>)> = stream::iter(pieces)
            .map(|piece| self.ask(piece))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let failed = answers.iter().filter(|(_, refusal)| refusal.is_some()).count();
        let burden = pace::burden(fault, asked, failed);
        tracing::debug!(
            batch.pieces = asked,
            batch.failed = failed,
            ?burden,
            "batch asked in pieces"
        );
        self.pace(|pace| pace.note_burden(burden, began));
        for (part, refusal) in answers {
            fetched.append(part);
            if let Some(Refusal { group, fault }) = refusal {
                fetched.climbs.extend(alone(group, fault));
            }
        }
        Ok(())
    }
}

impl Fetched {
    fn append(&mut self, more: Self) {
        let Self { documents, gone, failed, retry_later, climbs } = more;
        self.documents.extend(documents);
        self.gone.extend(gone);
        self.failed.extend(failed);
        self.retry_later.extend(retry_later);
        self.climbs.extend(climbs);
    }
}

/// A quarter of what the profile allows in flight goes to heavy issues, at least one.
fn heavy_places(max_in_flight: usize) -> usize {
    (max_in_flight / 4).max(1)
}

/// About as many pieces as each then has issues: so a batch is down to single issues after two more
/// questions, however large it was.
fn pieces(group: Vec<PendingIssue>) -> Vec<Vec<PendingIssue>> {
    let size = group.len().isqrt().max(1);
    let mut rest = group.into_iter().peekable();
    let mut pieces = Vec::new();
    while rest.peek().is_some() {
        pieces.push(rest.by_ref().take(size).collect());
    }
    pieces
}

/// The issues of a group that failed, each on its own. A group of one that took too long or brought
/// too much would do so again.
fn alone(group: Vec<PendingIssue>, fault: Fault) -> impl Iterator<Item = Climb> {
    let start = match fault {
        Fault::Slow | Fault::Large if group.len() == 1 => Start::FailedWhole,
        Fault::Slow | Fault::Large | Fault::Broken | Fault::Unusable => Start::Full,
    };
    group.into_iter().map(move |issue| Climb { issue, start })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;
    use crate::model::RunId;

    fn issues(n: i64) -> Vec<PendingIssue> {
        let issue = |id| PendingIssue {
            id: IssueId(id),
            key: format!("PROJ-{id}").parse().unwrap(),
            run: RunId(Uuid::nil()),
            listed_updated: None,
            attempts: 0,
            stored_tier: None,
        };
        (1..=n).map(issue).collect()
    }

    #[rstest]
    #[case(2, 2)]
    #[case(4, 2)]
    #[case(50, 8)]
    #[case(100, 10)]
    fn a_batch_of_n_has_about_the_root_of_n_pieces(#[case] n: i64, #[case] expected: usize) {
        let group = issues(n);
        let pieces = pieces(group.clone());
        assert_eq!(pieces.len(), expected);
        assert!(pieces.iter().all(|piece| piece.len() <= expected));
        assert_eq!(pieces.concat(), group);
    }

    #[rstest]
    #[case(1, Fault::Slow, Start::FailedWhole)]
    #[case(1, Fault::Large, Start::FailedWhole)]
    #[case(1, Fault::Broken, Start::Full)]
    #[case(7, Fault::Slow, Start::Full)]
    fn an_issue_that_was_alone_already_is_not_asked_whole_again_for_nothing(
        #[case] n: i64,
        #[case] fault: Fault,
        #[case] start: Start,
    ) {
        let climbs: Vec<Climb> = alone(issues(n), fault).collect();
        assert_eq!(climbs.len(), usize::try_from(n).unwrap());
        assert!(climbs.iter().all(|climb| climb.start == start));
    }

    #[rstest]
    #[case(1, 1)]
    #[case(2, 1)]
    #[case(8, 2)]
    #[case(16, 4)]
    fn heavy_issues_leave_room_for_the_others(#[case] in_flight: usize, #[case] heavy: usize) {
        assert_eq!(heavy_places(in_flight), heavy);
    }
}
