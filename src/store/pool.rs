//! The pool of connections, whose every use has a limit. A connection that was given up, or whose
//! answer nobody waited for, is thrown away: it might be waiting for a host that is gone.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgPoolOptions, PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{
    AssertSqlSafe, Connection as _, Either, Execute, Executor, PgConnection, PgPool, Postgres,
    SqlStr,
};
use tokio::runtime::Handle;

use super::reach::{ANSWER, Reach};

/// The pool. Clones are the same pool.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    connections: PgPool,
    reach: Arc<Reach>,
}

/// A connection that goes back into the pool only if it is said to be sound; dropped before that, in
/// the middle of whatever, it is closed.
#[derive(Debug)]
pub(super) struct Loan {
    /// Taken out when this is dropped.
    connection: PoolConnection<Postgres>,
    sound: bool,
}

impl Pool {
    /// A pool of at most `max` connections, none of which is open yet; each is told `set_up` first.
    pub(super) fn new(
        options: &sqlx::postgres::PgConnectOptions,
        reach: Arc<Reach>,
        max: u32,
        set_up: String,
    ) -> Self {
        let connections = PgPoolOptions::new()
            .max_connections(max.max(1))
            .acquire_timeout(reach.limits().acquire)
            // The driver's own test waits for an answer for ever.
            .test_before_acquire(false)
            .before_acquire(|connection, _| Box::pin(async move { Ok(answers(connection).await) }))
            .after_connect(move |connection, _| {
                let set_up = set_up.clone();
                Box::pin(async move { connection.execute(AssertSqlSafe(set_up)).await.map(drop) })
            })
            .connect_lazy_with(options.clone());
        Self { connections, reach }
    }

    /// The way to the host.
    pub(super) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// A connection, as soon as one is free.
    pub(super) async fn lend(&self) -> Result<Loan, sqlx::Error> {
        Ok(Loan { connection: self.connections.acquire().await?, sound: false })
    }

    /// Whether anybody answers.
    pub(super) async fn ping(&self) -> Result<(), sqlx::Error> {
        self.reach
            .within(async {
                let mut loan = self.lend().await?;
                loan.ping().await?;
                loan.is_sound();
                Ok(())
            })
            .await
    }

    /// How many connections there are at most, are open, and are idle.
    pub(super) fn sizes(&self) -> (u32, u32, usize) {
        let max = self.connections.options().get_max_connections();
        (max, self.connections.size(), self.connections.num_idle())
    }

    /// Closes it. What is under way is waited for, but not for long.
    pub(super) async fn close(&self) {
        if tokio::time::timeout(ANSWER, self.connections.close()).await.is_err() {
            tracing::debug!("connections to postgres are left to their end");
        }
    }
}

async fn answers(connection: &mut PgConnection) -> bool {
    matches!(tokio::time::timeout(ANSWER, connection.ping()).await, Ok(Ok(())))
}

impl Loan {
    /// Says that the connection waits for nothing, and that nothing is begun on it.
    pub(super) fn is_sound(&mut self) {
        self.sound = true;
    }

    /// The same unless `outcome` says that the connection broke.
    fn after<T>(&mut self, outcome: &Result<T, sqlx::Error>) {
        self.sound =
            matches!(outcome, Ok(_) | Err(sqlx::Error::Database(_) | sqlx::Error::RowNotFound));
    }
}

impl Deref for Loan {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Loan {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        match Handle::try_current() {
            // What the pool does by itself, which may take for ever.
            Ok(runtime) if self.sound => {
                let given_back = self.connection.return_to_pool();
                runtime.spawn(async move { tokio::time::timeout(ANSWER, given_back).await });
            }
            Ok(_) | Err(_) => self.connection.close_on_drop(),
        }
    }
}

/// For reads outside transactions. All rows are fetched before the first is handed out.
impl<'p> Executor<'p> for &'_ Pool {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, sqlx::Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let pool = self.clone();
        let rows = async move {
            let work = async {
                let mut loan = pool.lend().await?;
                let rows = loan.fetch_many(query).try_collect::<Vec<_>>().await;
                loan.after(&rows);
                rows
            };
            Box::pin(pool.reach.within(work)).await
        };
        let handed_out = futures::stream::once(rows)
            .map_ok(|rows| futures::stream::iter(rows.into_iter().map(Ok)))
            .try_flatten();
        handed_out.boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<PgRow>, sqlx::Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let pool = self.clone();
        Box::pin(async move {
            let work = async {
                let mut loan = pool.lend().await?;
                let row = loan.fetch_optional(query).await;
                loan.after(&row);
                row
            };
            Box::pin(pool.reach.within(work)).await
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, sqlx::Error>>
    where
        'p: 'e,
    {
        let pool = self.clone();
        Box::pin(async move {
            let work = async {
                let mut loan = pool.lend().await?;
                let statement = loan.prepare_with(sql, parameters).await;
                loan.after(&statement);
                statement
            };
            Box::pin(pool.reach.within(work)).await
        })
    }

    fn describe<'e>(
        self,
        sql: SqlStr,
    ) -> BoxFuture<'e, Result<sqlx::Describe<Postgres>, sqlx::Error>>
    where
        'p: 'e,
    {
        self.connections.describe(sql)
    }
}
