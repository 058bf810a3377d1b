//! What this Jira is and can do: asked once, before anything is believed.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

use super::JiraClient;
use super::error::JiraError;
use super::flavor::{Flavor, common};
use super::send::Answer;
use super::shape::Came;
use crate::jql::{Query, TimeGrid};
use crate::model::{EpochSecond, IssueId, ListingPage, PageStart, ProjectKey, parse_jira_time};

/// The page size asked for to learn what the instance allows.
const LARGEST_PAGE: u32 = 1000;

/// What `jira.search.platform.max.result.window` is unless an administrator changed it: a total
/// of this size is a lower bound.
const DEFAULT_RESULT_WINDOW: u64 = 10_000;

/// How often counts are compared again because issues changed in between.
const COUNT_ATTEMPTS: usize = 3;

/// Who we are, as Jira sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Myself {
    /// The user's key, or name.
    pub id: String,
    /// The log-in name.
    pub name: String,
    /// The display name.
    pub display_name: String,
}

/// What is known of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Jira's version, such as `9.12.7`.
    pub version: String,
    /// `deploymentType`: `Server` or `DataCenter` as the instance says it.
    pub deployment: String,
    /// How it wants to be asked.
    pub flavor: Flavor,
    /// Who we are; `None` without credentials.
    pub user: Option<Myself>,
    /// The zone of our account, in which Jira reads minute literals.
    pub time_zone: Option<Tz>,
    /// The instants that JQL can express here: every second where an experiment showed that
    /// unquoted epoch milliseconds are honoured, else minutes in our zone.
    pub time_grid: TimeGrid,
    /// Jira's clock when it was asked.
    pub server_time: DateTime<Utc>,
    /// The most rows a listing page has.
    pub page_cap: u32,
    /// Whether `issue/{id}/changelog` exists; `None` when there was no issue to try it with.
    pub changelog_endpoint: Option<bool>,
    /// A `total` of this size is a lower bound and no count.
    pub result_window: u64,
}

impl Instance {
    /// Whether JQL honours unquoted epoch milliseconds here.
    pub fn epoch_millis(&self) -> bool {
        self.time_grid == TimeGrid::Seconds
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
    key: Option<String>,
    name: String,
    display_name: Option<String>,
    time_zone: Option<String>,
}

impl JiraClient {
    /// Asks what this Jira is, who we are, and what it can do. The experiments use the issues of
    /// `project`, or any when there is none. From here on answers to anybody else are refused.
    ///
    /// # Errors
    /// Any [`JiraError`]; [`JiraError::Unsupported`] for Cloud, and where neither the time zone
    /// of minute literals is known nor epoch milliseconds are honoured.
    pub async fn probe(&self, project: Option<&ProjectKey>) -> Result<Instance, JiraError> {
        let (info, answered) = self
            .sender()
            .send(&common::server_info(), |answer| {
                Ok((answer.object::<ServerInfo>()?, answer.jira_time))
            })
            .await?;
        let detected = Flavor::detect(info.deployment_type.as_deref());
        let flavor = *self.0.flavor.get_or_init(|| detected);
        let (user, time_zone) = self.probe_user().await?;
        let scope = project.map(|key| Query::project(key.clone(), None).to_string());
        let scope = scope.unwrap_or_default();
        let newest = self.list(&newest_first(&scope), &PageStart::FIRST, LARGEST_PAGE).await?;
        let time_grid = self.probe_time_grid(&scope, &newest, time_zone).await?;
        let server_time = info.server_time.as_deref().and_then(|text| parse_jira_time(text).ok());
        Ok(Instance {
            version: info.version,
            deployment: info.deployment_type.unwrap_or_else(|| "Server".to_owned()),
            flavor,
            user,
            time_zone,
            server_time: server_time.unwrap_or(answered),
            time_grid,
            page_cap: page_cap(&newest),
            changelog_endpoint: match newest.rows.first() {
                Some(row) => self.probe_changelog(row.id).await?,
                None => None,
            },
            result_window: DEFAULT_RESULT_WINDOW,
        })
    }

    async fn probe_user(&self) -> Result<(Option<Myself>, Option<Tz>), JiraError> {
        if self.sender().auth.is_anonymous() {
            return Ok((None, None));
        }
        let (myself, time_zone) =
            self.sender().send(&common::myself(self.flavor()), read_myself).await?;
        self.sender().auth.expect_user(vec![myself.name.clone(), myself.id.clone()]);
        Ok((Some(myself), time_zone))
    }

    /// Epoch milliseconds where they work, else minutes in our zone. Without a zone there is no
    /// other way than epoch milliseconds; on an empty instance they are tried when it matters.
    async fn probe_time_grid(
        &self,
        scope: &str,
        newest: &ListingPage,
        zone: Option<Tz>,
    ) -> Result<TimeGrid, JiraError> {
        let newest = newest.rows.iter().find_map(|row| row.updated).map(EpochSecond::floor);
        let honoured = match newest {
            Some(newest) => self.honours_epoch_millis(scope, newest, zone).await?,
            None => zone.is_none(),
        };
        match (honoured, zone) {
            (true, _) => Ok(TimeGrid::Seconds),
            (false, Some(zone)) => Ok(TimeGrid::Minutes(zone)),
            (false, None) => Err(JiraError::Unsupported { what: NO_TIME_ZONE.to_owned() }),
        }
    }

