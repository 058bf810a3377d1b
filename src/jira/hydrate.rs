//! Fetching whole issues, in batches and alone. Halving a batch that fails is the caller's
//! business; one bad issue in a readable page is told apart here.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::error::JiraError;
use super::flavor::{common, server};
use super::send::Answer;
use super::shape::Came;
use super::wire::{self, Context};
use super::{JiraClient, found};
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
    /// The issues that came and cannot be read.
    pub unreadable: Vec<UnreadableIssue>,
    /// How many of the ids Jira says exist. More than came: it cut the page short, ask again.
    pub matched: Option<u64>,
    /// Size of the answer, in bytes after decompression.
    pub bytes: u64,
    /// From sending to the last byte.
    pub elapsed: Duration,
    /// Jira's clock at this answer.
    pub jira_time: DateTime<Utc>,
}

impl FetchedBatch {
    /// Whether Jira matched more issues than it delivered, because it caps pages lower than asked.
    pub fn is_cut_short(&self) -> bool {
        let came = (self.issues.len() + self.unreadable.len()) as u64;
        self.matched.is_some_and(|matched| matched > came)
    }
}

impl JiraClient {
    /// Whole issues with every field and the changelog, in one request. Ids that do not exist,
    /// or not for this account, are just absent. There must be at least one, and no more than
    /// [`Instance::page_cap`](super::Instance::page_cap).
    ///
    /// # Errors
    /// Any [`JiraError`]; a time-out is not retried: ask for fewer.
    pub async fn fetch_issues(&self, ids: &[IssueId]) -> Result<FetchedBatch, JiraError> {
        let call = server::issues(ids);
        self.sender().send(&call, |answer| self.read_batch(answer)).await
    }

    /// One whole issue; `None` if Jira says that it is not there, or not for this account.
    ///
    /// # Errors
    /// Any other [`JiraError`]; a time-out is not retried.
    pub async fn fetch_issue(&self, id: IssueId) -> Result<Option<IssueDocument>, JiraError> {
        let read = |answer: &Answer| {
            let raw: &RawValue = answer.object()?;
            wire::read_issue(raw, &self.context(answer))
                .map_err(|unreadable| Came::wrong_shape(unreadable.to_string()))
        };
        let call = common::issue_with_changelog(self.flavor(), id, "*all");
        found(self.sender().send(&call, read).await)
    }

    fn read_batch(&self, answer: &Answer) -> Result<FetchedBatch, Came> {
        let page = wire::page_of_issues(answer)?;
        let context = self.context(answer);
        let mut batch = FetchedBatch {
            issues: Vec::with_capacity(page.issues.len()),
            unreadable: Vec::new(),
            matched: page.total,
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
