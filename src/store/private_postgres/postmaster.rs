//! The server process: started or adopted, waited for, and stopped. Whoever starts or stops it has
//! taken their turn before.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use postgresql_commands::CommandBuilder;
use postgresql_commands::postgres::PostgresBuilder;
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

use super::account::Account;
use super::find::Install;
use super::layout::{Layout, PORT};
use super::pid_file::{self, Standing};
use super::{PrivatePostgresError, connection, isolate, server_log};

/// How often a starting server is asked whether it answers.
const ANSWER_POLL: Duration = Duration::from_millis(10);
/// How long after a failed start the next one is tried.
const SPAWN_PAUSE: Duration = Duration::from_millis(100);
/// How often the process of an adopted server is looked at: nobody tells us when it ends.
const ADOPTED_POLL: Duration = Duration::from_millis(250);
const STOPPING_POLL: Duration = Duration::from_millis(5);
/// How long an immediate shutdown may take, after a fast one took too long.
const IMMEDIATE_GRACE: Duration = Duration::from_secs(10);

/// Everything that is needed to start the server, again and again.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) layout: Layout,
    pub(super) install: Install,
    pub(super) account: Account,
    pub(super) max_connections: u32,
    pub(super) durable: bool,
    pub(super) start_timeout: Duration,
}

/// A server process, by its pid and, if it is our child, by its handle.
#[derive(Debug)]
pub(super) struct Server {
    pid: i32,
    child: Option<Child>,
    /// Set until the server has answered: given up before that, it is told to stop.
    starting: bool,
}

impl Server {
    /// The postmaster's pid.
    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// Whether another process had started it.
    pub(super) fn is_adopted(&self) -> bool {
        self.child.is_none()
    }

    /// Returns when the process has ended.
    pub(super) async fn wait_gone(&mut self, poll: Duration) {
        if let Some(child) = &mut self.child
            && child.wait().await.is_ok()
        {
            return;
        }
        while pid_file::is_alive(self.pid) {
            sleep(poll).await;
        }
    }

    /// Returns when the process has ended, looking at leisure if it is not our child.
    pub(super) async fn watch(&mut self) {
        self.wait_gone(ADOPTED_POLL).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.starting {
            let _ = signal(self.pid, Signal::SIGINT);
        }
    }
}

impl Launch {
    /// Starts the server or adopts the running one, and returns once it answers and has our
    /// database.
    pub(super) async fn ensure_running(&self) -> Result<Server, PrivatePostgresError> {
        let deadline = Instant::now() + self.start_timeout;
        let from = server_log_length(&self.layout);
        loop {
            let mut server = self.find_or_spawn(deadline).await?;
            if self.wait_for_answer(&mut server, deadline, from).await? {
                server.starting = false;
                return Ok(server);
            }
            if Instant::now() >= deadline {
                return Err(self.start_failed(from));
            }
            sleep(SPAWN_PAUSE).await;
        }
    }

    async fn find_or_spawn(&self, deadline: Instant) -> Result<Server, PrivatePostgresError> {
        loop {
            match pid_file::standing(&self.layout)? {
                Standing::Absent => return self.spawn(),
                Standing::Stale => {
                    pid_file::clear_stale(&self.layout)?;
                    return self.spawn();
                }
                Standing::Ours { pid } => {
                    return Ok(Server { pid, child: None, starting: false });
                }
                Standing::Unsettled { .. } if Instant::now() < deadline => {
                    sleep(ANSWER_POLL).await;
                }
                Standing::Unsettled { pid } => return Err(self.held(pid, None)),
                Standing::Foreign { pid, socket_dir } => {
                    return Err(self.held(pid, Some(socket_dir)));
                }
            }
        }
    }

    fn held(&self, pid: i32, socket_dir: Option<PathBuf>) -> PrivatePostgresError {
        let place = socket_dir
            .map_or_else(String::new, |dir| format!(" (its socket is in {})", dir.display()));
        PrivatePostgresError::HeldByOther {
            data_dir: self.layout.data_dir.clone(),
            holder: format!("a Postgres that extractor did not start, pid {pid}{place}"),
        }
    }

    fn spawn(&self) -> Result<Server, PrivatePostgresError> {
        let log_file = &self.layout.log_file;
        let log = server_log::open(log_file).map_err(PrivatePostgresError::io("open", log_file))?;
        let error_log = log.try_clone().map_err(PrivatePostgresError::io("open", log_file))?;
        let mut command = self.server_command().build_tokio();
        isolate(&mut command, &self.account, &self.layout);
        let program = self.install.bin_dir.join("postgres");
        let child = command
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(error_log)
            .spawn()
            .map_err(PrivatePostgresError::io("run", &program))?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        let pid = pid.ok_or_else(|| {
            PrivatePostgresError::io("run", &program)(io::Error::other("it has no pid"))
        })?;
        Ok(Server { pid, child: Some(child), starting: true })
    }

