//! What errors mean to the service.

use super::*;

#[test]
fn what_may_pass_is_waited_for_and_what_must_be_mended_is_not() {
    let away = StoreError::Unreachable {
        target: "db:5432/x".to_owned(),
        source: sqlx::Error::PoolTimedOut,
    };
    assert!(is_absence(&away));
    assert_eq!(outlook(&WiringError::Store(away)), Outlook::Wait);
    let newer = StoreError::SchemaNewer { found: 2, known: 1 };
    assert_eq!(outlook(&WiringError::Store(newer)), Outlook::Hopeless);
    assert_eq!(outlook(&WiringError::NoDataDir), Outlook::Hopeless);
}

#[test]
fn a_run_that_another_process_has_is_no_failure() {
    let lost = SyncError::Store(StoreError::LeaseLost { what: "the project" });
    assert_eq!(blame(&lost), Blame::Elsewhere);
    assert_eq!(blame(&SyncError::Cancelled), Blame::Operator);
    assert_eq!(blame(&SyncError::Interrupted), Blame::Service);
    assert_eq!(blame(&SyncError::Panicked), Blame::Project);
    assert_eq!(of_run(&SyncError::Panicked).remedy, advice::REPORT);
    let away = SyncError::Store(StoreError::Unavailable(sqlx::Error::PoolTimedOut));
    assert_eq!(blame(&away), Blame::Database);
}
