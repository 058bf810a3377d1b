//! What a request pays: a place within the limits, and real time.

use std::time::Duration;

use axum::http::StatusCode;

use super::answer::Answer;
use super::auth::Caller;
use super::pipeline::Shared;
use crate::config::{CostModel, SimConfig};
use crate::cost::Served;
use crate::limits::untouched_bucket_headers;
use crate::requests::Seen;
use crate::world::World;

/// The 429 of a limit, and its name.
pub(super) fn refusal(
    shared: &Shared,
    config: &SimConfig,
    seen: &Seen,
    who: Caller,
) -> Option<(Answer, &'static str)> {
    if who != Caller::LoggedIn {
        return None;
    }
    let refusal = shared.limits.admit(&config.limits, seen, shared.log.now()).err()?;
    let text = "Rate limit exceeded.".to_owned();
    let mut answer = Answer::errors(StatusCode::TOO_MANY_REQUESTS, &[text]);
    answer.headers = refusal.headers(shared.world().now());
    Some((answer, refusal.limit))
}

/// What the answer says of limits: of those in force to who is logged in, else what is always said.
pub(super) fn limit_headers(
    shared: &Shared,
    config: &SimConfig,
    who: Caller,
    now: i64,
) -> Vec<(&'static str, String)> {
    if who == Caller::LoggedIn {
        let headers = shared.limits.headers(&config.limits, shared.log.now(), now);
        if !headers.is_empty() {
            return headers;
        }
    }
    if config.rate_limit_headers { untouched_bucket_headers() } else { Vec::new() }
}

/// Real time that an answer costs.
pub(super) fn cost_of(cost: CostModel, world: &World, answer: &Answer, seen: &Seen) -> Duration {
    let each = if seen.wants_whole_issues() { cost.per_issue } else { cost.per_row };
    let served = match (seen.wants_whole_issues(), answer.links > 0) {
        (true, true) => Served::Whole,
        (true, false) => Served::WithoutLinks,
        (false, true) => Served::LinksAlone,
        (false, false) => Served::Neither,
    };
    let issues = answer.issues.iter().filter_map(|id| world.issue(*id));
    let links = issues.map(|issue| cost.links.of(issue.links().len(), served));
    let rows = u32::try_from(answer.issues.len()).unwrap_or(u32::MAX);
    links.fold(each.saturating_mul(rows), Duration::saturating_add)
}
