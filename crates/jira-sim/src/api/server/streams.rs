//! What hangs below an issue and is no part of its document: remote links, watchers, votes,
//! entity properties. Cloud's answers are made from these.

use super::{Answer, Context};
use crate::api::params::decoded;
use crate::json::{push_array, push_quoted, quote};
use crate::world::Issue;

/// The answer to `issue/{idOrKey}/…`, if it is about one of these.
pub(super) fn stream(ctx: &Context<'_>, issue: &Issue, rest: &[&str]) -> Option<Answer> {
    match rest {
        ["remotelink"] => Some(remote_links(issue)),
        ["remotelink", id] => Some(remote_link(issue, id)),
        ["watchers"] => Some(watchers(ctx, issue)),
        ["votes"] => Some(votes(ctx, issue)),
        ["properties"] => Some(properties(ctx, issue)),
        ["properties", key] => Some(property(issue, &decoded(key))),
        _ => None,
    }
}

fn remote_links(issue: &Issue) -> Answer {
    let mut body = String::new();
    push_array(&mut body, issue.remote_links().iter().map(|link| &link.json));
    Answer::ok(body)
}

fn remote_link(issue: &Issue, id: &str) -> Answer {
    let found = issue.remote_links().iter().find(|link| link.id.to_string() == id);
    found.map_or_else(
        || Answer::not_found(&format!("The remote issue link with id '{id}' does not exist.")),
        |link| Answer::ok(link.json.as_str()),
    )
}

fn watchers(ctx: &Context<'_>, issue: &Issue) -> Answer {
    let place = quote(&place(ctx, issue, "watchers"));
    let count = issue.watchers().len();
    let mut body =
        format!(r#"{{"self":{place},"isWatching":false,"watchCount":{count},"watchers":"#);
    push_array(&mut body, issue.watchers().iter());
    body.push('}');
    Answer::ok(body)
}

fn votes(ctx: &Context<'_>, issue: &Issue) -> Answer {
    let place = quote(&place(ctx, issue, "votes"));
    let count = issue.voters().len();
    let mut body = format!(r#"{{"self":{place},"votes":{count},"hasVoted":false,"voters":"#);
    push_array(&mut body, issue.voters().iter());
    body.push('}');
    Answer::ok(body)
}

fn properties(ctx: &Context<'_>, issue: &Issue) -> Answer {
    let mut body = r#"{"keys":["#.to_owned();
    for (at, (key, _)) in issue.properties().iter().enumerate() {
        body.push_str(if at > 0 { "," } else { "" });
        body.push_str(r#"{"self":"#);
        push_quoted(&mut body, &place(ctx, issue, &format!("properties/{key}")));
        body.push_str(r#","key":"#);
        push_quoted(&mut body, key);
        body.push('}');
    }
    body.push_str("]}");
    Answer::ok(body)
}

fn property(issue: &Issue, key: &str) -> Answer {
    let found = issue.properties().iter().find(|(have, _)| have == key);
    found.map_or_else(
        || Answer::not_found(&format!("The property with key '{key}' does not exist.")),
        |(key, value)| Answer::ok(format!(r#"{{"key":{},"value":{value}}}"#, quote(key))),
    )
}

fn place(ctx: &Context<'_>, issue: &Issue, below: &str) -> String {
    format!("{}/rest/api/2/issue/{}/{below}", ctx.base_url, issue.id())
}