    fn server_command(&self) -> PostgresBuilder {
        let mut settings = vec![
            ("listen_addresses", ""),
            ("shared_buffers", "128MB"),
            ("max_wal_size", "2GB"),
            ("checkpoint_timeout", "15min"),
            ("log_timezone", "UTC"),
        ];
        settings.extend(if self.durable {
            [("fsync", "on"), ("full_page_writes", "on")]
        } else {
            [("fsync", "off"), ("full_page_writes", "off")]
        });
        let builder = PostgresBuilder::new()
            .program_dir(&self.install.bin_dir)
            .data_dir(&self.layout.cluster)
            .socket_location(&self.layout.run_dir)
            .port(PORT)
            .max_connections(self.max_connections);
        settings
            .into_iter()
            .fold(builder, |builder, (name, value)| builder.runtime_param(name, value))
    }

    /// True once the server answers; false if it ended because of its predecessor, or was adopted
    /// while it was stopping.
    async fn wait_for_answer(
        &self,
        server: &mut Server,
        deadline: Instant,
        from: u64,
    ) -> Result<bool, PrivatePostgresError> {
        loop {
            if connection::answers(&self.layout, deadline).await? {
                return Ok(true);
            }
            let ended = match &mut server.child {
                Some(child) => child.try_wait().is_ok_and(|status| status.is_some()),
                None => !pid_file::is_alive(server.pid),
            };
            if ended {
                let adopted = server.child.is_none();
                server.starting = false;
                let tail = server_log::tail(&self.layout.log_file, from);
                if adopted || server_log::tells_of_predecessor(&tail) {
                    return Ok(false);
                }
                return Err(self.start_failed(from));
            }
            if Instant::now() >= deadline {
                server.starting = false;
                return Err(PrivatePostgresError::StillStarting {
                    pid: server.pid,
                    waited: self.start_timeout,
                    log: self.layout.log_file.clone(),
                    tail: server_log::tail(&self.layout.log_file, from),
                });
            }
            sleep(ANSWER_POLL).await;
        }
    }

    fn start_failed(&self, from: u64) -> PrivatePostgresError {
        let log = self.layout.log_file.clone();
        let tail = server_log::tail(&log, from);
        if server_log::tells_of_full_disk(&tail) {
            let path = self.layout.data_dir.clone();
            return PrivatePostgresError::DiskFull { path };
        }
        PrivatePostgresError::StartFailed { log, tail }
    }

    /// Ends the server that runs now, whoever started it: fast, and if that takes longer than
    /// `patience`, immediately, which leaves a recovery to the next start but loses nothing.
    pub(super) async fn shut_down(
        &self,
        known: Option<Server>,
        patience: Duration,
    ) -> Result<(), PrivatePostgresError> {
        let (Standing::Ours { pid } | Standing::Unsettled { pid }) =
            pid_file::standing(&self.layout)?
        else {
            return Ok(());
        };
        let mut server = known.filter(|server| server.pid == pid).unwrap_or(Server {
            pid,
            child: None,
            starting: false,
        });
        for (how, patience) in [(Signal::SIGINT, patience), (Signal::SIGQUIT, IMMEDIATE_GRACE)] {
            signal(pid, how).map_err(|_| PrivatePostgresError::StopFailed { pid })?;
            let gone = timeout(patience, server.wait_gone(STOPPING_POLL)).await;
            if gone.is_ok() {
                return Ok(());
            }
            tracing::warn!(postgres.pid = pid, "private postgres is slow to stop");
        }
        Err(PrivatePostgresError::StopFailed { pid })
    }

    /// Tells the running server to stop, without waiting for it.
    pub(super) fn ask_to_stop(&self) {
        if let Ok(Standing::Ours { pid }) = pid_file::standing(&self.layout) {
            let _ = signal(pid, Signal::SIGINT);
        }
    }
}

fn server_log_length(layout: &Layout) -> u64 {
    layout.log_file.metadata().map_or(0, |meta| meta.size())
}

/// A process that is gone needs no signal.
fn signal(pid: i32, signal: Signal) -> Result<(), Errno> {
    match kill(Pid::from_raw(pid), signal) {
        Err(Errno::ESRCH) | Ok(()) => Ok(()),
        Err(error) => Err(error),
    }
}
