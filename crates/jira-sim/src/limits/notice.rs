//! A `Retry-After` as it was sent: who was asked to wait, and until when.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};

use super::scope::ThrottleScope;
use crate::requests::Seen;

/// An answer that asked to wait. Times count from the start of the server.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    /// The request that was answered so.
    pub(super) number: usize,
    /// When the answer left.
    pub(super) sent: Duration,
    /// Before this instant nothing of the scope should come.
    pub(super) until: Duration,
    pub(super) scope: ThrottleScope,
}

impl Notice {
    /// What an answer says, if it asks to wait: 429 or 5xx with a `Retry-After` ahead.
    pub(crate) fn read(
        number: usize,
        seen: &Seen,
        status: StatusCode,
        headers: &HeaderMap,
        sent: Duration,
    ) -> Option<Self> {
        if status != StatusCode::TOO_MANY_REQUESTS && !status.is_server_error() {
            return None;
        }
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let wait = asked_wait(text("retry-after")?, text("date"))?;
        let scope = ThrottleScope::of(text("ratelimit-reason"), seen);
        Some(Self { number, sent, until: sent.saturating_add(wait), scope })
    }
}

/// How long a `Retry-After` asks to wait, a date being measured by the answer's own `Date`. `None`
/// for no time at all and for what is neither a number nor a date.
fn asked_wait(value: &str, date: Option<&str>) -> Option<Duration> {
    let wait = match value.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let now = httpdate::parse_http_date(date?).ok()?;
            httpdate::parse_http_date(value).ok()?.duration_since(now).ok()?
        }
    };
    (!wait.is_zero()).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_ask_to_wait() {
        let date = Some("Tue, 02 Jan 2024 03:04:05 GMT");
        for (value, date, seconds) in [
            ("7", None, Some(7)),
            ("0", date, None),
            ("Tue, 02 Jan 2024 03:04:35 GMT", date, Some(30)),
            ("Tue, 02 Jan 2024 03:04:05 GMT", date, None),
            ("Tue, 02 Jan 2024 03:04:35 GMT", None, None),
            ("soon", date, None),
        ] {
            assert_eq!(asked_wait(value, date), seconds.map(Duration::from_secs), "{value}");
        }
    }
}
