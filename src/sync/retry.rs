//! Living through a Postgres that goes away for a moment.

use std::time::Duration;

use crate::store::StoreError;

/// Waits between attempts, about half a minute in all: a restart of Postgres takes a few seconds.
const WAITS: [Duration; 8] = [
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(6),
    Duration::from_secs(8),
    Duration::from_secs(10),
];

/// Repeats `operation` while Postgres is not available, within bounds.
///
/// # Errors
/// The operation's last error, or its first of another kind.
pub(super) async fn patiently<T, F>(operation: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    for wait in WAITS {
        match operation().await {
            Err(StoreError::Unavailable(error)) => {
                tracing::warn!(error = %error, wait = ?wait, "postgres not available, trying again");
                tokio::time::sleep(wait).await;
            }
            answer => return answer,
        }
    }
    operation().await
}
