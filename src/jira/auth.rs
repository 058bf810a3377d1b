//! Credentials on the way out, and the signs on the way back that they were not accepted:
//! Jira answers many requests of an unknown caller with "200, no rows".

use std::sync::OnceLock;

use reqwest::header::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use super::error::JiraError;
use super::settings::Credentials;

/// Jira's headers about who we are.
const USER_NAME: &str = "x-ausername";
const LOGIN_REASON: &str = "x-seraph-loginreason";
const DENIED_REASON: &str = "x-authentication-denied-reason";

/// How long a header's text may be in an error.
const MAX_SIGN_CHARS: usize = 120;

/// The authorization of every request, and who Jira should take us for.
pub(super) struct Auth {
    header: Option<HeaderValue>,
    expected: OnceLock<Vec<String>>,
}

impl Auth {
    pub(super) fn new(credentials: &Credentials) -> Result<Self, JiraError> {
        let header = match credentials {
            Credentials::Anonymous => None,
            Credentials::Bearer(token) => Some(bearer(token)?),
            Credentials::Basic { user, secret } => Some(basic(user, secret)?),
        };
        Ok(Self { header, expected: OnceLock::new() })
    }

    /// The `Authorization` header, marked sensitive.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        self.header.clone()
    }

    /// Whether we say who we are at all.
    pub(super) fn is_anonymous(&self) -> bool {
        self.header.is_none()
    }

    /// From now on answers given to anybody else are refused.
    pub(super) fn expect_user(&self, names: Vec<String>) {
        // A second probe of the same client finds the same user, or was refused by the first.
        let _ = self.expected.set(names);
    }

    /// The sign in an answer's headers that Jira did not log us in, if there is one.
    pub(super) fn sign_of_failure(&self, headers: &HeaderMap) -> Option<String> {
        self.header.as_ref()?;
        let user = text(headers, USER_NAME).filter(|name| !name.is_empty());
        let reason = text(headers, LOGIN_REASON).unwrap_or_default();
        let denied = reason.contains("AUTHENTICATED_FAILED")
            || reason.contains("AUTHENTICATION_DENIED")
            || (reason.contains("OUT") && user.is_none());
        if denied {
            let why =
                text(headers, DENIED_REASON).map_or_else(String::new, |why| format!("; {why}"));
            return Some(shorten(&format!("X-Seraph-LoginReason: {reason}{why}")));
        }
        let user = user?;
        if user == "anonymous" {
            return Some("X-AUSERNAME: anonymous".to_owned());
        }
        match self.expected.get() {
            Some(names) if !names.iter().any(|name| is_same_user(user, name)) => {
                Some("X-AUSERNAME names another user than /myself".to_owned())
            }
            _ => None,
        }
    }
}

/// What the headers of a 401 or 403 say about why, as a text to append.
pub(super) fn denial_detail(headers: &HeaderMap) -> String {
    let reason = text(headers, DENIED_REASON)
        .or_else(|| text(headers, LOGIN_REASON).filter(|reason| reason.contains("DENIED")));
    match reason {
        Some(reason) => format!(": {}", shorten(reason)),
        None => String::new(),
    }
}

/// What to do about a 401 or a denied log-in.
pub(super) fn remedy(detail: &str) -> &'static str {
    if detail.contains("CAPTCHA") || detail.contains("DENIED") {
        "log in to Jira once with a browser as this user to answer the captcha, then try again"
    } else {
        "check jira.token (expired? revoked? of this instance?), or jira.username and jira.password"
    }
}

/// Jira writes the name form-encoded, so that it fits a header.
fn is_same_user(header: &str, name: &str) -> bool {
    let encoded = [("u", name)];
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    let encoded = form.extend_pairs(encoded).finish();
    let encoded = encoded.strip_prefix("u=").unwrap_or_default();
    header.eq_ignore_ascii_case(name)
        || header.eq_ignore_ascii_case(encoded)
        || decoded(header).to_lowercase() == name.to_lowercase()
}

