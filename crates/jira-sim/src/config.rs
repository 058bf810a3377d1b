//! How the simulated instance is set up. Everything here can be changed while it runs.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use chrono_tz::Tz;

use crate::cost::LinkCost;
use crate::limits::RateLimits;

/// Who may log in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Auth {
    /// The personal access token that is accepted as a bearer.
    pub token: Option<String>,
    /// The user name and password (or token) accepted as basic authentication.
    pub basic: Option<(String, String)>,
    /// Whether credentials have expired: every request is then answered as an anonymous one.
    pub expired: bool,
}

impl Auth {
    /// Only this bearer token.
    pub fn token(token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::default() }
    }

    /// Whether anybody at all is let in without credentials.
    pub(crate) fn is_open(&self) -> bool {
        self.token.is_none() && self.basic.is_none()
    }
}

/// Which kind of Jira a world is served as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flavor {
    /// Server / Data Center, REST v2.
    #[default]
    Server,
    /// Cloud, REST v3.
    Cloud,
}

/// Whether pages of Cloud's search say `isLast`; clients cannot rely on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IsLast {
    /// On every page.
    Always,
    /// On every other request.
    #[default]
    Sometimes,
    /// Never.
    Never,
}

/// What only a Cloud site has. Nothing of it matters while Server is served.
#[derive(Debug, Clone)]
pub struct CloudSite {
    /// The id in `_edge/tenant_info` and in the gateway's paths, unless the context path names one.
    pub cloud_id: String,
    /// Rows of a page of `search/jql` that asks for more than ids and keys; those may be 5,000.
    pub page_cap: usize,
    /// Rows of a page of `search/jql` that asks for whole issues, or nearly.
    pub whole_page_cap: usize,
    /// Changelog entries inline, the newest ones.
    pub inline_changelog: usize,
    /// Comments inline, the newest ones.
    pub inline_comments: usize,
    /// Worklogs inline, the oldest ones.
    pub inline_worklogs: usize,
    /// Whether credentials count at the gateway alone; the site's own address then answers 401.
    pub scoped_tokens: bool,
    /// Resources (what follows `/rest/api/3/` begins with one of these) whose scope is missing.
    pub missing_scopes: Vec<String>,
    /// How long page tokens live by the world's clock.
    pub token_lifetime: Duration,
    /// After how many pages a chain of tokens is refused as expired; `None` for never.
    pub token_pages: Option<u32>,
    /// Whether pages say `isLast`.
    pub is_last: IsLast,
    /// Whether `changelog/bulkfetch` writes `created` as epoch milliseconds instead of text.
    pub numeric_changelog_times: bool,
    /// Share of the bodies that are rich documents: mentions, lists, tables, code, panels.
    pub rich_bodies: f64,
    /// Whether `myself` keeps the time zone to itself.
    pub hides_time_zone: bool,
}

impl Default for CloudSite {
    fn default() -> Self {
        Self {
            cloud_id: "c1c1c1c1-0000-4000-8000-000000000001".to_owned(),
            page_cap: 1000,
            whole_page_cap: 100,
            inline_changelog: 40,
            inline_comments: 20,
            inline_worklogs: 20,
            scoped_tokens: false,
            missing_scopes: Vec::new(),
            token_lifetime: Duration::from_secs(7 * 24 * 60 * 60),
            token_pages: None,
            is_last: IsLast::Sometimes,
            numeric_changelog_times: false,
            rich_bodies: 0.1,
            hides_time_zone: false,
        }
    }
}

/// Whether `/issue/{key}/changelog` exists; on Data Center 9.12 it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChangelogEndpoint {
    /// 404 with a body that says "null for uri".
    #[default]
    Absent,
    /// Paginated, as `values`.
    Paginated,
}

/// Whether a resource answers this caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// It does.
    #[default]
    Open,
    /// 403: a permission is missing.
    Forbidden,
    /// 404: this version does not have it.
    Absent,
}

/// The limit of deep paging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResultWindow {
    /// `startAt + maxResults` must not exceed this.
    pub limit: usize,
    /// Beyond it: no rows with 200, instead of a 500 "Search limit exceeded".
    pub answers_empty: bool,
    /// Whether `total` never exceeds the limit.
    pub clamps_total: bool,
}

