//! Fetching whole issues, in batches and alone. Halving a batch that fails is the caller's
//! business; one bad issue in a readable page is told apart here.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::JiraClient;
use super::error::JiraError;
use super::flavor::{Flavor, cloud, server};
use super::rungs::{FetchedRung, Rung};
use super::send::Answer;
use super::shape::Came;
use super::wire::{self, Context};
use crate::model::{IssueDocument, IssueId, Tier};

/// An issue that came, but whose JSON lacks what an issue must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableIssue {
    /// Which issue, where at least that can be read.
    pub id: Option<IssueId>,
    /// Why, naming the place and quoting nothing.
    pub reason: String,
}

/// The answer to one batch.
#[derive(Debug)]
pub struct FetchedBatch {
    /// The issues that came, in Jira's order. An id that did not come proves nothing.
    pub issues: Vec<IssueDocument>,
    /// The issues that came, but without some field, and that cannot be had with it. Cloud only.
    pub lacking: Vec<IssueDocument>,
    /// The issues that came, and may lack some field: none of their kind can be had strictly. Cloud
    /// only.
    pub unproven: Vec<IssueDocument>,
    /// The issues that came and cannot be read.
    pub unreadable: Vec<UnreadableIssue>,
    /// How many of the ids Jira says exist. More than came: it cut the page short, ask again.
    /// Server only.
    pub matched: Option<u64>,
    /// Ids that Jira says it did not deliver this time, for want of time or space. Cloud only.
    pub held_back: Vec<IssueId>,
    /// Size of the answer, in bytes after decompression.
    pub bytes: u64,
    /// From sending to the last byte.
    pub elapsed: Duration,
    /// Jira's clock at this answer.
    pub jira_time: DateTime<Utc>,
}

impl FetchedBatch {
    /// Whether Jira has more of these issues than it delivered at once, and says so.
    pub fn is_cut_short(&self) -> bool {
        let came = (self.issues.len() + self.unreadable.len()) as u64;
        !self.held_back.is_empty() || self.matched.is_some_and(|matched| matched > came)
    }

    /// Takes in another answer to the same batch.
    pub(super) fn extend(&mut self, other: Self) {
        self.issues.extend(other.issues);
        self.lacking.extend(other.lacking);
        self.unproven.extend(other.unproven);
        self.unreadable.extend(other.unreadable);
        self.held_back.extend(other.held_back);
        self.bytes += other.bytes;
        self.elapsed += other.elapsed;
        self.jira_time = other.jira_time;
    }
}

impl JiraClient {
    /// Whole issues with every field and the changelog (on Cloud, the newest part of it). Ids that
    /// do not exist, or not for this account, are just absent. There must be at least one, and no
    /// more than [`Instance::batch_cap`](super::Instance::batch_cap), or it takes several requests.
    ///
    /// Cloud leaves out a field that it could not load, without a word. Here an issue that seems to
    /// lack one is asked for again; if it cannot be had whole it is in [`FetchedBatch::lacking`], or
    /// in [`FetchedBatch::unproven`] where that has been found of others of its kind before.
    ///
    /// # Errors
    /// Any [`JiraError`]; a time-out is not retried: ask for fewer.
    pub async fn fetch_issues(&self, ids: &[IssueId]) -> Result<FetchedBatch, JiraError> {
        match self.flavor() {
            Flavor::Server => {
                let read = |answer: &Answer| self.read_batch(answer);
                let answer = self.sender().send(&server::issues(ids), read).await;
                answer.map_err(|error| self.explained(error))
            }
            Flavor::Cloud => self.fetch_vetted(ids).await,
        }
    }

    /// One whole issue; `None` if Jira says that it is not there, or not for this account.
    ///
    /// # Errors
    /// Any other [`JiraError`]; a time-out is not retried.
    pub async fn fetch_issue(&self, id: IssueId) -> Result<Option<IssueDocument>, JiraError> {
        Ok(self.fetch_rung(id, Rung::Full).await?.map(|fetched| fetched.document))
    }

    /// One issue on a rung above the lowest as Cloud delivers it if a field that does not load may
    /// be missing. It counts as lacking some.
    ///
    /// # Errors
    /// As [`JiraClient::fetch_rung`].
    pub async fn fetch_without_some_field(
        &self,
        id: IssueId,
        rung: Rung,
    ) -> Result<Option<FetchedRung>, JiraError> {
        let fetched = self.fetch_by(&rung.lenient_call(self.flavor(), id), rung).await?;
        Ok(fetched.map(|mut fetched| {
            fetched.document.lacking.push(IssueDocument::LACKS_FIELDS);
            fetched
        }))
    }

    /// As Cloud delivers them at once, fields missing or not.
    pub(super) async fn fetch_in_bulk(&self, ids: &[IssueId]) -> Result<FetchedBatch, JiraError> {
        let mut all: Option<FetchedBatch> = None;
        for ids in ids.chunks(cloud::LARGEST_BATCH) {
            let read = |answer: &Answer| self.read_batch(answer);
            let batch = self.sender().send(&cloud::issues(ids), read).await?;
            match &mut all {
                Some(all) => all.extend(batch),
                None => all = Some(batch),
            }
        }
        all.ok_or_else(|| JiraError::Unsupported { what: "a batch without an issue".to_owned() })
    }

    fn read_batch(&self, answer: &Answer) -> Result<FetchedBatch, Came> {
        let page = wire::page_of_issues(answer)?;
        let context = self.context(answer);
        let mut batch = FetchedBatch {
            issues: Vec::with_capacity(page.issues.len()),
            lacking: Vec::new(),
            unproven: Vec::new(),
            unreadable: Vec::new(),
            matched: page.total,
            held_back: page.held_back(),
            bytes: answer.body.len() as u64,
            elapsed: answer.elapsed,
            jira_time: answer.jira_time,
        };
        for raw in page.issues {
            match wire::read_issue(raw, &context) {
                Ok(document) => batch.issues.push(document),
                Err(unreadable) => batch.unreadable.push(UnreadableIssue {
                    id: wire::partial_id(raw),
                    reason: unreadable.to_string(),
                }),
            }
        }
        Ok(batch)
    }

    fn context(&self, answer: &Answer) -> Context<'_> {
        Context {
            extracted_at: answer.jira_time,
            tier: Tier::Full,
            sprint_fields: &self.0.sprint_fields,
        }
    }
}
