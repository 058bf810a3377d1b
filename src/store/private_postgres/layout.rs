//! Which file lies where under the data directory, who owns it, and what it is called from outside.

use std::fs::{DirBuilder, Permissions, set_permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::{User, geteuid};

use super::PrivatePostgresError;
use super::account::{self, Account};

/// The port is only part of the socket's name; nothing listens on the network.
pub(super) const PORT: u16 = 5432;

/// The directory of the cluster.
const CLUSTER: &str = "data";

/// The longest path that fits `sockaddr_un` with its closing zero.
const SOCKET_PATH_MAX: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// The files of one private Postgres.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// The root of all, absolute and without links.
    pub(super) data_dir: PathBuf,
    /// The database cluster.
    pub(super) cluster: PathBuf,
    /// Where a cluster is made before it gets its name.
    pub(super) staging: PathBuf,
    /// The directory of the Unix socket.
    pub(super) run_dir: PathBuf,
    /// The server's log.
    pub(super) log_file: PathBuf,
    /// Locked for as long as somebody starts or stops the server.
    pub(super) turn_file: PathBuf,
    /// Locked, shared, by everybody who uses the server.
    pub(super) users_file: PathBuf,
}

impl Layout {
    /// Creates the data directory if need be and names what lies in it.
    pub(super) fn open(data_dir: &Path) -> Result<Self, PrivatePostgresError> {
        // The server's account must be able to pass when it is not ours.
        let mode = if geteuid().is_root() { 0o711 } else { 0o700 };
        let absolute =
            std::path::absolute(data_dir).map_err(PrivatePostgresError::io("find", data_dir))?;
        create_all(&absolute, mode)?;
        let data_dir =
            absolute.canonicalize().map_err(PrivatePostgresError::io("open", &absolute))?;
        Ok(Self {
            cluster: data_dir.join(CLUSTER),
            staging: data_dir.join("data.init"),
            run_dir: run_dir(&data_dir, geteuid().as_raw()),
            log_file: data_dir.join("log").join("postgres.log"),
            turn_file: data_dir.join("lock"),
            users_file: data_dir.join("users"),
            data_dir,
        })
    }

    /// Whether there is a cluster under a data directory that need not exist.
    pub(super) fn is_created(data_dir: &Path) -> bool {
        data_dir.join(CLUSTER).exists()
    }

    /// Creates the directories beside the cluster and gives `account` its own.
    pub(super) fn prepare(&self, account: &Account) -> Result<(), PrivatePostgresError> {
        if let Some(log_dir) = self.log_file.parent() {
            create_all(log_dir, 0o700)?;
        }
        create_all(&self.run_dir, 0o700)?;
        self.refuse_strange_run_dir(account)?;
        account.give(&self.run_dir)
    }

    /// Refuses a data directory that somebody else made. As root too: whoever owns a directory
    /// could make us write through links of his, and would not be able to use what we leave there.
    pub(super) fn check_owner(&self) -> Result<(), PrivatePostgresError> {
        let dir = &self.data_dir;
        let meta = dir.metadata().map_err(PrivatePostgresError::io("open", dir))?;
        if meta.uid() == geteuid().as_raw() {
            return Ok(());
        }
        let owner = account::user_name(meta.uid());
        Err(PrivatePostgresError::NotAllowed {
            path: dir.clone(),
            reason: format!("it belongs to {owner}; run as that user, or choose another one"),
            source: None,
        })
    }

    /// `/tmp` is everybody's: a directory of our name may have been put there by somebody else.
    fn refuse_strange_run_dir(&self, account: &Account) -> Result<(), PrivatePostgresError> {
        let dir = &self.run_dir;
        let meta = dir.symlink_metadata().map_err(PrivatePostgresError::io("open", dir))?;
        let owners = [account.uid(), geteuid().as_raw()];
        let private = meta.permissions().mode() & 0o077 == 0;
        if meta.is_dir() && private && owners.contains(&meta.uid()) {
            return Ok(());
        }
        Err(PrivatePostgresError::NotAllowed {
            path: dir.clone(),
            reason: "it is for our socket but is not ours alone; remove it".to_owned(),
            source: None,
        })
    }

