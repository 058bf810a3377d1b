//! What the store tells of itself: connections, and how long its transactions take. Nothing before
//! the database has been opened for the first time.

use std::time::Duration;

use super::sheet::Sheet;
use crate::store::{Histogram, SECONDS_BOUNDS, StoreStats};
use crate::telemetry::metric_names::{self as names, Metric};

pub(super) fn show(sheet: &mut Sheet, stats: &StoreStats) {
    let pool = stats.pool;
    for (state, count) in [("in_use", pool.in_use()), ("idle", pool.idle)] {
        sheet.count(&names::DATABASE_CONNECTIONS, [state], count);
    }
    sheet.count(&names::DATABASE_CONNECTIONS_MAX, [], pool.max);
    show_times(sheet, &names::DATABASE_WAIT, [], &stats.waits);
    for of in &stats.transactions {
        show_times(sheet, &names::DATABASE_TRANSACTION_DURATION, [of.name], &of.seconds);
        sheet.count(&names::DATABASE_TRANSACTION_RETRIES, [of.name], of.retries);
        sheet.count(&names::DATABASE_TRANSACTION_ERRORS, [of.name], of.failures);
    }
}

fn show_times<const N: usize>(
    sheet: &mut Sheet,
    metric: &Metric,
    labels: [&str; N],
    times: &Histogram,
) {
    let total = Duration::try_from_secs_f64(times.sum).unwrap_or_default();
    sheet.times(metric, labels, &SECONDS_BOUNDS, &times.buckets, total);
}
