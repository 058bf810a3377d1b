//! The one place that sends requests: authorization, pacing, time and size limits, judging the
//! answer (`judge`), trying again. What an answer means is the caller's business, by its `read`
//! function.

mod judge;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Client;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::redirect::Policy;
use serde::Deserialize;
use url::Url;

use super::auth::Auth;
use super::breaker::Health;
use super::call::{Call, Patience};
use super::error::JiraError;
use super::flavor::both;
use super::latency::{Latencies, LatencyCounters, Purpose};
use super::outage::Outage;
use super::outcome::{self, Outcome};
use super::pacing::{Limits, Pacing, Probe, Refusal, Turn};
use super::retry::{self, Decision, RetryPolicy};
use super::settings::JiraSettings;
use super::shape::{self, Came};
use super::stats::{ClientStats, Counters};
use super::transport;

/// How long the breaker's probe may take: it asks for a few lines.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// The body of a success, with when it came.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: Bytes,
    pub(super) content_type: Option<String>,
    /// By Jira's clock.
    pub(super) jira_time: DateTime<Utc>,
    /// From sending to the last byte.
    pub(super) elapsed: Duration,
}

impl Answer {
    /// The body as a JSON object.
    pub(super) fn object<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Came> {
        shape::object(&self.body, self.content_type.as_deref())
    }

    /// The body as a JSON list.
    pub(super) fn list<'a, T: Deserialize<'a>>(&'a self) -> Result<Vec<T>, Came> {
        shape::decode(&self.body, self.content_type.as_deref())
    }
}

/// Sends every request of one client.
pub(super) struct Sender {
    http: Client,
    /// The same with more patience for silence, which only a client as a whole can have.
    patient_http: Client,
    base_url: Url,
    host: String,
    pub(super) auth: Auth,
    pub(super) pacing: Pacing,
    /// What opened the breaker last.
    outage: Mutex<Option<Outage>>,
    policy: RetryPolicy,
    timeout: Duration,
    hub_timeout: Duration,
    max_body_bytes: u64,
    counters: Counters,
    latencies: LatencyCounters,
    newest_date: AtomicI64,
}

impl Sender {
    pub(super) fn new(settings: &JiraSettings) -> Result<Self, JiraError> {
        Ok(Self {
            http: transport::client(settings, settings.read_timeout, Policy::none())?,
            patient_http: transport::client(settings, settings.hub_timeout, Policy::none())?,
            base_url: settings.base_url.clone(),
            host: transport::host(&settings.base_url),
            auth: Auth::new(settings)?,
            pacing: Pacing::new(limits(settings)),
            outage: Mutex::new(None),
            policy: RetryPolicy {
                max_attempts: settings.max_attempts,
                backoff_base: settings.backoff_base,
                backoff_cap: settings.backoff_cap,
            },
            timeout: settings.timeout,
            hub_timeout: settings.hub_timeout,
            max_body_bytes: settings.max_body_bytes,
            counters: Counters::default(),
            latencies: LatencyCounters::default(),
            newest_date: AtomicI64::new(i64::MIN),
        })
    }

    /// Sends `call` until `read` can make something of the answer, or it is given up.
    pub(super) async fn send<T>(
        &self,
        call: &Call,
        read: impl Fn(&Answer) -> Result<T, Came>,
    ) -> Result<T, JiraError> {
        let mut attempt = 1;
        loop {
            // Boxed, because callers hold several of these at once.
            let error = match Box::pin(self.attempt(call)).await? {
                Ok(answer) => match read(&answer) {
                    Ok(value) => return Ok(value),
                    Err(came) => JiraError::BadData { endpoint: call.endpoint, came },
                },
                Err(error) => error,
            };
            let decision =
                retry::decide(error.failure(), call.weight, attempt, &self.policy, dice());
            let Decision::Retry { after } = decision else { return Err(error) };
            tracing::debug!(endpoint = %call.endpoint, attempt, %error, "asking again");
            self.counters.count_retry();
            attempt += 1;
            tokio::time::sleep(after).await;
        }
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn stats(&self) -> ClientStats {
        self.counters.read(self.pacing.stats())
    }

    pub(super) fn latencies(&self) -> Latencies {
        self.latencies.read()
    }

    /// Jira's clock as its newest answer showed it.
    pub(super) fn jira_time(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(self.newest_date.load(Ordering::Relaxed), 0)
    }

    /// One request, once its turn has come. The outer error means that it was not even sent.
    async fn attempt(&self, call: &Call) -> Result<Result<Answer, JiraError>, JiraError> {
        let scope = call.scope();
        let _place = loop {
            match self.pacing.turn(&scope).await.map_err(|refusal| self.not_sent(refusal))? {
                Turn::Go(place) => break place,
                Turn::Probe(probe) => self.probe(probe).await,
            }
        };
        Ok(self.exchange(call).await)
    }

    /// Sees whether an instance that was down is back.
    async fn probe(&self, probe: Probe<'_>) {
        let call = both::server_info();
        match tokio::time::timeout(PROBE_TIMEOUT, self.ask(&call)).await {
            Ok((result, asked_to_wait)) => {
                let (outcome, health) = outcome::of(&result, asked_to_wait);
                self.counters.count_outcome(outcome);
                self.pacing.note(health);
                probe.end(health);
            }
            Err(_) => {
                self.counters.count_outcome(Outcome::TimedOut);
                probe.end(Health::Unclear);
            }
        }
    }

    fn not_sent(&self, refusal: Refusal) -> JiraError {
        let host = self.host.clone();
        let until = match refusal {
            Refusal::ClosedTooLong { remaining } => our_time().checked_add_signed(delta(remaining)),
            Refusal::Outage => {
                let outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner).clone();
                if let Some(outage) = outage {
                    return outage.error();
                }
                None
            }
        };
        JiraError::RateLimited { host, until }
    }

