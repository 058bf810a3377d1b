//! Reads `Retry-After`, in seconds or as a date. Pure: the present is an argument.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// No wait that a header asks for is believed beyond this.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// How long the header's `value` asks to wait, `now` being the time by Jira's clock. `None`: not
/// at all, because it is 0 (which Data Center sends with every success), past, or no such value.
pub(super) fn parse(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    let wait = match value.parse::<f64>() {
        Ok(secs) if secs.is_finite() && secs > 0.0 => {
            Duration::try_from_secs_f64(secs.ceil()).unwrap_or(LONGEST)
        }
        Ok(_) => return None,
        Err(_) => {
            let until = DateTime::<Utc>::from(httpdate::parse_http_date(value).ok()?);
            (until - now).to_std().ok()?
        }
    };
    (!wait.is_zero()).then_some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("0", None)]
    #[case("17", Some(17))]
    #[case(" 17 ", Some(17))]
    #[case("1.2", Some(2))]
    #[case("-5", None)]
    #[case("NaN", None)]
    #[case("", None)]
    #[case("soon", None)]
    #[case("99999999999999999999", Some(366 * 24 * 3600))]
    #[case("Fri, 20 Nov 2026 12:00:30 GMT", Some(30))]
    #[case("Friday, 20-Nov-26 12:00:30 GMT", Some(30))]
    #[case("Fri Nov 20 12:00:30 2026", Some(30))]
    #[case("Fri, 20 Nov 2026 12:00:00 GMT", None)]
    #[case("Fri, 20 Nov 2026 11:00:00 GMT", None)]
    #[case("Fri, 20 Nov 9999 12:00:00 GMT", None)]
    fn seconds_and_dates_are_read(#[case] value: &str, #[case] expected_secs: Option<u64>) {
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        assert_eq!(parse(value, now), expected_secs.map(Duration::from_secs));
    }
}
