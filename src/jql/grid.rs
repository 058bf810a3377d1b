//! The instants that a JQL literal can express on one instance, for one user.
//!
//! Jira's index keeps whole seconds. Where the instance honours unquoted epoch milliseconds every
//! second can be asked for. Elsewhere only minutes can, written in the time zone of the user's
//! profile: there an hour is skipped in spring and, in autumn, an hour repeats, of which Jira
//! reads the literal as the later one (observed on Server: a strict `SimpleDateFormat`).

use chrono::{DateTime, MappedLocalTime, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

use crate::model::EpochSecond;

/// Which instants the instance's literals can express.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeGrid {
    /// Every second, as unquoted epoch milliseconds.
    Seconds,
    /// Minutes, as Jira reads them in this zone.
    Minutes(Tz),
}

/// An instant that a literal expresses exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    second: EpochSecond,
    literal: String,
}

impl Boundary {
    /// The instant.
    pub fn second(&self) -> EpochSecond {
        self.second
    }

    /// The JQL literal that Jira reads as that instant.
    pub fn literal(&self) -> &str {
        &self.literal
    }
}

/// No zone repeats more than a few hours; a day of minutes ends every search.
const MINUTES_SEARCHED: i64 = 24 * 60;

impl TimeGrid {
    /// The latest boundary that is not after `second`, or `None` before 1970, where epoch
    /// literals end: ask from the beginning instead.
    pub fn floor(self, second: EpochSecond) -> Option<Boundary> {
        if second < EpochSecond(0) {
            return None;
        }
        match self {
            Self::Seconds => Some(Boundary { second, literal: second.millis().to_string() }),
            Self::Minutes(zone) => floor_minute(zone, second),
        }
    }

    /// The earliest boundary after `second`.
    pub fn after(self, second: EpochSecond) -> Option<Boundary> {
        if second < EpochSecond(0) {
            return self.floor(EpochSecond(0)).or_else(|| self.after(EpochSecond(0)));
        }
        match self {
            Self::Seconds => self.floor(second.plus(1)),
            Self::Minutes(_) => (1..=MINUTES_SEARCHED)
                .filter_map(|minutes| self.floor(second.plus(minutes * 60)))
                .find(|boundary| boundary.second > second),
        }
    }

    /// Whether `second` is a boundary itself.
    pub fn expresses(self, second: EpochSecond) -> bool {
        self.floor(second).is_some_and(|boundary| boundary.second == second)
    }
}

/// Walks back from the minute of `second` to one whose literal Jira reads as that very minute.
fn floor_minute(zone: Tz, second: EpochSecond) -> Option<Boundary> {
    let mut minute = second.start()?;
    for _ in 0..=MINUTES_SEARCHED {
        let local = minute.with_timezone(&zone);
        minute -= chrono::Duration::seconds(i64::from(local.second()));
        let written = minute.with_timezone(&zone).naive_local();
        if as_jira_reads(zone, written) == Some(minute) {
            return (minute.timestamp() >= 0).then(|| Boundary {
                second: EpochSecond::floor(minute),
                literal: format!("\"{}\"", written.format("%Y-%m-%d %H:%M")),
            });
        }
        minute -= chrono::Duration::minutes(1);
    }
    None
}

