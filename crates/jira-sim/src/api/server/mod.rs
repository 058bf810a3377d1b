//! The answers of Jira Server / Data Center, REST v2.

mod catalogues;
mod index;
mod issue;
mod render;
mod search;
mod site;
mod streams;
mod worklog_feed;

use axum::http::StatusCode;
pub(super) use worklog_feed::feed as worklog_feed;

use super::answer::Answer;
use super::context::Context;
use crate::config::Flavor;
use crate::requests::Seen;

/// Finds and gives the answer to a request. There is no version 3 here, but what Cloud shares with
/// Server it asks for by its own paths.
pub(crate) fn route(ctx: &Context<'_>) -> Answer {
    if ctx.config.flavor == Flavor::Server && ctx.seen.path.starts_with("/rest/api/3/") {
        return Answer::no_such_route(&ctx.seen.path);
    }
    let resource = ctx.seen.resource().trim_end_matches('/').to_owned();
    let segments: Vec<&str> = resource.split('/').collect();
    let get = ctx.seen.method == "GET";
    match segments.as_slice() {
        ["search"] if get || ctx.seen.method == "POST" => search::search(ctx),
        _ if !get => Answer::json(
            StatusCode::METHOD_NOT_ALLOWED,
            r#"{"message":"method not allowed"}"#.to_owned(),
        ),
        ["issue", key, rest @ ..] => issue::issue(ctx, key, rest),
        ["myself"] => site::myself(ctx),
        ["serverInfo"] => site::server_info(ctx),
        ["mypermissions"] => site::permissions(ctx),
        ["configuration"] => site::configuration(),
        ["user"] => site::user(ctx),
        ["index", "summary"] => index::summary(ctx),
        ["worklog", which @ ("deleted" | "updated")] => worklog_feed(ctx, which),
        ["reindex"] => index::reindex(ctx),
        ["field"] => catalogues::fields(ctx),
        ["project"] => catalogues::projects(ctx),
        ["project", key, rest @ ..] => catalogues::project(ctx, key, rest),
        ["status"] => catalogues::list(&ctx.world.catalogue.statuses),
        ["issuetype"] => catalogues::list(&ctx.world.catalogue.issue_types),
        ["priority"] => catalogues::list(&ctx.world.catalogue.priorities),
        ["resolution"] => catalogues::list(&ctx.world.catalogue.resolutions),
        ["issueLinkType"] => catalogues::link_types(ctx),
        _ => Answer::no_such_route(&ctx.seen.path),
    }
}

/// A page of a child list, `startAt` and `maxResults` as asked or everything.
fn page_bounds(seen: &Seen, total: usize) -> (usize, usize) {
    let start = seen.start_at.and_then(|start| usize::try_from(start).ok()).unwrap_or(0);
    let max = seen.max_results.and_then(|max| usize::try_from(max).ok()).unwrap_or(total);
    (start, max)
}