    /// The URL of a database of this server, for sqlx and for libpq alike.
    pub(super) fn url(&self, user: &str, database: &str) -> String {
        let host = percent_encode(self.run_dir.as_os_str().as_bytes());
        format!("postgres://{user}@localhost:{PORT}/{database}?host={host}&sslmode=disable")
    }

    /// What a person types to look into `database`.
    pub(super) fn psql_command(&self, user: &str, database: &str) -> String {
        format!("psql -h {} -U {user} {database}", self.run_dir.display())
    }
}

/// Where the private Postgres lives unless configured: `/var/lib/extractor/postgres` for root (the
/// server's account cannot enter root's home), else the user's data directory. None if the user has
/// no home.
pub fn default_data_dir() -> Option<PathBuf> {
    if geteuid().is_root() {
        return Some(PathBuf::from("/var/lib/extractor/postgres"));
    }
    let absolute =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let of_user = || User::from_uid(geteuid()).ok().flatten().map(|user| user.dir);
    absolute("XDG_DATA_HOME")
        .or_else(|| {
            let home = absolute("HOME").or_else(of_user)?;
            Some(home.join(".local").join("share"))
        })
        .map(|data| data.join("extractor").join("postgres"))
}

/// `DATA_DIR/run`, or a short directory in `/tmp` if that does not fit a socket address or holds a
/// character that Postgres's list of directories gives a meaning to. The choice depends on nothing
/// but the data directory and our user, so that all processes come to the same.
fn run_dir(data_dir: &Path, uid: u32) -> PathBuf {
    let natural = data_dir.join("run");
    let socket = natural.join(format!(".s.PGSQL.{PORT}"));
    let bytes = natural.as_os_str().as_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+@=:".contains(byte);
    if socket.as_os_str().len() <= SOCKET_PATH_MAX && bytes.iter().all(plain) {
        return natural;
    }
    let hash = blake3::hash(data_dir.as_os_str().as_bytes()).to_hex();
    PathBuf::from(format!("/tmp/extractor-pg-{uid}-{}", &hash[..16]))
}

/// Creates `path` and what is missing above it, with `mode` whatever the umask is.
fn create_all(path: &Path, mode: u32) -> Result<(), PrivatePostgresError> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        create_all(parent, mode)?;
    }
    match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => set_permissions(path, Permissions::from_mode(mode))
            .map_err(PrivatePostgresError::io("protect", path)),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(PrivatePostgresError::io("create", path)(error)),
    }
}

fn percent_encode(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, &byte| {
        if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_beside_the_cluster_is_used_where_it_fits() {
        let dir = Path::new("/var/lib/extractor/postgres");
        assert_eq!(run_dir(dir, 0), dir.join("run"));
    }

    #[test]
    fn long_and_odd_paths_get_a_short_socket_directory() {
        let long = format!("/srv/{}", "x".repeat(SOCKET_PATH_MAX));
        for dir in [long.as_str(), "/srv/a,b", "/srv/with space", "/srv/\u{e9}"] {
            let run = run_dir(Path::new(dir), 7);
            assert!(run.starts_with("/tmp"), "{dir}");
            assert!(run.as_os_str().len() < 50, "{dir}");
            assert_eq!(run, run_dir(Path::new(dir), 7), "{dir}");
        }
    }

    #[test]
    fn the_longest_socket_path_that_fits_is_kept() {
        let tail = "/run/.s.PGSQL.5432".len();
        let fits = format!("/{}", "x".repeat(SOCKET_PATH_MAX - tail - 1));
        assert_eq!(run_dir(Path::new(&fits), 0), Path::new(&fits).join("run"));
        assert!(run_dir(Path::new(&format!("{fits}x")), 0).starts_with("/tmp"));
    }

    #[test]
    fn the_host_of_a_url_is_percent_encoded() {
        assert_eq!(percent_encode(b"/a b/\xc3\xa9%+"), "%2Fa%20b%2F%C3%A9%25%2B");
    }
}
