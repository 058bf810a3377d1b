//! How the two kinds of Jira want to be asked: what they have in common, and what not.

pub(super) mod both;
pub(super) mod cloud;
pub(super) mod server;

use std::fmt;

/// The kind of Jira.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flavor {
    /// Server and Data Center: REST v2.
    Server,
    /// Cloud: REST v3.
    Cloud,
}

impl fmt::Display for Flavor {
    /// As `jira.flavor` is written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "server",
            Self::Cloud => "cloud",
        })
    }
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
