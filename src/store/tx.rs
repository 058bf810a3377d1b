//! The one way to write: a named transaction, retried when Postgres asks for it, and given up when
//! Postgres does not answer. One that was given up may have been committed: whoever does it again has
//! to be right either way, by its lease or because doing it twice is doing it once.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use sqlx::{AssertSqlSafe, Executor as _, PgConnection};
use tracing::Instrument;

use super::pool::Loan;
use super::{Store, StoreError};

/// How often one transaction is begun before it counts as contended.
const MAX_ATTEMPTS: u32 = 6;
/// Wait before the second attempt; it doubles with each further one.
const FIRST_BACKOFF: Duration = Duration::from_millis(10);

/// A transaction that is open. Dropped before its end it takes its connection with it, and Postgres
/// rolls back. Its lifetime is that of what the work borrows: a boxed future, since those of async
/// closures cannot be proven `Send` and so not be spawned.
#[derive(Debug)]
pub(super) struct Tx<'a> {
    loan: Loan,
    borrowed: PhantomData<&'a ()>,
}

impl Deref for Tx<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.loan
    }
}

impl DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.loan
    }
}

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
            // Boxed, or whoever runs a transaction would carry all that it may have to wait for.
            let tried = Box::pin(self.pool.reach().within(self.attempt(begin, &work)));
            match tried.instrument(span).await {
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
        let begun = self.begin(begin).await;
        self.counters.waited(asked.elapsed());
        let mut tx = begun?;
        match work(&mut tx).await {
            Ok(value) => {
                tx.end("COMMIT").await?;
                Ok(value)
            }
            Err(error @ StoreError::Unavailable(_)) => Err(error),
            Err(error) => {
                if let Err(error) = tx.end("ROLLBACK").await {
                    tracing::debug!(error = %error, "transaction is left to be rolled back");
                }
                Err(error)
            }
        }
    }

    async fn begin<'a>(&self, begin: String) -> Result<Tx<'a>, sqlx::Error> {
        let mut loan = self.pool.lend().await?;
        loan.execute(AssertSqlSafe(begin)).await?;
        Ok(Tx { loan, borrowed: PhantomData })
    }
}

impl Tx<'_> {
    /// Postgres ends a transaction even when it refuses to commit it.
    async fn end(mut self, how: &'static str) -> Result<(), sqlx::Error> {
        let ended = self.loan.execute(how).await;
        if matches!(ended, Ok(_) | Err(sqlx::Error::Database(_))) {
            self.loan.is_sound();
        }
        ended.map(drop)
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
