//! What this Jira is and can do: asked once, before anything is believed. How times can be asked
//! for is found out by experiments, which differ by flavour.

mod cloud;
mod identity;
mod server;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::JiraClient;
use super::error::JiraError;
use super::flavor::Flavor;
use crate::jql::{Query, TimeGrid};
use crate::model::ProjectKey;

pub(super) use identity::Identity;
pub use identity::Myself;

/// What `jira.search.platform.max.result.window` is unless an administrator changed it: a total
/// of this size is a lower bound.
const DEFAULT_RESULT_WINDOW: u64 = 10_000;

/// What is known of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Jira's version, such as `9.12.7`.
    pub version: String,
    /// `deploymentType`: `Server`, `DataCenter` or `Cloud` as the instance says it.
    pub deployment: String,
    /// How it wants to be asked.
    pub flavor: Flavor,
    /// Who we are; `None` without credentials.
    pub user: Option<Myself>,
    /// The zone of our account, in which Jira reads minute literals. Cloud may keep it to itself.
    pub time_zone: Option<Tz>,
    /// The instants that JQL can express here: every second where an experiment showed that
    /// unquoted epoch milliseconds are honoured, else minutes in our zone.
    pub time_grid: TimeGrid,
    /// Jira's clock when it was asked.
    pub server_time: DateTime<Utc>,
    /// The most rows a listing page has.
    pub page_cap: u32,
    /// The most issues that may be fetched whole at once.
    pub batch_cap: u32,
    /// Whether `issue/{id}/changelog` exists; `None` when there was no issue to try it with.
    pub changelog_endpoint: Option<bool>,
    /// A `total` of this size is a lower bound and no count. Server only: Cloud has no totals.
    pub result_window: u64,
}

impl Instance {
    /// Whether JQL honours unquoted epoch milliseconds here.
    pub fn epoch_millis(&self) -> bool {
        self.time_grid == TimeGrid::Seconds
    }

    /// What the instance says it is, where it is asked as something else because we were told so.
    pub fn contradiction(&self) -> Option<Flavor> {
        let says = Flavor::detect(Some(&self.deployment));
        (says != self.flavor).then_some(says)
    }
}

/// What only experiments show.
struct Abilities {
    time_grid: TimeGrid,
    page_cap: u32,
    batch_cap: u32,
    changelog_endpoint: Option<bool>,
}

impl JiraClient {
    /// Asks what this Jira is, who we are, and what it can do. The experiments use the issues of
    /// `project`, or any when there is none. From here on answers to anybody else are refused.
    ///
    /// # Errors
    /// Any [`JiraError`]; [`JiraError::Unsupported`] where neither the time zone of minute literals
    /// is known nor epoch milliseconds are honoured.
    pub async fn probe(&self, project: Option<&ProjectKey>) -> Result<Instance, JiraError> {
        self.find_out(project).await.map_err(|error| self.explained(error))
    }

    async fn find_out(&self, project: Option<&ProjectKey>) -> Result<Instance, JiraError> {
        let flavor = self.identify().await?;
        let identity = self.identity().await?;
        let scope = project.map(|key| Query::project(key.clone(), None).to_string());
        let scope = scope.unwrap_or_default();
        let ((user, time_zone), abilities) = match flavor {
            Flavor::Server => {
                let newest = self.newest(&scope);
                let (known, newest) = futures::try_join!(self.probe_user(), newest)?;
                let abilities = self.probe_server(&scope, &newest, known.1).await?;
                (known, abilities)
            }
            Flavor::Cloud => {
                let oldest = self.oldest(&scope);
                let (known, oldest) = futures::try_join!(self.probe_user(), oldest)?;
                let abilities = self.probe_cloud(&oldest, known.1).await?;
                (known, abilities)
            }
        };
        let Abilities { time_grid, page_cap, batch_cap, changelog_endpoint } = abilities;
        Ok(Instance {
            version: identity.version.clone(),
            deployment: identity.deployment().to_owned(),
            flavor,
            user,
            time_zone,
            server_time: identity.server_time,
            time_grid,
            page_cap,
            batch_cap,
            changelog_endpoint,
            result_window: DEFAULT_RESULT_WINDOW,
        })
    }
}

/// How times are asked for: `honoured` says whether epoch milliseconds are, and is nothing where
/// there was no issue to find out with. Without a zone there is no other way; on an empty instance
/// it is tried when it matters.
fn time_grid(honoured: Option<bool>, zone: Option<Tz>) -> Result<TimeGrid, JiraError> {
    match (honoured.unwrap_or(zone.is_none()), zone) {
        (true, _) => Ok(TimeGrid::Seconds),
        (false, Some(zone)) => Ok(TimeGrid::Minutes(zone)),
        (false, None) => Err(JiraError::Unsupported { what: NO_TIME_ZONE.to_owned() }),
    }
}

const NO_TIME_ZONE: &str = "Jira neither tells the time zone of this account nor accepts epoch \
    milliseconds in JQL, so times cannot be asked for without guessing: use an account that can \
    log in (jira.token), with a time zone in its profile that others may see";

fn clause(scope: &str, condition: &str) -> String {
    if scope.is_empty() { condition.to_owned() } else { format!("{scope} AND {condition}") }
}
