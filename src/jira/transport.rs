//! The HTTP client underneath: TLS roots, limits, no redirects; and what its errors mean.

use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};
use url::{Host, Url};

use super::endpoint::Endpoint;
use super::error::{Cause, JiraError};
use super::settings::JiraSettings;

const USER_AGENT: &str = concat!("extractor/", env!("CARGO_PKG_VERSION"));

/// Makes the client. Cookies are not kept, because the client has no store for them.
/// `silence` is the longest that an answer may say nothing.
pub(super) fn client(
    settings: &JiraSettings,
    silence: Duration,
    redirects: Policy,
) -> Result<Client, JiraError> {
    check_base_url(&settings.base_url)?;
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(redirects)
        .connect_timeout(settings.connect_timeout)
        .read_timeout(silence)
        .referer(false);
    if settings.http1_only {
        builder = builder.http1_only();
    }
    if is_loopback(&settings.base_url) {
        builder = builder.no_proxy();
    }
    if let Some(path) = &settings.ca_bundle {
        let problem = || format!("cannot use {} as a PEM file of certificates", path.display());
        let bundle = |source: Cause| bad_bundle(problem(), source);
        let pem = std::fs::read(path).map_err(|e| bundle(e.into()))?;
        let certificates = Certificate::from_pem_bundle(&pem).map_err(|e| bundle(e.into()))?;
        if certificates.is_empty() {
            return Err(bad_bundle(problem(), "it holds no certificate".into()));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(|error| JiraError::Settings {
        key: "jira",
        problem: "cannot prepare an HTTP client".to_owned(),
        source: Some(error.into()),
    })
}

fn bad_bundle(problem: String, source: Cause) -> JiraError {
    JiraError::Settings { key: "jira.ca_bundle", problem, source: Some(source) }
}

fn check_base_url(url: &Url) -> Result<(), JiraError> {
    let problem = if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        "it must be an http or https address"
    } else if !url.username().is_empty() || url.password().is_some() {
        "it must not hold credentials; use jira.token, or jira.username and jira.password"
    } else if url.query().is_some() || url.fragment().is_some() {
        "it must end with the context path, without query or fragment"
    } else {
        return Ok(());
    };
    Err(JiraError::Settings { key: "jira.base_url", problem: problem.to_owned(), source: None })
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

/// Host and port, which is all that error texts say of an address.
pub(super) fn host(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => "an address without a host".to_owned(),
    }
}

/// The error of a request that got no answer.
pub(super) fn classify(
    error: reqwest::Error,
    host: &str,
    endpoint: Endpoint,
    limit: Duration,
) -> JiraError {
    // The address may hold a query.
    let error = error.without_url();
    let host = host.to_owned();
    if error.is_timeout() && !error.is_connect() {
        return JiraError::Timeout { host, endpoint, limit };
    }
    if is_tls(&error) {
        return JiraError::Tls { host, source: error.into() };
    }
    JiraError::Unreachable { host, source: error.into() }
}

/// Looks for a TLS error among the causes; inside I/O errors too, which do not show theirs.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>()
        || inside.is_some_and(|inside| is_tls(inside))
        || error.source().is_some_and(is_tls)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("ftp://jira.example.invalid")]
    #[case("https://user:pass@jira.example.invalid")]
    #[case("https://token@jira.example.invalid")]
    #[case("https://jira.example.invalid/?a=b")]
    fn a_base_url_that_cannot_be_used_is_named_and_not_shown(#[case] url: &str) {
        let settings = JiraSettings::new(url.parse().unwrap());
        let error = client(&settings, settings.read_timeout, Policy::none()).unwrap_err();
        assert!(error.to_string().starts_with("jira.base_url"), "{error}");
        assert!(!format!("{error} {error:?}").contains("pass@"));
    }

    #[test]
    fn a_ca_bundle_that_is_none_is_named() {
        let mut settings = JiraSettings::new("https://jira.example.invalid".parse().unwrap());
        settings.ca_bundle = Some("/nonexistent/ca.pem".into());
        let error = client(&settings, settings.read_timeout, Policy::none()).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/ca.pem"), "{error}");
    }
}
