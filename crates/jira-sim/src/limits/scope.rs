//! What a limit is about: which requests count together, and which are never limited.

use crate::requests::Seen;

/// The `RateLimit-Reason` of a limit that is about one endpoint and method only.
pub(super) const BURST_REASON: &str = "jira-burst-based";

/// Path segments after which a name of something follows, unless it is one of [`NOT_NAMES`].
const COLLECTIONS: [&str; 4] = ["issue", "project", "properties", "user"];
const NOT_NAMES: [&str; 3] = ["bulkfetch", "createmeta", "search"];

/// Who was asked to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ThrottleScope {
    /// Everybody, with every request.
    Everything,
    /// Requests of this method to this endpoint, such as `GET issue/*/comment`.
    Endpoint(String),
}

impl ThrottleScope {
    /// The scope of a throttled answer, by its `RateLimit-Reason`.
    pub(super) fn of(reason: Option<&str>, seen: &Seen) -> Self {
        match reason {
            Some(BURST_REASON) => Self::Endpoint(endpoint(seen)),
            _ => Self::Everything,
        }
    }

    /// Whether a request is among those who were asked to wait.
    pub(super) fn covers(&self, seen: &Seen) -> bool {
        match self {
            Self::Everything => true,
            Self::Endpoint(name) => *name == endpoint(seen),
        }
    }
}

/// The method and the resource, with `*` for names of issues, projects and the like.
pub(super) fn endpoint(seen: &Seen) -> String {
    let mut name = format!("{} ", seen.method);
    let mut before = "";
    for (at, segment) in seen.resource().trim_end_matches('/').split('/').enumerate() {
        name.push_str(if at > 0 { "/" } else { "" });
        let is_name = COLLECTIONS.contains(&before) && !NOT_NAMES.contains(&segment);
        name.push_str(if is_name { "*" } else { segment });
        before = segment;
    }
    name
}

/// What Data Center never limits: `serverInfo` and remote links.
pub(super) fn is_exempt(seen: &Seen) -> bool {
    let resource = seen.resource();
    resource == "serverInfo" || resource.split('/').any(|segment| segment == "remotelink")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(resource: &str) -> Seen {
        crate::api::seen("GET", &format!("/rest/api/2/{resource}"), &Vec::new(), None)
    }

    #[test]
    fn names_do_not_make_another_endpoint() {
        for (resource, name) in [
            ("issue/P-1", "GET issue/*"),
            ("issue/10000/comment", "GET issue/*/comment"),
            ("issue/P-1/properties/some.key", "GET issue/*/properties/*"),
            ("issue/bulkfetch", "GET issue/bulkfetch"),
            ("search", "GET search"),
            ("project/P/versions", "GET project/*/versions"),
            ("project", "GET project"),
        ] {
            assert_eq!(endpoint(&get(resource)), name);
        }
    }

    #[test]
    fn some_endpoints_are_never_limited() {
        for (resource, exempt) in [
            ("serverInfo", true),
            ("issue/P-1/remotelink", true),
            ("issue/P-1/remotelink/7", true),
            ("myself", false),
            ("issue/P-1/comment", false),
        ] {
            assert_eq!(is_exempt(&get(resource)), exempt, "{resource}");
        }
    }
}
