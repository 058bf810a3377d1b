//! The socket that systemd listens on, as the environment names it.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;

/// The way to systemd; or nowhere, when the process was not started by it.
#[derive(Debug, Clone, Default)]
pub struct Notifier {
    socket: Option<Arc<UnixDatagram>>,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// What the process's environment names: `NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`.
    pub fn from_process() -> Self {
        let text = |name: &str| std::env::var(name).ok();
        let for_us = text("WATCHDOG_PID").is_none_or(|pid| pid == std::process::id().to_string());
        let watchdog = text("WATCHDOG_USEC").filter(|_| for_us);
        Self::new(std::env::var_os("NOTIFY_SOCKET").as_deref(), watchdog.as_deref())
    }

    /// To the socket of this address (a path, or `@` and an abstract name), with the watchdog's
    /// period in microseconds. What cannot be reached is nowhere, and is logged.
    pub fn new(address: Option<&OsStr>, watchdog_usec: Option<&str>) -> Self {
        let Some(address) = address.filter(|address| !address.is_empty()) else {
            return Self::default();
        };
        match connect(address) {
            Ok(socket) => Self { socket: Some(Arc::new(socket)), watchdog: period(watchdog_usec) },
            Err(error) => {
                tracing::warn!(error = %error, "systemd cannot be told anything");
                Self::default()
            }
        }
    }

    /// How often systemd wants to hear that the service lives, if it does.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Sends states in one message, never waiting: a lost message is better than a service that
    /// hangs on its supervisor.
    pub(super) fn send(&self, states: &[NotifyState<'_>]) {
        let Some(socket) = &self.socket else { return };
        let mut message = String::new();
        for state in states {
            let _ = writeln!(message, "{state}");
        }
        if let Err(error) = socket.send(message.as_bytes()) {
            tracing::debug!(error = %error, "systemd was not told");
        }
    }
}

fn connect(address: &OsStr) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    match address.as_bytes().strip_prefix(b"@") {
        Some(name) => socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?,
        None => socket.connect(address)?,
    }
    Ok(socket)
}

fn period(usec: Option<&str>) -> Option<Duration> {
    usec?.parse().ok().filter(|usec| *usec > 0).map(Duration::from_micros)
}
