//! `search/jql`, followed from token to token, and `search/approximate-count`. Both see the index.

use axum::http::StatusCode;

use super::rows::Rows;
use super::token::{Token, expired, refused};
use super::{Answer, Context, bad_request, refuse_members};
use crate::config::IsLast;
use crate::faults::TokenFault;
use crate::query::{Position, SearchOptions, check_bounded, search as run, search_after};
use crate::random::mix;

/// Rows of a page when none are asked for.
const DEFAULT_PAGE: usize = 50;
/// Rows of a page at most, whatever is asked for.
const MAX_PAGE: usize = 5000;
const MEMBERS: [&str; 7] =
    ["expand", "fields", "fieldsByKeys", "jql", "maxResults", "nextPageToken", "properties"];

/// Where a page begins, and where the one before it began; `None` is the beginning.
type Place = (Option<Position>, Option<Position>);

/// `GET` and `POST search/jql`.
pub(super) fn search(ctx: &Context<'_>) -> Answer {
    if let Some(refused) = refuse_members(ctx, &MEMBERS) {
        return refused;
    }
    let jql = ctx.seen.jql.as_deref().unwrap_or("");
    let rows = Rows::of(ctx, "id");
    let Some(limit) = page_size(ctx.seen.max_results, rows.page_cap(ctx)) else {
        return bad_request("The maxResults must be a positive number.");
    };
    if let Err(error) = check_bounded(jql) {
        return Answer::errors(StatusCode::BAD_REQUEST, &error.messages);
    }
    if !ctx.logged_in {
        // Nothing is visible to anonymous callers, and that is not an error.
        return Answer::ok(r#"{"issues":[],"isLast":true}"#);
    }
    let token = match Token::<Place>::of(ctx, jql) {
        Ok(token) => token,
        Err(refused) => return *refused,
    };
    match (ctx.token_fault(), &token) {
        (Some(TokenFault::Refused), Some(_)) => return refused(),
        (Some(TokenFault::Expired), Some(_)) => return expired(),
        _ => {}
    }
    page(ctx, jql, &rows, limit, token).unwrap_or_else(|refused| *refused)
}

fn page(
    ctx: &Context<'_>,
    jql: &str,
    rows: &Rows<'_>,
    limit: usize,
    token: Option<Token<Place>>,
) -> Result<Answer, Box<Answer>> {
    let (number, (from, before)) = token.map_or((0, (None, None)), |token| (token.page, token.at));
    let fault = ctx.token_fault();
    let begin = if fault == Some(TokenFault::RowsAgain) { &before } else { &from };
    let options = SearchOptions { limit, ..options(ctx) };
    let found = search_after(ctx.world, jql, &options, begin.as_ref())
        .map_err(|error| Box::new(Answer::errors(StatusCode::BAD_REQUEST, &error.messages)))?;
    let to = |page: u32, place: Place| Token::new(ctx, jql, page, place).text();
    let same_place = || to(number, (from.clone(), before.clone()));
    let mut ids = found.ids;
    let next = match fault {
        Some(TokenFault::Dropped) => None,
        Some(TokenFault::Repeated) => ctx.seen.page_token.clone().or_else(|| Some(same_place())),
        Some(TokenFault::EmptyPage) => {
            ids.clear();
            Some(same_place())
        }
        Some(TokenFault::RowsAgain) => Some(same_place()),
        Some(TokenFault::Refused | TokenFault::Expired) | None => {
            found.next.map(|next| to(number + 1, (Some(next), from.clone())))
        }
    };
    let mut close = String::new();
    if let Some(token) = &next {
        close.push_str(&format!(r#","nextPageToken":"{token}""#));
    }
    if says_is_last(ctx) {
        close.push_str(&format!(r#","isLast":{}"#, next.is_none()));
    }
    close.push('}');
    // A ghost was found, but there is no document to make a row of.
    let documents = ids.iter().filter_map(|id| ctx.world.issue(*id));
    Ok(rows.answer(ctx, r#"{"issues":"#, documents, &close))
}

/// `POST search/approximate-count`.
pub(super) fn count(ctx: &Context<'_>) -> Answer {
    if let Some(refused) = refuse_members(ctx, &["jql"]) {
        return refused;
    }
    let jql = ctx.seen.jql.as_deref().unwrap_or("");
    let counted = check_bounded(jql).and_then(|()| {
        if !ctx.logged_in {
            return Ok(0);
        }
        run(ctx.world, jql, &SearchOptions { limit: 0, ..options(ctx) }).map(|hits| hits.total)
    });
    match counted {
        Ok(count) => Answer::ok(format!(r#"{{"count":{count}}}"#)),
        Err(error) => Answer::errors(StatusCode::BAD_REQUEST, &error.messages),
    }
}

fn options(ctx: &Context<'_>) -> SearchOptions {
    SearchOptions {
        zone: ctx.config.user_zone,
        validate: true,
        lenient_issues: true,
        epoch_millis: ctx.config.epoch_millis,
        // The same for every page, so that what a token says means the same on the next.
        tie_seed: mix(ctx.config.seed),
        ..SearchOptions::default()
    }
}

/// How many rows to give; `None` for a number that is none.
fn page_size(asked: Option<i64>, cap: usize) -> Option<usize> {
    let asked = match asked {
        None => DEFAULT_PAGE,
        Some(asked) => usize::try_from(asked).ok().filter(|asked| *asked > 0)?,
    };
    Some(asked.min(MAX_PAGE).min(cap.max(1)))
}

fn says_is_last(ctx: &Context<'_>) -> bool {
    match ctx.config.cloud.is_last {
        IsLast::Always => true,
        IsLast::Never => false,
        IsLast::Sometimes => mix(ctx.config.seed ^ ctx.number as u64).is_multiple_of(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_as_long_as_asked_and_allowed() {
        for (asked, cap, rows) in [
            (None, usize::MAX, Some(50)),
            (Some(7_000), usize::MAX, Some(5_000)),
            (Some(7_000), 1_000, Some(1_000)),
            (Some(10), 1_000, Some(10)),
            (Some(0), 1_000, None),
            (Some(-1), 1_000, None),
        ] {
            assert_eq!(page_size(asked, cap), rows, "{asked:?} {cap}");
        }
    }
}
