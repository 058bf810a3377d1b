//! Where a request may come from, so that a web page which somebody visits cannot ask in their
//! name: neither by posting across sites, nor by a host name that was made to point here.

use std::net::IpAddr;

use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, Method};

use super::auth::Caller;
use super::problem::{Kind, Problem};

/// The header by which a browser says where a request comes from; no page can set it.
const FETCH_SITE: &str = "sec-fetch-site";
/// A header that a page of another site cannot add without asking first, which is not answered.
const REQUESTED_WITH: &str = "x-requested-with";

/// Refuses what a page of another site may have sent.
///
/// # Errors
/// The problem to answer with.
pub(super) fn check(caller: Caller, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    match caller {
        // No browser adds the token by itself, so whoever sent this knows it.
        Caller::Bearer => return Ok(()),
        Caller::Session => {}
        Caller::Anybody => host_is_this_machine(headers)?,
    }
    if method.is_safe() || (is_same_site(headers) && needs_permission_across_sites(headers)) {
        return Ok(());
    }
    Err(Problem::new(
        Kind::CrossSite,
        "a web page of another site could have sent this request",
        "send the header Content-Type: application/json or X-Requested-With",
    )
    .or("send the token as a bearer, where one is configured"))
}

/// Refuses what a page of another site may have sent to the form where one logs in.
///
/// # Errors
/// The problem to answer with.
pub(super) fn check_form(headers: &HeaderMap) -> Result<(), Problem> {
    if is_same_site(headers) {
        return Ok(());
    }
    Err(Problem::new(
        Kind::CrossSite,
        "the form was sent by a page of another site",
        "open /login in the browser and log in there",
    ))
}

/// Without a token the server listens on loopback. A page whose host name was made to point there
/// (DNS rebinding) would be of the same site as far as the browser can tell; its name betrays it.
fn host_is_this_machine(headers: &HeaderMap) -> Result<(), Problem> {
    let host = headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if is_loopback(host) {
        return Ok(());
    }
    Err(Problem::new(
        Kind::ForeignHost,
        "without a token only requests to localhost are answered",
        "ask for http://localhost or http://127.0.0.1",
    )
    .or("set http.token, and send it"))
}

/// Whether a `Host` is a name of the loopback interface.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What the browser says about where the request comes from; who is no browser says nothing.
fn is_same_site(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get(FETCH_SITE) {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    authority.zip(host).is_some_and(|((_, authority), host)| authority == host)
}

/// Whether a browser would have asked (by a preflight, which is refused here) before it let a page
/// of another site send this.
fn needs_permission_across_sites(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json") || headers.contains_key(REQUESTED_WITH)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
    const HERE: (&str, &str) = ("host", "localhost:8080");

    #[rstest]
    #[case::json(&[HERE, JSON], true)]
    #[case::header(&[HERE, ("x-requested-with", "curl")], true)]
    #[case::same_origin(&[HERE, JSON, ("sec-fetch-site", "same-origin")], true)]
    #[case::own_origin(&[HERE, JSON, ("origin", "http://localhost:8080")], true)]
    #[case::nothing(&[HERE], false)]
    #[case::form(&[HERE, ("content-type", "text/plain")], false)]
    #[case::form_that_looks_like_json(&[HERE, ("content-type", "text/plain; application/json")], false)]
    #[case::cross_site(&[HERE, JSON, ("sec-fetch-site", "cross-site")], false)]
    #[case::other_origin(&[HERE, JSON, ("origin", "http://evil.example")], false)]
    #[case::null_origin(&[HERE, JSON, ("origin", "null")], false)]
    #[case::rebound(&[("host", "evil.example:8080"), JSON], false)]
    #[case::no_host(&[JSON], false)]
    fn without_a_token_only_what_no_other_site_can_send_changes_something(
        #[case] pairs: &[(&'static str, &str)],
        #[case] passes: bool,
    ) {
        let checked = check(Caller::Anybody, &Method::POST, &headers(pairs));
        assert_eq!(checked.is_ok(), passes, "{checked:?}");
    }

    #[test]
    fn reading_needs_only_the_right_host() {
        assert!(check(Caller::Anybody, &Method::GET, &headers(&[HERE])).is_ok());
        let problem = check(Caller::Anybody, &Method::GET, &headers(&[("host", "a.example")]));
        assert_eq!(problem.unwrap_err().kind, Kind::ForeignHost);
        assert!(check(Caller::Session, &Method::GET, &headers(&[("host", "a.example")])).is_ok());
    }

    #[test]
    fn a_session_is_held_to_the_site_and_a_bearer_is_not() {
        let crossing = headers(&[("host", "a.example"), JSON, ("sec-fetch-site", "same-site")]);
        assert!(check(Caller::Session, &Method::POST, &crossing).is_err());
        assert!(check(Caller::Bearer, &Method::POST, &crossing).is_ok());
        assert!(check_form(&crossing).is_err());
        assert!(check_form(&headers(&[("sec-fetch-site", "same-origin")])).is_ok());
    }

    #[rstest]
    #[case("localhost", true)]
    #[case("LOCALHOST.:80", true)]
    #[case("extractor.localhost:8080", true)]
    #[case("127.0.0.1:8080", true)]
    #[case("127.9.9.9", true)]
    #[case("[::1]:8080", true)]
    #[case("[::1]", true)]
    #[case("localhost.example", false)]
    #[case("127.0.0.1.example", false)]
    #[case("10.0.0.1:8080", false)]
    #[case("", false)]
    fn loopback_has_few_names(#[case] host: &str, #[case] loopback: bool) {
        assert_eq!(is_loopback(host), loopback);
    }
}
