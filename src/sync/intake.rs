//! What came of issues, made ready to be written: fields that did not load and lists that were cut
//! short are asked for, and what is lacking even then is put down for later.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::complete;
use super::error::SyncError;
use super::fetch::{Fetched, Source};
use super::fields::{self, FieldMemory, Kind, Names, Opinion};
use super::policy::{self, Decision, Shortfall};
use super::retry::patiently;
use crate::jira::Flavor;
use crate::model::{IssueDocument, IssueId};
use crate::store::PendingIssue;

/// Issues that are asked for strictly at once, of one batch.
const AT_ONCE: usize = 4;

/// An issue that was asked for and came.
#[derive(Debug)]
pub(super) struct Arrival {
    issue: PendingIssue,
    document: IssueDocument,
    shortfall: Option<Shortfall>,
}

impl Arrival {
    pub(super) fn new(issue: PendingIssue, document: IssueDocument) -> Self {
        Self { issue, document, shortfall: None }
    }

    pub(super) fn short(
        issue: PendingIssue,
        document: IssueDocument,
        shortfall: Shortfall,
    ) -> Self {
        Self { issue, document, shortfall: Some(shortfall) }
    }

    fn lacks_fields(&self) -> bool {
        self.document.lacking.contains(&IssueDocument::LACKS_FIELDS)
    }

    fn lacks_fields_unnamed(&self) -> bool {
        self.lacks_fields() && self.shortfall.is_none()
    }

    /// It has left the project before it was ever stored: it is the other project's to list.
    fn is_departed(&self) -> bool {
        self.document.key.project() != self.issue.key.project() && self.issue.stored_tier.is_none()
    }
}

impl Source {
    /// Completes the lists of what came, adds the optional streams, and sorts it into `fetched`.
    ///
    /// # Errors
    /// What has nothing to do with these issues.
    pub(super) async fn take_in(
        &self,
        arrivals: Vec<Arrival>,
        fetched: &mut Fetched,
    ) -> Result<(), SyncError> {
        let mut documents = Vec::with_capacity(arrivals.len());
        let mut issues = Vec::with_capacity(arrivals.len());
        for arrival in arrivals {
            if arrival.is_departed() {
                fetched.gone.push(arrival.issue.id);
                continue;
            }
            issues.push((arrival.issue, arrival.shortfall));
            documents.push(arrival.document);
        }
        let completed = complete::complete(&self.jira, documents).await?;
        let (documents, lists): (Vec<_>, Vec<_>) =
            completed.into_iter().map(|issue| (issue.document, issue.lacking)).unzip();
        let streamed = Box::pin(self.streams.fetch(&self.jira, documents)).await?;
        for (((issue, shortfall), list), streamed) in issues.into_iter().zip(lists).zip(streamed) {
            let children = list.or(streamed.lacking).map(Shortfall::Children);
            let shortfall =
                shortfall.or(children).or_else(|| complete::short_of_changes(&streamed.document));
            if let Some(shortfall) = shortfall {
                match policy::again(&issue, &shortfall) {
                    Some(wait) => fetched.retry_later.push((issue.id, wait)),
                    None => fetched.failed.push(policy::lacking(&issue, &shortfall)),
                }
            }
            fetched.documents.push(streamed.document);
        }
        Ok(())
    }

    /// Asks again, strictly, for the issues that lack fields they should have. Server answers with
    /// every field or with an error.
    ///
    /// # Errors
    /// What has nothing to do with these issues.
    pub(super) async fn with_every_field(
        &self,
        arrivals: Vec<Arrival>,
    ) -> Result<Vec<Arrival>, SyncError> {
        match self.jira.flavor() {
            Flavor::Server => return Ok(arrivals),
            Flavor::Cloud => {}
        }
        let stored = self.stored_fields(&arrivals).await?;
        let opinions = self.memory(|memory| {
            let seen: Vec<(Kind, Names)> = arrivals
                .iter()
                .map(|arrival| (Kind::of(&arrival.document), fields::names_of(&arrival.document)))
                .collect();
            seen.iter().for_each(|(kind, names)| memory.learn(kind, names));
            let judge = |((kind, names), arrival): (&(Kind, Names), &Arrival)| {
                memory.judge(kind, names, stored.get(&arrival.document.id))
            };
            seen.iter().zip(&arrivals).map(judge).collect::<Vec<_>>()
        });
        stream::iter(arrivals.into_iter().zip(opinions))
            .map(|(arrival, opinion)| self.believe(arrival, opinion))
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    /// Notes what is missing of issues that were asked for without what does not load.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) async fn naming_what_was_left_out(
        &self,
        arrivals: Vec<Arrival>,
    ) -> Result<Vec<Arrival>, SyncError> {
        let (lacking, mut others): (Vec<_>, Vec<_>) =
            arrivals.into_iter().partition(Arrival::lacks_fields_unnamed);
        others.extend(self.without_some_field(lacking, Shortfall::Fields).await?);
        Ok(others)
    }

