//! The requests that both flavours take alike but for the version of the API, as data. Pure.

use chrono::{DateTime, Utc};

use super::Flavor;
use crate::jira::call::Call;
use crate::jira::endpoint::Endpoint;
use crate::model::{IssueId, IssueKey, ProjectKey};

/// Asked before the flavour is known: both answer it under version 2.
pub(in crate::jira) fn server_info() -> Call {
    Call::get(Endpoint::ServerInfo, Flavor::Server.api(), &["serverInfo"])
}

pub(in crate::jira) fn myself(flavor: Flavor) -> Call {
    Call::get(Endpoint::Myself, flavor.api(), &["myself"])
}

/// One issue with the fields that `fields` selects, as `*all,-issuelinks`. On Cloud a field that
/// cannot be loaded fails the request; otherwise it would just be absent.
pub(in crate::jira) fn issue(flavor: Flavor, id: IssueId, fields: &str) -> Call {
    let call = Call::get(Endpoint::Issue, flavor.api(), &["issue", &id.to_string()])
        .with("fields", fields)
        .whole();
    match flavor {
        Flavor::Server => call,
        Flavor::Cloud => call.with("failFast", true),
    }
}

/// One issue with the fields that `fields` selects and its changelog.
pub(in crate::jira) fn issue_with_changelog(flavor: Flavor, id: IssueId, fields: &str) -> Call {
    issue(flavor, id, fields).with("expand", "changelog")
}

/// What an anchor needs: whether the key still is this issue's key.
pub(in crate::jira) fn anchor(flavor: Flavor, key: &IssueKey) -> Call {
    Call::get(Endpoint::Issue, flavor.api(), &["issue", &key.to_string()]).with("fields", "updated")
}

/// Where an issue is: its key, and whether it is archived, which no search says.
pub(in crate::jira) fn whereabouts(flavor: Flavor, id: IssueId) -> Call {
    Call::get(Endpoint::Issue, flavor.api(), &["issue", &id.to_string()])
        .with("fields", "updated,archiveddate")
}

/// A page of the worklogs that were deleted since then, of all issues.
pub(in crate::jira) fn deleted_worklogs(flavor: Flavor, since: DateTime<Utc>) -> Call {
    Call::get(Endpoint::DeletedWorklogs, flavor.api(), &["worklog", "deleted"])
        .with("since", since.timestamp_millis())
}

/// A page of an issue's worklogs; Server answers with all of them, Cloud with 5,000.
pub(in crate::jira) fn worklogs(flavor: Flavor, id: IssueId, start_at: usize) -> Call {
    let page = match flavor {
        Flavor::Server => CHILD_PAGE,
        Flavor::Cloud => CLOUD_WORKLOGS,
    };
    child(flavor, Endpoint::Worklogs, id, "worklog", start_at, page)
}

/// A page of an issue's comments; Cloud gives 100 if it is not asked for more, and may not give
/// more.
pub(in crate::jira) fn comments(flavor: Flavor, id: IssueId, start_at: usize) -> Call {
    child(flavor, Endpoint::Comments, id, "comment", start_at, CHILD_PAGE)
}

/// A page of an issue's changelog, where the instance has this endpoint.
pub(in crate::jira) fn changelog(flavor: Flavor, id: IssueId, start_at: usize) -> Call {
    child(flavor, Endpoint::Changelog, id, "changelog", start_at, CHILD_PAGE)
}

/// How many children are asked for at once.
const CHILD_PAGE: usize = 1000;

/// How many worklogs Cloud gives at once, by its documentation: all that an issue may have.
const CLOUD_WORKLOGS: usize = 5000;

fn child(
    flavor: Flavor,
    endpoint: Endpoint,
    id: IssueId,
    name: &str,
    start_at: usize,
    page: usize,
) -> Call {
    Call::get(endpoint, flavor.api(), &["issue", &id.to_string(), name])
        .with("startAt", start_at)
        .with("maxResults", page)
        .heavy()
}

/// One of the instance's catalogues.
pub(in crate::jira) fn catalogue(flavor: Flavor, endpoint: Endpoint) -> Call {
    Call::get(endpoint, flavor.api(), &[&endpoint.to_string()])
}

pub(in crate::jira) fn project(flavor: Flavor, key: &ProjectKey) -> Call {
    Call::get(Endpoint::Project, flavor.api(), &["project", key.as_str()])
}

pub(in crate::jira) fn versions(flavor: Flavor, key: &ProjectKey) -> Call {
    Call::get(Endpoint::Versions, flavor.api(), &["project", key.as_str(), "versions"])
}

pub(in crate::jira) fn components(flavor: Flavor, key: &ProjectKey) -> Call {
    Call::get(Endpoint::Components, flavor.api(), &["project", key.as_str(), "components"])
}
