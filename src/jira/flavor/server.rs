//! The requests that only Server and Data Center (REST v2) take, as data. Pure.

use serde_json::json;

use super::Flavor;
use crate::jira::call::Call;
use crate::jira::endpoint::Endpoint;
use crate::model::IssueId;

/// One page of a listing; `fields` names what each row holds.
pub(in crate::jira) fn search(jql: &str, start_at: u64, max_results: u32, fields: &[&str]) -> Call {
    let body = json!({
        "jql": jql,
        "startAt": start_at,
        "maxResults": max_results,
        "fields": fields,
        "validateQuery": true,
    });
    let call = Call::post(Endpoint::Search, Flavor::Server.api(), &["search"], body);
    // A count cannot be asked for less; it can be asked for again.
    if max_results == 0 { call } else { call.heavy() }
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
    Call::post(Endpoint::Search, Flavor::Server.api(), &["search"], body).whole()
}

/// Where these issues are, by the search: whatever project they are in. Missing ids do not match.
pub(in crate::jira) fn whereabouts(ids: &[IssueId]) -> Call {
    let list = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let body = json!({
        "jql": format!("id in ({list})"),
        "startAt": 0,
        "maxResults": ids.len(),
        "fields": ["updated"],
        "validateQuery": false,
    });
    Call::post(Endpoint::Search, Flavor::Server.api(), &["search"], body)
}

/// How the search index is doing.
pub(in crate::jira) fn index_summary() -> Call {
    Call::get(Endpoint::IndexSummary, Flavor::Server.api(), &["index", "summary"])
}