/// Real time that answers cost.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CostModel {
    /// Each request.
    pub per_request: Duration,
    /// Each row of a listing.
    pub per_row: Duration,
    /// Each issue served whole.
    pub per_issue: Duration,
    /// Issues with links, by how many they have.
    pub links: LinkCost,
}

/// The instance's set-up.
#[derive(Debug, Clone)]
pub struct SimConfig {
    /// Which Jira the world is served as.
    pub flavor: Flavor,
    /// What only Cloud has.
    pub cloud: CloudSite,
    /// `/jira` for an instance below a path; empty for none. On Cloud, `/ex/jira/` and the cloud id
    /// makes the gateway the address that clients are given.
    pub context_path: String,
    /// The address to listen on; by default only this machine's own programs are answered.
    pub address: IpAddr,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// Who may log in; by default everybody is [`SimConfig::user`].
    pub auth: Auth,
    /// The caller's user name.
    pub user: String,
    /// The caller's profile time zone, in which date literals are read.
    pub user_zone: Tz,
    /// `jira.search.views.default.max`: what `maxResults` is cut to, and echoed as.
    pub page_cap: usize,
    /// A lower cap that is not echoed.
    pub silent_page_cap: Option<usize>,
    /// The limit of deep paging, if any.
    pub result_window: Option<ResultWindow>,
    /// Whether unquoted epoch milliseconds are understood in JQL.
    pub epoch_millis: bool,
    /// Whether the paginated changelog exists.
    pub changelog_endpoint: ChangelogEndpoint,
    /// Whether `index/summary` and `reindex` answer; Jira keeps them for administrators. Server only.
    pub index_summary: Access,
    /// Whether `worklog/deleted` and `worklog/updated` answer.
    pub worklog_feed: Access,
    /// Whether answers are compressed for clients that accept it.
    pub gzip: bool,
    /// Whether every answer carries Data Center's rate-limit headers, `Retry-After: 0` among them,
    /// even where nothing is limited.
    pub rate_limit_headers: bool,
    /// The limits in force.
    pub limits: RateLimits,
    /// The version in `serverInfo`.
    pub version: [u32; 3],
    /// What answers cost.
    pub cost: CostModel,
    /// Whether the world's clock moves with real time while it is served.
    pub clock_runs: bool,
    /// Seeds the order of rows that a query leaves open.
    pub seed: u64,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            flavor: Flavor::Server,
            cloud: CloudSite::default(),
            context_path: String::new(),
            address: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            auth: Auth::default(),
            user: "extractor".to_owned(),
            user_zone: Tz::UTC,
            page_cap: 1000,
            silent_page_cap: None,
            result_window: None,
            epoch_millis: true,
            changelog_endpoint: ChangelogEndpoint::Absent,
            index_summary: Access::Open,
            worklog_feed: Access::Open,
            gzip: true,
            rate_limit_headers: false,
            limits: RateLimits::default(),
            version: [9, 12, 7],
            cost: CostModel::default(),
            clock_runs: false,
            seed: 1,
        }
    }
}

/// What the gateway's paths begin with, before the cloud id.
pub(crate) const GATEWAY: &str = "/ex/jira/";

impl SimConfig {
    /// Cloud, and otherwise the defaults.
    pub fn cloud() -> Self {
        Self { flavor: Flavor::Cloud, ..Self::default() }
    }

    /// The site's id: the one in the context path if that is the gateway's, else as configured.
    pub fn cloud_id(&self) -> &str {
        self.context_path.strip_prefix(GATEWAY).unwrap_or(&self.cloud.cloud_id)
    }

    /// The path below which the gateway serves this site.
    pub(crate) fn gateway_path(&self) -> String {
        format!("{GATEWAY}{}", self.cloud_id())
    }

    /// The path below which the site itself serves.
    pub(crate) fn site_path(&self) -> &str {
        let is_gateway = self.flavor == Flavor::Cloud && self.context_path.starts_with(GATEWAY);
        if is_gateway { "" } else { &self.context_path }
    }

    /// What follows the prefix of an address, and whether that was the gateway's.
    pub(crate) fn below_prefix<'a>(&self, path: &'a str) -> (&'a str, bool) {
        let below = |prefix: &str| {
            path.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if self.flavor == Flavor::Cloud
            && let Some(rest) = below(&self.gateway_path())
        {
            return (rest, true);
        }
        (below(self.site_path()).unwrap_or(path), false)
    }
}
