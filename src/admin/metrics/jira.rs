//! What the client of Jira tells: requests, waits, the breaker, the share of the rate. All from 0,
//! also before there is a client.

use super::sheet::Sheet;
use crate::admin::desk::{Link, ServiceStatus};
use crate::jira::{BreakerState, ClientStats, JiraClient, LATENCY_BOUNDS, Latencies, Purpose};
use crate::telemetry::metric_names as names;

/// The states of the breaker, with their names.
const BREAKER_STATES: [(BreakerState, &str); 3] = [
    (BreakerState::Closed, "closed"),
    (BreakerState::Open, "open"),
    (BreakerState::HalfOpen, "half_open"),
];

pub(super) fn show(sheet: &mut Sheet, status: &ServiceStatus) {
    sheet.flag(&names::JIRA_UP, [], matches!(status.jira, Link::Up { .. }));
    let client = status.client.as_ref();
    show_stats(sheet, &client.map(JiraClient::stats).unwrap_or_default());
    show_latencies(sheet, &client.map(JiraClient::latencies).unwrap_or_default());
}

fn show_stats(sheet: &mut Sheet, stats: &ClientStats) {
    for (outcome, count) in [
        ("ok", stats.ok),
        ("refused", stats.refused),
        ("throttled", stats.throttled),
        ("failed", stats.failed),
        ("timed_out", stats.timed_out),
    ] {
        sheet.count(&names::JIRA_REQUESTS, [outcome], count);
    }
    for (reason, waits) in [
        ("gate", stats.gate),
        ("breaker", stats.breaker),
        ("slowdown", stats.slowdown),
        ("bucket", stats.bucket),
    ] {
        sheet.count(&names::JIRA_WAITS, [reason], waits.count);
        sheet.secs(&names::JIRA_WAIT_TIME, [reason], waits.time);
    }
    for (state, name) in BREAKER_STATES {
        sheet.flag(&names::JIRA_BREAKER_STATE, [name], stats.breaker_state == state);
    }
    sheet.count(&names::JIRA_BREAKER_OPENINGS, [], stats.breaker_openings);
    sheet.count(&names::JIRA_REQUESTS_IN_FLIGHT, [], stats.in_flight as u64);
    sheet.count(&names::JIRA_RETRIES, [], stats.retries);
    sheet.count(&names::JIRA_RECEIVED, [], stats.bytes);
    let allowed = stats.allowed_per_second.unwrap_or(f64::INFINITY);
    sheet.number(&names::JIRA_ALLOWED_RATE, [], allowed);
    sheet.count(&names::JIRA_RATE_SHARERS, [], stats.processes);
}

fn show_latencies(sheet: &mut Sheet, latencies: &Latencies) {
    for purpose in Purpose::ALL {
        let latency = latencies.of(purpose);
        sheet.times(
            &names::JIRA_REQUEST_DURATION,
            [purpose.as_str()],
            &LATENCY_BOUNDS,
            &latency.buckets,
            latency.time,
        );
    }
}
