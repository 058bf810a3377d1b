//! What an answer is, before anybody reads it: what its status and headers say, how much of its body
//! is taken in, and how long it asks everybody to wait.

use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode};

use super::{Answer, Sender, delta, our_time};
use crate::jira::auth::{self, Denial};
use crate::jira::call::Call;
use crate::jira::endpoint::Endpoint;
use crate::jira::error::JiraError;
use crate::jira::pacing::Told;
use crate::jira::rate_limit::{self, Advice};
use crate::jira::refusal::Messages;
use crate::jira::scope::Scope;
use crate::jira::shape::Came;
use crate::jira::{retry_after, transport};

/// How much of a refusal's body is read, in bytes.
const MAX_REFUSAL_BYTES: u64 = 256 * 1024;

/// How much memory is set aside on the word of a `Content-Length`, in bytes.
const MAX_RESERVED_BYTES: u64 = 1024 * 1024;

impl Sender {
    pub(super) async fn judge(
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
    pub(super) fn obey_limits(
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

    /// Jira's clock at this answer, by its `Date`; our own where a proxy took it away.
    pub(super) fn note_date(&self, headers: &HeaderMap) -> DateTime<Utc> {
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

fn header<'a>(headers: &'a HeaderMap, name: &reqwest::header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
