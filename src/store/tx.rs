//! The one way to write: a named transaction, retried when Postgres asks for it.

use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use sqlx::{AssertSqlSafe, Postgres, Transaction};
use tracing::Instrument;

use super::{Store, StoreError};

/// How often one transaction is begun before it counts as contended.
const MAX_ATTEMPTS: u32 = 6;
/// Wait before the second attempt; it doubles with each further one.
const FIRST_BACKOFF: Duration = Duration::from_millis(10);

/// A transaction. Its lifetime is that of what the work borrows: a boxed future, since those of
/// async closures cannot be proven `Send` and so not be spawned.
pub(super) type Tx<'a> = Transaction<'a, Postgres>;

impl Store {
    /// Runs `work` in one transaction and commits it.
    ///
    /// `name` is in the trace, and in `pg_stat_activity` as a comment on `BEGIN`. `work` runs again
    /// from the start after a deadlock or a serialization failure, so it must have no effect
    /// outside the transaction.
    pub(super) async fn tx<'a, T, F>(&self, name: &'static str, work: F) -> Result<T, StoreError>
    where
        F: for<'t> Fn(&'t mut Tx<'a>) -> BoxFuture<'t, Result<T, StoreError>>,
    {
        self.run_tx(name, "", work).await
    }

    /// As [`Store::tx`], for statements that must read an index in order rather than sort, whatever
    /// the planner believes of a table whose statistics are missing.
    pub(super) async fn tx_in_index_order<'a, T, F>(
        &self,
        name: &'static str,
        work: F,
    ) -> Result<T, StoreError>
    where
        F: for<'t> Fn(&'t mut Tx<'a>) -> BoxFuture<'t, Result<T, StoreError>>,
    {
        self.run_tx(name, "; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off", work)
            .await
    }

    async fn run_tx<'a, T, F>(
        &self,
        name: &'static str,
        planner: &'static str,
        work: F,
    ) -> Result<T, StoreError>
    where
        F: for<'t> Fn(&'t mut Tx<'a>) -> BoxFuture<'t, Result<T, StoreError>>,
    {
        let began = Instant::now();
        let mut attempt = 1;
        let outcome = loop {
            let span = tracing::debug_span!("tx", tx.name = name, tx.attempt = attempt);
            let begin = format!("BEGIN /* {name} */{planner}");
            match self.attempt(begin, &work).instrument(span).await {
                Err(error) if error.asks_for_retry() && attempt < MAX_ATTEMPTS => {
                    tracing::debug!(tx.name = name, tx.attempt = attempt, "transaction collided");
                    tokio::time::sleep(backoff(attempt)).await;
                    attempt += 1;
                }
                outcome => break outcome,
            }
        };
        self.counters.ended(name, outcome.is_err(), attempt - 1, began.elapsed());
        outcome
    }

    async fn attempt<'a, T, F>(&self, begin: String, work: &F) -> Result<T, StoreError>
    where
        F: for<'t> Fn(&'t mut Tx<'a>) -> BoxFuture<'t, Result<T, StoreError>>,
    {
        let asked = Instant::now();
        let begun = self.pool.begin_with(AssertSqlSafe(begin)).await;
        self.counters.waited(asked.elapsed());
        let mut transaction: Tx<'a> = begun?;
        let value = work(&mut transaction).await?;
        transaction.commit().await?;
        Ok(value)
    }
}

fn backoff(attempt: u32) -> Duration {
    FIRST_BACKOFF.saturating_mul(1 << attempt.saturating_sub(1).min(8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_stay_short() {
        assert_eq!(backoff(1), FIRST_BACKOFF);
        assert_eq!(backoff(2), FIRST_BACKOFF * 2);
        assert!((1..MAX_ATTEMPTS).map(backoff).sum::<Duration>() < Duration::from_secs(1));
    }
}
