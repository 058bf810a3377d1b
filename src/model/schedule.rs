//! When runs are due: at an interval, or at the instants of a cron expression, in UTC. Pure: the
//! time is an argument.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

/// The shortest interval: more often than this, a run would mostly ask whether it may begin.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest interval. Whoever wants less than a run a year needs no service.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
const MINUTES_OF_A_DAY: u32 = 24 * 60;
/// The years after which days, weekdays and leap years repeat; enough to know every pause of a cron
/// expression. The first is any after 2000.
const CYCLE: (i32, u32) = (2001, 28);

/// When runs of a project are due.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule(Form);

#[derive(Debug, Clone, PartialEq)]
enum Form {
    /// Every so long after the last one.
    Interval(Duration),
    /// At the minutes that an expression names, with the longest pause between two of them.
    Cron { cron: Box<Cron>, written: String, longest_pause: Duration },
}

/// A text that is no schedule. Reads as the end of a sentence that begins with "expected".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSchedule(String);

impl Schedule {
    /// A run every `interval`, whatever its length: the limits are for what people write.
    pub fn every(interval: Duration) -> Self {
        Self(Form::Interval(interval))
    }

    /// The next instant at which a run is due, strictly after `now`: for an interval, that long
    /// after `now`.
    pub fn next_after(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        match &self.0 {
            Form::Interval(interval) => later(now, *interval),
            // An expression that never comes is refused when it is read; this is for the year 5000.
            Form::Cron { cron, longest_pause, .. } => cron
                .find_next_occurrence(&now, false)
                .unwrap_or_else(|_| later(now, *longest_pause)),
        }
    }

    /// Whether it counts from the last run, and is not a matter of the clock on the wall.
    pub fn is_interval(&self) -> bool {
        match self.0 {
            Form::Interval(_) => true,
            Form::Cron { .. } => false,
        }
    }

    /// The longest time between one run that is due and the next: the interval, or the longest
    /// pause that the cron expression makes (over the weekend, for one of Mondays to Fridays).
    pub fn period(&self) -> Duration {
        match &self.0 {
            Form::Interval(interval) => *interval,
            Form::Cron { longest_pause, .. } => *longest_pause,
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Interval(interval) => write!(f, "{}", humantime::format_duration(*interval)),
            Form::Cron { written, .. } => f.write_str(written),
        }
    }
}

impl FromStr for Schedule {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, InvalidSchedule> {
        let text = text.trim();
        match humantime::parse_duration(text) {
            Ok(interval) if (SHORTEST..=LONGEST).contains(&interval) => Ok(Self::every(interval)),
            Ok(_) => Err(InvalidSchedule(
                "an interval from 1s to 366d, such as 5m, or a cron expression".to_owned(),
            )),
            Err(_) => from_cron(text),
        }
    }
}

fn from_cron(text: &str) -> Result<Schedule, InvalidSchedule> {
    let fields = text.split_whitespace().count();
    if fields != 5 && !text.starts_with('@') {
        return Err(InvalidSchedule(
            "an interval such as 5m, or a cron expression of five fields (minute, hour, day of \
             month, month, day of week; in UTC) such as */15 * * * *"
                .to_owned(),
        ));
    }
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let cron = parser.parse(text).map_err(|_| {
        InvalidSchedule(
            "a cron expression of five fields that each hold what they may (minute 0-59, hour \
             0-23, day of month 1-31, month 1-12, day of week 0-7), such as 0 6-20 * * 1-5"
                .to_owned(),
        )
    })?;
    let longest_pause = longest_pause(&cron).ok_or_else(|| {
        InvalidSchedule(
            "a cron expression that comes true at some time, such as 30 2 28 * * (this one names \
             a day that no month has)"
                .to_owned(),
        )
    })?;
    let written = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(Schedule(Form::Cron { cron: Box::new(cron), written, longest_pause }))
}

/// The longest pause between two instants; `None` when there are none.
///
/// The minutes are the same on every day that the expression names, so the pauses are those within
/// such a day, and those from the last minute of one to the first of the next.
fn longest_pause(cron: &Cron) -> Option<Duration> {
    let minutes: Vec<i64> =
        (0..MINUTES_OF_A_DAY).filter(|minute| is_minute(cron, *minute)).map(i64::from).collect();
    let (first, last) = (*minutes.first()?, *minutes.last()?);
    let within = minutes.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);

    let days: Vec<i64> = cycle().filter(|day| is_day(cron, *day)).map(number).collect();
    let across = days.windows(2).map(|pair| pair[1] - pair[0]).max();
    // A day that comes once in the whole cycle comes again with the next.
    let cycle_days = i64::from(CYCLE.1) * 1461 / 4;
    let across = match (across, days.len()) {
        (Some(across), _) => across,
        (None, 1) => cycle_days,
        (None, _) => return None,
    };
    let over_night = across * i64::from(MINUTES_OF_A_DAY) - last + first;
    TimeDelta::minutes(within.max(over_night)).to_std().ok()
}

fn is_minute(cron: &Cron, minute: u32) -> bool {
    let pattern = &cron.pattern;
    pattern.hour_match(minute / 60).unwrap_or(false)
        && pattern.minute_match(minute % 60).unwrap_or(false)
}

fn is_day(cron: &Cron, day: NaiveDate) -> bool {
    use croner::Weekday;
    let weekday = match day.weekday() {
        chrono::Weekday::Mon => Weekday::Monday,
        chrono::Weekday::Tue => Weekday::Tuesday,
        chrono::Weekday::Wed => Weekday::Wednesday,
        chrono::Weekday::Thu => Weekday::Thursday,
        chrono::Weekday::Fri => Weekday::Friday,
        chrono::Weekday::Sat => Weekday::Saturday,
        chrono::Weekday::Sun => Weekday::Sunday,
    };
    cron.pattern.month_match(day.month()).unwrap_or(false)
        && cron.pattern.day_match(day.year(), day.month(), day.day(), weekday).unwrap_or(false)
}

