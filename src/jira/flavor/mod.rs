//! How the two kinds of Jira want to be asked: what they have in common, and what not.

pub(super) mod common;
pub(super) mod server;

/// The kind of Jira.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flavor {
    /// Server and Data Center: REST v2.
    Server,
    /// Cloud: REST v3.
    Cloud,
}

impl Flavor {
    /// The flavour of an instance, by `deploymentType` of `serverInfo`. Old servers have none.
    pub(super) fn detect(deployment: Option<&str>) -> Self {
        match deployment {
            Some(name) if name.eq_ignore_ascii_case("cloud") => Self::Cloud,
            Some(_) | None => Self::Server,
        }
    }

    /// Where the API begins, below the base URL.
    pub(super) fn api(self) -> &'static [&'static str] {
        match self {
            Self::Server => &["rest", "api", "2"],
            Self::Cloud => &["rest", "api", "3"],
        }
    }
}
