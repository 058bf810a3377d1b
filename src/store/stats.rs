//! What a store counts of itself, for metrics: connections, and every named transaction. Counting is
//! a few atomic additions; reads outside transactions are not counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Store;

/// Upper bounds of the histograms' buckets, in seconds; a last bucket holds what took longer.
pub const SECONDS_BOUNDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
const BUCKETS: usize = SECONDS_BOUNDS.len() + 1;

/// Every transaction of the store by name, sorted: all are counted from the start, at zero.
const TRANSACTIONS: [&str; 59] = [
    "acquire_batch",
    "acquire_project",
    "align_users",
    "audit_replay",
    "bring_forward",
    "cancel_run",
    "check_views",
    "claim_due_run",
    "close_session",
    "complete_run",
    "ensure_people_key",
    "fail_run",
    "finish_erasure",
    "follow_projects",
    "forget_listed",
    "forget_old_workers",
    "grant_reader",
    "interrupt_run",
    "make_failures_due",
    "name_views",
    "open_versions",
    "queue_deleted_worklogs",
    "queue_under_other_privacy",
    "queue_without_streams",
    "record_absent",
    "record_events",
    "record_failure",
    "record_found",
    "record_index_lag",
    "record_late",
    "record_page",
    "record_pause",
    "record_success",
    "record_throttles",
    "refuse_run",
    "register_erasure",
    "register_sharing",
    "release_batch",
    "release_project",
    "release_stray_batch",
    "release_stray_project",
    "rename_project",
    "renew_batch",
    "request_cancel",
    "request_retry",
    "request_run",
    "requeue_failures",
    "requeue_unreplayed",
    "reset_cursor",
    "restart_cursor",
    "restart_listing",
    "resume_run",
    "rewrite_people",
    "settle_absences",
    "start_run",
    "store_certificate",
    "upsert_catalogue",
    "write_batch",
    "write_view",
];

/// What a store has counted since it was opened, and its connections now.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreStats {
    /// The pool's connections.
    pub pool: PoolStats,
    /// How long transactions waited for a connection; the `BEGIN` is part of it.
    pub waits: Histogram,
    /// Every transaction, by name.
    pub transactions: Vec<TransactionStats>,
}

/// The connections of a store's pool. A session and listeners have their own besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStats {
    /// The most there can be.
    pub max: u32,
    /// How many there are.
    pub size: u32,
    /// How many of them wait for work.
    pub idle: u32,
}

impl PoolStats {
    /// How many are at work.
    pub fn in_use(&self) -> u32 {
        self.size.saturating_sub(self.idle)
    }
}

/// What became of the transactions of one name.
#[derive(Debug, Clone, PartialEq)]
pub struct TransactionStats {
    /// The name.
    pub name: &'static str,
    /// How many were rolled back for good: the database failed, or a lease was lost.
    pub failures: u64,
    /// How often one was begun again because Postgres asked for it.
    pub retries: u64,
    /// How long each took, those that failed included, with waits and retries.
    pub seconds: Histogram,
}

/// Durations by how long they were.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// How many fell into each bucket and no earlier one; the bounds are [`SECONDS_BOUNDS`], and the
    /// last bucket has none.
    pub buckets: [u64; BUCKETS],
    /// All of them together, in seconds.
    pub sum: f64,
}

impl Histogram {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

impl Store {
    /// What this store, its clones included, has counted since it was opened.
    pub fn stats(&self) -> StoreStats {
        let (max, size, idle) = self.pool.sizes();
        let idle = u32::try_from(idle).unwrap_or(u32::MAX).min(size);
        StoreStats {
            pool: PoolStats { max, size, idle },
            waits: self.counters.waits.read(),
            transactions: self
                .counters
                .transactions
                .iter()
                .map(TransactionCounters::read)
                .collect(),
        }
    }
}

/// The atomics behind [`StoreStats`].
#[derive(Debug)]
pub(super) struct Counters {
    waits: Durations,
    transactions: [TransactionCounters; TRANSACTIONS.len()],
}

impl Default for Counters {
    fn default() -> Self {
        let transactions = TRANSACTIONS.map(|name| TransactionCounters {
            name,
            failures: AtomicU64::default(),
            retries: AtomicU64::default(),
            seconds: Durations::default(),
        });
        Self { waits: Durations::default(), transactions }
    }
}

impl Counters {
    /// A connection was had after `waited`, or not at all.
    pub(super) fn waited(&self, waited: Duration) {
        self.waits.add(waited);
    }

    /// A transaction has ended. Names that are not in the list are those of tests.
    pub(super) fn ended(&self, name: &str, failed: bool, retries: u32, took: Duration) {
        let Ok(place) = TRANSACTIONS.binary_search(&name) else { return };
        let counters = &self.transactions[place];
        counters.failures.fetch_add(u64::from(failed), Ordering::Relaxed);
        counters.retries.fetch_add(u64::from(retries), Ordering::Relaxed);
        counters.seconds.add(took);
    }
}

#[derive(Debug)]
struct TransactionCounters {
    name: &'static str,
    failures: AtomicU64,
    retries: AtomicU64,
    seconds: Durations,
}

impl TransactionCounters {
    fn read(&self) -> TransactionStats {
        TransactionStats {
            name: self.name,
            failures: self.failures.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            seconds: self.seconds.read(),
        }
    }
}

#[derive(Debug, Default)]
struct Durations {
    buckets: [AtomicU64; BUCKETS],
    micros: AtomicU64,
}

impl Durations {
    fn add(&self, duration: Duration) {
        self.buckets[bucket(duration.as_secs_f64())].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    fn read(&self) -> Histogram {
        let sum = Duration::from_micros(self.micros.load(Ordering::Relaxed)).as_secs_f64();
        Histogram { buckets: self.buckets.each_ref().map(|b| b.load(Ordering::Relaxed)), sum }
    }
}

fn bucket(seconds: f64) -> usize {
    SECONDS_BOUNDS.partition_point(|bound| *bound < seconds)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// The names in the calls of `tx` and `tx_in_index_order` in the source, tests left out.
    fn names_in(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if path.file_name().unwrap() != "tests" {
                    names_in(&path, found);
                }
            } else if path.file_name().unwrap() != "stats.rs" {
                let text: String =
                    std::fs::read_to_string(path).unwrap().split_whitespace().collect();
                for call in ["tx(\"", "tx_in_index_order(\""] {
                    let names = text.split(call).skip(1).filter_map(|rest| rest.split('"').next());
                    found.extend(names.map(str::to_owned));
                }
            }
        }
    }

    #[test]
    fn every_transaction_is_counted() {
        let mut found = BTreeSet::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
        names_in(&root, &mut found);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), TRANSACTIONS);
    }

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        assert_eq!((bucket(0.0), bucket(0.001), bucket(0.0011)), (0, 0, 1));
        assert_eq!((bucket(30.0), bucket(31.0)), (BUCKETS - 2, BUCKETS - 1));
    }

    #[test]
    fn what_ended_is_counted_once_with_its_retries() {
        let counters = Counters::default();
        counters.ended("write_batch", false, 2, Duration::from_millis(30));
        counters.ended("write_batch", true, 0, Duration::from_secs(60));
        let stats =
            counters.transactions[TRANSACTIONS.binary_search(&"write_batch").unwrap()].read();
        assert_eq!((stats.name, stats.failures, stats.retries), ("write_batch", 1, 2));
        assert_eq!((stats.seconds.count(), stats.seconds.sum), (2, 60.03));
        let untouched = counters.transactions[0].read();
        assert_eq!((untouched.failures, untouched.seconds.count()), (0, 0));
    }
}
