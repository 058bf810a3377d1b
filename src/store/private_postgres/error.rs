//! What can go wrong with a private Postgres, sorted by what the caller or the operator can do.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A private Postgres that could not be started, joined or stopped.
#[derive(Debug, thiserror::Error)]
pub enum PrivatePostgresError {
    /// There are no server programs to start. Install them, or use another database.
    #[error(
        "no PostgreSQL server programs (version 14 or newer) in {searched}; install them \
         (apt-get install postgresql, dnf install postgresql-server, brew install postgresql), \
         name their directory in EXTRACTOR_POSTGRES_BIN, or set DATABASE_URL to use another database"
    )]
    NotInstalled {
        /// The places that were looked at.
        searched: String,
    },
    /// The stored cluster was made by a major version that is not installed.
    #[error(
        "the database in {} was made by PostgreSQL {cluster}, but installed is {installed}; \
         install PostgreSQL {cluster}, or name its directory in EXTRACTOR_POSTGRES_BIN",
        data_dir.display()
    )]
    VersionMismatch {
        /// The data directory of the private Postgres.
        data_dir: PathBuf,
        /// The major version that made it.
        cluster: u32,
        /// The major versions that were found.
        installed: String,
    },
    /// The programs are not installed and could not be fetched (feature `embedded-download`).
    #[error(
        "PostgreSQL {major} is not installed and could not be fetched; install it (apt-get install \
         postgresql, dnf install postgresql-server), or set DATABASE_URL to use another database"
    )]
    DownloadFailed {
        /// The major version that was wanted.
        major: u32,
        /// Why it could not be had.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The program runs as root, which Postgres refuses, and there is no account to switch to.
    #[error(
        "Postgres refuses to run as root and there is no system user extractor or postgres to run \
         it as; run extractor as a normal user, create one (useradd --system extractor), or set \
         DATABASE_URL"
    )]
    NoServerUser,
    /// A file or directory that is needed may not be used by us or by the server's account.
    #[error("{} cannot be used: {reason}", path.display())]
    NotAllowed {
        /// The file or directory at fault.
        path: PathBuf,
        /// Who may not do what, and the way out.
        reason: String,
        /// What the system said, if it was the system that refused.
        #[source]
        source: Option<io::Error>,
    },
    /// Something that is not ours uses the data directory; nothing was touched.
    #[error("{} is in use by {holder}; stop that first, or choose another data directory", data_dir.display())]
    HeldByOther {
        /// The data directory of the private Postgres.
        data_dir: PathBuf,
        /// Who holds it, as far as can be told.
        holder: String,
    },
    /// The disk is full. Free some space and start again.
    #[error("the disk that holds {} is full; free some space there and start again", path.display())]
    DiskFull {
        /// Where space is missing.
        path: PathBuf,
    },
    /// `initdb` failed. Nothing of the attempt is left.
    #[error("a new database could not be created in {}: {output}", data_dir.display())]
    InitFailed {
        /// The data directory of the private Postgres.
        data_dir: PathBuf,
        /// The last lines that `initdb` wrote.
        output: String,
    },
    /// The server ended while it started.
    #[error("the private Postgres did not start; the end of {} reads:\n{tail}", log.display())]
    StartFailed {
        /// The whole log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// The server lives but does not answer yet; it was left running. Try again later.
    #[error(
        "the private Postgres (pid {pid}) did not answer within {waited:?}, perhaps because it \
         recovers from a crash; it was left running, try again later; the end of {} reads:\n{tail}",
        log.display()
    )]
    StillStarting {
        /// The server's process.
        pid: i32,
        /// How long was waited.
        waited: Duration,
        /// The whole log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// The server did not end when told to.
    #[error("the private Postgres (pid {pid}) did not stop")]
    StopFailed {
        /// The server's process.
        pid: i32,
    },
    /// The server runs but refuses a statement of ours.
    #[error("the private Postgres refused to {doing}")]
    Refused {
        /// What was asked of it.
        doing: &'static str,
        /// Its answer.
        #[source]
        source: sqlx::Error,
    },
    /// Any other trouble with a file or a process.
    #[error("could not {doing} {}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl PrivatePostgresError {
    /// Sorts an I/O error by what can be done about it. To be used as
    /// `map_err(PrivatePostgresError::io("create", path))`.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::NotAllowed {
                    path,
                    reason: format!("this user may not {doing} it; choose another data directory"),
                    source: Some(source),
                }
            }
            _ => Self::Io { doing, path, source },
        }
    }
}
