//! Changelogs: `changelog/bulkfetch` of many issues, and `issue/{key}/changelog` of one.

use std::collections::BTreeMap;

use super::bulk::wanted;
use super::document::push_list;
use super::token::Token;
use super::{Answer, Context, bad_request, refuse_members, view};
use crate::json::Json;
use crate::world::IssueId;

const MAX_ISSUES: usize = 1_000;
const MAX_FIELDS: usize = 10;
const DEFAULT_PAGE: usize = 1_000;
const MAX_PAGE: usize = 10_000;
const MEMBERS: [&str; 4] = ["fieldIds", "issueIdsOrKeys", "maxResults", "nextPageToken"];

/// `POST changelog/bulkfetch`: entries of all the issues by date, oldest first, so that those of
/// one issue may be spread over pages; within a page they are grouped by issue.
pub(super) fn bulk(ctx: &Context<'_>) -> Answer {
    if let Some(refused) = refuse_members(ctx, &MEMBERS) {
        return refused;
    }
    let fields: Vec<&str> = ctx
        .body
        .and_then(|body| body.get("fieldIds"))
        .and_then(|list| list.as_array())
        .into_iter()
        .flatten()
        .filter_map(|id| id.as_str())
        .collect();
    let limit = match ctx.seen.max_results {
        None => Some(DEFAULT_PAGE),
        Some(asked) => usize::try_from(asked).ok().filter(|asked| (1..=MAX_PAGE).contains(asked)),
    };
    let count = ctx.seen.wanted.len();
    let (Some(limit), true, true) =
        (limit, (1..=MAX_ISSUES).contains(&count), fields.len() <= MAX_FIELDS)
    else {
        return bad_request(super::BAD_PAYLOAD);
    };
    let query = format!("{} {}", ctx.seen.wanted.join(","), fields.join(","));
    let token = match Token::<usize>::of(ctx, &query) {
        Ok(token) => token,
        Err(refused) => return *refused,
    };
    let (page, start) = token.map_or((0, 0), |token| (token.page, token.at));
    let all = entries(ctx, &fields);
    let mut by_issue: BTreeMap<IssueId, Vec<Json>> = BTreeMap::new();
    for (id, entry) in all.iter().skip(start).take(limit) {
        by_issue.entry(*id).or_default().push(entry.clone());
    }
    let next = (start + limit < all.len())
        .then(|| Token::new(ctx, &query, page + 1, start + limit).text());
    let issues = by_issue.keys().copied().collect();
    let mut body = String::from(r#"{"issueChangeLogs":["#);
    for (at, (id, entries)) in by_issue.into_iter().enumerate() {
        body.push_str(if at > 0 { "," } else { "" });
        body.push_str(&format!(r#"{{"issueId":"{id}","changeHistories":"#));
        push_list(&mut body, entries.into_iter());
        body.push('}');
    }
    body.push(']');
    if let Some(token) = next {
        body.push_str(&format!(r#","nextPageToken":"{token}""#));
    }
    body.push('}');
    Answer { issues, ..Answer::ok(body) }
}

/// All entries of the issues asked for, by date, issue and place.
fn entries(ctx: &Context<'_>, fields: &[&str]) -> Vec<(IssueId, Json)> {
    let view = view(ctx);
    let wanted_field =
        |id: Option<&str>| fields.is_empty() || id.is_some_and(|id| fields.contains(&id));
    let mut dated = Vec::new();
    for (id, issue) in wanted(ctx).into_iter().filter(|(id, _)| !ctx.omits(*id)) {
        for (at, history) in view.dated_histories(issue) {
            dated.push((at, id, history));
        }
    }
    dated.sort_by_key(|(at, id, _)| (*at, *id));
    let numeric = ctx.config.cloud.numeric_changelog_times;
    let shown = dated.into_iter().filter_map(|(_, id, history)| {
        Some((id, view.history_of(history, wanted_field, numeric)?))
    });
    shown.collect()
}
