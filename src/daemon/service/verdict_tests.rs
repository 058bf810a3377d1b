//! What the ends of runs mean for schedules.

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
        Record::Success { next_in }
        | Record::Pause { next_in }
        | Record::Failure { next_in, .. } => Some(next_in.as_secs()),
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
    assert_eq!(cancelled, Record::Pause { next_in: Duration::from_secs(330) });
}

#[test]
fn first_reconciles_are_spread_over_the_interval() {
    let now = at("2026-11-21T10:20:00Z");
    let first =
        |schedule: &str, dice| first_reconcile_in(&schedule.parse().unwrap(), now, dice).as_secs();
    assert_eq!([0.0, 0.5, 1.0].map(|dice| first("24h", dice)), [0, 43_200, 86_400]);
    assert_eq!([0.0, 1.0].map(|dice| first("0 11 * * *", dice)), [2_400, 2_430]);
}

#[test]
fn the_next_run_comes_by_the_schedule_and_a_little_later() {
    let hourly = "0 * * * *".parse().unwrap();
    let now = at("2026-11-21T10:20:00Z");
    assert_eq!(next_in(&hourly, now, 0.0), Duration::from_secs(2_400));
    assert_eq!(next_in(&hourly, now, 1.0), Duration::from_secs(2_430));
}