fn as_jira_reads(zone: Tz, local: chrono::NaiveDateTime) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(time) => Some(time.with_timezone(&Utc)),
        MappedLocalTime::Ambiguous(_, later) => Some(later.with_timezone(&Utc)),
        MappedLocalTime::None => None,
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::{America::New_York, Australia::Lord_Howe, Europe::Berlin};
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn at(text: &str) -> EpochSecond {
        EpochSecond::floor(text.parse().unwrap())
    }

    #[test]
    fn seconds_are_epoch_milliseconds_without_quotes() {
        let boundary = TimeGrid::Seconds.floor(at("2024-01-02T03:04:05Z")).unwrap();
        assert_eq!(boundary.literal(), "1704164645000");
        assert_eq!(boundary.second(), at("2024-01-02T03:04:05Z"));
    }

    #[rstest]
    #[case::plain(Berlin, "2024-06-01T10:30:59Z", "2024-06-01T10:30:00Z", "\"2024-06-01 12:30\"")]
    #[case::before_the_repeated_hour(
        New_York,
        "2024-11-03T04:59:10Z",
        "2024-11-03T04:59:00Z",
        "\"2024-11-03 00:59\""
    )]
    #[case::first_reading_of_it(
        New_York,
        "2024-11-03T05:30:00Z",
        "2024-11-03T04:59:00Z",
        "\"2024-11-03 00:59\""
    )]
    #[case::second_reading_of_it(
        New_York,
        "2024-11-03T06:30:00Z",
        "2024-11-03T06:30:00Z",
        "\"2024-11-03 01:30\""
    )]
    #[case::berlin_first_reading(
        Berlin,
        "2024-10-27T00:30:00Z",
        "2024-10-26T23:59:00Z",
        "\"2024-10-27 01:59\""
    )]
    #[case::berlin_second_reading(
        Berlin,
        "2024-10-27T01:30:00Z",
        "2024-10-27T01:30:00Z",
        "\"2024-10-27 02:30\""
    )]
    #[case::after_the_skipped_hour(
        New_York,
        "2024-03-10T07:00:30Z",
        "2024-03-10T07:00:00Z",
        "\"2024-03-10 03:00\""
    )]
    #[case::before_the_skipped_hour(
        New_York,
        "2024-03-10T06:59:30Z",
        "2024-03-10T06:59:00Z",
        "\"2024-03-10 01:59\""
    )]
    #[case::half_an_hour_repeats(
        Lord_Howe,
        "2024-04-06T14:45:00Z",
        "2024-04-06T14:29:00Z",
        "\"2024-04-07 01:29\""
    )]
    fn a_minute_floors_to_what_jira_reads_back(
        #[case] zone: Tz,
        #[case] second: &str,
        #[case] expected: &str,
        #[case] literal: &str,
    ) {
        let boundary = TimeGrid::Minutes(zone).floor(at(second)).unwrap();
        assert_eq!((boundary.second(), boundary.literal()), (at(expected), literal));
    }

    #[test]
    fn nothing_is_expressed_before_1970() {
        assert_eq!(TimeGrid::Seconds.floor(EpochSecond(-1)), None);
        assert_eq!(TimeGrid::Minutes(Berlin).floor(EpochSecond(-1)), None);
        assert_eq!(TimeGrid::Seconds.after(EpochSecond(-5)).unwrap().second(), EpochSecond(0));
    }

    fn near_a_clock_change() -> impl Strategy<Value = (Tz, i64)> {
        let zones = prop_oneof![Just(New_York), Just(Berlin), Just(Lord_Howe), Just(Tz::UTC)];
        let changes = prop_oneof![
            Just("2024-11-03T06:00:00Z"),
            Just("2024-03-10T07:00:00Z"),
            Just("2024-10-27T01:00:00Z"),
            Just("2024-03-31T01:00:00Z"),
            Just("2024-04-06T15:00:00Z"),
        ];
        (zones, changes, -20_000_i64..20_000)
            .prop_map(|(zone, change, offset)| (zone, at(change).0 + offset))
    }

    proptest! {
        #[test]
        fn a_floor_is_never_later_and_reads_back_as_itself((zone, second) in near_a_clock_change()) {
            let boundary = TimeGrid::Minutes(zone).floor(EpochSecond(second)).unwrap();
            prop_assert!(boundary.second().0 <= second);
            let text = boundary.literal().trim_matches('"');
            let local = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
            let read = as_jira_reads(zone, local).unwrap().timestamp();
            prop_assert_eq!(read, boundary.second().0);
        }

        #[test]
        fn boundaries_ascend_without_a_hole((zone, second) in near_a_clock_change()) {
            let grid = TimeGrid::Minutes(zone);
            let next = grid.after(EpochSecond(second)).unwrap();
            prop_assert!(next.second().0 > second);
            let before = grid.floor(next.second().plus(-1)).unwrap();
            prop_assert!(before.second().0 <= second);
        }
    }
}
