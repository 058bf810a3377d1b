//! Talking to Jira.
//!
//! [`JiraClient`] asks, and gives back nouns of the model. Everything it sends leaves through one
//! place (`send`), in this order: a place among the requests in flight, the gates that `Retry-After`
//! closes, the `breaker`, the slowdown that Jira's headers advise (`rate_limit`) and a token of the
//! bucket (all of them asked at once in `pacing`), the request itself with its authorization
//! (`auth`) and limits (`transport`), the judging of the answer, and the decision whether to try
//! again (`retry`). The deciding parts are pure; time and random numbers are arguments.
//!
//! What this module holds to:
//! - No request leaves before the instant that Jira named in a `Retry-After`.
//! - A redirect is an error, cookies are not kept, and a 200 that is not JSON of the expected
//!   shape is an error that names what came instead.
//! - Jira answers an unknown caller with "200, no rows"; so each answer's headers are searched
//!   for signs that it did not log us in.
//! - Credentials, queries and bodies are in no error text and no log.
//! - A request that is slow because it asks for much is not repeated: [`JiraError::Timeout`] goes
//!   to the caller, which asks for less.
//!
//! What the answers mean is `wire`'s business; how the two kinds of Jira want to be asked is
//! `flavor`'s. This module knows nothing of the database.

mod auth;
mod breaker;
mod call;
mod catalogue;
mod changelogs;
mod children;
mod endpoint;
mod error;
mod flavor;
mod hydrate;
mod index_summary;
mod latency;
mod outage;
mod outcome;
mod pacing;
mod probe;
mod rate_limit;
mod refusal;
mod repair;
mod retry;
mod retry_after;
mod rungs;
mod scope;
mod search;
mod send;
mod settings;
mod shape;
mod sharing;
mod stats;
mod streams;
mod transport;
mod vetting;
mod whereabouts;
mod wire;
mod worklog_feed;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use tokio::sync::OnceCell;

use crate::model::{IssueKey, ProjectKey};

pub use breaker::BreakerState;
pub use catalogue::ProjectInfo;
pub use endpoint::Endpoint;
pub use error::{Cause, ErrorClass, JiraError};
pub use flavor::Flavor;
pub use hydrate::{FetchedBatch, UnreadableIssue};
pub use latency::{LATENCY_BOUNDS, Latencies, Latency, Purpose};
pub use probe::{Instance, Myself};
pub use refusal::Messages;
pub use rungs::{FetchedRung, Rung, join_links};
pub use scope::Scope;
pub use settings::{Credentials, JiraSettings};
pub use shape::Came;
pub use stats::{ClientStats, Waits};
pub use whereabouts::{MOST_SIGHTED, Sighting};
pub use wire::{
    Completed, FetchedStream, complete_changes, complete_comments, complete_stream,
    complete_worklogs, plain_text,
};
pub use worklog_feed::DeletedWorklogs;

use flavor::both;
use probe::Identity;
use send::Sender;
use vetting::Vetting;
use wire::SprintFields;

/// A client of one Jira. Cheap to clone; clones share pacing, limits and counters.
#[derive(Clone)]
pub struct JiraClient(Arc<Inner>);

struct Inner {
    sender: Sender,
    sprint_fields: SprintFields,
    /// Known once Jira was asked what it is, or somebody said it.
    flavor: OnceLock<Flavor>,
    /// What Jira says of itself.
    identity: OnceCell<Identity>,
    /// Learned from a 404: this instance has no paginated changelog.
    no_changelog_endpoint: AtomicBool,
    /// What whole issues look like. Cloud only.
    vetting: Vetting,
}

impl fmt::Debug for JiraClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JiraClient").field("host", &self.host()).finish_non_exhaustive()
    }
}

impl JiraClient {
    /// A client for `settings`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`JiraError::Settings`], naming the key at fault.
    pub fn new(settings: &JiraSettings) -> Result<Self, JiraError> {
        Ok(Self(Arc::new(Inner {
            sender: Sender::new(settings)?,
            sprint_fields: SprintFields::default(),
            flavor: OnceLock::new(),
            identity: OnceCell::new(),
            no_changelog_endpoint: AtomicBool::new(false),
            vetting: Vetting::default(),
        })))
    }

    /// Host and port of this Jira.
    pub fn host(&self) -> &str {
        self.sender().host()
    }

    /// What this client has done so far.
    pub fn stats(&self) -> ClientStats {
        self.sender().stats()
    }

    /// How long Jira took to answer this client so far.
    pub fn latencies(&self) -> Latencies {
        self.sender().latencies()
    }

    /// Jira's clock, by the `Date` of its newest answer, in whole seconds; `None` before the first.
    pub fn jira_time(&self) -> Option<DateTime<Utc>> {
        self.sender().jira_time()
    }

    /// Whether `key` still is the key of an issue this account sees. False when the issue was
    /// deleted, hidden, or moved (then Jira answers with its new key).
    ///
    /// # Errors
    /// Any [`JiraError`] other than that the issue is not there.
    pub async fn anchor_stands(&self, key: &IssueKey) -> Result<bool, JiraError> {
        #[derive(Deserialize)]
        #[serde(expecting = "an issue")]
        struct Anchor {
            key: String,
        }
        let answer = self
            .sender()
            .send(&both::anchor(self.flavor(), key), |answer| answer.object::<Anchor>())
            .await;
        let anchor = found(answer)?;
        Ok(anchor.is_some_and(|anchor| anchor.key == key.to_string()))
    }

    /// The project, if this account sees it.
    ///
    /// # Errors
    /// Any [`JiraError`] other than that the project is not there.
    pub async fn project(&self, key: &ProjectKey) -> Result<Option<ProjectInfo>, JiraError> {
        let call = both::project(self.flavor(), key);
        let answer = self.sender().send(&call, |answer| answer.object()).await;
        found(answer).map_err(|error| self.explained(error))
    }

    /// What kind of Jira this is; Server until it was asked.
    pub fn flavor(&self) -> Flavor {
        self.0.flavor.get().copied().unwrap_or(Flavor::Server)
    }

    fn sender(&self) -> &Sender {
        &self.0.sender
    }

    fn has_no_changelog_endpoint(&self) -> bool {
        self.0.no_changelog_endpoint.load(Ordering::Relaxed)
    }

    fn note_no_changelog_endpoint(&self) {
        self.0.no_changelog_endpoint.store(true, Ordering::Relaxed);
    }
}

/// `None` where Jira itself says that the thing is not there, or not for us to see: a web
/// server's 404 or 403 has no message of Jira's in it.
fn found<T>(answer: Result<T, JiraError>) -> Result<Option<T>, JiraError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(JiraError::NotFound { .. }) => Ok(None),
        Err(JiraError::Forbidden { messages, .. }) if !messages.is_empty() => Ok(None),
        Err(error) => Err(error),
    }
}

/// `None` where the answer only says that this cannot be had.
fn allowed<T>(answer: Result<T, JiraError>) -> Result<Option<T>, JiraError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(
            error @ (JiraError::NotFound { .. }
            | JiraError::NoEndpoint { .. }
            | JiraError::Forbidden { .. }
            | JiraError::Refused { .. }
            | JiraError::BadData { .. }),
        ) => {
            tracing::debug!(error = %error, "jira does not tell this account");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
