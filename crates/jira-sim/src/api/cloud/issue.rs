//! `issue/{idOrKey}` and what hangs below it.

use super::bulk::find;
use super::document::push_list;
use super::rows::Rows;
use super::{Answer, Context, dead_link, server, translated, view};
use crate::json::{Json, push_quoted};
use crate::world::Issue;

/// Changelog entries of a page, by default and at most.
const CHANGELOG_PAGE: usize = 100;
/// Comments of a page, by default and at most.
const COMMENT_PAGE: usize = 100;
/// Worklogs of a page, by default and at most.
const WORKLOG_PAGE: usize = 5_000;

/// Any path below `issue/`. A key that the issue had before is answered with the one it has.
pub(super) fn issue(ctx: &Context<'_>, key: &str, rest: &[&str]) -> Answer {
    let Some(issue) = find(ctx, key) else {
        return Answer::not_found("Issue does not exist or you do not have permission to see it.");
    };
    let mut answer = match rest {
        [] => return whole(ctx, issue),
        ["comment"] => children(ctx, "comments", COMMENT_PAGE, &view(ctx).comments(issue), ""),
        ["worklog"] => children(ctx, "worklogs", WORKLOG_PAGE, &view(ctx).worklogs(issue), ""),
        ["changelog"] => changelog(ctx, issue),
        // The value of a property belongs to whoever set it.
        ["properties", _] => server::route(ctx),
        ["remotelink" | "watchers" | "votes" | "properties", ..] => translated(ctx),
        _ => return dead_link(),
    };
    answer.issues = vec![issue.id()];
    answer
}

fn whole(ctx: &Context<'_>, issue: &Issue) -> Answer {
    let rows = Rows::of(ctx, "*all");
    rows.alone(ctx, issue)
}

fn changelog(ctx: &Context<'_>, issue: &Issue) -> Answer {
    let histories = view(ctx).histories(issue);
    let (start, max) = bounds(ctx, CHANGELOG_PAGE);
    let mut extra = String::from(r#""self":"#);
    push_quoted(&mut extra, &format!("{}{}?maxResults={max}", ctx.base_url, ctx.seen.path));
    extra.push_str(&format!(r#","isLast":{},"#, start + max >= histories.len()));
    children(ctx, "values", CHANGELOG_PAGE, &histories, &extra)
}

fn children(ctx: &Context<'_>, list: &str, page: usize, items: &[Json], extra: &str) -> Answer {
    let (start, max) = bounds(ctx, page);
    let total = items.len();
    let mut body =
        format!(r#"{{{extra}"startAt":{start},"maxResults":{max},"total":{total},"{list}":"#);
    push_list(&mut body, items.iter().skip(start).take(max).cloned());
    body.push('}');
    Answer::ok(body)
}

/// `startAt` and `maxResults`, which a larger number than the default does not raise.
pub(super) fn bounds(ctx: &Context<'_>, page: usize) -> (usize, usize) {
    let number = |asked: Option<i64>| asked.and_then(|asked| usize::try_from(asked).ok());
    let start = number(ctx.seen.start_at).unwrap_or(0);
    (start, number(ctx.seen.max_results).unwrap_or(page).min(page))
}