    /// One request, whose outcome is noted.
    async fn exchange(&self, call: &Call) -> Result<Answer, JiraError> {
        let (result, asked_to_wait) = self.ask(call).await;
        let (outcome, health) = outcome::of(&result, asked_to_wait);
        self.counters.count_outcome(outcome);
        if !self.pacing.note(health) {
            return result;
        }
        result.map_err(|error| {
            tracing::warn!(error = %error, "jira is down: requests wait until it answers again");
            let (outage, error) = Outage::keep(error);
            *self.outage.lock().unwrap_or_else(PoisonError::into_inner) = outage;
            error
        })
    }

    /// One request, whose time is noted; and whether it was answered that everybody has to wait.
    async fn ask(&self, call: &Call) -> (Result<Answer, JiraError>, bool) {
        let started = Instant::now();
        self.counters.count_request();
        let answered = Box::pin(self.ask_at(call, started)).await;
        self.latencies.note(Purpose::of(call.endpoint, call.weight), started.elapsed());
        answered
    }

    async fn ask_at(&self, call: &Call, started: Instant) -> (Result<Answer, JiraError>, bool) {
        #[expect(clippy::disallowed_methods, reason = "the one place that sends")]
        let response = match self.request(call).send().await {
            Ok(response) => response,
            Err(error) => return (Err(self.broken(call, error)), false),
        };
        let jira_time = self.note_date(response.headers());
        let until = self.obey_limits(call, &response, jira_time);
        (self.judge(call, response, started, jira_time, until).await, until.is_some())
    }

    fn request(&self, call: &Call) -> reqwest::RequestBuilder {
        let mut url = self.base_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&call.path);
        }
        let http = match call.patience {
            Patience::Usual => &self.http,
            Patience::Long => &self.patient_http,
        };
        let mut request = http
            .request(call.method.clone(), url)
            .timeout(self.limit(call.patience))
            .header(ACCEPT, "application/json");
        if !call.query.is_empty() {
            request = request.query(&call.query);
        }
        if let Some(authorization) = self.auth.header() {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        request
    }

    fn broken(&self, call: &Call, error: reqwest::Error) -> JiraError {
        transport::classify(error, &self.host, call.endpoint, self.limit(call.patience))
    }

    /// The longest a request may take.
    pub(super) fn limit(&self, patience: Patience) -> Duration {
        match patience {
            Patience::Usual => self.timeout,
            Patience::Long => self.hub_timeout,
        }
    }
}

fn limits(settings: &JiraSettings) -> Limits {
    Limits {
        requests_per_second: settings.requests_per_second,
        burst: settings.burst,
        max_in_flight: settings.max_in_flight,
        max_retry_after: settings.max_retry_after,
        probe_after: settings.probe_after,
        max_outage: settings.max_outage,
        probe: both::server_info().scope(),
    }
}

#[expect(clippy::disallowed_methods, reason = "stands in where Jira has sent no Date")]
fn our_time() -> DateTime<Utc> {
    Utc::now()
}

/// A number from 0 to 1 for the jitter of a retry.
#[expect(clippy::disallowed_methods, reason = "what decides gets it as an argument")]
fn dice() -> f64 {
    rand::random()
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}
