//! Numbers, spans and instants as people read them. Pure.

use std::time::Duration;

use chrono::{DateTime, Utc};

pub(super) use crate::model::words::{count, number};

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
}
