//! Which rate limits an instance sets, and how large they are. Times are real ones, because clients
//! wait in real time; in headers they are rounded up to whole seconds.

use std::time::Duration;

/// The limits in force. None of them by default; each is independent of the others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RateLimits {
    /// Data Center: one bucket for everything but a few endpoints.
    pub bucket: Option<BucketLimit>,
    /// Cloud: requests of one method to one endpoint.
    pub burst: Option<BurstLimit>,
    /// Cloud: points that all requests take from.
    pub quota: Option<QuotaLimit>,
}

/// Data Center's token bucket. Every answer to somebody who is logged in shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketLimit {
    /// Tokens a full bucket holds; it is full at the start.
    pub size: u32,
    /// Tokens that are added each interval.
    pub fill: u32,
    /// The interval.
    pub interval: Duration,
}

impl Default for BucketLimit {
    /// A setting that was seen in use: 50 tokens, 10 more each minute.
    fn default() -> Self {
        Self { size: 50, fill: 10, interval: Duration::from_secs(60) }
    }
}

/// Cloud's burst limit: 429 with `RateLimit-Reason: jira-burst-based`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BurstLimit {
    /// Requests allowed to one endpoint by one method in any `per`.
    pub requests: usize,
    /// The length of the window.
    pub per: Duration,
}

impl BurstLimit {
    /// This many requests in any second.
    pub fn per_second(requests: usize) -> Self {
        Self { requests, per: Duration::from_secs(1) }
    }
}

/// Cloud's quota: 429 with `RateLimit-Reason: jira-quota-tenant-based`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaLimit {
    /// Points that each window has. A request costs one.
    pub points: u64,
    /// What each issue in an answer costs besides.
    pub per_issue: u64,
    /// The length of a window; the first one begins with the first request.
    pub per: Duration,
    /// Whether `X-RateLimit-Reset` names an instant that is past already, as has been seen.
    pub reset_is_past: bool,
}

impl QuotaLimit {
    /// This many requests each window, whatever they bring.
    pub fn new(points: u64, per: Duration) -> Self {
        Self { points, per_issue: 0, per, reset_is_past: false }
    }
}
