//! A Postgres of our own, for when no `database.url` is configured: found among the installed
//! programs, initialised once, started, watched, shared and stopped. It knows nothing of what is
//! stored in it, and never listens on a network.
//!
//! # Who starts it, who stops it
//!
//! Several `extractor` processes may use one data directory (a `status` while a backfill runs), so
//! starting *joins*: the first user starts the server, the others find it running, and the last one
//! out stops it. Two advisory locks, which the kernel releases however a process ends, keep order:
//!
//! - `DATA_DIR/users` is held, shared, by every user. Who can have it for himself alone while
//!   leaving is the last one.
//! - `DATA_DIR/lock` is held, exclusively and with the holder's pid written in it, by whoever
//!   creates, starts, restarts or stops. It is also `initdb`'s standard input, so that an `initdb`
//!   that outlives us keeps it.
//!
//! The server is no part of our process group: a Ctrl-C reaches us alone, and we can write before
//! it stops. After a `kill -9` of the last user it runs on; the next start adopts it. A server that
//! dies, or is stopped by hand, is restarted by whichever user's turn comes first; the others adopt
//! that one.
//!
//! # What is refused
//!
//! A cluster or directory of another user, a server that somebody started on our cluster by hand,
//! users on another host or in another container (their server cannot be seen or signalled from
//! here), and a cluster of a major version that is not installed. None of these is touched.
//!
//! # Root
//!
//! Postgres refuses to run as root. As root we run it as the owner of the cluster, else as user
//! `extractor` or `postgres`; the data directory stays ours, the cluster and the socket's directory
//! are given to that user.
//!
//! # Access
//!
//! Connections need no password (`trust`), but the socket lies in a directory of mode 0700.

mod account;
mod cluster;
mod connection;
#[cfg(feature = "embedded-download")]
mod download;
mod error;
mod find;
mod layout;
mod pid_file;
mod postmaster;
mod presence;
mod server_log;
mod supervise;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use error::PrivatePostgresError;
pub use find::BIN_DIR_VARIABLE;
pub use layout::default_data_dir;

use account::Account;
use find::{Install, Places};
use layout::Layout;
use postmaster::{Launch, Server};
use presence::{Presence, Turn};

/// The superuser that every connection uses.
const ROLE: &str = "extractor";
/// The database that the URL names.
const DATABASE: &str = "extractor";
/// What the server programs inherit of our environment: no secrets, no `PG…`, no systemd sockets.
const INHERITED: [&str; 4] = ["PATH", "LD_LIBRARY_PATH", "TMPDIR", "TZ"];

/// How to run a private Postgres.
#[derive(Debug, Clone)]
pub struct PrivatePostgresSettings {
    /// Where everything lies; created if need be. See [`default_data_dir`].
    pub data_dir: PathBuf,
    /// The directory of `postgres` and `initdb`. If set, no other place is looked at; if not,
    /// [`BIN_DIR_VARIABLE`], then `PATH` and the usual places.
    pub bin_dir: Option<PathBuf>,
    /// How long to wait for the other processes' turns, for `initdb`, and (anew) for the server to
    /// answer, crash recovery included.
    pub start_timeout: Duration,
    /// How long a fast shutdown may take before an immediate one.
    pub stop_timeout: Duration,
    /// Connections the server accepts, of all users together.
    pub max_connections: u32,
    /// Whether data survives a crash of the machine. False is for tests only.
    pub durable: bool,
}

impl PrivatePostgresSettings {
    /// Durable, 50 connections, two minutes to start, half a minute to stop.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            bin_dir: None,
            start_timeout: Duration::from_secs(120),
            stop_timeout: Duration::from_secs(30),
            max_connections: 50,
            durable: true,
        }
    }
}

/// What the supervisor knows of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerState {
    /// It answered last time it was asked, and its process lives. Set by start and restart.
    Up {
        /// The postmaster.
        pid: i32,
    },
    /// It ended unexpectedly and is being started again. Followed by `Up` or `Down`.
    Restarting,
    /// It ended again and again; nothing more is tried. Final.
    Down,
}

/// One user of a running private Postgres. Ends with [`stop`](Self::stop); if it is dropped
/// instead, the last user's server is told to stop, but not waited for.
#[derive(Debug)]
pub struct PrivatePostgres {
    launch: Arc<Launch>,
    url: String,
    stop_timeout: Duration,
    state: watch::Receiver<ServerState>,
    leave: CancellationToken,
    /// Taken by `stop`.
    supervisor: Option<JoinHandle<Option<Server>>>,
    /// Taken by `stop` and by drop.
    presence: Option<Presence>,
}

impl PrivatePostgres {
    /// Starts the server, or joins its users if it runs; creates the cluster and the database
    /// `extractor` the first time. Returns once the server answers. Needs a Tokio runtime.
    pub async fn start(settings: PrivatePostgresSettings) -> Result<Self, PrivatePostgresError> {
        let began = Instant::now();
        let deadline = began + settings.start_timeout;
        let layout = Layout::open(&settings.data_dir)?;
        layout.check_owner()?;
        let turn = Turn::take(&layout, deadline).await?;
        let account = Account::choose(&layout.cluster)?;
        cluster::check_owner(&layout, &account)?;
        let major = cluster::major(&layout)?;
        let install = programs(&settings, &layout, major, deadline).await?;
        layout.prepare(&account)?;
        probe(&layout, &install, &account).await?;
        let presence = Presence::join(&layout, &turn)?;
        if major.is_none() {
            cluster::create(&layout, &install, &account, settings.durable, &turn, deadline).await?;
        }
        let launch = Arc::new(Launch {
            layout,
            install,
            account,
            max_connections: settings.max_connections,
            durable: settings.durable,
            start_timeout: settings.start_timeout,
        });
        let server = launch.ensure_running().await?;
        tracing::info!(
            postgres.pid = server.pid(),
            postgres.major = launch.install.major,
            postgres.adopted = server.is_adopted(),
            data_dir = %launch.layout.data_dir.display(),
            elapsed_ms = began.elapsed().as_millis(),
            "private postgres answers"
        );
        drop(turn);
        Ok(Self::supervised(launch, server, presence, settings.stop_timeout))
    }

