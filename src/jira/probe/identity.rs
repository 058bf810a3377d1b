//! What kind of Jira this is, and who we are there.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

use crate::jira::JiraClient;
use crate::jira::error::JiraError;
use crate::jira::flavor::{Flavor, both};
use crate::jira::send::Answer;
use crate::jira::shape::Came;
use crate::model::parse_jira_time;

/// Who we are, as Jira sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Myself {
    /// Cloud's account id; Server's key, or name.
    pub id: String,
    /// The log-in name; on Cloud the e-mail address, where it may be seen.
    pub name: String,
    /// The display name.
    pub display_name: String,
}

/// What an instance says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::jira) struct Identity {
    pub(super) version: String,
    deployment: Option<String>,
    /// Jira's clock when it was asked.
    pub(super) server_time: DateTime<Utc>,
}

impl Identity {
    /// Old servers do not say it.
    pub(super) fn deployment(&self) -> &str {
        self.deployment.as_deref().unwrap_or("Server")
    }

    /// What this makes it.
    pub(in crate::jira) fn flavor(&self) -> Flavor {
        Flavor::detect(self.deployment.as_deref())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "Jira's serverInfo")]
struct ServerInfo {
    version: String,
    deployment_type: Option<String>,
    server_time: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a user")]
struct WireMyself {
    account_id: Option<String>,
    key: Option<String>,
    name: Option<String>,
    email_address: Option<String>,
    display_name: Option<String>,
    time_zone: Option<String>,
}

impl JiraClient {
    /// Takes this Jira for a `flavor`, whatever it says of itself. Without effect once it was asked.
    pub fn assume_flavor(&self, flavor: Flavor) {
        // The first word counts.
        let _ = self.0.flavor.set(flavor);
    }

    /// Asks what kind of Jira this is, once; from here on it is asked in its own way.
    ///
    /// # Errors
    /// Any [`JiraError`].
    pub async fn identify(&self) -> Result<Flavor, JiraError> {
        let identity = self.identity().await?;
        Ok(*self.0.flavor.get_or_init(|| identity.flavor()))
    }

    pub(super) async fn identity(&self) -> Result<&Identity, JiraError> {
        let ask = async || {
            let identity = self.sender().send(&both::server_info(), read_info).await?;
            if let Some(assumed) = self.0.flavor.get()
                && *assumed != identity.flavor()
            {
                tracing::warn!(
                    jira.flavor = %assumed, jira.deployment = identity.deployment(),
                    "jira says that it is another kind of jira than it is taken for"
                );
            }
            Ok(identity)
        };
        self.0.identity.get_or_try_init(ask).await
    }

    /// Who we are and which time zone we have; from here on answers to anybody else are refused.
    pub(super) async fn probe_user(&self) -> Result<(Option<Myself>, Option<Tz>), JiraError> {
        if self.sender().auth.is_anonymous() {
            return Ok((None, None));
        }
        let (myself, time_zone) =
            self.sender().send(&both::myself(self.flavor()), read_myself).await?;
        self.sender().auth.expect_user(vec![myself.name.clone(), myself.id.clone()]);
        Ok((Some(myself), time_zone))
    }

    /// Asks once more who we are, where that can be asked: before and after anything is concluded
    /// from what Jira does not show. An answer to anybody else is refused like every other.
    ///
    /// # Errors
    /// Any [`JiraError`].
    pub async fn confirm_identity(&self) -> Result<(), JiraError> {
        self.probe_user().await.map(|_| ())
    }
}

fn read_info(answer: &Answer) -> Result<Identity, Came> {
    let info: ServerInfo = answer.object()?;
    let server_time = info.server_time.as_deref().and_then(|text| parse_jira_time(text).ok());
    Ok(Identity {
        version: info.version,
        deployment: info.deployment_type,
        server_time: server_time.unwrap_or(answer.jira_time),
    })
}

fn read_myself(answer: &Answer) -> Result<(Myself, Option<Tz>), Came> {
    let wire: WireMyself = answer.object()?;
    let time_zone = match wire.time_zone.filter(|name| !name.is_empty()) {
        Some(name) => Some(name.parse().map_err(|_| {
            Came::wrong_shape(format!(
                "the account's time zone {name:?} is unknown to this program"
            ))
        })?),
        None => None,
    };
    let id = wire.account_id.or(wire.key).or_else(|| wire.name.clone());
    let id = id.ok_or_else(|| Came::wrong_shape("it names no account"))?;
    let name = wire.name.or(wire.email_address).unwrap_or_else(|| id.clone());
    let display_name = wire.display_name.unwrap_or_else(|| name.clone());
    Ok((Myself { id, name, display_name }, time_zone))
}
