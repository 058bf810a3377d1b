//! `search`: the page, its limits, and `total` from the index.

use axum::http::StatusCode;

use super::render::{Shape, push_issue};
use super::{Answer, Context};
use crate::api::expansions::push_field_expansions;
use crate::config::SimConfig;
use crate::query::{Hits, SearchOptions, search as run};
use crate::random::mix;

/// Jira's `maxResults` when none is given.
const DEFAULT_PAGE: usize = 50;

/// `GET` and `POST search`.
pub(super) fn search(ctx: &Context<'_>) -> Answer {
    let max = effective_max(ctx.seen.max_results, ctx.config.page_cap);
    let start = ctx.seen.start_at.and_then(|start| usize::try_from(start).ok()).unwrap_or(0);
    if !ctx.logged_in {
        // Nothing is visible to anonymous callers, and that is not an error.
        return Answer::ok(format!(
            r#"{{"startAt":{start},"maxResults":{max},"total":0,"issues":[]}}"#
        ));
    }
    if let Some(refused) = beyond_window(ctx.config, start, max) {
        return refused;
    }
    let options = SearchOptions {
        zone: ctx.config.user_zone,
        validate: ctx.seen.validate_query,
        lenient_issues: false,
        epoch_millis: ctx.config.epoch_millis,
        tie_seed: mix(ctx.config.seed ^ ctx.number as u64),
        start,
        limit: rows_allowed(ctx.config, start, max),
    };
    match run(ctx.world, ctx.seen.jql.as_deref().unwrap_or(""), &options) {
        Ok(hits) => page(ctx, &hits, start, max),
        Err(error) => Answer::errors(StatusCode::BAD_REQUEST, &error.messages),
    }
}

fn page(ctx: &Context<'_>, hits: &Hits, start: usize, max: usize) -> Answer {
    let shape = Shape::of(ctx, false);
    let mut total = hits.total;
    if let Some(window) = ctx.config.result_window.filter(|window| window.clamps_total) {
        total = total.min(window.limit);
    }
    let per_row = if shape.selection.is_whole() { 12_000 } else { 400 };
    let mut body = String::with_capacity(256 + per_row * hits.ids.len());
    body.push_str(&format!(
        r#"{{"expand":"schema,names","startAt":{start},"maxResults":{max},"total":{total},"issues":["#
    ));
    let mut issues = Vec::with_capacity(hits.ids.len());
    let mut links = 0;
    // A ghost was counted, but there is no document to make a row of.
    let documents = hits.ids.iter().filter_map(|id| ctx.world.issue(*id));
    for issue in documents.filter(|issue| !ctx.omits(issue.id())) {
        if !issues.is_empty() {
            body.push(',');
        }
        push_issue(&mut body, ctx, issue, &shape);
        issues.push(issue.id());
        links += shape.links(issue);
    }
    body.push(']');
    push_field_expansions(&mut body, ctx, &shape.selection);
    body.push('}');
    let mut answer = Answer::ok(body);
    answer.issues = issues;
    answer.links = links;
    answer
}

/// The `maxResults` that is echoed: 50 by default, the cap for negative or larger numbers.
fn effective_max(asked: Option<i64>, cap: usize) -> usize {
    match asked {
        None => DEFAULT_PAGE.min(cap),
        Some(asked) => usize::try_from(asked).unwrap_or(cap).min(cap),
    }
}

fn rows_allowed(config: &SimConfig, start: usize, max: usize) -> usize {
    let silent = config.silent_page_cap.unwrap_or(max).min(max);
    match config.result_window {
        Some(window) if start + max > window.limit => 0,
        _ => silent,
    }
}

fn beyond_window(config: &SimConfig, start: usize, max: usize) -> Option<Answer> {
    let window = config
        .result_window
        .filter(|window| start + max > window.limit && !window.answers_empty)?;
    let text =
        format!("Search limit exceeded: startAt + maxResults must not exceed {}.", window.limit);
    Some(Answer::errors(StatusCode::INTERNAL_SERVER_ERROR, &[text]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_size_is_capped_and_echoed() {
        for (asked, cap, effective) in [
            (None, 1000, 50),
            (None, 20, 20),
            (Some(600), 100, 100),
            (Some(-1), 1000, 1000),
            (Some(0), 1000, 0),
        ] {
            assert_eq!(effective_max(asked, cap), effective, "{asked:?} {cap}");
        }
    }
}
