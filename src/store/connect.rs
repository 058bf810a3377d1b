//! Opening the database: one plain connection first, for the true error, then the pool.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tracing::log::LevelFilter;

use super::pool::Pool;
use super::reach::{Limits, Reach, no_answer};
use super::{Store, StoreError};

/// The oldest major version whose features the schema uses (column compression).
const OLDEST_POSTGRES: u32 = 14;
/// How long the first connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// A transaction that does nothing for so long belongs to a process that sleeps, or that has lost the
/// way to this host; its locks go.
const IDLE_IN_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(30);
/// A statement that takes longer is reported.
const SLOW_STATEMENT: Duration = Duration::from_secs(5);

/// How to reach the database.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `postgres://…`; a Unix socket as `?host=/dir`.
    pub url: secrecy::SecretString,
    /// The most connections the pool opens; a session and a listener come on top.
    pub max_connections: u32,
    /// The most a statement may take; zero is no limit.
    pub statement_timeout: Duration,
    /// The name in `pg_stat_activity`.
    pub application_name: String,
}

impl Store {
    /// Opens the database. It neither looks at the schema nor changes it.
    ///
    /// # Errors
    /// Every variant of [`StoreError`] that is about opening, and [`StoreError::ServerTooOld`].
    pub async fn connect(settings: &Settings) -> Result<Self, StoreError> {
        let options = options(settings)?;
        first_connection(&options).await?;
        let set_up = set_up_statement(settings.statement_timeout);
        let reach = Reach::new(options.clone(), Limits::of(settings.statement_timeout));
        let pool = Pool::new(&options, Arc::new(reach), settings.max_connections, set_up);
        let (counters, last_counts) = (Arc::default(), Arc::default());
        Ok(Self { pool, options, counters, history: false, last_counts })
    }

    /// Closes the pool, waiting for what is under way, but not for long.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// The server's version in its own words, such as `15.18 (Debian 15.18-0+deb12u1)`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn server_version(&self) -> Result<String, StoreError> {
        Ok(sqlx::query_scalar("SHOW server_version").fetch_one(&self.pool).await?)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.pool.ping().await?)
    }
}

fn options(settings: &Settings) -> Result<PgConnectOptions, StoreError> {
    use secrecy::ExposeSecret;
    let options = PgConnectOptions::from_str(settings.url.expose_secret())
        .map_err(StoreError::InvalidUrl)?
        .application_name(&settings.application_name)
        .log_statements(LevelFilter::Trace)
        .log_slow_statements(LevelFilter::Warn, SLOW_STATEMENT);
    Ok(options)
}

/// What every connection of the pool is told first. JIT costs more than it saves on statements that
/// are short, and a plan that was cached while the tables were empty is ruinous once they are not.
fn set_up_statement(statement_timeout: Duration) -> String {
    format!(
        "SET jit = off; SET plan_cache_mode = force_custom_plan; \
         SET statement_timeout = {}; SET idle_in_transaction_session_timeout = {}",
        statement_timeout.as_millis(),
        IDLE_IN_TRANSACTION_TIMEOUT.as_millis(),
    )
}

/// The pool reports a refused connection as its own timeout, so one is opened by hand.
async fn first_connection(options: &PgConnectOptions) -> Result<(), StoreError> {
    let asked = tokio::time::timeout(CONNECT_TIMEOUT, async {
        let mut connection: PgConnection =
            options.connect().await.map_err(|error| refusal(error, target(options)))?;
        let version: String =
            sqlx::query_scalar("SHOW server_version").fetch_one(&mut connection).await?;
        let number: String =
            sqlx::query_scalar("SHOW server_version_num").fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok::<_, StoreError>((version, number))
    });
    let silent = |_| StoreError::Unreachable { target: target(options), source: no_answer() };
    let (version, number) = asked.await.map_err(silent)??;
    if major(&number) < OLDEST_POSTGRES {
        return Err(StoreError::ServerTooOld { found: version, needed: OLDEST_POSTGRES });
    }
    Ok(())
}

/// The major version in `server_version_num`, such as 150018.
fn major(number: &str) -> u32 {
    number.parse().unwrap_or(0) / 10_000
}

fn target(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or(options.get_username());
    match options.get_socket() {
        Some(socket) => format!("{}:{}/{database}", socket.display(), options.get_port()),
        None => format!("{}:{}/{database}", options.get_host(), options.get_port()),
    }
}

fn refusal(source: sqlx::Error, target: String) -> StoreError {
    let code = source.as_database_error().and_then(|e| e.code()).map(|c| c.into_owned());
    match (code.as_deref(), &source) {
        (Some("3D000"), _) => StoreError::DatabaseMissing { target, source },
        (Some("28000" | "28P01"), _) => StoreError::AuthenticationFailed { target, source },
        (_, sqlx::Error::Tls(_)) => StoreError::Tls { target, source },
        (_, sqlx::Error::Configuration(_)) => StoreError::InvalidUrl(source),
        _ => StoreError::Unreachable { target, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> Settings {
        Settings {
            url: url.to_owned().into(),
            max_connections: 1,
            statement_timeout: Duration::from_secs(1),
            application_name: "test".into(),
        }
    }

    #[test]
    fn the_target_names_the_place_and_not_the_password() {
        let options = options(&settings("postgres://me:secret@db.example:6543/jira")).unwrap();
        assert_eq!(target(&options), "db.example:6543/jira");
    }

    #[test]
    fn versions_are_compared_by_their_major() {
        assert_eq!(major("150018"), 15);
        assert!(major("130011") < OLDEST_POSTGRES);
    }

    #[tokio::test]
    async fn a_url_that_is_none_is_named() {
        let error = Store::connect(&settings("not a url")).await.unwrap_err();
        assert!(matches!(error, StoreError::InvalidUrl(_)), "{error:?}");
    }
}
