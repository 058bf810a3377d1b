//! Jira's timestamps, and the whole second that its index keeps of them.

use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

/// A text that is none of the timestamp forms Jira writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a timestamp that Jira writes")]
pub struct InvalidTime(String);

/// Reads a timestamp as Jira writes it.
///
/// Jira prints `2024-01-02T03:04:05.678+0000`, with an offset that has no colon (so it is not
/// RFC 3339) and that depends on the server's or the caller's zone; `Z` and `+02:00` occur too.
/// A bare date is read as its midnight in UTC.
///
/// # Errors
/// [`InvalidTime`] with the text, when it has none of these forms.
pub fn parse_jira_time(text: &str) -> Result<DateTime<Utc>, InvalidTime> {
    let with_offset = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z")
        .or_else(|_| DateTime::parse_from_rfc3339(text));
    if let Ok(time) = with_offset {
        return Ok(time.with_timezone(&Utc));
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .map(|date| date.and_time(NaiveTime::MIN).and_utc())
        .map_err(|_| InvalidTime(text.to_owned()))
}

/// A whole second since 1970-01-01T00:00:00Z: the precision of Jira's search index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EpochSecond(pub i64);

impl EpochSecond {
    /// The second that `time` lies in.
    pub fn floor(time: DateTime<Utc>) -> Self {
        Self(time.timestamp())
    }

    /// This second's beginning, or `None` beyond the years that chrono can hold.
    pub fn start(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(self.0, 0)
    }

    /// This second moved by `seconds`, staying at the ends of the range.
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// The second as epoch milliseconds.
    pub fn millis(self) -> i64 {
        self.0.saturating_mul(1000)
    }
}

impl fmt::Display for EpochSecond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.start() {
            Some(time) => time.format("%Y-%m-%dT%H:%M:%SZ").fmt(f),
            None => write!(f, "{}s", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_jira_writes_is_the_same_instant() {
        let expected = 1_704_164_645;
        for text in [
            "2024-01-02T03:04:05.678+0000",
            "2024-01-02T03:04:05+0000",
            "2024-01-02T03:04:05Z",
            "2024-01-02T05:04:05.678+02:00",
            "2024-01-01T19:04:05.678-0800",
        ] {
            assert_eq!(parse_jira_time(text).unwrap().timestamp(), expected, "{text}");
        }
    }

    #[test]
    fn milliseconds_are_kept() {
        let time = parse_jira_time("2024-01-02T03:04:05.678+0000").unwrap();
        assert_eq!(time.timestamp_subsec_millis(), 678);
    }

    #[test]
    fn other_text_is_refused_by_name() {
        for text in ["", "now", "2024-01-02 03:04", "24/Feb/21 2:19 PM"] {
            assert!(parse_jira_time(text).unwrap_err().to_string().contains(text));
        }
    }

    #[test]
    fn a_second_floors_before_the_epoch_too() {
        let time = parse_jira_time("1969-12-31T23:59:59.500+0000").unwrap();
        assert_eq!(EpochSecond::floor(time), EpochSecond(-1));
    }
}
