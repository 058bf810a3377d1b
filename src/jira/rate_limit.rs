//! What the headers of an answer say about the quota behind it, as advice how fast to go on. Pure:
//! the present is an argument. `Retry-After`, which is an order and no advice, is `retry_after`'s.
//!
//! Data Center counts tokens (`X-RateLimit-Limit`, `-Remaining`, `-Interval-Seconds`, `-FillRate`,
//! on every answer). Cloud says `X-RateLimit-NearLimit` when less than a fifth of some budget is
//! left, and tells of quotas by `X-RateLimit-Remaining` and `-Reset`, or by `Beta-RateLimit:
//! "name";r=left;t=seconds`. What is missing or garbled means nothing.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::retry_after;

/// At this part of a quota its end is near. Cloud draws its line there too.
const NEAR: f64 = 0.2;
/// No advice keeps requests apart for longer than this: whoever wants more of us says so by
/// `Retry-After`.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// No advice is kept for longer than this.
const LONGEST_VALIDITY: Duration = Duration::from_secs(3600);
/// How long the rate stays halved after a hint that says no more than that.
const HALVED_FOR: Duration = Duration::from_secs(60);

/// How fast to go on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Advice {
    /// There is plenty left.
    Free,
    /// It runs out, and nobody says when there will be more: half of the configured rate.
    Half {
        /// For so long.
        lasts: Duration,
    },
    /// What is left lasts if it is spread.
    Spread {
        /// From one request to the next.
        interval: Duration,
        /// For so long.
        lasts: Duration,
    },
    /// Nothing is left.
    Hold {
        /// No request for so long.
        wait: Duration,
        /// Then one in so long.
        interval: Duration,
        /// All in all for so long.
        lasts: Duration,
    },
}

impl Advice {
    /// What a hint without numbers means.
    pub(super) const HALVE: Self = Self::Half { lasts: HALVED_FOR };

    /// The slower, the greater.
    fn severity(&self) -> (u8, Duration) {
        match self {
            Self::Free => (0, Duration::ZERO),
            Self::Half { lasts } => (1, *lasts),
            Self::Spread { interval, .. } => (2, *interval),
            Self::Hold { wait, .. } => (3, *wait),
        }
    }
}

/// What `headers` advise, `now` being the time by Jira's clock. `in_flight` requests are under way
/// that their numbers may not have seen. `None`: they say nothing.
pub(super) fn advise(headers: &HeaderMap, in_flight: usize, now: DateTime<Utc>) -> Option<Advice> {
    let families = families(headers);
    let near = families.iter().find_map(|family| family.near_limit);
    let numbers = families
        .iter()
        .flat_map(|family| family.advice(headers, in_flight, near == Some(true), now))
        .max_by_key(Advice::severity);
    match (numbers, near) {
        // The numbers speak of another quota than the one that runs out.
        (None | Some(Advice::Free), Some(true)) => Some(Advice::HALVE),
        (None, Some(false)) => Some(Advice::Free),
        (numbers, _) => numbers,
    }
}

/// Whether an answer that limits us means its own endpoint alone. Reasons are an open set: what is
/// not known to mean that means everything.
pub(super) fn is_of_one_endpoint(headers: &HeaderMap) -> bool {
    ["ratelimit-reason", "beta-ratelimit-reason", "x-ratelimit-reason"]
        .iter()
        .filter_map(|name| headers.get(*name)?.to_str().ok())
        .any(|reason| reason.trim().eq_ignore_ascii_case("jira-burst-based"))
}

/// Headers that share what comes before `ratelimit` in their names belong together.
#[derive(Debug, Default)]
struct Family<'a> {
    prefix: &'a str,
    near_limit: Option<bool>,
    limit: Option<f64>,
    remaining: Option<f64>,
    interval_secs: Option<f64>,
    fill_rate: Option<f64>,
    reset: Option<&'a str>,
    /// `"name";r=0;t=2788`
    named: Option<&'a str>,
    /// `"name";q=100100;w=3600`
    policy: Option<&'a str>,
}

fn families(headers: &HeaderMap) -> Vec<Family<'_>> {
    let mut families: Vec<Family<'_>> = Vec::new();
    for (name, value) in headers {
        let Some((prefix, what)) = name.as_str().split_once("ratelimit") else { continue };
        let Ok(value) = value.to_str() else { continue };
        let at = families.iter().position(|family| family.prefix == prefix);
        let at = at.unwrap_or_else(|| {
            families.push(Family { prefix, ..Family::default() });
            families.len() - 1
        });
        families[at].note(what, value.trim());
    }
    families
}

impl<'a> Family<'a> {
    fn note(&mut self, what: &str, value: &'a str) {
        match what {
            "" => self.named = Some(value),
            "-policy" => self.policy = Some(value),
            "-nearlimit" => self.near_limit = value.to_ascii_lowercase().parse().ok(),
            "-limit" => self.limit = amount(value),
            "-remaining" => self.remaining = amount(value),
            "-interval-seconds" => self.interval_secs = amount(value),
            "-fillrate" => self.fill_rate = amount(value),
            "-reset" => self.reset = Some(value),
            _ => {}
        }
    }

