//! What the service tells of itself: that it lives, its phase, its configuration, its process.

use std::time::Instant;

use super::machine::Machine;
use super::sheet::Sheet;
use crate::admin::desk::{Desk, Phase, ServiceStatus};
use crate::telemetry::metric_names as names;

/// The phases of life, with their names.
const PHASES: [(Phase, &str); 3] =
    [(Phase::Starting, "starting"), (Phase::Running, "running"), (Phase::Stopping, "stopping")];

pub(super) fn show(sheet: &mut Sheet, desk: &Desk, status: &ServiceStatus, now: Instant) {
    sheet.flag(&names::BUILD_INFO, [desk.version], true);
    sheet.number(&names::START_TIME, [], since_1970(desk.started_at));
    for (phase, name) in PHASES {
        sheet.flag(&names::PHASE, [name], status.phase == phase);
    }
    if let Some(age) = desk.pulse.age(now) {
        sheet.secs(&names::LAST_TURN_AGE, [], age);
    }
    let configuration = &status.configuration;
    let loaded_at = since_1970(configuration.loaded_at);
    sheet.number(&names::CONFIGURATION_LOADED_TIME, [], loaded_at);
    sheet.flag(&names::CONFIGURATION_REFUSED, [], configuration.refused.is_some());
    sheet.count(&names::RUN_EVENTS_DROPPED, [], desk.tally.lost_lines());
}

pub(super) fn show_machine(sheet: &mut Sheet, machine: &Machine) {
    if let Some(bytes) = machine.resident_bytes {
        sheet.count(&names::RESIDENT_MEMORY, [], bytes);
    }
    if let Some(time) = machine.cpu_time {
        sheet.secs(&names::CPU_TIME, [], time);
    }
    if let Some(files) = machine.open_files {
        sheet.count(&names::OPEN_FILES, [], files);
    }
}

/// Seconds, as Prometheus counts time.
pub(super) fn since_1970(at: chrono::DateTime<chrono::Utc>) -> f64 {
    // A double holds the microseconds of some centuries.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of years fit 2^53")]
    let millis = at.timestamp_millis() as f64;
    millis / 1000.0
}
