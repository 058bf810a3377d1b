//! The one place that sends requests: authorization, pacing, time and size limits, judging the
//! answer, trying again. What an answer means is the caller's business, by its `read` function.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, LOCATION, RETRY_AFTER,
};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use url::Url;

use super::auth::{self, Auth, Denial};
use super::breaker::Health;
use super::call::{Call, Patience};
use super::endpoint::Endpoint;
use super::error::JiraError;
use super::flavor::both;
use super::latency::{Latencies, LatencyCounters, Purpose};
use super::outage::Outage;
use super::outcome::{self, Outcome};
use super::pacing::{Limits, Pacing, Probe, Refusal, Told, Turn};
use super::rate_limit::{self, Advice};
use super::refusal::Messages;
use super::retry::{self, Decision, RetryPolicy};
use super::scope::Scope;
use super::settings::JiraSettings;
use super::shape::{self, Came};
use super::stats::{ClientStats, Counters};
use super::{retry_after, transport};

/// How much of a refusal's body is read, in bytes.
const MAX_REFUSAL_BYTES: u64 = 256 * 1024;

/// How much memory is set aside on the word of a `Content-Length`, in bytes.
const MAX_RESERVED_BYTES: u64 = 1024 * 1024;

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

    async fn judge(
        &self,
        call: &Call,
        response: Response,
        started: Instant,
        jira_time: DateTime<Utc>,
        until: Option<DateTime<Utc>>,
    ) -> Result<Answer, JiraError> {
        self.judge_head(call.endpoint, &response, until)?;
        if !response.status().is_success() {
            return Err(self.refusal(call.endpoint, response).await);
        }
        let content_type = header(response.headers(), &CONTENT_TYPE).map(str::to_owned);
        let body = self.read_body(call, response).await?;
        Ok(Answer { body, content_type, jira_time, elapsed: started.elapsed() })
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

    /// What status and headers alone decide.
    fn judge_head(
        &self,
        endpoint: Endpoint,
        response: &Response,
        until: Option<DateTime<Utc>>,
    ) -> Result<(), JiraError> {
        let (status, headers) = (response.status(), response.headers());
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Err(JiraError::RateLimited { host: self.host.clone(), until });
        }
        if status.is_server_error() {
            return Ok(());
        }
        if status.is_redirection() {
            let status = status.as_u16();
            return Err(JiraError::Redirected {
                endpoint,
                status,
                to: self.redirect_host(headers),
            });
        }
        if auth::is_denial(status, headers) {
            // Its body says more.
            return Ok(());
        }
        if let Some(sign) = self.auth.sign_of_failure(headers) {
            return Err(JiraError::NotLoggedIn { host: self.host.clone(), sign });
        }
        Ok(())
    }

    /// Slows down as the headers advise, and closes a gate for as long as a throttled answer asks;
    /// until then, by Jira's clock.
    fn obey_limits(
        &self,
        call: &Call,
        response: &Response,
        jira_time: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let (status, headers) = (response.status(), response.headers());
        let throttled = status == StatusCode::TOO_MANY_REQUESTS;
        let of_one = throttled && rate_limit::is_of_one_endpoint(headers);
        let scope = if of_one { call.scope() } else { Scope::EVERYTHING };
        let wait = header(headers, &RETRY_AFTER)
            .filter(|_| throttled || status.is_server_error())
            .and_then(|value| retry_after::parse(value, jira_time));
        if !of_one {
            let advice = rate_limit::advise(headers, self.pacing.in_flight(), jira_time);
            let unsaid = (throttled && wait.is_none()).then_some(Advice::HALVE);
            if let Some(advice) = advice.or(unsaid) {
                self.pacing.heed(advice);
            }
        }
        let wait = wait?;
        self.pacing.close(&scope, wait, Told::Here);
        tracing::warn!(wait_secs = wait.as_secs(), scope = %scope, "jira asks us to wait");
        jira_time.checked_add_signed(delta(wait))
    }

    fn redirect_host(&self, headers: &HeaderMap) -> String {
        header(headers, &LOCATION)
            .and_then(|location| self.base_url.join(location).ok())
            .map_or_else(|| "an unreadable address".to_owned(), |url| transport::host(&url))
    }

    /// The error of an answer that is no success.
    async fn refusal(&self, endpoint: Endpoint, response: Response) -> JiraError {
        let status = response.status();
        let headers = response.headers().clone();
        let body = self.read_prefix(response).await;
        let messages = Messages::parse(&body);
        let host = self.host.clone();
        if let Some(Denial { detail, remedy }) = self.auth.denial(status, &headers, &body) {
            return JiraError::Unauthorized { host, detail, remedy };
        }
        let anonymous = messages.0.iter().find(|m| m.contains("viewed by anonymous users"));
        match status {
            _ if status.is_server_error() => {
                JiraError::Unavailable { host, endpoint, status: status.as_u16(), messages }
            }
            StatusCode::FORBIDDEN => JiraError::Forbidden { endpoint, messages },
            StatusCode::NOT_FOUND if messages.is_empty() => {
                JiraError::NoEndpoint { host, endpoint }
            }
            StatusCode::NOT_FOUND => JiraError::NotFound { endpoint, messages },
            _ => match anonymous {
                Some(sign) if !self.auth.is_anonymous() => {
                    JiraError::NotLoggedIn { host, sign: sign.clone() }
                }
                Some(_) | None => {
                    JiraError::Refused { endpoint, status: status.as_u16(), messages }
                }
            },
        }
    }

    async fn read_body(&self, call: &Call, mut response: Response) -> Result<Bytes, JiraError> {
        let (endpoint, limit_bytes) = (call.endpoint, self.max_body_bytes);
        let announced = response.content_length().unwrap_or(0);
        if announced > limit_bytes {
            return Err(JiraError::TooLarge { endpoint, limit_bytes });
        }
        let mut body = Vec::with_capacity(announced.min(MAX_RESERVED_BYTES) as usize);
        loop {
            let chunk = match response.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return Ok(body.into()),
                Err(error) if error.is_timeout() => return Err(self.broken(call, error)),
                Err(error) => {
                    tracing::debug!(%endpoint, error = %error.without_url(), "the answer broke off");
                    let received_bytes = body.len() as u64;
                    return Err(JiraError::BadData {
                        endpoint,
                        came: Came::Truncated { received_bytes },
                    });
                }
            };
            self.counters.count_bytes(chunk.len());
            if (body.len() + chunk.len()) as u64 > limit_bytes {
                return Err(JiraError::TooLarge { endpoint, limit_bytes });
            }
            body.extend_from_slice(&chunk);
        }
    }

    /// As much of a refusal's body as tells why; what breaks off says nothing.
    async fn read_prefix(&self, mut response: Response) -> Vec<u8> {
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            self.counters.count_bytes(chunk.len());
            body.extend_from_slice(&chunk);
            if body.len() as u64 > MAX_REFUSAL_BYTES {
                break;
            }
        }
        body
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

    /// Jira's clock at this answer, by its `Date`; our own where a proxy took it away.
    fn note_date(&self, headers: &HeaderMap) -> DateTime<Utc> {
        let date = header(headers, &DATE)
            .and_then(|date| httpdate::parse_http_date(date).ok())
            .map(DateTime::<Utc>::from);
        match date {
            Some(date) => {
                self.newest_date.fetch_max(date.timestamp(), Ordering::Relaxed);
                date
            }
            None => our_time(),
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

fn header<'a>(headers: &'a HeaderMap, name: &reqwest::header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}
