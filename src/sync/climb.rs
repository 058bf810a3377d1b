//! One issue on the ladder: asks as `ladder` says, and makes of the answers what is to be written.

use tokio::sync::SemaphorePermit;

use super::error::SyncError;
use super::fetch::{Climb, Fetched, Source};
use super::intake::Arrival;
use super::ladder::{Ladder, Landing, Outcome, Step};
use super::policy::{self, Decision, Fault, Shortfall};
use crate::jira::{FetchedRung, Flavor, JiraError, Rung, join_links};
use crate::model::IssueDocument;
use crate::store::PendingIssue;

/// What came of a climb, with the place among the heavy that it had: to be kept until it is written,
/// because what waits to be written takes memory as well.
#[derive(Debug)]
pub(super) struct Climbed<'a> {
    pub(super) fetched: Fetched,
    pub(super) place: Option<SemaphorePermit<'a>>,
}

/// What came on a rung; `None` where the issue is gone.
type RungAnswer = Result<Option<FetchedRung>, JiraError>;

/// What the rungs have brought so far.
#[derive(Default)]
struct Brought {
    /// Of the full rung, or of the lowest.
    whole: Option<IssueDocument>,
    rest: Option<IssueDocument>,
    links: Option<IssueDocument>,
    /// Why the last rung that failed did so.
    error: Option<JiraError>,
}

impl Source {
    /// The richest document that Jira can deliver of this issue, and what is to be done about the
    /// rest. Heavy rungs wait for a place among the heavy.
    ///
    /// # Errors
    /// What has nothing to do with this issue: the run cannot go on.
    pub(super) async fn climb(&self, climb: &Climb) -> Result<Climbed<'_>, SyncError> {
        let issue = &climb.issue;
        let mut ladder = Ladder::new(climb.start, self.jira.fuse());
        let mut brought = Brought::default();
        let mut place = None;
        loop {
            let rung = ladder.rung();
            if is_heavy(rung) && place.is_none() {
                // Acquiring fails only on a closed semaphore, which this never is.
                place = self.heavy.acquire().await.ok();
            }
            let answer = self.ask_on(rung, issue).await;
            let outcome = self.judge(issue, rung, answer, &mut brought)?;
            tracing::debug!(issue.id = %issue.id, %rung, ?outcome, "rung asked for");
            match ladder.handle(outcome) {
                Step::Ask(_) => {}
                Step::Done(end) => {
                    let fetched = self.settle(issue, end, brought).await?;
                    return Ok(Climbed { fetched, place });
                }
            }
        }
    }

    /// What comes on this rung. Cloud fails a whole issue for one field that does not load: then it
    /// is asked for without.
    async fn ask_on(&self, rung: Rung, issue: &PendingIssue) -> RungAnswer {
        let error = match self.jira.fetch_rung(issue.id, rung).await {
            Err(error) if self.may_come_without_some_field(rung, &error) => error,
            answer => return answer,
        };
        match self.jira.fetch_without_some_field(issue.id, rung).await {
            Err(worse) if policy::is_of_the_issue(&worse) => Err(error),
            answer => answer,
        }
    }

    fn may_come_without_some_field(&self, rung: Rung, error: &JiraError) -> bool {
        let has_fields = match rung {
            Rung::Full | Rung::Hub => true,
            Rung::Links | Rung::Minimal => false,
        };
        has_fields
            && self.jira.flavor() == Flavor::Cloud
            && policy::decide(error) == Decision::Split(Fault::Broken)
    }

    fn judge(
        &self,
        issue: &PendingIssue,
        rung: Rung,
        answer: RungAnswer,
        brought: &mut Brought,
    ) -> Result<Outcome, SyncError> {
        match answer {
            Ok(Some(FetchedRung { document, elapsed, .. })) => {
                if rung != Rung::Minimal {
                    self.note_success();
                }
                let slot = match rung {
                    Rung::Full | Rung::Minimal => &mut brought.whole,
                    Rung::Hub => &mut brought.rest,
                    Rung::Links => &mut brought.links,
                };
                *slot = Some(document);
                Ok(Outcome::Came(elapsed))
            }
            Ok(None) => {
                self.note_success();
                Ok(Outcome::Gone)
            }
            Err(error) => match policy::decide(&error) {
                Decision::Abort => Err(error.into()),
                Decision::Split(fault) => {
                    if policy::speaks_of_jira(fault) && self.note_failure(issue.id) {
                        return Err(error.into());
                    }
                    brought.error = Some(error);
                    Ok(Outcome::Failed)
                }
            },
        }
    }

    async fn settle(
        &self,
        issue: &PendingIssue,
        end: Landing,
        brought: Brought,
    ) -> Result<Fetched, SyncError> {
        let mut fetched = Fetched::default();
        let Brought { whole, rest, links, error } = brought;
        let arrival = match end {
            Landing::Gone => {
                fetched.gone.push(issue.id);
                None
            }
            Landing::Full => whole.map(|document| Arrival::new(issue.clone(), document)),
            Landing::Hub => {
                let document = rest.zip(links).map(|(rest, links)| join_links(rest, links));
                document.map(|document| Arrival::new(issue.clone(), document))
            }
            Landing::WithoutLinks => rest.zip(error).map(|(document, error)| {
                Arrival::short(issue.clone(), document, Shortfall::Links(error))
            }),
            Landing::Minimal => whole.zip(error).map(|(document, error)| {
                Arrival::short(issue.clone(), document, Shortfall::AllButAFew(error))
            }),
            Landing::Nothing => {
                if let Some(error) = error {
                    self.give_up(issue, error, &mut fetched).await?;
                }
                None
            }
        };
        let arrivals = arrival.into_iter().collect();
        let arrivals = self.naming_what_was_left_out(arrivals).await?;
        self.take_in(arrivals, &mut fetched).await?;
        Ok(fetched)
    }

    /// Records the issue as failed, unless it is Jira as a whole that does not answer.
    async fn give_up(
        &self,
        issue: &PendingIssue,
        error: JiraError,
        fetched: &mut Fetched,
    ) -> Result<(), SyncError> {
        self.jira.project(issue.key.project()).await?;
        if self.note_failure(issue.id) {
            return Err(error.into());
        }
        fetched.failed.push(policy::failure(issue, &error));
        Ok(())
    }
}

/// Whether a rung takes Jira minutes, for the issues that get there.
fn is_heavy(rung: Rung) -> bool {
    match rung {
        Rung::Hub | Rung::Links => true,
        Rung::Full | Rung::Minimal => false,
    }
}
