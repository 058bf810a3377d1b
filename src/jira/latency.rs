//! How long Jira takes to answer, counted in histograms by what was asked for. `send` counts;
//! whoever shows it reads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::endpoint::Endpoint;
use super::retry::Weight;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A page of a listing, or a count.
    Listing,
    /// Whole issues, or most of one.
    Issues,
    /// The rest of a list that came cut short, or an optional stream.
    Children,
    /// A project or a catalogue.
    Catalogue,
    /// What Jira is, who we are, and whether it is there.
    Instance,
}

impl Purpose {
    /// Every purpose, in the order in which they are shown.
    pub const ALL: [Self; 5] =
        [Self::Listing, Self::Issues, Self::Children, Self::Catalogue, Self::Instance];

    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Listing => "listing",
            Self::Issues => "issues",
            Self::Children => "children",
            Self::Catalogue => "catalogue",
            Self::Instance => "instance",
        }
    }

    /// What a request of `weight` asks `endpoint` for: whole issues come through the search as well.
    pub(super) fn of(endpoint: Endpoint, weight: Weight) -> Self {
        match endpoint {
            Endpoint::Search | Endpoint::SearchJql if weight == Weight::Whole => Self::Issues,
            Endpoint::Search | Endpoint::SearchJql | Endpoint::ApproximateCount => Self::Listing,
            Endpoint::Issue | Endpoint::BulkFetch => Self::Issues,
            Endpoint::BulkChangelog
            | Endpoint::Worklogs
            | Endpoint::Comments
            | Endpoint::Changelog
            | Endpoint::RemoteLinks
            | Endpoint::Watchers
            | Endpoint::Votes
            | Endpoint::Properties
            | Endpoint::Property
            | Endpoint::DeletedWorklogs => Self::Children,
            Endpoint::Projects
            | Endpoint::ProjectSearch
            | Endpoint::Project
            | Endpoint::Versions
            | Endpoint::Components
            | Endpoint::Fields
            | Endpoint::Statuses
            | Endpoint::IssueTypes
            | Endpoint::Priorities
            | Endpoint::Resolutions
            | Endpoint::LinkTypes => Self::Catalogue,
            Endpoint::ServerInfo | Endpoint::Myself | Endpoint::IndexSummary => Self::Instance,
        }
    }
}

/// The longest times of the buckets, in seconds; what takes longer is counted in one more.
pub const LATENCY_BOUNDS: [f64; 12] =
    [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];
const BUCKETS: usize = LATENCY_BOUNDS.len() + 1;

/// How long requests took: each counted in the first bucket that it fits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latency {
    /// Requests, bucket by bucket.
    pub buckets: [u64; BUCKETS],
    /// All of their times together.
    pub time: Duration,
}

/// The latencies of one client, by purpose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latencies([Latency; Purpose::ALL.len()]);

impl Latencies {
    /// Those of one purpose.
    pub fn of(&self, purpose: Purpose) -> &Latency {
        &self.0[purpose as usize]
    }
}

/// Counts them.
#[derive(Debug, Default)]
pub(super) struct LatencyCounters([Counter; Purpose::ALL.len()]);

#[derive(Debug, Default)]
struct Counter {
    buckets: [AtomicU64; BUCKETS],
    micros: AtomicU64,
}

impl LatencyCounters {
    /// A request took `elapsed`, whatever came of it.
    pub(super) fn note(&self, purpose: Purpose, elapsed: Duration) {
        let counter = &self.0[purpose as usize];
        counter.buckets[bucket(elapsed)].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        counter.micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Latencies {
        Latencies(std::array::from_fn(|at| {
            let counter = &self.0[at];
            Latency {
                buckets: std::array::from_fn(|i| counter.buckets[i].load(Ordering::Relaxed)),
                time: Duration::from_micros(counter.micros.load(Ordering::Relaxed)),
            }
        }))
    }
}

/// The first bucket that a time fits.
fn bucket(elapsed: Duration) -> usize {
    let secs = elapsed.as_secs_f64();
    LATENCY_BOUNDS.iter().position(|bound| secs <= *bound).unwrap_or(LATENCY_BOUNDS.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_counted_in_the_first_bucket_that_it_fits() {
        assert_eq!(bucket(Duration::ZERO), 0);
        assert_eq!(bucket(Duration::from_millis(50)), 0);
        assert_eq!(bucket(Duration::from_millis(51)), 1);
        assert_eq!(bucket(Duration::from_secs(300)), 11);
        assert_eq!(bucket(Duration::from_secs(301)), 12);
    }

    #[test]
    fn each_purpose_has_its_own() {
        let counters = LatencyCounters::default();
        counters.note(Purpose::Issues, Duration::from_secs(2));
        counters.note(Purpose::Issues, Duration::from_secs(3));
        let read = counters.read();
        assert_eq!(read.of(Purpose::Issues).time, Duration::from_secs(5));
        assert_eq!(read.of(Purpose::Issues).buckets.iter().sum::<u64>(), 2);
        assert_eq!(*read.of(Purpose::Listing), Latency::default());
        for (at, purpose) in Purpose::ALL.into_iter().enumerate() {
            assert_eq!(purpose as usize, at);
        }
    }

    #[test]
    fn whole_issues_that_come_through_the_search_are_issues() {
        assert_eq!(Purpose::of(Endpoint::Search, Weight::Whole), Purpose::Issues);
        assert_eq!(Purpose::of(Endpoint::Search, Weight::Heavy), Purpose::Listing);
    }
}
