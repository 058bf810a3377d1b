//! Searching: pages of a listing, and counts. Which of them exist depends on the flavour.

use super::JiraClient;
use super::call::Call;
use super::error::JiraError;
use super::flavor::{Flavor, cloud, server};
use super::probe::Identity;
use super::wire;
use crate::model::{ListingPage, PageStart, PageToken};

impl JiraClient {
    /// One page of a listing: `id`, `key` and `updated` of what `jql` matches. Server's pages begin
    /// at an offset, Cloud's first one too (at 0), and its others at the token of the page before.
    ///
    /// # Errors
    /// Any [`JiraError`]; a time-out is not retried. Cloud refuses a token that has expired, or is
    /// none of its own, with [`JiraError::Refused`] and status 400.
    pub async fn list(
        &self,
        jql: &str,
        start: &PageStart,
        max_results: u32,
    ) -> Result<ListingPage, JiraError> {
        let call = match (self.flavor(), start) {
            (Flavor::Server, PageStart::Offset(start_at)) => {
                server::search(jql, *start_at, max_results, &["updated"])
            }
            (Flavor::Cloud, PageStart::Offset(0)) => cloud_page(jql, None, max_results),
            (Flavor::Cloud, PageStart::Token(token)) => cloud_page(jql, Some(token), max_results),
            (Flavor::Server, PageStart::Token(_)) | (Flavor::Cloud, PageStart::Offset(_)) => {
                return Err(unsupported("Server pages by offset, and Cloud by token"));
            }
        };
        self.sender().send(&call, wire::listing_page).await.map_err(|e| self.explained(e))
    }

    /// How many issues `jql` matches, by the search index of Server and Data Center.
    ///
    /// # Errors
    /// Any [`JiraError`]; a time-out is not retried. [`JiraError::Unsupported`] on Cloud, which
    /// cannot count: see [`JiraClient::approximate_count`].
    pub async fn count(&self, jql: &str) -> Result<u64, JiraError> {
        match self.flavor() {
            Flavor::Server => {
                let call = server::search(jql, 0, 0, &["updated"]);
                self.sender().send(&call, wire::total).await.map_err(|e| self.explained(e))
            }
            Flavor::Cloud => Err(unsupported("Jira Cloud does not count what a query matches")),
        }
    }

    /// About how many issues `jql` matches on Cloud. Never a proof of anything: it is an estimate
    /// by its documentation, and recent changes may be missing from it.
    ///
    /// # Errors
    /// Any [`JiraError`]; [`JiraError::Unsupported`] on Server, which counts exactly.
    pub async fn approximate_count(&self, jql: &str) -> Result<u64, JiraError> {
        match self.flavor() {
            Flavor::Server => Err(unsupported("Jira Server counts, and does not estimate")),
            Flavor::Cloud => {
                self.sender().send(&cloud::approximate_count(jql), wire::approximate_count).await
            }
        }
    }

    /// The error, or what it means where Jira is taken for another kind of Jira than it is: Cloud
    /// has removed the search that Server has, and Server has no version 3 of the API.
    pub(super) fn explained(&self, error: JiraError) -> JiraError {
        let says = self.0.identity.get().map(Identity::flavor);
        let (host, flavor) = (self.host(), self.flavor());
        match error {
            JiraError::Refused { status: 410, .. } if flavor == Flavor::Server => {
                JiraError::Unsupported {
                    what: format!(
                        "Jira at {host} has removed the search of Jira Server (status 410), so it \
                         is Jira Cloud: set jira.flavor to auto or to cloud"
                    ),
                }
            }
            JiraError::NoEndpoint { .. }
                if flavor == Flavor::Cloud && says == Some(Flavor::Server) =>
            {
                JiraError::Unsupported {
                    what: format!(
                        "Jira at {host} is no Jira Cloud, and does not answer as one: set \
                         jira.flavor to auto or to server"
                    ),
                }
            }
            other => other,
        }
    }
}

/// Key and id come with every row; the key is named as well, because Cloud gives what is named.
fn cloud_page(jql: &str, token: Option<&PageToken>, max_results: u32) -> Call {
    cloud::search(jql, token, max_results.min(cloud::LARGEST_PAGE), &["key", "updated"])
}

fn unsupported(what: &str) -> JiraError {
    JiraError::Unsupported { what: what.to_owned() }
}
