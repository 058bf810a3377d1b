//! A simulated Jira (Server / Data Center, or Cloud), for tests, benchmarks and the demo.
//!
//! [`World`] is a pure model: issues, their history, an index that may lag behind the documents,
//! and a clock that only moves when told. [`SimServer`] serves a world over HTTP as REST v2 or as
//! Cloud's REST v3, with its own naive JQL, scripted faults and a log of every request. Nothing here is shared with the
//! program under test: what both understand of Jira was written twice, on purpose.

mod api;
mod config;
mod cost;
mod dump;
mod faults;
mod generate;
mod json;
mod limits;
mod listener;
mod live;
mod payloads;
mod query;
mod random;
mod requests;
mod server;
mod time;
mod world;

pub use api::{CloudView, account_id};
pub use config::{
    Access, Auth, ChangelogEndpoint, CloudSite, CostModel, Flavor, IsLast, ResultWindow, SimConfig,
};
pub use cost::{LinkCost, Served};
pub use dump::dump;
pub use faults::{Action, Endpoint, Faults, Gate, RetryAfter, Rule, RuleId, TokenFault, When};
pub use generate::{Shape, WorldProfile, generate, populate};
pub use json::Json;
pub use limits::{BucketLimit, BurstLimit, QuotaLimit, RateLimits, ThrottleScope, Violation};
pub use live::LiveScript;
pub use payloads::{LoadError, LoadReport, load_payloads};
pub use query::{Hits, QueryError, SearchOptions, search};
pub use random::Random;
pub use requests::{Expectation, RequestLog, RequestRecord, Seen};
pub use server::{SimServer, StartError};
pub use time::{Millis, jira_text, parse_jira};
pub use world::{
    Child, Corruption, Draft, Imported, IndexEntry, IndexLag, Issue, IssueId, IssueKey, Planted,
    Project, RemoteLink, Scope, User, World, WorldError, Written,
};