    /// Notes what is missing of issues that are known not to have come with every field, as a
    /// shortfall of some kind.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) async fn without_some_field(
        &self,
        arrivals: Vec<Arrival>,
        shortfall: fn(Names) -> Shortfall,
    ) -> Result<Vec<Arrival>, SyncError> {
        if arrivals.is_empty() {
            return Ok(arrivals);
        }
        let stored = self.stored_fields(&arrivals).await?;
        let missing = |document: &IssueDocument| {
            let (kind, names) = (Kind::of(document), fields::names_of(document));
            self.memory(|memory| {
                let missing = memory.missing(&kind, &names, stored.get(&document.id));
                memory.note_failing(&kind, missing.clone());
                missing
            })
        };
        Ok(arrivals
            .into_iter()
            .map(|arrival| {
                let missing = missing(&arrival.document);
                without(arrival, shortfall(missing))
            })
            .collect())
    }

    async fn stored_fields(
        &self,
        arrivals: &[Arrival],
    ) -> Result<BTreeMap<IssueId, Names>, SyncError> {
        let stored = arrivals.iter().filter(|arrival| arrival.issue.stored_tier.is_some());
        let ids: Vec<IssueId> = stored.map(|arrival| arrival.issue.id).collect();
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        Ok(patiently(|| self.store.load_field_names(&self.site, &ids)).await?)
    }

    async fn believe(&self, arrival: Arrival, opinion: Opinion) -> Result<Arrival, SyncError> {
        // What was asked meanwhile may have told what there is to know.
        let opinion = match opinion {
            Opinion::AskAlone(missing) => {
                let kind = Kind::of(&arrival.document);
                self.memory(|memory| memory.judge_again(&kind, missing))
            }
            Opinion::Whole | Opinion::Partial(_) => opinion,
        };
        match opinion {
            Opinion::Whole => Ok(arrival),
            Opinion::Partial(missing) => Ok(without(arrival, Shortfall::Fields(missing))),
            Opinion::AskAlone(missing) => self.strictly(arrival, missing).await,
        }
    }

    async fn strictly(&self, arrival: Arrival, missing: Names) -> Result<Arrival, SyncError> {
        let kind = Kind::of(&arrival.document);
        tracing::debug!(
            issue.id = %arrival.document.id, fields = missing.len(), "fields did not come"
        );
        match self.jira.fetch_issue(arrival.document.id).await {
            Ok(Some(document)) => {
                let names = fields::names_of(&document);
                let absent: Names = missing.difference(&names).cloned().collect();
                self.memory(|memory| {
                    memory.learn(&kind, &names);
                    memory.note_absent(&kind, &absent);
                });
                Ok(Arrival { document, ..arrival })
            }
            // It went away in between; what came was true when it came.
            Ok(None) => Ok(arrival),
            Err(error) => match policy::decide(&error) {
                Decision::Abort => Err(error.into()),
                Decision::Split(fault) => {
                    if policy::speaks_of_jira(fault) {
                        self.memory(|memory| memory.note_failing(&kind, missing.clone()));
                    }
                    Ok(without(arrival, Shortfall::Fields(missing)))
                }
            },
        }
    }

    fn memory<T>(&self, use_it: impl FnOnce(&mut FieldMemory) -> T) -> T {
        use_it(&mut self.fields.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The issue as it came, which is not whole.
fn without(mut arrival: Arrival, shortfall: Shortfall) -> Arrival {
    if !arrival.lacks_fields() {
        arrival.document.lacking.push(IssueDocument::LACKS_FIELDS);
    }
    arrival.shortfall = Some(shortfall);
    arrival
}
