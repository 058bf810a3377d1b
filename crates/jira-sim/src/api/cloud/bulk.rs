//! `issue/bulkfetch`: up to a hundred whole issues, from the documents and not from the index.

use std::collections::BTreeMap;

use super::rows::Rows;
use super::{Answer, Context, bad_request, refuse_members};
use crate::world::{Issue, IssueId, IssueKey};

/// Issues that one request may name.
const MAX_ISSUES: usize = 100;
const MEMBERS: [&str; 5] = ["expand", "fields", "fieldsByKeys", "issueIdsOrKeys", "properties"];

/// `POST issue/bulkfetch`. What is not found or not visible is absent, without an error.
pub(super) fn fetch(ctx: &Context<'_>) -> Answer {
    if let Some(refused) = refuse_members(ctx, &MEMBERS) {
        return refused;
    }
    if ctx.seen.wanted.is_empty() {
        return bad_request("At least one issue ID or key must be provided.");
    }
    if ctx.seen.wanted.len() > MAX_ISSUES {
        return bad_request(&format!("No more than {MAX_ISSUES} issues can be fetched at once."));
    }
    let rows = Rows::of(ctx, "*navigable");
    let open = r#"{"expand":"schema,names","issueErrors":[],"issues":"#;
    rows.answer(ctx, open, wanted(ctx).into_values(), "}")
}

/// The issues that a request names and that the caller may see, in the order of their ids.
pub(super) fn wanted<'a>(ctx: &Context<'a>) -> BTreeMap<IssueId, &'a Issue> {
    let found = ctx.seen.wanted.iter().filter_map(|name| find(ctx, name));
    found.map(|issue| (issue.id(), issue)).collect()
}

/// By id, by key, or by a key the issue had; gone, hidden and forbidden look the same.
pub(super) fn find<'a>(ctx: &Context<'a>, name: &str) -> Option<&'a Issue> {
    let found = match name.parse() {
        Ok(id) => ctx.world.issue(id),
        Err(_) => name.parse::<IssueKey>().ok().and_then(|key| ctx.world.issue_by_key(&key)),
    };
    found.filter(|issue| ctx.logged_in && ctx.world.may_browse(issue))
}
