//! What signals ask for. The first SIGINT or SIGTERM asks politely for the end, the second ends at
//! once; SIGHUP asks a service, and nothing else, to read its configuration again. What ending or
//! reading again means is up to those who are told.

use std::io;
use std::sync::{Arc, OnceLock};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// A signal that asks the program to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: systemd, Docker, `kill`.
    Terminate,
}

impl Signal {
    /// What shells report for a program that this signal ended: 128 and its number.
    pub fn exit_code(self) -> i32 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// The request to end, as everything that runs sees it.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    token: CancellationToken,
    first: Arc<OnceLock<Signal>>,
}

impl Shutdown {
    /// Listens for signals from now on, inside a tokio runtime.
    ///
    /// # Errors
    /// When the operating system lets no handler be installed.
    pub fn listen() -> io::Result<Self> {
        let (sender, signals) = mpsc::channel(4);
        for (kind, meaning) in [
            (SignalKind::interrupt(), Signal::Interrupt),
            (SignalKind::terminate(), Signal::Terminate),
        ] {
            let mut stream = signal(kind)?;
            let sender = sender.clone();
            tokio::spawn(async move {
                while stream.recv().await.is_some() {
                    if sender.send(meaning).await.is_err() {
                        break;
                    }
                }
            });
        }
        let shutdown = Self::default();
        let watched = shutdown.clone();
        tokio::spawn(async move {
            if let Some(second) = watched.watch(signals).await {
                tracing::warn!(signal = ?second, "told to end a second time, ending at once");
                std::process::exit(second.exit_code());
            }
        });
        Ok(shutdown)
    }

    /// Cancelled by the first signal, or by [`Shutdown::request`].
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// The signal that asked for the end, if one did.
    pub fn signal(&self) -> Option<Signal> {
        self.first.get().copied()
    }

    /// Asks for the end from within.
    pub fn request(&self) {
        self.token.cancel();
    }

    /// Cancels the token at the first signal and returns the second; `None` when no more can come.
    async fn watch(&self, mut signals: mpsc::Receiver<Signal>) -> Option<Signal> {
        let first = signals.recv().await?;
        if self.first.set(first).is_ok() {
            tracing::info!(signal = ?first, "told to end, finishing what is in flight");
        }
        self.token.cancel();
        signals.recv().await
    }
}

/// Requests to read the configuration again. Only who listens catches SIGHUP: a command that is not
/// a service ends with its terminal, unless `nohup` says otherwise.
#[derive(Debug, Clone)]
pub struct Reloads {
    asked: watch::Receiver<u64>,
}

impl Reloads {
    /// Listens for SIGHUP from now on, inside a tokio runtime.
    ///
    /// # Errors
    /// When the operating system lets no handler be installed.
    pub fn listen() -> io::Result<Self> {
        let mut stream = signal(SignalKind::hangup())?;
        let (asking, reloads) = Self::by_hand();
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                asking.send_modify(|asked| *asked += 1);
            }
        });
        Ok(reloads)
    }

    /// Requests that are made by counting up instead of a signal.
    pub fn by_hand() -> (watch::Sender<u64>, Self) {
        let (asking, asked) = watch::channel(0);
        (asking, Self { asked })
    }

    /// Waits for a request that was not answered by an earlier call; several since then are one.
    /// Losing the wait loses no request.
    pub async fn requested(&mut self) {
        if self.asked.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn the_first_signal_cancels_and_the_second_ends() {
        let shutdown = Shutdown::default();
        let (sender, signals) = mpsc::channel(4);
        let watched = shutdown.clone();
        let watch = tokio::spawn(async move { watched.watch(signals).await });
        assert!(!shutdown.token().is_cancelled());

        sender.send(Signal::Terminate).await.unwrap();
        shutdown.token().cancelled().await;
        assert_eq!(shutdown.signal(), Some(Signal::Terminate));
        assert!(!watch.is_finished());

        sender.send(Signal::Interrupt).await.unwrap();
        assert_eq!(watch.await.unwrap(), Some(Signal::Interrupt));
        assert_eq!(shutdown.signal(), Some(Signal::Terminate));
    }

    #[tokio::test]
    async fn without_signals_nothing_ends() {
        let shutdown = Shutdown::default();
        let (sender, signals) = mpsc::channel(1);
        drop(sender);
        assert_eq!(shutdown.watch(signals).await, None);
        assert!(!shutdown.token().is_cancelled());
    }

    #[test]
    fn exit_codes_are_those_of_shells() {
        assert_eq!(Signal::Interrupt.exit_code(), 130);
        assert_eq!(Signal::Terminate.exit_code(), 143);
    }

    #[tokio::test]
    async fn a_real_signal_reaches_the_token() {
        let shutdown = Shutdown::listen().unwrap();
        nix::sys::signal::raise(nix::sys::signal::Signal::SIGTERM).unwrap();
        shutdown.token().cancelled().await;
        assert_eq!(shutdown.signal(), Some(Signal::Terminate));
    }

    #[tokio::test]
    async fn hanging_up_asks_to_read_again_and_does_not_end_the_program() {
        let mut reloads = Reloads::listen().unwrap();
        for _ in 0..2 {
            nix::sys::signal::raise(nix::sys::signal::Signal::SIGHUP).unwrap();
            reloads.requested().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requests_while_nobody_waits_are_one() {
        let (asking, mut reloads) = Reloads::by_hand();
        asking.send_modify(|asked| *asked += 1);
        asking.send_modify(|asked| *asked += 1);
        reloads.requested().await;
        let more = tokio::time::timeout(Duration::from_secs(60), reloads.requested());
        assert!(more.await.is_err());
        drop(asking);
        let more = tokio::time::timeout(Duration::from_secs(60), reloads.requested());
        assert!(more.await.is_err(), "the end of requests is no request");
    }
}
