//! A run that lists and counts, but fetches no issue and writes nothing.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::error::SyncError;
use super::listing::{Answer, ask};
use super::visible::require_visible;
use crate::jira::{Flavor, JiraClient};
use crate::jql::Query;
use crate::model::{Basis, Checkpoint, IssueId, ProjectKey};
use crate::seek::{Scan, ScanPlan, Step};

/// What a run would begin with.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DryRun {
    /// The project.
    pub project: ProjectKey,
    /// Issues updated from then on would be listed; `None`: all.
    pub lists_from: Option<DateTime<Utc>>,
    /// What Jira counts in the whole project.
    pub counted: u64,
    /// What that number rests on: a count, or an estimate.
    pub basis: Basis,
    /// Distinct issues listed.
    pub listed: u64,
    /// Listing requests it took.
    pub requests: u64,
}

impl DryRun {
    /// Lists `plan` and keeps only the numbers.
    ///
    /// # Errors
    /// [`SyncError`].
    pub async fn of(jira: &JiraClient, plan: ScanPlan) -> Result<Self, SyncError> {
        let project = plan.project.clone();
        require_visible(jira, &project).await?;
        let lists_from = plan.from;
        let whole = Query::project(project.clone(), plan.filter.clone()).to_string();
        let (counted, basis) = match jira.flavor() {
            Flavor::Server => (jira.count(&whole).await?, Basis::Count),
            Flavor::Cloud => (jira.approximate_count(&whole).await?, Basis::Estimate),
        };
        let mut scan = Scan::new(plan, &Checkpoint::default());
        let mut listed: HashSet<IssueId> = HashSet::new();
        let fail = |source| SyncError::Scan { project: project.clone(), source };
        loop {
            match scan.poll() {
                Step::Finished(summary) => {
                    let (listed, requests) = (listed.len() as u64, summary.requests);
                    return Ok(Self { project, lists_from, counted, basis, listed, requests });
                }
                Step::VerifyAnchor(key) => {
                    scan.handle_anchor(jira.anchor_stands(&key).await?).map_err(fail)?;
                }
                Step::List(request) => match ask(jira, &request).await? {
                    Answer::Page(page) => {
                        let rows = scan.handle_page(page).map_err(fail)?.rows;
                        listed.extend(rows.iter().map(|row| row.id));
                    }
                    Answer::Refused(message) => scan.handle_refused(&message).map_err(fail)?,
                    Answer::TooHeavy => scan.handle_too_heavy().map_err(fail)?,
                },
            }
        }
    }
}
