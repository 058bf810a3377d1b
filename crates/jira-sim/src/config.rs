//! How the simulated instance is set up. Everything here can be changed while it runs.

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

/// Whether `/issue/{key}/changelog` exists; on Data Center 9.12 it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChangelogEndpoint {
    /// 404 with a body that says "null for uri".
    #[default]
    Absent,
    /// Paginated, as `values`.
    Paginated,
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
    /// `/jira` for an instance below a path; empty for none.
    pub context_path: String,
    /// The port on 127.0.0.1; 0 takes a free one.
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
            context_path: String::new(),
            port: 0,
            auth: Auth::default(),
            user: "extractor".to_owned(),
            user_zone: Tz::UTC,
            page_cap: 1000,
            silent_page_cap: None,
            result_window: None,
            epoch_millis: true,
            changelog_endpoint: ChangelogEndpoint::Absent,
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
