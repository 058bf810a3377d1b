//! How the two kinds of Jira want to be asked. Only Server / Data Center is spoken so far; Cloud
//! is recognised and refused.

pub(super) mod server;

use super::error::JiraError;

/// The kind of Jira.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flavor {
    /// Server and Data Center: REST v2.
    Server,
}

impl Flavor {
    /// The flavour of an instance, by `deploymentType` of `serverInfo`. Old servers have none.
    ///
    /// # Errors
    /// [`JiraError::Unsupported`] for Cloud.
    pub(super) fn detect(deployment: Option<&str>) -> Result<Self, JiraError> {
        match deployment {
            Some(name) if name.eq_ignore_ascii_case("cloud") => Err(JiraError::Unsupported {
                what: "this is a Jira Cloud site, which this version cannot extract yet: it \
                       speaks to Jira Server and Data Center"
                    .to_owned(),
            }),
            Some(_) | None => Ok(Self::Server),
        }
    }
}
