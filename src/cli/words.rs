//! Numbers, spans and instants as people read them. Pure.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// A number with its thousands apart: `12,345`.
pub(super) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 issue`, `1,200 issues`.
pub(super) fn count(value: u64, thing: &str) -> String {
    let plural = if value == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", number(value))
}

/// A span by its two greatest units, and tenths below ten seconds: `3m 20s`, `4.2s`.
pub(super) fn span(span: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    if span < Duration::from_secs(10) {
        return format!("{:.1}s", span.as_secs_f64());
    }
    let mut rest = span.as_secs();
    let mut parts = Vec::new();
    for (secs, unit) in UNITS {
        let whole = rest / secs;
        rest %= secs;
        if whole > 0 || !parts.is_empty() {
            parts.push((whole, unit));
        }
    }
    parts
        .into_iter()
        .take(2)
        .filter(|(whole, _)| *whole > 0)
        .map(|(whole, unit)| format!("{whole}{unit}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// An instant in UTC to the second.
pub(super) fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A size: `12.3 MiB`.
pub(super) fn size(bytes: u64) -> String {
    bytesize::ByteSize::b(bytes).display().iec().to_string()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "0")]
    #[case(999, "999")]
    #[case(1_000, "1,000")]
    #[case(1_234_567, "1,234,567")]
    fn thousands_are_set_apart(#[case] value: u64, #[case] text: &str) {
        assert_eq!(number(value), text);
    }

    #[rstest]
    #[case(0, "0.0s")]
    #[case(4_230, "4.2s")]
    #[case(59_999, "59s")]
    #[case(60_000, "1m")]
    #[case(200_000, "3m 20s")]
    #[case(3_605_000, "1h")]
    #[case(90_000_000, "1d 1h")]
    fn spans_have_two_units(#[case] millis: u64, #[case] text: &str) {
        assert_eq!(span(Duration::from_millis(millis)), text);
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(count(1, "issue"), "1 issue");
        assert_eq!(count(0, "issue"), "0 issues");
    }
}
