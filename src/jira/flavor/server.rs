//! The requests of Server and Data Center (REST v2), as data. Pure.

use serde_json::json;

use crate::jira::call::Call;
use crate::jira::endpoint::Endpoint;
use crate::model::{IssueId, IssueKey, ProjectKey};

const API: &[&str] = &["rest", "api", "2"];

pub(in crate::jira) fn server_info() -> Call {
    Call::get(Endpoint::ServerInfo, API, &["serverInfo"])
}

pub(in crate::jira) fn myself() -> Call {
    Call::get(Endpoint::Myself, API, &["myself"])
}

/// One page of a listing; `fields` names what each row holds.
pub(in crate::jira) fn search(jql: &str, start_at: u64, max_results: u32, fields: &[&str]) -> Call {
    let body = json!({
        "jql": jql,
        "startAt": start_at,
        "maxResults": max_results,
        "fields": fields,
        "validateQuery": true,
    });
    Call::post(Endpoint::Search, API, &["search"], body).heavy()
}

/// Whole issues by id. Without validation a missing id just does not match; with it, one missing
/// id refuses the whole query.
pub(in crate::jira) fn issues(ids: &[IssueId]) -> Call {
    let list = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let body = json!({
        "jql": format!("id in ({list})"),
        "startAt": 0,
        "maxResults": ids.len(),
        "fields": ["*all"],
        "expand": ["changelog"],
        "validateQuery": false,
    });
    Call::post(Endpoint::Search, API, &["search"], body).heavy()
}

/// One whole issue.
pub(in crate::jira) fn issue(id: IssueId) -> Call {
    Call::get(Endpoint::Issue, API, &["issue", &id.to_string()])
        .with("fields", "*all")
        .with("expand", "changelog")
        .heavy()
}

/// What an anchor needs: whether the key still is this issue's key.
pub(in crate::jira) fn anchor(key: &IssueKey) -> Call {
    Call::get(Endpoint::Issue, API, &["issue", &key.to_string()]).with("fields", "updated")
}

/// A page of an issue's worklogs; Server answers with all of them.
pub(in crate::jira) fn worklogs(id: IssueId, start_at: usize) -> Call {
    child(Endpoint::Worklogs, id, "worklog", start_at)
}

/// A page of an issue's comments.
pub(in crate::jira) fn comments(id: IssueId, start_at: usize) -> Call {
    child(Endpoint::Comments, id, "comment", start_at)
}

/// A page of an issue's changelog, where the instance has this endpoint.
pub(in crate::jira) fn changelog(id: IssueId, start_at: usize) -> Call {
    child(Endpoint::Changelog, id, "changelog", start_at)
}

/// The changelog the way every version gives it: whole, inside the issue.
pub(in crate::jira) fn inline_changelog(id: IssueId) -> Call {
    Call::get(Endpoint::Issue, API, &["issue", &id.to_string()])
        .with("fields", "updated")
        .with("expand", "changelog")
        .heavy()
}

fn child(endpoint: Endpoint, id: IssueId, name: &str, start_at: usize) -> Call {
    Call::get(endpoint, API, &["issue", &id.to_string(), name])
        .with("startAt", start_at)
        .with("maxResults", CHILD_PAGE)
        .heavy()
}

/// How many children are asked for at once.
const CHILD_PAGE: usize = 1000;

/// One of the instance's catalogues.
pub(in crate::jira) fn catalogue(endpoint: Endpoint) -> Call {
    Call::get(endpoint, API, &[&endpoint.to_string()])
}

pub(in crate::jira) fn project(key: &ProjectKey) -> Call {
    Call::get(Endpoint::Project, API, &["project", key.as_str()])
}

pub(in crate::jira) fn versions(key: &ProjectKey) -> Call {
    Call::get(Endpoint::Versions, API, &["project", key.as_str(), "versions"])
}

pub(in crate::jira) fn components(key: &ProjectKey) -> Call {
    Call::get(Endpoint::Components, API, &["project", key.as_str(), "components"])
}
