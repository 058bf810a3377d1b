//! The requests that only Cloud (REST v3) takes, as data. Pure.

use serde_json::{Value, json};

use super::Flavor;
use crate::jira::call::Call;
use crate::jira::endpoint::Endpoint;
use crate::model::{IssueId, PageToken};

/// The most rows that a page of `search/jql` has, by its documentation; it gives that many only
/// where little more than ids and keys is asked for.
pub(in crate::jira) const LARGEST_PAGE: u32 = 5000;

/// The most issues that `issue/bulkfetch` takes at once.
pub(in crate::jira) const LARGEST_BATCH: usize = 100;

/// The most issues that `changelog/bulkfetch` takes at once.
pub(in crate::jira) const MOST_CHANGELOGS: usize = 1000;

/// How many changelog entries are asked for at once, of all issues together, and how few at the
/// least where so many are too slow or too large. Cloud gives up to 10,000.
pub(in crate::jira) const MOST_HISTORIES: u32 = 5000;
pub(in crate::jira) const FEWEST_HISTORIES: u32 = 50;

/// Projects on a page of `project/search`; more are not given.
pub(in crate::jira) const PROJECTS_PAGE: u64 = 100;

/// A page of what `jql` matches: `token` names it, unless it is the first. Without `fields` the
/// rows would hold ids only, and no error would say so.
pub(in crate::jira) fn search(
    jql: &str,
    token: Option<&PageToken>,
    max_results: u32,
    fields: &[&str],
) -> Call {
    let mut body = json!({ "jql": jql, "maxResults": max_results, "fields": fields });
    go_on(&mut body, token);
    post(Endpoint::SearchJql, &["search", "jql"], body).heavy()
}

/// About how many issues `jql` matches; recent changes may be missing.
pub(in crate::jira) fn approximate_count(jql: &str) -> Call {
    post(Endpoint::ApproximateCount, &["search", "approximate-count"], json!({ "jql": jql }))
}

/// Whole issues by id, with the newest part of the changelog. Ids that do not exist, or not for
/// us, are just absent.
pub(in crate::jira) fn issues(ids: &[IssueId]) -> Call {
    let body = json!({ "issueIdsOrKeys": texts(ids), "fields": ["*all"], "expand": ["changelog"] });
    post(Endpoint::BulkFetch, &["issue", "bulkfetch"], body).whole()
}

/// Where these issues are, whatever project they are in. Missing ids are just absent.
pub(in crate::jira) fn whereabouts(ids: &[IssueId]) -> Call {
    let body = json!({ "issueIdsOrKeys": texts(ids), "fields": ["updated"] });
    post(Endpoint::BulkFetch, &["issue", "bulkfetch"], body)
}

/// A page of the changelogs of several issues.
pub(in crate::jira) fn changelogs(
    ids: &[IssueId],
    token: Option<&PageToken>,
    max_results: u32,
) -> Call {
    let mut body = json!({ "issueIdsOrKeys": texts(ids), "maxResults": max_results });
    go_on(&mut body, token);
    post(Endpoint::BulkChangelog, &["changelog", "bulkfetch"], body).heavy()
}

/// A page of the projects that this account sees, by key.
pub(in crate::jira) fn projects(start_at: u64) -> Call {
    Call::get(Endpoint::ProjectSearch, Flavor::Cloud.api(), &["project", "search"])
        .with("startAt", start_at)
        .with("maxResults", PROJECTS_PAGE)
        .with("orderBy", "key")
}

fn post(endpoint: Endpoint, segments: &[&str], body: Value) -> Call {
    Call::post(endpoint, Flavor::Cloud.api(), segments, body)
}

fn go_on(body: &mut Value, token: Option<&PageToken>) {
    if let Some(PageToken(token)) = token {
        body["nextPageToken"] = json!(token);
    }
}

fn texts(ids: &[IssueId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}
