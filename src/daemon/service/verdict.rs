//! What the end of a run means for its project's schedule. Pure: the time and chance are arguments.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::trouble::{self, Blame};
use crate::admin::desk::Trouble;
use crate::daemon::backoff::Backoff;
use crate::daemon::jitter::put_off;
use crate::model::{FailureCategory, Schedule, Verdict};
use crate::sync::{RunReport, SyncError};

/// A project whose run failed because the database or Jira was away is due again after this: nothing
/// is started before they are back.
const AFTER_OUTAGE: Duration = Duration::from_secs(2);

/// What to put down in the schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    /// Nothing: another process, or the next start, goes on with it.
    Nothing,
    /// The run got to its end.
    Success { next_in: Duration },
    /// It was not wanted any more: it is left alone until its next turn, and nothing is said of how
    /// the project fares.
    Pause { next_in: Duration },
    /// It did not.
    Failure { next_in: Duration, trouble: Trouble },
}

/// How long until the next run by the schedule, and a little more.
pub(super) fn next_in(schedule: &Schedule, now: DateTime<Utc>, dice: f64) -> Duration {
    let wait = (schedule.next_after(now) - now).to_std().unwrap_or_default();
    wait + put_off(schedule.period(), dice)
}

/// How long until the first reconcile of a project: those of all projects are spread over the interval.
pub(super) fn first_reconcile_in(schedule: &Schedule, now: DateTime<Utc>, dice: f64) -> Duration {
    if schedule.is_interval() {
        schedule.period().mul_f64(dice.clamp(0.0, 1.0))
    } else {
        next_in(schedule, now, dice)
    }
}

/// What to record. `failures` have been recorded in a row before this; `jira_is_away` says whether
/// Jira as a whole does not answer.
pub(super) fn record(
    result: &Result<RunReport, SyncError>,
    schedule: &Schedule,
    failures: u32,
    jira_is_away: bool,
    (now, dice): (DateTime<Utc>, f64),
) -> Record {
    let backed_off = || Backoff::of_project(schedule).wait(failures.saturating_add(1), dice);
    let error = match result {
        Ok(report) => {
            return match report.certificate.verdict {
                Verdict::Complete | Verdict::Failures => {
                    Record::Success { next_in: next_in(schedule, now, dice) }
                }
                Verdict::Missing => {
                    Record::Failure { next_in: backed_off(), trouble: certificate_fails() }
                }
            };
        }
        Err(error) => error,
    };
    let failure = |next_in| Record::Failure { next_in, trouble: trouble::of_run(error) };
    match trouble::blame(error) {
        Blame::Project => failure(backed_off()),
        Blame::Jira if jira_is_away => failure(AFTER_OUTAGE),
        Blame::Jira => failure(backed_off()),
        Blame::Database => failure(AFTER_OUTAGE),
        Blame::Operator => Record::Pause { next_in: next_in(schedule, now, dice) },
        Blame::Elsewhere | Blame::Service => Record::Nothing,
    }
}

fn certificate_fails() -> Trouble {
    Trouble {
        text: "the certificate of the last run does not hold: something that Jira counts is \
               missing"
            .to_owned(),
        category: FailureCategory::Temporary,
        remedy: "nothing: it is listed again; if it stays, look at the findings of the run's \
                 certificate, and at the state of Jira's search index"
            .to_owned(),
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
