//! Who asked too early, and who asked too much at once: read from the log of requests.

use std::time::Duration;

use super::notice::Notice;
use super::scope::ThrottleScope;
use crate::requests::{RequestLog, RequestRecord, lock};

/// A request that arrives this soon after somebody was asked to wait was on its way already: on a
/// machine with too much to do, such ways have been seen to take a quarter of a second.
const ON_ITS_WAY: Duration = Duration::from_millis(400);
/// The same where it asks for just what was refused, and others asked for that at the time.
const ONE_OF_MANY: Duration = Duration::from_millis(100);
/// Who asked within this time before belongs to those others.
const AT_THE_TIME: Duration = Duration::from_secs(1);

/// A request that came although it had been asked to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Its number in the log.
    pub request: usize,
    /// The request whose answer asked to wait; of several the one that asked for the longest.
    pub throttled: usize,
    /// Who was asked to wait.
    pub scope: ThrottleScope,
    /// How much later it should have come.
    pub early: Duration,
}

impl RequestLog {
    /// The requests that came before the instant named by a `Retry-After` that was sent before, be
    /// it of a limit or of a scripted fault. A request that was on its way when that answer left
    /// is none of them: one that arrives within 400 ms of it. Asking again for what was refused is
    /// no such request, however soon.
    pub fn violations(&self) -> Vec<Violation> {
        let notices = lock(&self.notices).clone();
        let records = self.all();
        records.iter().filter_map(|record| violation(record, &notices, &records)).collect()
    }

    /// The most requests that arrived in any stretch of time of this length.
    pub fn most_in_any(&self, window: Duration) -> usize {
        let arrived: Vec<Duration> = self.all().iter().map(|record| record.arrived).collect();
        most_within(&arrived, window)
    }
}

fn violation(
    record: &RequestRecord,
    notices: &[Notice],
    records: &[RequestRecord],
) -> Option<Violation> {
    let broken = notices.iter().filter(|notice| {
        (notice.sent..notice.until).contains(&record.arrived)
            && notice.scope.covers(&record.seen)
            && record.arrived >= notice.sent.saturating_add(grace(record, notice, records))
    });
    broken.max_by_key(|notice| notice.until).map(|notice| Violation {
        request: record.number,
        throttled: notice.number,
        scope: notice.scope.clone(),
        early: notice.until.saturating_sub(record.arrived),
    })
}

/// How soon after the answer this request may have been on its way.
fn grace(record: &RequestRecord, notice: &Notice, records: &[RequestRecord]) -> Duration {
    let refused = records.iter().find(|other| other.number == notice.number);
    if refused.is_none_or(|refused| refused.seen != record.seen) {
        return ON_ITS_WAY;
    }
    let since = notice.sent.saturating_sub(AT_THE_TIME);
    let at_the_time = records.iter().filter(|other| {
        other.number != notice.number
            && (since..notice.sent).contains(&other.arrived)
            && other.seen == record.seen
    });
    if at_the_time.count() > 0 { ONE_OF_MANY } else { Duration::ZERO }
}

/// `arrived` is in ascending order.
fn most_within(arrived: &[Duration], window: Duration) -> usize {
    let mut most = 0;
    let mut from = 0;
    for (at, last) in arrived.iter().enumerate() {
        while arrived.get(from).is_some_and(|first| last.saturating_sub(*first) >= window) {
            from += 1;
        }
        most = most.max(at + 1 - from.min(at + 1));
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn record(arrived: Duration, resource: &str) -> RequestRecord {
        RequestRecord {
            number: 9,
            seen: crate::api::seen("GET", &format!("/rest/api/2/{resource}"), &Vec::new(), None),
            arrived,
            in_flight: 1,
            took: None,
            status: None,
            bytes: 0,
            issues: Vec::new(),
            links: 0,
            fault: None,
        }
    }

    fn notice(number: usize, until: Duration, scope: ThrottleScope) -> Notice {
        Notice { number, sent: ms(1_000), until, scope }
    }

    #[test]
    fn early_is_between_the_grace_and_the_named_instant() {
        let notices = [notice(3, ms(2_000), ThrottleScope::Everything)];
        for (arrived, early) in [
            (900, None),
            (1_000, None),
            (1_399, None),
            (1_400, Some(600)),
            (1_999, Some(1)),
            (2_000, None),
        ] {
            let found = violation(&record(ms(arrived), "myself"), &notices, &[]);
            assert_eq!(found.map(|found| found.early), early.map(ms), "{arrived}");
        }
    }

    #[test]
    fn asking_again_is_found_at_once_unless_others_asked_the_same() {
        let notices = [notice(3, ms(2_000), ThrottleScope::Everything)];
        let refused = RequestRecord { number: 3, ..record(ms(990), "myself") };
        let again = record(ms(1_001), "myself");
        let early = |records: &[RequestRecord]| {
            violation(&again, &notices, records).map(|found| found.early)
        };
        assert_eq!(early(&[refused.clone(), again.clone()]), Some(ms(999)));
        let at_the_time = RequestRecord { number: 4, ..record(ms(995), "myself") };
        assert_eq!(early(&[refused.clone(), at_the_time, again.clone()]), None);
        let other = RequestRecord { number: 4, ..record(ms(995), "serverInfo") };
        assert_eq!(early(&[refused, other, again.clone()]), Some(ms(999)));
    }

    #[test]
    fn the_longest_wait_counts_and_only_in_its_scope() {
        let scope = || ThrottleScope::Endpoint("GET issue/*".to_owned());
        let notices = [
            notice(3, ms(2_000), ThrottleScope::Everything),
            notice(4, ms(9_000), scope()),
            notice(5, ms(5_000), scope()),
        ];
        let found = violation(&record(ms(1_500), "issue/P-1"), &notices, &[]).unwrap();
        assert_eq!((found.request, found.throttled, found.early), (9, 4, ms(7_500)));
        let found = violation(&record(ms(1_500), "issue/P-1/comment"), &notices, &[]).unwrap();
        assert_eq!((found.throttled, found.scope), (3, ThrottleScope::Everything));
        assert_eq!(violation(&record(ms(2_500), "myself"), &notices, &[]), None);
    }

    #[test]
    fn the_fullest_stretch_is_found() {
        let arrived = [0, 100, 999, 1000, 1001, 1050, 3000].map(ms);
        assert_eq!(most_within(&arrived, ms(1000)), 5);
        assert_eq!(most_within(&arrived, ms(51)), 3);
        assert_eq!(most_within(&arrived, ms(1)), 1);
        assert_eq!(most_within(&[], ms(1000)), 0);
    }
}
