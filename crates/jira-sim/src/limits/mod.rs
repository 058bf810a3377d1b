//! Rate limits: what they refuse, and what every answer says of them. Data Center's token bucket,
//! Cloud's bursts and quota; who asks before a `Retry-After` has passed is found in `violations`.
//! Pure: the time is an argument, counted from the start of the server.

mod bucket;
mod burst;
mod notice;
mod quota;
mod scope;
mod settings;
mod violations;

use std::sync::Mutex;
use std::time::Duration;

use bucket::Bucket;
use burst::Bursts;
pub(crate) use notice::Notice;
use quota::Quota;
pub use scope::ThrottleScope;
pub use settings::{BucketLimit, BurstLimit, QuotaLimit, RateLimits};
pub use violations::Violation;

use crate::requests::{Seen, lock};
use crate::time::{Millis, minute_text};

/// Headers of an answer.
type Headers = Vec<(&'static str, String)>;

/// How far back a reset lies that is past already.
const PAST: Millis = 25 * 60 * 1000;

/// The limits of one server, as far as they are used up.
#[derive(Debug, Default)]
pub(crate) struct Limiter(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    bucket: Option<Bucket>,
    bursts: Bursts,
    quota: Option<Quota>,
}

/// A request that a limit refuses.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// For the log.
    pub(crate) limit: &'static str,
    /// Cloud's `RateLimit-Reason`.
    reason: Option<&'static str>,
    wait: Duration,
}

impl Refusal {
    /// What the 429 says; `clock` is the instance's.
    pub(crate) fn headers(&self, clock: Millis) -> Headers {
        let seconds = whole_seconds(self.wait).as_secs();
        let mut headers = vec![("retry-after", seconds.to_string())];
        if let Some(reason) = self.reason {
            headers.push(("ratelimit-reason", reason.to_owned()));
            let reset = clock.saturating_add(millis(Duration::from_secs(seconds)));
            headers.push(("x-ratelimit-reset", minute_text(reset)));
        }
        headers
    }
}

impl Limiter {
    /// Lets a request of somebody who is logged in through, or refuses it.
    pub(crate) fn admit(
        &self,
        limits: &RateLimits,
        seen: &Seen,
        at: Duration,
    ) -> Result<(), Refusal> {
        let mut state = lock(&self.0);
        state.follow(limits, at);
        if let Some(bucket) = state.bucket.as_mut().filter(|_| !scope::is_exempt(seen)) {
            let refusal = |wait| Refusal { limit: "bucket", reason: None, wait };
            bucket.take(at).map_err(refusal)?;
        }
        if let Some(limit) = limits.burst {
            let reason = Some(scope::BURST_REASON);
            let refusal = |wait| Refusal { limit: "burst", reason, wait };
            state.bursts.admit(limit, &scope::endpoint(seen), at).map_err(refusal)?;
        }
        if let Some(quota) = &mut state.quota {
            let reason = Some("jira-quota-tenant-based");
            let refusal = |wait| Refusal { limit: "quota", reason, wait };
            quota.take(at).map_err(refusal)?;
        }
        Ok(())
    }

    /// Takes the points of the issues in an answer.
    pub(crate) fn charge(&self, issues: usize) {
        if let Some(quota) = &mut lock(&self.0).quota {
            quota.charge(issues);
        }
    }

    /// What every answer says of the limits; `clock` is the instance's.
    pub(crate) fn headers(&self, limits: &RateLimits, at: Duration, clock: Millis) -> Headers {
        let mut state = lock(&self.0);
        state.follow(limits, at);
        let mut headers = Headers::new();
        if let Some(bucket) = &mut state.bucket {
            let (left, wait) = bucket.standing(at);
            headers.extend(bucket_headers(bucket.limit(), left, wait));
        }
        if let Some(quota) = &mut state.quota {
            let (left, until_reset) = quota.standing(at);
            headers.extend(quota_headers(quota.limit(), left, until_reset, clock));
        }
        headers
    }
}

impl State {
    /// Begins anew with what has been set otherwise since.
    fn follow(&mut self, limits: &RateLimits, at: Duration) {
        if self.bucket.as_ref().map(Bucket::limit) != limits.bucket {
            self.bucket = limits.bucket.map(|limit| Bucket::new(limit, at));
        }
        if self.quota.as_ref().map(Quota::limit) != limits.quota {
            self.quota = limits.quota.map(|limit| Quota::new(limit, at));
        }
    }
}

/// The headers of a bucket from which nobody but the asker takes: for instances without a limit
/// that show one all the same.
pub(crate) fn untouched_bucket_headers() -> Headers {
    let limit = BucketLimit::default();
    bucket_headers(limit, limit.size.saturating_sub(1), Duration::ZERO)
}

fn bucket_headers(limit: BucketLimit, left: u32, wait: Duration) -> Headers {
    vec![
        ("x-ratelimit-limit", limit.size.to_string()),
        ("x-ratelimit-remaining", left.to_string()),
        ("x-ratelimit-interval-seconds", whole_seconds(limit.interval).as_secs().to_string()),
        ("x-ratelimit-fillrate", limit.fill.to_string()),
        ("retry-after", whole_seconds(wait).as_secs().to_string()),
    ]
}

fn quota_headers(limit: QuotaLimit, left: u64, until_reset: Duration, clock: Millis) -> Headers {
    let reset = match limit.reset_is_past {
        true => clock.saturating_sub(PAST),
        false => clock.saturating_add(millis(until_reset)),
    };
    let mut headers = vec![
        ("x-ratelimit-limit", limit.points.to_string()),
        ("x-ratelimit-remaining", left.to_string()),
        ("x-ratelimit-reset", minute_text(reset)),
    ];
    if Quota::is_near(limit, left) {
        headers.push(("x-ratelimit-nearlimit", "true".to_owned()));
    }
    headers
}

/// Rounded up.
fn whole_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)))
}

fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_rounded_up_to_seconds() {
        for (ms, seconds) in [(0, 0), (1, 1), (1000, 1), (1001, 2)] {
            assert_eq!(whole_seconds(Duration::from_millis(ms)), Duration::from_secs(seconds));
        }
    }

    #[test]
    fn a_reset_has_minutes_and_may_be_past() {
        let clock = 1_704_164_645_678;
        let limit = QuotaLimit::new(10, Duration::from_secs(60));
        let reset = |limit, clock| {
            let headers = quota_headers(limit, 5, Duration::from_secs(120), clock);
            headers.into_iter().find(|(name, _)| *name == "x-ratelimit-reset").unwrap().1
        };
        assert_eq!(reset(limit, clock), "2024-01-02T03:06Z");
        let past = QuotaLimit { reset_is_past: true, ..limit };
        assert_eq!(reset(past, clock), "2024-01-02T02:39Z");
    }
}
