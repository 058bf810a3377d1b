//! The address of Jira: what counts as one, and what it must not contain.

use url::Url;

/// Reads an address of Jira: http or https, with a host, and nothing but a context path after it.
///
/// The slashes at its end are dropped, so that `https://host/jira/` and `https://host/jira` are the
/// same; an address without a context path keeps the single slash that every URL has.
///
/// # Errors
/// What was expected instead, as the end of a sentence that begins with "expected".
pub(super) fn parse(text: &str) -> Result<Url, &'static str> {
    const ADDRESS: &str = "an http or https address such as https://jira.example.com/jira";
    let mut url = Url::parse(text.trim()).map_err(|_| ADDRESS)?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(ADDRESS);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "an address without credentials in it: put the user name and the password into \
                    jira.username and jira.password, or a token into jira.token",
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(
            "an address that ends with its path, without ? or # and what follows them, such \
                    as https://jira.example.com/jira",
        );
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    if url.host_str() == Some(GATEWAY) && cloud_id(&url).is_none() {
        return Err("the cloud id after the gateway's address, and nothing after it, such as \
                    https://api.atlassian.com/ex/jira/11111111-2222-3333-4444-555555555555 (the id \
                    is what https://YOUR-SITE.atlassian.net/_edge/tenant_info says)");
    }
    Ok(url)
}

/// Where Atlassian's API gateway is: the one address of all of Jira Cloud.
const GATEWAY: &str = "api.atlassian.com";

/// The short name of the instance at this address: its host, or the cloud id where the host is the
/// gateway that all sites share.
pub(super) fn default_site(url: &Url) -> Option<&str> {
    cloud_id(url).or_else(|| url.host_str())
}

/// The site's id in the gateway's form of an address, `https://api.atlassian.com/ex/jira/{id}`.
fn cloud_id(url: &Url) -> Option<&str> {
    let id = url.path().strip_prefix("/ex/jira/")?;
    let is_id = !id.is_empty() && !id.contains('/');
    (url.host_str() == Some(GATEWAY) && is_id).then_some(id)
}

/// Whether this is a Cloud site's own address, which takes tokens only together with an e-mail.
pub(super) fn is_cloud_site(url: &Url) -> bool {
    url.host_str().is_some_and(|host| host.ends_with(".atlassian.net"))
}

/// Whether what is sent to this address can be read on its way: plain http to another machine.
pub(super) fn is_readable_by_others(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && !loopback
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("https://jira.example.com", "https://jira.example.com/")]
    #[case("https://jira.example.com///", "https://jira.example.com/")]
    #[case("https://jira.example.com/jira/", "https://jira.example.com/jira")]
    #[case(" http://127.0.0.1:8080/a/b ", "http://127.0.0.1:8080/a/b")]
    fn slashes_at_the_end_go_and_the_context_path_stays(#[case] text: &str, #[case] url: &str) {
        assert_eq!(parse(text).unwrap().as_str(), url);
    }

    #[rstest::rstest]
    #[case("jira.example.com", "http or https address")]
    #[case("jira.example.com:8080", "http or https address")]
    #[case("ftp://jira.example.com", "http or https address")]
    #[case("https://", "http or https address")]
    #[case("https://bob:pw@jira.example.com", "jira.username and jira.password")]
    #[case("https://bob@jira.example.com", "jira.token")]
    #[case("https://jira.example.com/?os_authType=basic", "without ? or #")]
    #[case("https://jira.example.com/#top", "without ? or #")]
    #[case("https://api.atlassian.com", "_edge/tenant_info")]
    #[case("https://api.atlassian.com/ex/jira/", "the cloud id")]
    #[case("https://api.atlassian.com/ex/confluence/1-2", "the cloud id")]
    #[case("https://api.atlassian.com/ex/jira/1-2/rest/api/3", "nothing after it")]
    fn what_is_not_an_address_says_what_is(#[case] text: &str, #[case] expected: &str) {
        assert!(parse(text).unwrap_err().contains(expected));
    }

    #[rstest::rstest]
    #[case("https://jira.example.com/jira", "jira.example.com")]
    #[case("https://acme.atlassian.net", "acme.atlassian.net")]
    #[case("https://api.atlassian.com/ex/jira/1-2-3/", "1-2-3")]
    #[case("https://jira.example.com/ex/jira/1-2-3", "jira.example.com")]
    fn sites_behind_the_gateway_are_told_apart(#[case] text: &str, #[case] site: &str) {
        assert_eq!(default_site(&parse(text).unwrap()), Some(site));
    }

    #[rstest::rstest]
    #[case("http://jira.example.com", true)]
    #[case("https://jira.example.com", false)]
    #[case("http://localhost:8080", false)]
    #[case("http://127.0.0.1", false)]
    #[case("http://[::1]:2990/jira", false)]
    #[case("http://10.0.0.1", true)]
    fn only_plain_http_to_another_machine_is_readable(#[case] text: &str, #[case] readable: bool) {
        assert_eq!(is_readable_by_others(&parse(text).unwrap()), readable);
    }
}