    fn advice(
        &self,
        headers: &HeaderMap,
        in_flight: usize,
        near: bool,
        now: DateTime<Utc>,
    ) -> Vec<Advice> {
        if let Some(advice) = self.refilled(headers, in_flight, now) {
            return vec![advice];
        }
        let counted = self.remaining.map(|left| Quota {
            left,
            limit: self.limit,
            ends_in: self.reset.and_then(|reset| until(reset, now)),
        });
        let quotas = counted.into_iter().chain(self.named_quotas());
        quotas.filter_map(|quota| quota.advice(near)).collect()
    }

    /// Data Center: a bucket that gets `FillRate` tokens in each interval.
    fn refilled(
        &self,
        headers: &HeaderMap,
        in_flight: usize,
        now: DateTime<Utc>,
    ) -> Option<Advice> {
        let (left, refill_secs) = (self.remaining?, self.interval_secs?);
        let fill = self.fill_rate.filter(|fill| *fill > 0.0)?;
        let limit = self.limit.unwrap_or(0.0);
        // What is under way may be what is left.
        if left > (limit * NEAR).max(in_flight as f64) {
            return Some(Advice::Free);
        }
        let interval = seconds(refill_secs / fill).min(LONGEST_PAUSE);
        let lasts = seconds((limit - left).max(fill) / fill * refill_secs).min(LONGEST_VALIDITY);
        if left > 0.0 {
            return Some(Advice::Spread { interval, lasts });
        }
        let told = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let wait = told.and_then(|value| retry_after::parse(value, now));
        let wait = wait.unwrap_or(seconds(refill_secs)).min(LONGEST_PAUSE);
        Some(Advice::Hold { wait, interval, lasts })
    }

    /// `"a";r=10;t=20, "b";r=0;t=30`, with the size of each from the policy of the same name.
    fn named_quotas(&self) -> Vec<Quota> {
        let policies = items(self.policy.unwrap_or_default());
        let size = |name: &str| policies.iter().find(|item| item.name == name)?.number("q");
        items(self.named.unwrap_or_default())
            .iter()
            .filter_map(|item| {
                Some(Quota {
                    left: item.number("r")?,
                    limit: size(item.name),
                    ends_in: item.number("t").map(seconds).filter(|wait| !wait.is_zero()),
                })
            })
            .collect()
    }
}

/// So much until some instant, when there will be more.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Quota {
    left: f64,
    limit: Option<f64>,
    ends_in: Option<Duration>,
}

impl Quota {
    /// `near`: Jira says that some quota is. Points are counted like requests: each request may
    /// cost several, so less is left every time, and the spread widens.
    fn advice(self, near: bool) -> Option<Advice> {
        let is_near = match self.limit {
            Some(limit) => self.left <= limit * NEAR,
            None if near || self.left <= 0.0 => true,
            None => return None,
        };
        if !is_near {
            return Some(Advice::Free);
        }
        let Some(ends_in) = self.ends_in else { return Some(Advice::HALVE) };
        let lasts = ends_in.min(LONGEST_VALIDITY);
        if self.left > 0.0 {
            let interval = seconds(ends_in.as_secs_f64() / self.left).min(LONGEST_PAUSE);
            return Some(Advice::Spread { interval, lasts });
        }
        let interval = ends_in.min(LONGEST_PAUSE);
        Some(Advice::Hold { wait: interval, interval, lasts })
    }
}

/// An item of a list: `"name";key=value;key=value`.
#[derive(Debug)]
struct Item<'a> {
    name: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
}

impl Item<'_> {
    fn number(&self, key: &str) -> Option<f64> {
        let (_, value) = self.parameters.iter().find(|(name, _)| *name == key)?;
        amount(value)
    }
}

fn items(list: &str) -> Vec<Item<'_>> {
    list.split(',')
        .filter_map(|item| {
            let mut parts = item.split(';').map(str::trim);
            let name = parts.next()?.trim_matches('"');
            let parameters = parts.filter_map(|part| part.split_once('=')).collect();
            Some(Item { name, parameters })
        })
        .collect()
}

/// A number that can be an amount.
fn amount(value: &str) -> Option<f64> {
    value.trim().parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)
}

fn seconds(secs: f64) -> Duration {
    Duration::try_from_secs_f64(secs).unwrap_or(LONGEST_VALIDITY)
}

/// How long until the instant that `text` names, in ISO 8601 with seconds or (as Cloud writes it)
/// without. `None` when it is past, or no such text.
fn until(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let formats = ["%Y-%m-%dT%H:%M%#z", "%Y-%m-%dT%H:%M:%S%.f%#z"];
    let at = formats.iter().find_map(|format| DateTime::parse_from_str(text, format).ok())?;
    (at.with_timezone(&Utc) - now).to_std().ok().filter(|wait| !wait.is_zero())
}

#[cfg(test)]
#[path = "rate_limit_tests.rs"]
mod tests;
