//! Date operands: epoch milliseconds, durations, minute literals in the caller's time zone.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _};
use chrono_tz::Tz;

use super::ast::Value;
use super::{QueryError, SearchOptions};
use crate::time::Millis;

const MINUTE: i64 = 60_000;
const MINUTE_FORMS: [&str; 2] = ["%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M"];
const DAY_FORMS: [&str; 2] = ["%Y/%m/%d", "%Y-%m-%d"];

/// The instant an operand means, in milliseconds.
pub(crate) fn instant(
    field: &str,
    value: &Value,
    now: Millis,
    options: &SearchOptions,
) -> Result<Millis, QueryError> {
    let invalid = || {
        QueryError::one(format!(
            "Date value '{}' for field '{field}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.",
            value.text()
        ))
    };
    match value {
        Value::Number(millis) if options.epoch_millis => Ok(*millis),
        Value::Number(_) => Err(invalid()),
        Value::Function(name) if name.eq_ignore_ascii_case("now") => Ok(now),
        Value::Function(_) | Value::Empty => Err(invalid()),
        Value::Text(text) => match duration(text) {
            Some(ahead) => Ok(now.saturating_add(ahead)),
            None => {
                literal(text).and_then(|local| in_zone(local, options.zone)).ok_or_else(invalid)
            }
        },
    }
}

/// `-5m`, `4w 2d`, `12` (minutes): milliseconds from now.
fn duration(text: &str) -> Option<Millis> {
    let (sign, body) = match text.strip_prefix('-') {
        Some(body) => (-1, body),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut total: i64 = 0;
    for part in body.split_ascii_whitespace() {
        let digits = part.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let minutes: i64 = match part.get(digits.len()..)?.to_ascii_lowercase().as_str() {
            "" | "m" => 1,
            "h" => 60,
            "d" => 24 * 60,
            "w" => 7 * 24 * 60,
            _ => return None,
        };
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let number: i64 = digits.parse().unwrap_or(i64::MAX);
        total = total.saturating_add(number.saturating_mul(minutes).saturating_mul(MINUTE));
    }
    if body.trim().is_empty() { None } else { Some(total.saturating_mul(sign)) }
}

fn literal(text: &str) -> Option<NaiveDateTime> {
    MINUTE_FORMS.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok()).or_else(
        || {
            let day =
                DAY_FORMS.iter().find_map(|form| NaiveDate::parse_from_str(text, form).ok())?;
            Some(day.and_time(NaiveTime::MIN))
        },
    )
}

/// A repeated minute means its second (standard time) occurrence; one that does not exist, nothing.
fn in_zone(local: NaiveDateTime, zone: Tz) -> Option<Millis> {
    zone.from_local_datetime(&local).latest().map(|at| at.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::parse_jira;

    fn read(text: &str, zone: Tz) -> Option<Millis> {
        let options = SearchOptions { zone, ..SearchOptions::default() };
        instant("updated", &Value::Text(text.to_owned()), 1_700_000_000_000, &options).ok()
    }

    #[test]
    fn literals_are_read_in_the_callers_zone() {
        let (new_york, berlin) = (Tz::America__New_York, Tz::Europe__Berlin);
        let cases = [
            ("2024-01-02 03:04", Tz::UTC, Some("2024-01-02T03:04:00.000Z")),
            ("2024/01/02 03:04", Tz::UTC, Some("2024-01-02T03:04:00.000Z")),
            ("2024-01-02", Tz::UTC, Some("2024-01-02T00:00:00.000Z")),
            ("2024/01/02", new_york, Some("2024-01-02T05:00:00.000Z")),
            ("2024-07-02 03:04", berlin, Some("2024-07-02T01:04:00.000Z")),
            // An hour that repeats: the later occurrence.
            ("2024-11-03 01:30", new_york, Some("2024-11-03T06:30:00.000Z")),
            ("2024-10-27 02:30", berlin, Some("2024-10-27T01:30:00.000Z")),
            // An hour that does not exist.
            ("2024-03-10 02:30", new_york, None),
            ("2024-03-31 02:30", berlin, None),
            // Not a literal.
            ("2024-01-02 03:04:05", Tz::UTC, None),
            ("2024-01-02T03:04", Tz::UTC, None),
            ("2024-13-02", Tz::UTC, None),
            ("yesterday", Tz::UTC, None),
        ];
        for (text, zone, instant) in cases {
            assert_eq!(read(text, zone), instant.and_then(parse_jira), "{text} {zone}");
        }
    }

    #[test]
    fn periods_count_from_now() {
        let now = 1_700_000_000_000;
        let cases = [
            ("-5m", -5),
            ("-4h", -240),
            ("-2d", -2_880),
            ("-1w", -10_080),
            ("4w 2d", 43_200),
            ("12", 12),
        ];
        for (text, minutes) in cases {
            assert_eq!(read(text, Tz::UTC), Some(now + minutes * MINUTE), "{text}");
        }
        // Quoted epoch milliseconds are minutes, far in the future.
        assert!(read("1700000000000", Tz::UTC).unwrap() > now * 1000);
    }

    #[test]
    fn an_unquoted_number_is_epoch_milliseconds_unless_refused() {
        let open = SearchOptions::default();
        assert_eq!(instant("updated", &Value::Number(1_500), 0, &open), Ok(1_500));
        let strict = SearchOptions { epoch_millis: false, ..open };
        let error = instant("updated", &Value::Number(1_500), 0, &strict).unwrap_err();
        assert!(error.messages[0].starts_with("Date value '1500' for field 'updated' is invalid"));
    }
}
