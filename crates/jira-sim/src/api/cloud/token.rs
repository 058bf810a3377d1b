//! Page tokens: opaque to clients, bound to their query, refused when they are old.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Answer, Context, bad_request};
use crate::time::Millis;

/// What a token says: where to go on, of what, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Token<P> {
    /// Of the query that it belongs to.
    query: u64,
    /// When it was given out, by the world's clock.
    issued: Millis,
    /// How many pages came before.
    pub(super) page: u32,
    /// Where to go on.
    pub(super) at: P,
    /// Makes tokens for the same place differ.
    salt: usize,
}

impl<P: Serialize + DeserializeOwned> Token<P> {
    /// A token for a place, given out now.
    pub(super) fn new(ctx: &Context<'_>, query: &str, page: u32, at: P) -> Self {
        Self { query: digest(query), issued: ctx.world.now(), page, at, salt: ctx.number }
    }

    /// As it is sent.
    pub(super) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads the token of a request, if it has one.
    pub(super) fn of(ctx: &Context<'_>, query: &str) -> Result<Option<Self>, Box<Answer>> {
        let Some(text) = ctx.seen.page_token.as_deref() else {
            return Ok(None);
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let token: Option<Self> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let Some(token) = token.filter(|token| token.query == digest(query)) else {
            return Err(Box::new(refused()));
        };
        let site = &ctx.config.cloud;
        let lifetime = i64::try_from(site.token_lifetime.as_millis()).unwrap_or(i64::MAX);
        let too_old = ctx.world.now() - token.issued > lifetime;
        if too_old || site.token_pages.is_some_and(|pages| token.page >= pages) {
            return Err(Box::new(expired()));
        }
        Ok(Some(token))
    }
}

/// A token that is none of ours.
pub(super) fn refused() -> Answer {
    bad_request("The provided next page token is invalid.")
}

/// A token that was one of ours.
pub(super) fn expired() -> Answer {
    bad_request("The provided next page token has expired.")
}

fn digest(query: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    query.hash(&mut hasher);
    hasher.finish()
}
