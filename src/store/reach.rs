//! Whether the host of Postgres is still there. A host that vanishes closes nothing, and the driver
//! sets no keepalive: whatever waits for it would wait for ever. So everything that waits has a limit,
//! and what waits for long asks, by a connection of its own, whether anybody answers.

use std::io;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long a caller waits for a connection of the pool.
const ACQUIRE: Duration = Duration::from_secs(30);
/// How long a host may take for an answer that costs it nothing.
pub(super) const ANSWER: Duration = Duration::from_secs(5);
/// The longest work where a statement has no limit.
const LONGEST_WORK: Duration = Duration::from_hours(6);
/// After so long it is asked whether anybody answers.
const ASK_AFTER: Duration = Duration::from_secs(10);
/// How long between two such questions, and how many in a row without an answer mean that the host is
/// gone: one alone may have been a moment's overload.
const ASK_EVERY: Duration = Duration::from_secs(3);
const SILENCES: u32 = 2;

/// How long what is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// A connection of the pool.
    pub(super) acquire: Duration,
    /// A transaction, or a read, with the wait for its connection.
    pub(super) work: Duration,
    /// How long it is waited without asking whether anybody answers.
    ask_after: Duration,
}

impl Limits {
    /// What follows from the most that one statement may take. A transaction has several, of which
    /// seldom more than one takes long; the server ends that one itself, if it is there.
    pub(super) fn of(statement_timeout: Duration) -> Self {
        let work = match statement_timeout {
            Duration::ZERO => LONGEST_WORK,
            statement => statement.saturating_mul(2).saturating_add(ANSWER),
        };
        let acquire = ACQUIRE.min(work);
        Self { acquire, work: work.saturating_add(acquire), ask_after: ASK_AFTER }
    }
}

/// The way to the host, and what is known of it.
#[derive(Debug)]
pub(super) struct Reach {
    options: PgConnectOptions,
    limits: Limits,
    /// Since when it was asked last, and whether it answered: however many wait, one asks.
    asked: Mutex<Option<(Instant, bool)>>,
}

impl Reach {
    pub(super) fn new(options: PgConnectOptions, limits: Limits) -> Self {
        Self { options, limits, asked: Mutex::new(None) }
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// Does `work` within the limit, and no longer than the host answers. What was given up is
    /// dropped; whether its last statement was done is then unknown.
    pub(super) async fn within<T, E: From<sqlx::Error>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        tokio::select! {
            done = work => done,
            () = tokio::time::sleep(self.limits.work) => Err(no_answer().into()),
            () = self.silence() => Err(no_answer().into()),
        }
    }

    /// Does `work` however long it takes, but no longer than the host answers.
    pub(super) async fn while_there<T, E: From<sqlx::Error>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        tokio::select! {
            done = work => done,
            () = self.silence() => Err(no_answer().into()),
        }
    }

    /// Ends when the host does not answer for a while.
    async fn silence(&self) {
        tokio::time::sleep(self.limits.ask_after).await;
        let mut silences = 0;
        loop {
            silences = if self.answers().await { 0 } else { silences + 1 };
            if silences == SILENCES {
                return;
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    async fn answers(&self) -> bool {
        let mut asked = self.asked.lock().await;
        if let Some((at, answered)) = *asked
            && at.elapsed() < ASK_EVERY
        {
            return answered;
        }
        // Boxed: it is seldom asked, and whoever waits for the database would carry it.
        let answered = Box::pin(self.ask()).await;
        *asked = Some((Instant::now(), answered));
        answered
    }

    /// A refused log-in is an answer, too; a refused connection is none: a host that has started anew
    /// does not say that it knows nothing of the old ones.
    async fn ask(&self) -> bool {
        let question = async {
            let mut connection = self.options.connect().await?;
            connection.ping().await?;
            connection.close().await
        };
        match tokio::time::timeout(ANSWER, question).await {
            Ok(Ok(()) | Err(sqlx::Error::Database(_))) => true,
            Ok(Err(error)) => {
                tracing::debug!(error = %error, "nobody answers at the address of postgres");
                false
            }
            Err(_) => {
                tracing::debug!("nobody answers at the address of postgres in time");
                false
            }
        }
    }
}

/// Has an answer come within [`ANSWER`].
pub(super) async fn soon<T, E: From<sqlx::Error>>(
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match tokio::time::timeout(ANSWER, work).await {
        Ok(done) => done,
        Err(_) => Err(no_answer().into()),
    }
}

/// What is said of a host that says nothing.
pub(super) fn no_answer() -> sqlx::Error {
    let text = "the server did not answer in time, and the connection is given up";
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[rstest::rstest]
    #[case::as_shipped(secs(300), secs(30), secs(635))]
    #[case::short(secs(1), secs(7), secs(14))]
    #[case::none(Duration::ZERO, secs(30), LONGEST_WORK + secs(30))]
    #[case::absurd(Duration::MAX, secs(30), Duration::MAX)]
    fn the_server_ends_a_statement_before_it_is_given_up(
        #[case] statement: Duration,
        #[case] acquire: Duration,
        #[case] work: Duration,
    ) {
        let limits = Limits::of(statement);
        assert_eq!((limits.acquire, limits.work), (acquire, work));
        assert!(statement == Duration::ZERO || limits.work >= statement);
    }
}