/// Every day of the cycle.
fn cycle() -> impl Iterator<Item = NaiveDate> {
    let (year, years) = CYCLE;
    let first = NaiveDate::from_ymd_opt(year, 1, 1);
    let days = u64::from(years) * 1461 / 4;
    first.into_iter().flat_map(move |first| {
        (0..days).filter_map(move |day| first.checked_add_days(Days::new(day)))
    })
}

fn number(day: NaiveDate) -> i64 {
    i64::from(day.num_days_from_ce())
}

fn later(now: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(by)
        .ok()
        .and_then(|by| now.checked_add_signed(by))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[rstest::rstest]
    #[case("5m", "2026-11-21T00:00:00Z", "2026-11-21T00:05:00Z")]
    #[case("1h 30m", "2026-11-21T00:00:00.5Z", "2026-11-21T01:30:00.5Z")]
    // 2026-11-20 is a Friday.
    #[case("*/15 * * * *", "2026-11-20T10:14:59.9Z", "2026-11-20T10:15:00Z")]
    #[case("*/15 * * * *", "2026-11-20T10:15:00Z", "2026-11-20T10:30:00Z")]
    #[case("*/15 * * * *", "2026-11-20T10:15:00.001Z", "2026-11-20T10:30:00Z")]
    #[case("0 6-20 * * 1-5", "2026-11-20T20:00:00Z", "2026-11-23T06:00:00Z")]
    #[case("0 6-20 * * MON-FRI", "2026-11-20T20:00:00Z", "2026-11-23T06:00:00Z")]
    #[case("30 2 29 2 *", "2026-11-20T20:00:00Z", "2028-02-29T02:30:00Z")]
    // An hour that is skipped, and one that comes twice, where people change their clocks.
    #[case("30 1 * * *", "2026-03-29T00:00:00Z", "2026-03-29T01:30:00Z")]
    #[case("30 1 * * *", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z")]
    #[case("@hourly", "2026-11-20T20:00:01Z", "2026-11-20T21:00:00Z")]
    fn the_next_run_is_due(#[case] text: &str, #[case] now: &str, #[case] next: &str) {
        let schedule: Schedule = text.parse().unwrap();
        assert_eq!(schedule.next_after(at(now)), at(next));
    }

    #[rstest::rstest]
    #[case("5m", "5m")]
    #[case("90s", "1m 30s")]
    #[case("* * * * *", "1m")]
    #[case("*/15 * * * *", "15m")]
    #[case("*/40 * * * *", "40m")]
    #[case("0 6-20 * * *", "10h")]
    #[case("0 6-20 * * 1-5", "2d 10h")]
    #[case("* * 1-20 * *", "11d 1m")]
    #[case("0 0 * * 0", "7d")]
    #[case("0 0 1 * *", "31d")]
    #[case("0 0 29 2 *", "1461d")]
    #[case("@daily", "1d")]
    fn the_longest_pause_is_the_period(#[case] text: &str, #[case] period: &str) {
        let schedule: Schedule = text.parse().unwrap();
        assert_eq!(schedule.period(), humantime::parse_duration(period).unwrap());
    }

    /// The period is worked out by days and minutes; here it is counted, run by run.
    #[rstest::rstest]
    #[case("17 3,15 * * 2", 300)]
    #[case("0,5,50 8-9 10-12 * *", 500)]
    #[case("0 12 L * *", 60)]
    fn no_pause_is_longer_than_the_period(#[case] text: &str, #[case] runs: usize) {
        let schedule: Schedule = text.parse().unwrap();
        let (mut now, mut longest) = (at("2026-01-01T00:00:00Z"), Duration::ZERO);
        now = schedule.next_after(now);
        for _ in 0..runs {
            let next = schedule.next_after(now);
            longest = longest.max((next - now).to_std().unwrap());
            now = next;
        }
        assert_eq!(longest, schedule.period());
    }

    #[rstest::rstest]
    #[case("", "such as 5m")]
    #[case("soon", "such as 5m")]
    #[case("5", "such as 5m")]
    #[case("0s", "from 1s to 366d, such as 5m")]
    #[case("999ms", "from 1s to 366d, such as 5m")]
    #[case("400d", "from 1s to 366d, such as 5m")]
    #[case("* * * *", "such as */15 * * * *")]
    #[case("0 * * * * *", "such as */15 * * * *")]
    #[case("60 * * * *", "such as 0 6-20 * * 1-5")]
    #[case("5/10 * * * *", "such as 0 6-20 * * 1-5")]
    #[case("@sometimes", "such as 0 6-20 * * 1-5")]
    #[case("0 0 30 2 *", "such as 30 2 28 * *")]
    fn nonsense_is_refused_with_an_example(#[case] text: &str, #[case] said: &str) {
        let error = text.parse::<Schedule>().unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }

    #[rstest::rstest]
    #[case("300s", "5m")]
    #[case(" 0  6-20 * *  MON-FRI ", "0 6-20 * * MON-FRI")]
    #[case("@daily", "@daily")]
    fn it_is_shown_as_people_write_it(#[case] text: &str, #[case] shown: &str) {
        let schedule: Schedule = text.parse().unwrap();
        assert_eq!(schedule.to_string(), shown);
        assert_eq!(shown.parse::<Schedule>().unwrap(), schedule);
    }
}
