//! Credentials on the way out, and the signs on the way back that they were not accepted:
//! Jira answers many requests of an unknown caller with "200, no rows".

use std::sync::OnceLock;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::error::JiraError;
use super::settings::{Credentials, JiraSettings};

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
    /// What to do where Jira does not say why it refuses the credentials.
    remedy: &'static str,
}

/// What an answer says about refusing the credentials.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Denial {
    /// Why, as a text to append; empty if it does not say.
    pub(super) detail: String,
    /// What to do about it.
    pub(super) remedy: &'static str,
}

impl Auth {
    pub(super) fn new(settings: &JiraSettings) -> Result<Self, JiraError> {
        let header = match &settings.credentials {
            Credentials::Anonymous => None,
            Credentials::Bearer(token) => Some(bearer(token)?),
            Credentials::Basic { user, secret } => Some(basic(user, secret)?),
        };
        let remedy = usual_remedy(&settings.base_url, &settings.credentials);
        Ok(Self { header, expected: OnceLock::new(), remedy })
    }

    /// What an answer says about refusing the credentials, if it refuses them.
    pub(super) fn denial(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Option<Denial> {
        if !is_denial(status, headers) {
            return None;
        }
        if lacks_scope(body) {
            return Some(Denial { detail: ": scope does not match".to_owned(), remedy: SCOPES });
        }
        let detail = denial_detail(headers);
        let locked = detail.contains("CAPTCHA") || detail.contains("DENIED");
        Some(Denial { detail, remedy: if locked { CAPTCHA } else { self.remedy } })
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

/// Whether an answer refuses the credentials, and not only what they were used for.
pub(super) fn is_denial(status: StatusCode, headers: &HeaderMap) -> bool {
    status == StatusCode::UNAUTHORIZED
        || (status == StatusCode::FORBIDDEN && !denial_detail(headers).is_empty())
}

/// Whether the body is the gateway's, about a token that was not made for this.
fn lacks_scope(body: &[u8]) -> bool {
    String::from_utf8_lossy(body).to_lowercase().contains("scope does not match")
}

/// What the headers of a 401 or 403 say about why, as a text to append.
fn denial_detail(headers: &HeaderMap) -> String {
    let reason = text(headers, DENIED_REASON)
        .or_else(|| text(headers, LOGIN_REASON).filter(|reason| reason.contains("DENIED")));
    match reason {
        Some(reason) => format!(": {}", shorten(reason)),
        None => String::new(),
    }
}

const CAPTCHA: &str =
    "log in to Jira once with a browser as this user to answer the captcha, then try again";
const SCOPES: &str = "the token was made without a scope that this needs: make one with the scopes \
    read:jira-work and read:jira-user, or with the granular scopes that stand for them";
const TOKEN: &str =
    "check jira.token (expired? revoked? of this instance?), or jira.username and jira.password";
const BEARER_AT_SITE: &str = "a Cloud site takes no bearer token at its own address: for a token \
    with scopes, a service account or OAuth set jira.base_url to \
    https://api.atlassian.com/ex/jira/CLOUDID, where CLOUDID is what /_edge/tenant_info at the \
    site's address says; for an API token without scopes set jira.email";
const BASIC_AT_SITE: &str = "check jira.email and jira.token (expired? revoked?); a token with \
    scopes works only with https://api.atlassian.com/ex/jira/CLOUDID as jira.base_url, where \
    CLOUDID is what /_edge/tenant_info at the site's address says";
const AT_GATEWAY: &str = "check jira.token (expired? revoked? with an e-mail, if it is an API \
    token), and whether the cloud id in jira.base_url is that of the token's site";

/// What to do about a 401 that says nothing more, by the address it came from.
fn usual_remedy(base_url: &Url, credentials: &Credentials) -> &'static str {
    let host = base_url.host_str().unwrap_or_default();
    let at_site = host.ends_with(".atlassian.net");
    match credentials {
        _ if host == "api.atlassian.com" => AT_GATEWAY,
        Credentials::Bearer(_) if at_site => BEARER_AT_SITE,
        Credentials::Basic { .. } if at_site => BASIC_AT_SITE,
        Credentials::Anonymous | Credentials::Bearer(_) | Credentials::Basic { .. } => TOKEN,
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

    fn auth(url: &str, credentials: Credentials) -> Result<Auth, JiraError> {
        Auth::new(&JiraSettings { credentials, ..JiraSettings::new(url.parse().unwrap()) })
    }

    const SITE: &str = "https://acme.atlassian.net";
    const THE_GATEWAY: &str = "https://api.atlassian.com/ex/jira/1-2";
    const MISMATCH: &str = r#"{"code":401,"message":"Unauthorized; scope does not match"}"#;

    #[rstest]
    #[case("https://jira.invalid", false, "", TOKEN)]
    #[case(SITE, false, "", BEARER_AT_SITE)]
    #[case(SITE, true, "<html>", BASIC_AT_SITE)]
    #[case(THE_GATEWAY, true, "", AT_GATEWAY)]
    #[case(THE_GATEWAY, false, "{}", AT_GATEWAY)]
    #[case(THE_GATEWAY, false, MISMATCH, SCOPES)]
    fn what_helps_depends_on_the_address_and_the_token(
        #[case] url: &str,
        #[case] with_email: bool,
        #[case] body: &str,
        #[case] remedy: &str,
    ) {
        let secret = SecretString::from("t");
        let credentials = match with_email {
            true => Credentials::Basic { user: "a@b.invalid".to_owned(), secret },
            false => Credentials::Bearer(secret),
        };
        let auth = auth(url, credentials).unwrap();
        let status = StatusCode::UNAUTHORIZED;
        let denial = auth.denial(status, &HeaderMap::new(), body.as_bytes()).unwrap();
        assert_eq!(denial.remedy, remedy);
    }

    #[test]
    fn a_403_is_about_the_credentials_only_if_it_says_so() {
        let auth = auth(SITE, Credentials::Bearer("t".into())).unwrap();
        let denial = |headers| auth.denial(StatusCode::FORBIDDEN, &headers, b"");
        assert_eq!(denial(HeaderMap::new()), None);
        let locked = denial(headers(&[(DENIED_REASON, "CAPTCHA_CHALLENGE")])).unwrap();
        assert_eq!(locked.remedy, CAPTCHA);
        assert_eq!(auth.denial(StatusCode::OK, &HeaderMap::new(), MISMATCH.as_bytes()), None);
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
        let auth = auth("https://jira.invalid", Credentials::Bearer("t".into())).unwrap();
        auth.expect_user(vec!["bot".to_owned()]);
        assert_eq!(auth.sign_of_failure(&headers(pairs)).is_some(), failed);
    }

    #[test]
    fn a_caller_without_credentials_is_rightly_anonymous() {
        let auth = auth("https://jira.invalid", Credentials::Anonymous).unwrap();
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
        let header = auth("https://jira.invalid", credentials).unwrap().header().unwrap();
        assert!(header.is_sensitive());
        assert_eq!(header.to_str().unwrap(), "Basic dTpww6Rzcw==");
        assert_eq!(base64(b"abcde"), "YWJjZGU=");
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_named_and_not_shown() {
        let token = Credentials::Bearer("se\ncret".into());
        let error = auth("https://jira.invalid", token).err().unwrap();
        assert!(error.to_string().starts_with("jira.token"), "{error}");
        assert!(!format!("{error:?}").contains("cret"));
    }
}
