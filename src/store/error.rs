//! What can go wrong with the database, by what a caller can do about it.

use super::Holder;

/// A failed operation of the store. The cause, where there is one, is its source.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database URL cannot be read. Mend the configuration.
    #[error("the database URL is not valid")]
    InvalidUrl(#[source] sqlx::Error),
    /// Nothing answers there, or it broke off before the log-in. Start it, or mend the address.
    #[error("no Postgres answers at {target}")]
    Unreachable {
        /// Host and port, or the socket, and the database; never the password.
        target: String,
        /// What was answered instead.
        #[source]
        source: sqlx::Error,
    },
    /// User or password are refused. Mend the credentials.
    #[error("Postgres at {target} refuses the user or the password")]
    AuthenticationFailed {
        /// Where.
        target: String,
        /// Postgres's own words.
        #[source]
        source: sqlx::Error,
    },
    /// There is no such database. Create it.
    #[error("Postgres answers, but there is no database {target}")]
    DatabaseMissing {
        /// Where.
        target: String,
        /// Postgres's own words.
        #[source]
        source: sqlx::Error,
    },
    /// No encrypted connection can be made. Mend `sslmode` or `sslrootcert` in the URL.
    #[error("no TLS connection can be made to Postgres at {target}")]
    Tls {
        /// Where.
        target: String,
        /// What TLS says.
        #[source]
        source: sqlx::Error,
    },
    /// The server is older than what the schema needs. Upgrade it.
    #[error("Postgres {found} is too old: {needed} or newer is needed")]
    ServerTooOld {
        /// The server's version.
        found: String,
        /// The oldest major version that will do.
        needed: u32,
    },
    /// A newer program has migrated this database. Run that one, or a newer one.
    #[error(
        "the database's schema (migration {found}) is newer than this program (migration {known}): \
         run the version of extractor that migrated it, or a newer one"
    )]
    SchemaNewer {
        /// The newest migration in the database.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// Migrations are missing and were not to be applied. Run `extractor migrate`.
    #[error("the database's schema lacks {missing} migration(s): run `extractor migrate`")]
    SchemaOutdated {
        /// How many are missing.
        missing: usize,
    },
    /// A migration was interrupted where it cannot have been. An operator must look.
    #[error("migration {version} was left half applied: restore the database or repair it by hand")]
    SchemaDirty {
        /// Which.
        version: i64,
    },
    /// An applied migration differs from this program's. The database is of another build.
    #[error("migration {version} in the database is not the one this program has")]
    SchemaModified {
        /// Which.
        version: i64,
    },
    /// The schemas hold tables that this program did not make. Use another database.
    #[error(
        "schema {schema:?} already holds tables that are not extractor's: use a database of its own"
    )]
    SchemaForeign {
        /// Which schema.
        schema: String,
    },
    /// Somebody else has taken over what this write relied on. Stop, and do not write again.
    #[error("the lease on {what} was lost to another worker")]
    LeaseLost {
        /// The project or the batch.
        what: &'static str,
    },
    /// Somebody was erased whom this write may still mention. Transform it anew, and write that.
    #[error("a person was erased meanwhile")]
    ErasedMeanwhile,
    /// The project is held by a live process. Try again later.
    #[error("the project is held by {0}")]
    ProjectHeld(Holder),
    /// There is no such run, or its state does not allow this.
    #[error("run {id} does not exist or is not in a state that allows this")]
    RunNotOpen {
        /// Which.
        id: crate::model::RunId,
    },
    /// Postgres cannot hold a value in the statement. Halve the batch to find the issue at fault.
    #[error("Postgres cannot hold a value in this batch")]
    DataRejected(#[source] sqlx::Error),
    /// The connection broke, or the server is stopping or overloaded. Try again later.
    #[error("Postgres is not available")]
    Unavailable(#[source] sqlx::Error),
    /// The server's disk is full. An operator must make room.
    #[error("the disk of the Postgres server is full")]
    DiskFull(#[source] sqlx::Error),
    /// The role lacks a privilege. Grant it.
    #[error("the database role lacks a privilege")]
    NotPermitted(#[source] sqlx::Error),
    /// A statement took longer than the configured timeout.
    #[error("a statement exceeded its timeout")]
    TimedOut(#[source] sqlx::Error),
    /// The transaction lost to others again and again. Try again later.
    #[error("the transaction kept colliding with others")]
    Contended(#[source] sqlx::Error),
    /// The database holds what this program did not write.
    #[error("the database holds a {what} that cannot be read: {value:?}")]
    Unreadable {
        /// What it should be.
        what: &'static str,
        /// What it is.
        value: String,
    },
    /// Anything else that Postgres says: a defect of this program or of the schema.
    #[error("a database operation failed")]
    Failed(#[source] sqlx::Error),
}

impl StoreError {
    /// Whether Postgres asks for the same transaction again.
    pub(super) fn asks_for_retry(&self) -> bool {
        matches!(self, Self::Contended(_))
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|e| e.code()).map(|c| c.into_owned());
        match (&error, code.as_deref()) {
            (_, Some(code)) => by_sqlstate(code)(error),
            (
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed,
                None,
            ) => Self::Unavailable(error),
            (_, None) => Self::Failed(error),
        }
    }
}

/// The variant for an SQLSTATE. Codes: PostgreSQL documentation, appendix A.
fn by_sqlstate(code: &str) -> fn(sqlx::Error) -> StoreError {
    match code {
        "40001" | "40P01" | "55P03" => StoreError::Contended,
        "53100" => StoreError::DiskFull,
        "57014" => StoreError::TimedOut,
        "42501" => StoreError::NotPermitted,
        // The log-in of a reconnect, a read-only standby, a broken disk, a timed-out transaction.
        "25006" | "25P03" => StoreError::Unavailable,
        _ => match code.get(..2) {
            Some("22" | "54") => StoreError::DataRejected,
            Some("08" | "28" | "3D" | "53" | "57" | "58") => StoreError::Unavailable,
            _ => StoreError::Failed,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlstates_become_what_a_caller_can_do() {
        let variant = |code: &str| by_sqlstate(code)(sqlx::Error::PoolClosed);
        for code in ["22P02", "22P05", "22003", "22021", "54000"] {
            assert!(matches!(variant(code), StoreError::DataRejected(_)), "{code}");
        }
        for code in ["40001", "40P01"] {
            assert!(variant(code).asks_for_retry(), "{code}");
        }
        for code in ["08006", "57P01", "57P03", "53300", "25006"] {
            assert!(matches!(variant(code), StoreError::Unavailable(_)), "{code}");
        }
        assert!(matches!(variant("53100"), StoreError::DiskFull(_)));
        assert!(matches!(variant("42501"), StoreError::NotPermitted(_)));
        assert!(matches!(variant("57014"), StoreError::TimedOut(_)));
        assert!(matches!(variant("23505"), StoreError::Failed(_)));
    }
}
