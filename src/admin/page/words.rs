//! Numbers, spans and instants as people read them. Pure; the present is an argument.

use std::time::Duration;

use chrono::{DateTime, Utc};

pub(super) use crate::model::words::{count, number};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A span in a sentence, by its greatest unit: `less than a minute`, `3 minutes`, `2 hours`.
pub(super) fn span(span: Duration) -> String {
    let secs = span.as_secs();
    match secs {
        0..MINUTE => "less than a minute".to_owned(),
        MINUTE..HOUR => count(secs / MINUTE, "minute"),
        HOUR..DAY => count(secs / HOUR, "hour"),
        DAY.. => count(secs / DAY, "day"),
    }
}

/// A span in a table, by its two greatest units: `40 s`, `3 min`, `2 h 5 min`, `4 d 1 h`.
pub(super) fn short_span(span: Duration) -> String {
    let secs = span.as_secs();
    let two = |whole: u64, unit: &str, rest: u64, small: &str| match rest {
        0 => format!("{whole} {unit}"),
        rest => format!("{whole} {unit} {rest} {small}"),
    };
    match secs {
        0..MINUTE => format!("{secs} s"),
        MINUTE..HOUR => two(secs / MINUTE, "min", secs % MINUTE, "s"),
        HOUR..DAY => two(secs / HOUR, "h", secs % HOUR / MINUTE, "min"),
        DAY.. => two(secs / DAY, "d", secs % DAY / HOUR, "h"),
    }
}

/// A span in a table whose seconds do not matter: `< 1 min`, `3 min`, `2 h 5 min`.
pub(super) fn calm_span(span: Duration) -> String {
    if span.as_secs() < MINUTE {
        return "< 1 min".to_owned();
    }
    short_span(Duration::from_secs(span.as_secs() / MINUTE * MINUTE))
}

/// How long ago something was: `just now`, `3 minutes ago`.
pub(super) fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match (now - at).to_std() {
        Ok(passed) if passed.as_secs() >= MINUTE => format!("{} ago", span(passed)),
        Ok(_) | Err(_) => "just now".to_owned(),
    }
}

/// How long there is until something, in a table: `in 3 min`, `now` when it is due.
pub(super) fn soon(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match (at - now).to_std() {
        Ok(ahead) if ahead > Duration::ZERO => format!("in {}", calm_span(ahead)),
        Ok(_) | Err(_) => "now".to_owned(),
    }
}

/// How long there is until something: `in 3 minutes`, `now` when it is due.
pub(super) fn until(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match (at - now).to_std() {
        Ok(ahead) if ahead > Duration::ZERO => format!("in {}", span(ahead)),
        Ok(_) | Err(_) => "now".to_owned(),
    }
}

/// Between two instants; nothing when the clock went back.
pub(super) fn between(from: DateTime<Utc>, to: DateTime<Utc>) -> Duration {
    (to - from).to_std().unwrap_or_default()
}

/// An instant in UTC to the second: `2026-11-21 00:35:12 UTC`.
pub(super) fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The time of day in UTC: `00:35:12`.
pub(super) fn clock(at: DateTime<Utc>) -> String {
    at.format("%H:%M:%S").to_string()
}

/// An instant for programs, as `<time datetime>` wants it.
pub(super) fn machine_instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A rate in issues: `1,250 issues a minute`; below ten a minute with a tenth.
pub(super) fn rate(per_minute: f64) -> String {
    format!("{} issues a minute", rate_number(per_minute))
}

/// A rate's number: `1,250`, `4.5`, `0`.
pub(super) fn rate_number(per_minute: f64) -> String {
    if per_minute >= 9.95 {
        return number(per_minute.round() as u64);
    }
    let tenths = format!("{:.1}", per_minute.max(0.0));
    tenths.strip_suffix(".0").map_or(tenths.clone(), str::to_owned)
}

/// What is left at a rate: `about 3 minutes left`.
pub(super) fn left(span_left: Duration) -> String {
    let rounded = Duration::from_secs((span_left.as_secs() + MINUTE / 2) / MINUTE * MINUTE);
    if rounded.as_secs() < MINUTE {
        return "less than a minute left".to_owned();
    }
    format!("about {} left", span(rounded))
}

