//! `worklog/deleted` and `worklog/updated`: pages of ids and times. The same on Cloud.

use super::{Answer, Context};
use crate::api::params::param;
use crate::config::Access;
use crate::json::quote;
use crate::time::Millis;

/// Worklogs of a page, at most.
const PAGE: usize = 1_000;
/// What happened this recently is not told yet.
const WITHHELD: Millis = 60_000;

/// `GET worklog/deleted` or `GET worklog/updated`, from `since` on (milliseconds, included).
pub(crate) fn feed(ctx: &Context<'_>, which: &str) -> Answer {
    match ctx.config.worklog_feed {
        Access::Absent => return Answer::no_such_route(&ctx.seen.path),
        Access::Forbidden => return Answer::forbidden(),
        Access::Open if !ctx.logged_in => return Answer::unauthorized(),
        Access::Open => {}
    }
    let since = param(ctx.params, "since").and_then(|text| text.parse().ok()).unwrap_or(0);
    let newest = ctx.world.now() - WITHHELD;
    let found = match which {
        "deleted" => ctx.world.deleted_worklogs(since, newest),
        _ => ctx.world.changed_worklogs(since, newest),
    };
    let last = found.len() <= PAGE;
    let shown = found.get(..PAGE).unwrap_or(&found);
    let until = match shown.last() {
        Some((_, at)) if !last => *at,
        _ => newest.max(since),
    };
    let values: Vec<String> = shown.iter().map(|(id, at)| entry(*id, *at)).collect();
    let page = |since: Millis| {
        let (base, path) = (ctx.base_url, &ctx.seen.path);
        quote(&format!("{base}{path}?since={since}"))
    };
    let next = if last { String::new() } else { format!(r#","nextPage":{}"#, page(until)) };
    Answer::ok(format!(
        r#"{{"values":[{}],"since":{since},"until":{until},"self":{}{next},"lastPage":{last}}}"#,
        values.join(","),
        page(since),
    ))
}

fn entry(id: u64, at: Millis) -> String {
    format!(r#"{{"worklogId":{id},"updatedTime":{at},"properties":[]}}"#)
}
