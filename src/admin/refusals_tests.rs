//! Which errors of the store are worth asking again, and which need somebody.

use super::*;
use crate::model::FailureCategory;

fn cause() -> sqlx::Error {
    sqlx::Error::PoolTimedOut
}

#[test]
fn what_passes_by_itself_is_worth_asking_again() {
    for error in [
        StoreError::Unavailable(cause()),
        StoreError::Contended(cause()),
        StoreError::TimedOut(cause()),
    ] {
        let problem = of_store(&error);
        assert_eq!(problem.kind, Kind::DatabaseUnavailable, "{error}");
        assert_eq!(problem.retry_after_secs, Some(ASK_AGAIN_SECS));
        assert_eq!(problem.kind.category(), FailureCategory::Temporary);
    }
}

#[test]
fn what_an_administrator_must_mend_says_so() {
    for error in [
        StoreError::DiskFull(cause()),
        StoreError::NotPermitted(cause()),
        StoreError::SchemaOutdated { missing: 2 },
    ] {
        let problem = of_store(&error);
        assert_eq!(problem.kind, Kind::DatabaseRefuses, "{error}");
        assert_eq!(problem.kind.category(), FailureCategory::AdminRequired);
    }
}

#[test]
fn a_defect_is_a_defect_and_tells_no_value() {
    let error = StoreError::Unreadable { what: "run kind", value: "secret".to_owned() };
    let problem = of_store(&error);
    assert_eq!(problem.kind, Kind::Internal);
    assert!(!problem.detail.contains("secret"));
}
