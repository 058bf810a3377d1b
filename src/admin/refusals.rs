//! What the store's errors are told as. Pure.

use super::problem::{Kind, Problem};
use crate::store::StoreError;

/// Seconds after which a client may ask again for what failed for a moment.
pub(super) const ASK_AGAIN_SECS: u32 = 5;

/// The problem that an error of the store is told as. Its text names no address and no value; the
/// log has the rest.
pub(super) fn of_store(error: &StoreError) -> Problem {
    match error {
        StoreError::Unreachable { .. }
        | StoreError::Unavailable(_)
        | StoreError::Tls { .. }
        | StoreError::TimedOut(_)
        | StoreError::Contended(_)
        | StoreError::LeaseLost { .. }
        | StoreError::ErasedMeanwhile
        | StoreError::ProjectHeld(_) => database_unavailable(),
        StoreError::InvalidUrl(_)
        | StoreError::AuthenticationFailed { .. }
        | StoreError::DatabaseMissing { .. }
        | StoreError::ServerTooOld { .. }
        | StoreError::SchemaNewer { .. }
        | StoreError::SchemaOutdated { .. }
        | StoreError::SchemaDirty { .. }
        | StoreError::SchemaModified { .. }
        | StoreError::SchemaForeign { .. }
        | StoreError::DiskFull(_)
        | StoreError::NotPermitted(_) => database_refuses(),
        StoreError::RunNotOpen { .. }
        | StoreError::DataRejected(_)
        | StoreError::Unreadable { .. }
        | StoreError::Failed(_) => Problem::internal(),
    }
}

/// Postgres does not answer, or not in time.
pub(super) fn database_unavailable() -> Problem {
    Problem::new(
        Kind::DatabaseUnavailable,
        "Postgres does not answer, or not in time",
        "ask again in a few seconds: the service waits for Postgres and goes on by itself",
    )
    .or("look at /readyz for how long it has been away")
    .retry_after(ASK_AGAIN_SECS)
}

fn database_refuses() -> Problem {
    Problem::new(
        Kind::DatabaseRefuses,
        "Postgres answers, but refuses what this program needs of it",
        "run `extractor check`, which says what is amiss and how to mend it",
    )
    .or("look at /readyz and at the log of the service")
    .retry_after(ASK_AGAIN_SECS)
}

#[cfg(test)]
#[path = "refusals_tests.rs"]
mod tests;
