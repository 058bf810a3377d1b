//! What this process tells of its runs: those that ended, and those that are under way.

use chrono::{DateTime, Utc};

use super::sheet::Sheet;
use crate::admin::desk::{Desk, LiveRun, ServiceStatus};
use crate::admin::estimate::estimate;
use crate::model::{Absence, ProjectKey, RunKind, RunState, Verdict};
use crate::telemetry::metric_names as names;

/// Every kind of run.
const KINDS: [RunKind; 3] = [RunKind::Backfill, RunKind::Delta, RunKind::Reconcile];
/// The states in which a process may leave a run.
const STATES: [RunState; 5] = [
    RunState::Completed,
    RunState::Incomplete,
    RunState::Failed,
    RunState::Interrupted,
    RunState::Cancelled,
];
/// Every verdict of a certificate.
pub(super) const VERDICTS: [Verdict; 3] = [Verdict::Complete, Verdict::Missing, Verdict::Failures];

pub(super) fn show(sheet: &mut Sheet, desk: &Desk, status: &ServiceStatus, now: DateTime<Utc>) {
    for kind in KINDS {
        for state in STATES {
            let labels = [kind.as_str(), state.as_str()];
            sheet.count(&names::RUNS, labels, desk.tally.runs(kind, state));
        }
        let live = status.runs.iter().filter(|run| run.kind == kind).count();
        sheet.count(&names::RUNS_IN_PROGRESS, [kind.as_str()], live as u64);
    }
    for verdict in VERDICTS {
        let certificates = desk.tally.certificates(verdict);
        sheet.count(&names::CERTIFICATES, [verdict.as_str()], certificates);
    }
    let hydrated = desk.tally.hydrated();
    for project in &status.projects {
        let key = &project.key;
        let issues = hydrated.get(key).copied().unwrap_or_default();
        sheet.count(&names::HYDRATED_ISSUES, [key.as_str()], issues);
        for reason in Absence::ALL {
            let labels = [key.as_str(), reason.as_str()];
            sheet.count(&names::TOMBSTONED_ISSUES, labels, desk.tally.tombstoned(key, reason));
        }
        let live = status.runs.iter().find(|run| run.project == *key);
        show_live(sheet, key, live, now);
    }
}

/// The run of a project that is under way here, or that there is none.
fn show_live(sheet: &mut Sheet, key: &ProjectKey, live: Option<&LiveRun>, now: DateTime<Utc>) {
    let key = [key.as_str()];
    let done = live.map(|run| run.progress.snapshot()).unwrap_or_default();
    let pace = live.map(|run| run.progress.pace()).unwrap_or_default();
    sheet.count(&names::BATCH_SIZE, key, pace.batch);
    sheet.count(&names::BATCHES_IN_FLIGHT, key, pace.in_flight);
    sheet.count(&names::RUN_EXPECTED_ISSUES, key, done.expected);
    sheet.count(&names::RUN_LISTED_ISSUES, key, done.listed);
    sheet.count(&names::RUN_QUEUED_ISSUES, key, done.queued);
    sheet.count(&names::RUN_HYDRATED_ISSUES, key, done.hydrated);
    let Some(run) = live else {
        sheet.number(&names::RUN_RATE, key, 0.0);
        sheet.number(&names::RUN_TIME_LEFT, key, 0.0);
        return;
    };
    let estimate = estimate(&done, (now - run.since).to_std().unwrap_or_default());
    sheet.number(&names::RUN_RATE, key, estimate.rate);
    if let Some(left) = estimate.left {
        sheet.secs(&names::RUN_TIME_LEFT, key, left);
    }
}