    /// Whether unquoted epoch milliseconds select what the same minute's literal selects; or,
    /// where our zone is not known, whether they divide the issues as an instant does.
    async fn honours_epoch_millis(
        &self,
        scope: &str,
        newest: EpochSecond,
        zone: Option<Tz>,
    ) -> Result<bool, JiraError> {
        let Some(minute) = TimeGrid::Minutes(zone.unwrap_or(Tz::UTC)).floor(newest) else {
            return Ok(false);
        };
        let millis = minute.second().millis().to_string();
        for _ in 0..COUNT_ATTEMPTS {
            let Some(first) = self.split(scope, &millis).await? else { return Ok(false) };
            let expected = match zone {
                Some(_) => self.split(scope, minute.literal()).await?,
                None => self.count_dated(scope).await?.map(|dated| Split {
                    from: first.from,
                    before: dated.saturating_sub(first.from),
                }),
            };
            let Some(again) = self.split(scope, &millis).await? else { return Ok(false) };
            if first.from > 0 && expected.is_some_and(|split| split.lies_between(first, again)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// How many issues lie from `literal` on and before it; `None` where the literal is refused.
    async fn split(&self, scope: &str, literal: &str) -> Result<Option<Split>, JiraError> {
        let from =
            self.count_if_understood(&clause(scope, &format!("updated >= {literal}"))).await?;
        let before =
            self.count_if_understood(&clause(scope, &format!("updated < {literal}"))).await?;
        Ok(from.zip(before).map(|(from, before)| Split { from, before }))
    }

    async fn count_dated(&self, scope: &str) -> Result<Option<u64>, JiraError> {
        self.count_if_understood(&clause(scope, "updated is not EMPTY")).await
    }

    async fn count_if_understood(&self, jql: &str) -> Result<Option<u64>, JiraError> {
        match self.count(jql).await {
            Ok(count) => Ok(Some(count)),
            Err(JiraError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn probe_changelog(&self, id: IssueId) -> Result<Option<bool>, JiraError> {
        match self.sender().send(&common::changelog(self.flavor(), id, 0), |_| Ok(())).await {
            Ok(()) => Ok(Some(true)),
            Err(JiraError::NoEndpoint { .. }) => {
                self.note_no_changelog_endpoint();
                Ok(Some(false))
            }
            Err(
                JiraError::NotFound { .. }
                | JiraError::Refused { .. }
                | JiraError::Forbidden { .. }
                | JiraError::Timeout { .. }
                | JiraError::TooLarge { .. },
            ) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

const NO_TIME_ZONE: &str = "Jira neither tells the time zone of this account nor accepts epoch \
    milliseconds in JQL, so times cannot be asked for without guessing: use an account that can \
    log in (jira.token), with a time zone in its profile";

/// How the issues divide at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Split {
    from: u64,
    before: u64,
}

impl Split {
    /// Whether this is what was there between two looks. An instance in use changes all the time,
    /// but only so much from one look to the next.
    fn lies_between(self, one: Self, other: Self) -> bool {
        let within = |of: fn(Self) -> u64| {
            let (low, high) = (of(one).min(of(other)), of(one).max(of(other)));
            (low..=high).contains(&of(self))
        };
        within(|split| split.from) && within(|split| split.before)
    }
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
    let myself = Myself {
        id: wire.key.unwrap_or_else(|| wire.name.clone()),
        display_name: wire.display_name.unwrap_or_else(|| wire.name.clone()),
        name: wire.name,
    };
    Ok((myself, time_zone))
}

fn newest_first(scope: &str) -> String {
    format!("{scope} ORDER BY updated DESC").trim_start().to_owned()
}

fn clause(scope: &str, condition: &str) -> String {
    if scope.is_empty() { condition.to_owned() } else { format!("{scope} AND {condition}") }
}

/// The page size the instance used; fewer rows than that, with more to come, is a silent cap.
fn page_cap(page: &ListingPage) -> u32 {
    let rows = u32::try_from(page.rows.len()).unwrap_or(u32::MAX);
    let echoed = page.max_results.unwrap_or(LARGEST_PAGE).clamp(1, LARGEST_PAGE);
    let more_to_come = page.total.is_some_and(|total| total > u64::from(rows));
    if more_to_come && rows > 0 { echoed.min(rows) } else { echoed }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::model::ListedIssue;

    fn page(rows: usize, total: u64, echoed: Option<u32>) -> ListingPage {
        let row = ListedIssue { id: IssueId(1), key: "P-1".parse().unwrap(), updated: None };
        ListingPage { rows: vec![row; rows], total: Some(total), max_results: echoed, next: None }
    }

    #[rstest]
    #[case(1000, 5000, Some(1000), 1000)]
    #[case(100, 5000, Some(100), 100)]
    #[case(100, 5000, Some(1000), 100)]
    #[case(100, 5000, None, 100)]
    #[case(3, 3, Some(1000), 1000)]
    #[case(0, 7, Some(500), 500)]
    #[case(0, 0, Some(0), 1)]
    fn the_page_cap_is_what_was_echoed_or_delivered(
        #[case] rows: usize,
        #[case] total: u64,
        #[case] echoed: Option<u32>,
        #[case] expected: u32,
    ) {
        assert_eq!(page_cap(&page(rows, total, echoed)), expected);
    }
}