/// Whole percent, never 100 before the end.
pub(super) fn percent(done: u64, of: u64) -> u64 {
    match of {
        0 => 0,
        of if done >= of => 100,
        of => u64::try_from(u128::from(done) * 100 / u128::from(of)).unwrap_or(99),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The first letter as a capital, for a text that begins a sentence. A name that is written as it
/// is, such as a host or a key of the configuration, stays.
pub(super) fn sentence(text: &str) -> String {
    let word = text.split_whitespace().next().unwrap_or_default();
    if word.trim_end_matches(['.', ',', ':']).contains(['.', '_', '/']) {
        return text.to_owned();
    }
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}

/// A text with a full stop at its end.
pub(super) fn stopped(text: &str) -> String {
    match text.trim_end() {
        done if done.ends_with(['.', '!', '?']) || done.is_empty() => done.to_owned(),
        open => format!("{open}."),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + secs, 0).unwrap()
    }

    #[rstest]
    #[case(0, "0 issues")]
    #[case(1, "1 issue")]
    #[case(1_234_567, "1,234,567 issues")]
    fn counts_set_thousands_apart(#[case] value: u64, #[case] text: &str) {
        assert_eq!(count(value, "issue"), text);
    }

    #[rstest]
    #[case(0, "less than a minute", "0 s", "< 1 min")]
    #[case(59, "less than a minute", "59 s", "< 1 min")]
    #[case(60, "1 minute", "1 min", "1 min")]
    #[case(200, "3 minutes", "3 min 20 s", "3 min")]
    #[case(3_599, "59 minutes", "59 min 59 s", "59 min")]
    #[case(7_500, "2 hours", "2 h 5 min", "2 h 5 min")]
    #[case(86_400, "1 day", "1 d", "1 d")]
    #[case(349_300, "4 days", "4 d 1 h", "4 d 1 h")]
    fn spans_are_as_exact_as_their_place(
        #[case] secs: u64,
        #[case] long: &str,
        #[case] short: &str,
        #[case] calm: &str,
    ) {
        let given = Duration::from_secs(secs);
        assert_eq!((span(given), short_span(given)), (long.to_owned(), short.to_owned()));
        assert_eq!(calm_span(given), calm);
    }

    #[rstest]
    #[case(-30, "just now", "in less than a minute")]
    #[case(0, "just now", "now")]
    #[case(30, "just now", "now")]
    #[case(61, "1 minute ago", "now")]
    #[case(-190, "just now", "in 3 minutes")]
    fn instants_are_told_from_here(#[case] now: i64, #[case] past: &str, #[case] future: &str) {
        assert_eq!(ago(at(0), at(now)), past);
        assert_eq!(until(at(0), at(now)), future);
        assert_eq!(soon(at(0), at(now)) == "now", future == "now");
    }

    #[rstest]
    #[case(0.0, "0")]
    #[case(4.53, "4.5")]
    #[case(9.96, "10")]
    #[case(1_249.6, "1,250")]
    fn slow_rates_keep_a_tenth(#[case] per_minute: f64, #[case] text: &str) {
        assert_eq!(rate_number(per_minute), text);
    }

    #[rstest]
    #[case(20, "less than a minute left")]
    #[case(45, "about 1 minute left")]
    #[case(170, "about 3 minutes left")]
    #[case(7_300, "about 2 hours left")]
    fn what_is_left_is_rounded(#[case] secs: u64, #[case] text: &str) {
        assert_eq!(left(Duration::from_secs(secs)), text);
    }

    #[rstest]
    #[case(0, 0, 0)]
    #[case(1, 3, 33)]
    #[case(999, 1_000, 99)]
    #[case(1_000, 1_000, 100)]
    #[case(1_001, 1_000, 100)]
    fn nothing_is_whole_before_its_end(#[case] done: u64, #[case] of: u64, #[case] is: u64) {
        assert_eq!(percent(done, of), is);
    }

    #[test]
    fn names_are_joined_as_in_a_sentence() {
        let names: Vec<String> = ["A", "B", "C"].map(str::to_owned).to_vec();
        assert_eq!(listed(&names), "A, B and C");
        assert_eq!(listed(&names[..2]), "A and B");
        assert_eq!(listed(&names[..1]), "A");
        assert_eq!(listed(&[]), "");
    }

    #[test]
    fn sentences_begin_with_a_capital() {
        assert_eq!(sentence("état"), "État");
        assert_eq!(sentence("wait. It passes"), "Wait. It passes");
        assert_eq!(sentence("jira.example is down"), "jira.example is down");
        assert_eq!(sentence(""), "");
    }
}