fn decoded(header: &str) -> String {
    url::form_urlencoded::parse(header.as_bytes()).map(|(name, _)| name.into_owned()).collect()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn shorten(text: &str) -> String {
    text.chars().take(MAX_SIGN_CHARS).collect()
}

fn bearer(token: &SecretString) -> Result<HeaderValue, JiraError> {
    sensitive(&format!("Bearer {}", token.expose_secret()), "jira.token")
}

fn basic(user: &str, secret: &SecretString) -> Result<HeaderValue, JiraError> {
    let pair = format!("{user}:{}", secret.expose_secret());
    sensitive(&format!("Basic {}", base64(pair.as_bytes())), "jira.password")
}

fn sensitive(value: &str, key: &'static str) -> Result<HeaderValue, JiraError> {
    let mut header = HeaderValue::from_str(value).map_err(|_| JiraError::Settings {
        key,
        problem: "it holds a line break or another character that a header cannot carry".to_owned(),
        source: None,
    })?;
    header.set_sensitive(true);
    Ok(header)
}

/// RFC 4648 base64 with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let sextet = (bits >> (18 - 6 * i) & 0x3F) as usize;
            text.push(if i <= chunk.len() { char::from(ALPHABET[sextet]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|&(k, v)| (k.parse().unwrap(), HeaderValue::from_static(v))).collect()
    }

    #[rstest]
    #[case(&[], false)]
    #[case(&[(USER_NAME, "bot")], false)]
    #[case(&[(USER_NAME, "BOT"), (LOGIN_REASON, "OK")], false)]
    #[case(&[(USER_NAME, "anonymous")], true)]
    #[case(&[(USER_NAME, "somebody")], true)]
    #[case(&[(USER_NAME, "bot"), (LOGIN_REASON, "AUTHENTICATED_FAILED")], true)]
    #[case(&[(LOGIN_REASON, "AUTHENTICATION_DENIED, OUT")], true)]
    #[case(&[(LOGIN_REASON, "OUT")], true)]
    #[case(&[(LOGIN_REASON, "OUT"), (USER_NAME, "bot")], false)]
    fn signs_of_a_failed_log_in_are_seen(
        #[case] pairs: &[(&'static str, &'static str)],
        #[case] failed: bool,
    ) {
        let auth = Auth::new(&Credentials::Bearer("t".into())).unwrap();
        auth.expect_user(vec!["bot".to_owned()]);
        assert_eq!(auth.sign_of_failure(&headers(pairs)).is_some(), failed);
    }

    #[test]
    fn a_caller_without_credentials_is_rightly_anonymous() {
        let auth = Auth::new(&Credentials::Anonymous).unwrap();
        assert_eq!(auth.sign_of_failure(&headers(&[(USER_NAME, "anonymous")])), None);
    }

    #[rstest]
    #[case("jane%40example.invalid", "jane@example.invalid")]
    #[case("jane+doe", "jane doe")]
    #[case("jane+doe", "jane+doe")]
    #[case("J%C3%96RG", "jörg")]
    fn names_are_compared_as_jira_encodes_them(#[case] header: &str, #[case] name: &str) {
        assert!(is_same_user(header, name));
        assert!(!is_same_user(header, "jane"));
    }

    #[test]
    fn the_header_is_sensitive_and_right() {
        let credentials = Credentials::Basic { user: "u".to_owned(), secret: "päss".into() };
        let header = Auth::new(&credentials).unwrap().header().unwrap();
        assert!(header.is_sensitive());
        assert_eq!(header.to_str().unwrap(), "Basic dTpww6Rzcw==");
        assert_eq!(base64(b"abcde"), "YWJjZGU=");
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_named_and_not_shown() {
        let error = Auth::new(&Credentials::Bearer("se\ncret".into())).err().unwrap();
        assert!(error.to_string().starts_with("jira.token"), "{error}");
        assert!(!format!("{error:?}").contains("cret"));
    }
}
