//! Connections to the server while it starts: does it answer, and does it have our database.

use std::io::ErrorKind;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::time::{Instant, timeout_at};

use super::layout::{Layout, PORT};
use super::{DATABASE, PrivatePostgresError, ROLE};

/// What a server says that starts up, shuts down or recovers.
const CANNOT_CONNECT_NOW: &str = "57P03";
/// All connections are taken: it answers.
const TOO_MANY_CONNECTIONS: &str = "53300";

/// Whether the server answers. Creates our database when it does not exist yet. False when trying
/// again makes sense.
pub(super) async fn answers(
    layout: &Layout,
    deadline: Instant,
) -> Result<bool, PrivatePostgresError> {
    let options = PgConnectOptions::new_without_pgpass()
        .socket(&layout.run_dir)
        .port(PORT)
        .username(ROLE)
        .database("postgres")
        .ssl_mode(sqlx::postgres::PgSslMode::Disable)
        .disable_statement_logging();
    let attempt = timeout_at(deadline, async {
        let mut connection = options.connect().await?;
        ensure_database(&mut connection).await?;
        connection.close().await
    });
    match attempt.await {
        Err(_) => Ok(false),
        Ok(Ok(())) => Ok(true),
        Ok(Err(error)) => judge(error),
    }
}

async fn ensure_database(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(DATABASE)
            .fetch_one(&mut *connection)
            .await?;
    if !exists {
        sqlx::query("CREATE DATABASE extractor").execute(connection).await?;
    }
    Ok(())
}

fn judge(error: sqlx::Error) -> Result<bool, PrivatePostgresError> {
    let code = error.as_database_error().and_then(|error| error.code());
    match (&error, code.as_deref()) {
        (_, Some(TOO_MANY_CONNECTIONS)) => Ok(true),
        (_, Some(CANNOT_CONNECT_NOW)) => Ok(false),
        // Nobody listens yet, or the server ended in the middle: its process tells the rest.
        (sqlx::Error::Io(io), _) if io.kind() != ErrorKind::PermissionDenied => Ok(false),
        _ => Err(PrivatePostgresError::Refused {
            doing: "answer its first questions",
            source: error,
        }),
    }
}
