//! Instants as milliseconds since the epoch, and the ways Jira writes them.
//! There is no clock here: whoever needs "now" passes it in.

use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::Tz;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Millis = i64;

/// `2024-01-02T03:04:05.678+0000`: the offset has no colon.
pub fn jira_text(at: Millis, zone: Tz) -> String {
    utc(at).with_timezone(&zone).format("%Y-%m-%dT%H:%M:%S%.3f%z").to_string()
}

/// Reads what [`jira_text`] writes, and the variants with `Z` or a colon in the offset.
pub fn parse_jira(text: &str) -> Option<Millis> {
    let with_offset = match text.strip_suffix('Z') {
        Some(local) => format!("{local}+0000"),
        None => text.to_owned(),
    };
    DateTime::parse_from_str(&with_offset, "%Y-%m-%dT%H:%M:%S%.f%z")
        .ok()
        .map(|at| at.timestamp_millis())
}

/// The form of the HTTP `Date` header.
pub(crate) fn http_date(at: Millis) -> String {
    utc(at).format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// `2024-01-02T03:04Z`: without seconds, as Cloud writes when a limit is reset.
pub(crate) fn minute_text(at: Millis) -> String {
    utc(at).format("%Y-%m-%dT%H:%MZ").to_string()
}

/// Whole seconds, floored: what the index keeps of an instant.
pub(crate) fn seconds(at: Millis) -> i64 {
    at.div_euclid(1000)
}

pub(crate) fn utc(at: Millis) -> DateTime<Utc> {
    Utc.timestamp_millis_opt(at).single().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_survive_every_spelling() {
        let at = 1_704_164_645_678;
        assert_eq!(jira_text(at, Tz::UTC), "2024-01-02T03:04:05.678+0000");
        assert_eq!(jira_text(at, Tz::America__New_York), "2024-01-01T22:04:05.678-0500");
        for text in [
            "2024-01-02T03:04:05.678+0000",
            "2024-01-02T03:04:05.678Z",
            "2024-01-02T05:04:05.678+02:00",
        ] {
            assert_eq!(parse_jira(text), Some(at), "{text}");
        }
    }
}
