//! Which requests get in: the site's address and the gateway's, scopes, expired credentials.

use axum::http::StatusCode;

use super::{Answer, Context};
use crate::api::auth::Caller;

/// The answer to a request that does not get in. One whose credentials do not count gets in as an
/// anonymous one at the site's address, and not at all at the gateway.
pub(super) fn refuse(ctx: &Context<'_>) -> Option<Answer> {
    if ctx.seen.via_gateway && matches!(ctx.who, Caller::Refused | Caller::Expired) {
        return Some(gateway("Unauthorized"));
    }
    if ctx.config.cloud.scoped_tokens && !ctx.seen.via_gateway && ctx.who != Caller::Anonymous {
        return Some(must_log_in());
    }
    let scopes = &ctx.config.cloud.missing_scopes;
    let resource = ctx.seen.resource();
    if scopes.iter().any(|missing| resource.starts_with(missing.as_str())) {
        return Some(gateway("Unauthorized; scope does not match"));
    }
    None
}

/// For resources that are not for anonymous callers.
pub(super) fn must_log_in() -> Answer {
    Answer::html(StatusCode::UNAUTHORIZED, "Client must be authenticated to access this resource.")
}

fn gateway(message: &str) -> Answer {
    let body = format!(r#"{{"code":401,"message":"{message}"}}"#);
    Answer::json(StatusCode::UNAUTHORIZED, body)
}
