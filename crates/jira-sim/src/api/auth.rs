//! Who a request comes from.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::config::Auth;

/// The outcome of authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The configured user.
    LoggedIn,
    /// No credentials, where some are needed to be somebody.
    Anonymous,
    /// Credentials that no longer count, answered as anonymous.
    Expired,
    /// Wrong credentials.
    Refused,
}

impl Caller {
    /// The `X-Seraph-LoginReason` header.
    pub(crate) fn login_reason(self) -> &'static str {
        match self {
            Self::LoggedIn => "OK",
            Self::Anonymous => "OUT",
            Self::Expired | Self::Refused => "AUTHENTICATED_FAILED",
        }
    }
}

/// Reads the `Authorization` header.
pub(crate) fn caller(auth: &Auth, headers: &HeaderMap) -> Caller {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match given {
        Some(_) if auth.expired => Caller::Expired,
        None if auth.expired => Caller::Anonymous,
        _ if auth.is_open() => Caller::LoggedIn,
        None => Caller::Anonymous,
        Some(given) if accepts(auth, given) => Caller::LoggedIn,
        Some(_) => Caller::Refused,
    }
}

fn accepts(auth: &Auth, given: &str) -> bool {
    let Some((scheme, credentials)) = given.split_once(' ') else {
        return false;
    };
    let credentials = credentials.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return auth.token.as_deref() == Some(credentials);
    }
    let expected =
        auth.basic.as_ref().map(|(user, password)| STANDARD.encode(format!("{user}:{password}")));
    scheme.eq_ignore_ascii_case("basic") && expected.as_deref() == Some(credentials)
}
