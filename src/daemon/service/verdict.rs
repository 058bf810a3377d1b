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
    /// The run got to its end, or was not wanted any more.
    Success { next_in: Duration },
    /// It did not.
    Failure { next_in: Duration, trouble: Trouble },
}

/// How long until the next run by the schedule, and a little more.
pub(super) fn next_in(schedule: &Schedule, now: DateTime<Utc>, dice: f64) -> Duration {
    let wait = (schedule.next_after(now) - now).to_std().unwrap_or_default();
    wait + put_off(schedule.period(), dice)
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
        Blame::Operator => Record::Success { next_in: next_in(schedule, now, dice) },
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
mod tests {
    use super::*;
    use crate::store::StoreError;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn of(error: SyncError, failures: u32, away: bool) -> Record {
        let now = at("2026-11-21T10:00:00Z");
        record(&Err(error), &"5m".parse().unwrap(), failures, away, (now, 1.0))
    }

    fn wait(record: &Record) -> Option<u64> {
        match record {
            Record::Nothing => None,
            Record::Success { next_in } | Record::Failure { next_in, .. } => {
                Some(next_in.as_secs())
            }
        }
    }

    #[test]
    fn a_project_that_keeps_failing_waits_longer_and_longer() {
        let waits = [0, 1, 5, 90].map(|failures| wait(&of(SyncError::Panicked, failures, false)));
        assert_eq!(waits, [Some(60), Some(120), Some(1920), Some(3600)]);
    }

    #[test]
    fn an_outage_is_no_reason_to_wait_once_it_is_over() {
        let away = || SyncError::Store(StoreError::Unavailable(sqlx::Error::PoolTimedOut));
        assert_eq!(wait(&of(away(), 9, false)), Some(2));
    }

    #[test]
    fn what_was_wanted_so_is_no_failure() {
        assert_eq!(of(SyncError::Interrupted, 0, false), Record::Nothing);
        let lost = SyncError::Store(StoreError::LeaseLost { what: "the project" });
        assert_eq!(of(lost, 0, false), Record::Nothing);
        let cancelled = of(SyncError::Cancelled, 0, false);
        assert_eq!(cancelled, Record::Success { next_in: Duration::from_secs(330) });
    }

    #[test]
    fn the_next_run_comes_by_the_schedule_and_a_little_later() {
        let hourly = "0 * * * *".parse().unwrap();
        let now = at("2026-11-21T10:20:00Z");
        assert_eq!(next_in(&hourly, now, 0.0), Duration::from_secs(2_400));
        assert_eq!(next_in(&hourly, now, 1.0), Duration::from_secs(2_430));
    }
}
