//! The answers of Jira Cloud, REST v3 (and v2, where bodies are text). What is the same on both
//! flavours is asked of `server` and translated; `document` does that.

mod access;
mod bulk;
mod catalogues;
mod document;
mod histories;
mod issue;
mod rows;
mod search;
mod site;
mod token;

use axum::http::StatusCode;
use serde_json::Value;

use super::answer::Answer;
use super::context::Context;
use super::server;

pub use document::{CloudView, account_id};

const GONE: &str = "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046";
const BAD_PAYLOAD: &str =
    "Invalid request payload. Refer to the REST API documentation and try again.";

/// Finds and gives the answer to a request.
pub(crate) fn route(ctx: &Context<'_>) -> Answer {
    if ctx.seen.path == "/_edge/tenant_info" {
        return site::tenant_info(ctx);
    }
    if let Some(refused) = access::refuse(ctx) {
        return refused;
    }
    let resource = ctx.seen.resource().trim_end_matches('/').to_owned();
    let segments: Vec<&str> = resource.split('/').collect();
    let (get, post) = (ctx.seen.method == "GET", ctx.seen.method == "POST");
    match segments.as_slice() {
        ["search"] => Answer::errors(StatusCode::GONE, &[GONE.to_owned()]),
        ["search", "jql"] if get || post => search::search(ctx),
        ["search", "approximate-count"] if post => search::count(ctx),
        ["issue", "bulkfetch"] if post => bulk::fetch(ctx),
        ["changelog", "bulkfetch"] if post => histories::bulk(ctx),
        _ if !get => Answer::json(
            StatusCode::METHOD_NOT_ALLOWED,
            r#"{"errorMessages":["Method Not Allowed"],"errors":{}}"#.to_owned(),
        ),
        ["issue", key, rest @ ..] => issue::issue(ctx, key, rest),
        ["myself"] => site::myself(ctx),
        ["serverInfo"] => site::server_info(ctx),
        ["mypermissions"] => site::permissions(ctx),
        ["user"] => site::user(ctx),
        ["field"] => catalogues::fields(ctx),
        ["issuetype"] => catalogues::issue_types(ctx),
        ["worklog", which @ ("deleted" | "updated")] => server::worklog_feed(ctx, which),
        ["project", "search"] => catalogues::project_search(ctx),
        ["project", ..]
        | ["configuration" | "status" | "priority" | "resolution" | "issueLinkType"] => {
            translated(ctx)
        }
        _ => dead_link(),
    }
}

/// Server's answer to the same request in Cloud's spelling.
fn translated(ctx: &Context<'_>) -> Answer {
    let mut answer = server::route(ctx);
    answer.body = view(ctx).translated_text(&answer.body);
    answer
}

/// How issues look to this request.
fn view<'a>(ctx: &Context<'a>) -> CloudView<'a> {
    CloudView::of_version(ctx.world, ctx.config, api(ctx))
}

/// The version asked for; `latest` is 2.
fn api(ctx: &Context<'_>) -> &'static str {
    if ctx.seen.path.starts_with("/rest/api/3/") { "/rest/api/3/" } else { "/rest/api/2/" }
}

/// What Cloud says of a path it does not know.
fn dead_link() -> Answer {
    Answer::html(
        StatusCode::NOT_FOUND,
        "<!DOCTYPE html><html lang=\"en\"><head><title>Oops, you&#39;ve found a dead link.</title></head><body></body></html>\n",
    )
}

fn bad_request(text: &str) -> Answer {
    Answer::errors(StatusCode::BAD_REQUEST, &[text.to_owned()])
}

/// Refuses a posted body with members that the operation does not have.
fn refuse_members(ctx: &Context<'_>, known: &[&str]) -> Option<Answer> {
    if ctx.seen.method == "GET" {
        return None;
    }
    match ctx.body {
        Some(Value::Object(members))
            if members.keys().all(|name| known.contains(&name.as_str())) =>
        {
            None
        }
        _ => Some(bad_request(BAD_PAYLOAD)),
    }
}