    /// Whether a database has been created under `data_dir`. Looks only.
    pub fn is_created(data_dir: &Path) -> bool {
        Layout::is_created(data_dir)
    }

    /// The directory and major version of the installed server programs that a new cluster would
    /// use, without starting or creating anything. Where a build may fetch programs, an error does
    /// not mean that [`start`](Self::start) fails.
    pub async fn find_programs(
        settings: &PrivatePostgresSettings,
    ) -> Result<(PathBuf, u32), PrivatePostgresError> {
        let places = Places::new(settings.bin_dir.as_deref());
        let install = places.find(None, &settings.data_dir).await?;
        Ok((install.bin_dir, install.major))
    }

    fn supervised(
        launch: Arc<Launch>,
        server: Server,
        presence: Presence,
        stop_timeout: Duration,
    ) -> Self {
        let (sender, state) = watch::channel(ServerState::Up { pid: server.pid() });
        let leave = CancellationToken::new();
        let watching = supervise::supervise(launch.clone(), server, sender, leave.clone());
        Self {
            url: launch.layout.url(ROLE, DATABASE),
            launch,
            stop_timeout,
            state,
            leave,
            supervisor: Some(tokio::spawn(watching)),
            presence: Some(presence),
        }
    }

    /// The database `extractor` over the Unix socket. It stays the same across restarts.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What a person types, as root or as our user, to look into the database.
    pub fn psql_command(&self) -> String {
        self.launch.layout.psql_command(ROLE, DATABASE)
    }

    /// The data directory, absolute and without links.
    pub fn data_dir(&self) -> &Path {
        &self.launch.layout.data_dir
    }

    /// The postmaster's process, or -1 while there is none.
    pub fn pid(&self) -> i32 {
        match *self.state.borrow() {
            ServerState::Up { pid } => pid,
            ServerState::Restarting | ServerState::Down => -1,
        }
    }

    /// Follows the server through unexpected ends and restarts.
    pub fn subscribe(&self) -> watch::Receiver<ServerState> {
        self.state.clone()
    }

    /// Leaves; the last user stops the server and waits until it has ended. Close all connections
    /// before: a fast shutdown cuts them.
    pub async fn stop(mut self) -> Result<(), PrivatePostgresError> {
        self.leave.cancel();
        let server = match self.supervisor.take() {
            Some(supervisor) => supervisor.await.ok().flatten(),
            None => None,
        };
        let layout = &self.launch.layout;
        let turn = Turn::take(layout, Instant::now() + self.launch.start_timeout).await?;
        let Some(presence) = self.presence.take() else {
            return Ok(());
        };
        if presence.leave(layout, &turn)? {
            self.launch.shut_down(server, self.stop_timeout).await?;
        }
        Ok(())
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        self.leave.cancel();
        if let Some(supervisor) = &self.supervisor {
            supervisor.abort();
        }
        let Some(presence) = self.presence.take() else {
            return;
        };
        let layout = &self.launch.layout;
        if let Ok(Some(turn)) = Turn::try_take(layout)
            && presence.leave(layout, &turn).is_ok_and(|last| last)
        {
            self.launch.ask_to_stop();
        }
    }
}

/// The programs to run: installed ones, else, if this was built in, fetched ones.
#[cfg_attr(not(feature = "embedded-download"), expect(unused_variables))]
async fn programs(
    settings: &PrivatePostgresSettings,
    layout: &Layout,
    major: Option<u32>,
    deadline: Instant,
) -> Result<Install, PrivatePostgresError> {
    let places = Places::new(settings.bin_dir.as_deref());
    let found = places.find(major, &layout.data_dir).await;
    #[cfg(feature = "embedded-download")]
    if found.is_err() && !places.is_configured() {
        return download::fetch(layout, major, deadline).await;
    }
    found
}

/// Tells, before anything is created, whether the server's account can run the programs and reach
/// the directories; Postgres's own complaints about this are hard to read.
async fn probe(
    layout: &Layout,
    install: &Install,
    account: &Account,
) -> Result<(), PrivatePostgresError> {
    if !account.is_other() {
        return Ok(());
    }
    let program = install.bin_dir.join("postgres");
    let mut command = Command::new(&program);
    command.arg("--version").stdout(Stdio::null());
    isolate(&mut command, account, layout);
    let Err(source) = command.status().await else {
        return Ok(());
    };
    let blocked = account
        .blocked_at(&layout.data_dir)
        .or_else(|| account.blocked_at(&layout.run_dir))
        .or_else(|| account.blocked_at(&install.bin_dir));
    Err(match blocked {
        Some(path) => PrivatePostgresError::NotAllowed {
            path,
            reason: format!(
                "{}, as which the server runs because we are root, may not enter it; choose a data \
                 directory that it can reach, such as /var/lib/extractor/postgres",
                account.name()
            ),
            source: Some(source),
        },
        None => PrivatePostgresError::io("run", &program)(source),
    })
}

/// Sets a server program apart from us: its account, process group, directory and environment.
fn isolate(command: &mut Command, account: &Account, layout: &Layout) {
    account.apply(command);
    command.process_group(0).current_dir(&layout.run_dir).env_clear().env("LC_ALL", "C");
    for name in INHERITED {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
}
