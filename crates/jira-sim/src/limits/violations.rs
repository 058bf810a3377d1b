//! Who asked too early, and who asked too much at once: read from the log of requests.

use std::time::Duration;

use super::notice::Notice;
use super::scope::ThrottleScope;
use crate::requests::{RequestLog, RequestRecord, lock};

/// A request that arrives this soon after somebody was asked to wait was on its way already.
const ON_ITS_WAY: Duration = Duration::from_millis(100);

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
    /// is none of them: one that arrives within 100 ms of it.
    pub fn violations(&self) -> Vec<Violation> {
        let notices = lock(&self.notices).clone();
        self.all().iter().filter_map(|record| violation(record, &notices)).collect()
    }

    /// The most requests that arrived in any stretch of time of this length.
    pub fn most_in_any(&self, window: Duration) -> usize {
        let arrived: Vec<Duration> = self.all().iter().map(|record| record.arrived).collect();
        most_within(&arrived, window)
    }
}

fn violation(record: &RequestRecord, notices: &[Notice]) -> Option<Violation> {
    let broken = notices.iter().filter(|notice| {
        record.arrived >= notice.sent.saturating_add(ON_ITS_WAY)
            && record.arrived < notice.until
            && notice.scope.covers(&record.seen)
    });
    broken.max_by_key(|notice| notice.until).map(|notice| Violation {
        request: record.number,
        throttled: notice.number,
        scope: notice.scope.clone(),
        early: notice.until.saturating_sub(record.arrived),
    })
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
            (1_099, None),
            (1_100, Some(900)),
            (1_999, Some(1)),
            (2_000, None),
        ] {
            let found = violation(&record(ms(arrived), "myself"), &notices);
            assert_eq!(found.map(|found| found.early), early.map(ms), "{arrived}");
        }
    }

    #[test]
    fn the_longest_wait_counts_and_only_in_its_scope() {
        let scope = || ThrottleScope::Endpoint("GET issue/*".to_owned());
        let notices = [
            notice(3, ms(2_000), ThrottleScope::Everything),
            notice(4, ms(9_000), scope()),
            notice(5, ms(5_000), scope()),
        ];
        let found = violation(&record(ms(1_500), "issue/P-1"), &notices).unwrap();
        assert_eq!((found.request, found.throttled, found.early), (9, 4, ms(7_500)));
        let found = violation(&record(ms(1_500), "issue/P-1/comment"), &notices).unwrap();
        assert_eq!((found.throttled, found.scope), (3, ThrottleScope::Everything));
        assert_eq!(violation(&record(ms(2_500), "myself"), &notices), None);
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
