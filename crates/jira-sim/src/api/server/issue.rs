//! `issue/{idOrKey}` and what hangs below it.

use axum::http::StatusCode;

use super::render::{Shape, push_issue};
use super::streams::stream;
use super::{Answer, Context, page_bounds};
use crate::api::expansions::push_field_expansions;
use crate::config::ChangelogEndpoint;
use crate::json::{Json, push_array};
use crate::world::{Issue, IssueKey};

/// Any path below `issue/`. The answer tells which issue it is about.
pub(super) fn issue(ctx: &Context<'_>, key: &str, rest: &[&str]) -> Answer {
    let mut answer = below(ctx, key, rest);
    if answer.status == StatusCode::OK {
        answer.issues = find(ctx, key).map(Issue::id).into_iter().collect();
    }
    answer
}

fn below(ctx: &Context<'_>, key: &str, rest: &[&str]) -> Answer {
    if rest == ["changelog"] && ctx.config.changelog_endpoint == ChangelogEndpoint::Absent {
        return Answer::no_such_route(&ctx.seen.path);
    }
    if !ctx.logged_in {
        let messages =
            ["You do not have the permission to see the specified issue.", "Login Required"];
        return Answer::errors(StatusCode::UNAUTHORIZED, &messages.map(str::to_owned));
    }
    let Some(issue) = find(ctx, key) else {
        return Answer::not_found("Issue Does Not Exist");
    };
    let comments = || issue.comments().iter().map(|child| &child.json);
    let worklogs = || issue.worklogs().iter().map(|child| &child.json);
    match rest {
        [] => whole(ctx, issue),
        ["comment"] => children(ctx, "comments", &comments().collect::<Vec<_>>()),
        ["worklog"] => children(ctx, "worklogs", &worklogs().collect::<Vec<_>>()),
        ["changelog"] => children(ctx, "values", &issue.histories().iter().collect::<Vec<_>>()),
        _ => stream(ctx, issue, rest).unwrap_or_else(|| Answer::no_such_route(&ctx.seen.path)),
    }
}

/// By id, by key, or by a key the issue had; gone, hidden and forbidden look the same.
fn find<'a>(ctx: &Context<'a>, key: &str) -> Option<&'a Issue> {
    let found = match key.parse() {
        Ok(id) => ctx.world.issue(id),
        Err(_) => key.parse::<IssueKey>().ok().and_then(|key| ctx.world.issue_by_key(&key)),
    };
    found.filter(|issue| ctx.world.may_browse(issue))
}

fn whole(ctx: &Context<'_>, issue: &Issue) -> Answer {
    let shape = Shape::of(ctx, true);
    let mut body = String::with_capacity(12_000);
    push_issue(&mut body, ctx, issue, &shape);
    body.pop();
    push_field_expansions(&mut body, ctx, &shape.selection);
    body.push('}');
    let mut answer = Answer::ok(body);
    answer.links = shape.links(issue);
    answer
}

fn children(ctx: &Context<'_>, list: &str, items: &[&Json]) -> Answer {
    let total = items.len();
    let (start, max) = page_bounds(ctx.seen, total);
    let mut body = format!(r#"{{"startAt":{start},"maxResults":{max},"total":{total},"{list}":"#);
    push_array(&mut body, items.iter().skip(start).take(max).copied());
    body.push('}');
    Answer::ok(body)
}
