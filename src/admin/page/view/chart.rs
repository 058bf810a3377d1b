//! The throughput of the last half hour as a drawing and in words. Pure: it gives coordinates, the
//! markup is `html`'s.

use chrono::{DateTime, Utc};

use crate::admin::page::samples::{INTERVALS, Samples};
use crate::admin::page::words::{count, number, rate};

/// How wide the drawing is, in its own units.
pub(in crate::admin::page) const WIDTH: u32 = 720;
/// How high it is, in its own units.
pub(in crate::admin::page) const HEIGHT: u32 = 160;
/// Room above the highest value.
const HEADROOM: f64 = 8.0;
/// How many intervals a line of the table covers: five minutes.
const TABLE_STEP: usize = 20;

/// The drawing.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::admin::page) struct Chart {
    /// The line, as the data of an SVG path; empty when nothing was measured.
    pub(in crate::admin::page) line: String,
    /// The area below it.
    pub(in crate::admin::page) area: String,
    /// The values of the horizontal lines, the highest first: where, and what.
    pub(in crate::admin::page) marks: Vec<(f64, String)>,
    /// What the drawing shows, in a sentence or two.
    pub(in crate::admin::page) words: String,
    /// The same in numbers: minutes ago, and issues a minute.
    pub(in crate::admin::page) table: Vec<(String, String)>,
}

/// The last half hour.
pub(in crate::admin::page) fn chart(samples: &Samples, now: DateTime<Utc>) -> Chart {
    let rates = samples.rates(now);
    let highest = rates.iter().flatten().copied().fold(0.0, f64::max);
    let top = round_top(highest);
    let (line, area) = paths(&rates, top);
    Chart {
        line,
        area,
        marks: [1.0, 0.5]
            .iter()
            .map(|part| (y_of(top * part, top), number((top * part).round() as u64)))
            .collect(),
        words: in_words(&rates, highest, samples.total(now)),
        table: table(&rates),
    }
}

fn in_words(rates: &[Option<f64>], highest: f64, total: u64) -> String {
    let measured = rates.iter().flatten().count();
    if measured == 0 {
        return "Nothing has been measured yet.".to_owned();
    }
    let over = match measured * 15 / 60 {
        minutes if measured == INTERVALS => format!("the last {minutes} minutes"),
        0 => "the last minute".to_owned(),
        minutes => format!("the {} since this process started", count(minutes as u64, "minute")),
    };
    if total == 0 {
        return format!("No issue was fetched in {over}.");
    }
    let latest = rates.iter().rev().flatten().next().copied().unwrap_or_default();
    format!(
        "{} in {over}, at most {}. Lately {}.",
        count(total, "issue"),
        rate(highest),
        rate(latest)
    )
}

fn table(rates: &[Option<f64>]) -> Vec<(String, String)> {
    let steps = rates.chunks(TABLE_STEP).enumerate();
    let minutes = |place: usize| (INTERVALS - place * TABLE_STEP) * 15 / 60;
    steps
        .map(|(place, chunk)| {
            let measured: Vec<f64> = chunk.iter().flatten().copied().collect();
            let mean = measured.iter().sum::<f64>() / measured.len().max(1) as f64;
            let span = format!("{} to {} minutes ago", minutes(place), minutes(place + 1));
            let told = if measured.is_empty() {
                "not measured".to_owned()
            } else {
                crate::admin::page::words::rate_number(mean)
            };
            (span, told)
        })
        .collect()
}

/// The lowest round number that is not below `highest`, 10 at the least.
fn round_top(highest: f64) -> f64 {
    let mut step = 10.0;
    loop {
        for factor in [1.0, 2.0, 4.0, 6.0, 8.0] {
            if step * factor >= highest {
                return step * factor;
            }
        }
        step *= 10.0;
    }
}

fn y_of(value: f64, top: f64) -> f64 {
    let height = f64::from(HEIGHT);
    height - value / top * (height - HEADROOM)
}

fn paths(rates: &[Option<f64>], top: f64) -> (String, String) {
    let step = f64::from(WIDTH) / (INTERVALS - 1) as f64;
    let points: Vec<(f64, f64)> = rates
        .iter()
        .enumerate()
        .filter_map(|(place, rate)| Some((place as f64 * step, y_of((*rate)?, top))))
        .collect();
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return (String::new(), String::new());
    };
    let mut line = String::new();
    for (place, (x, y)) in points.iter().enumerate() {
        let verb = if place == 0 { 'M' } else { 'L' };
        line.push_str(&format!("{verb}{x:.1} {y:.1}"));
    }
    let area = format!("{line}L{:.1} {HEIGHT}L{:.1} {HEIGHT}Z", last.0, first.0);
    (line, area)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;
    use crate::admin::page::samples::Reading;
    use crate::model::RunId;

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_010 + secs, 0).unwrap()
    }

    #[rstest]
    #[case(0.0, 10.0)]
    #[case(10.0, 10.0)]
    #[case(10.1, 20.0)]
    #[case(1_234.0, 2_000.0)]
    #[case(81_000.0, 100_000.0)]
    fn the_top_is_round(#[case] highest: f64, #[case] top: f64) {
        assert!((round_top(highest) - top).abs() < f64::EPSILON);
    }

    #[test]
    fn nothing_measured_draws_nothing() {
        let chart = chart(&Samples::default(), at(0));
        assert_eq!((chart.line.as_str(), chart.area.as_str()), ("", ""));
        assert_eq!(chart.words, "Nothing has been measured yet.");
        assert!(chart.table.iter().all(|(_, told)| told == "not measured"));
    }

    #[test]
    fn a_steady_run_is_told_and_drawn() {
        let mut samples = Samples::default();
        let run = RunId(Uuid::nil());
        for step in 0..=8_u64 {
            let reading = Reading { run, done: step * 25, listed: 0 };
            samples.take(&[reading], at(i64::try_from(step).unwrap() * 15), |_| true);
        }
        let chart = chart(&samples, at(120));
        assert_eq!(
            chart.words,
            "200 issues in the 2 minutes since this process started, at most 100 issues a \
             minute. Lately 100 issues a minute."
        );
        assert_eq!(chart.line.matches('L').count(), 7);
        assert!(chart.area.ends_with('Z'));
        assert_eq!(chart.marks[0], (HEADROOM, "100".to_owned()));
        assert_eq!(chart.table.last().unwrap().1, "88");
    }
}
