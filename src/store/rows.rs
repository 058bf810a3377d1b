//! Reading what the database holds back into the model's types.

use std::str::FromStr;

use super::StoreError;

/// Reads a text column into a type of the model.
pub(super) fn parse<T: FromStr>(what: &'static str, text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Unreadable { what, value: text.to_owned() })
}

/// A count from a column that is never negative.
pub(super) fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// A count as a column holds it.
pub(super) fn column(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A small number from a column that is never negative.
pub(super) fn small(value: i32) -> u32 {
    u32::try_from(value).unwrap_or(0)
}

/// A duration in seconds, as statements take it.
pub(super) fn seconds(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64()
}
