//! The two advisory locks of a data directory: whose turn it is to start or stop the server, and
//! who uses it. The kernel releases both when a process dies, however it dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::PrivatePostgresError;
use super::layout::Layout;

/// How often a lock that another process holds is tried again.
const RETRY: Duration = Duration::from_millis(20);

/// The exclusive right to start, restart or stop the server, held for a short while.
#[derive(Debug)]
pub(super) struct Turn {
    file: File,
}

impl Turn {
    /// Waits for our turn until `deadline`.
    pub(super) async fn take(
        layout: &Layout,
        deadline: Instant,
    ) -> Result<Self, PrivatePostgresError> {
        loop {
            if let Some(turn) = Self::try_take(layout)? {
                return Ok(turn);
            }
            if Instant::now() >= deadline {
                let pid = std::fs::read_to_string(&layout.turn_file).unwrap_or_default();
                return Err(PrivatePostgresError::HeldByOther {
                    data_dir: layout.data_dir.clone(),
                    holder: format!("process {}, which is starting or stopping it", pid.trim()),
                });
            }
            sleep(RETRY).await;
        }
    }

    /// Our turn, if it is nobody else's.
    pub(super) fn try_take(layout: &Layout) -> Result<Option<Self>, PrivatePostgresError> {
        let path = &layout.turn_file;
        let mut file = open(path)?;
        if !settle(path, file.try_lock())? {
            return Ok(None);
        }
        overwrite(path, &mut file, &format!("{}\n", std::process::id()))?;
        Ok(Some(Self { file }))
    }

    /// The lock as a child's standard input: if we are killed, our turn lasts until the child ends,
    /// so that nobody touches the files of an orphaned `initdb`.
    pub(super) fn lend(&self) -> io::Result<Stdio> {
        Ok(Stdio::from(self.file.try_clone()?))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Closing is not enough while a child that was forked at this moment has a copy.
        drop(self.file.unlock());
    }
}

/// Being counted among the users of the server.
#[derive(Debug)]
pub(super) struct Presence {
    file: File,
}

impl Presence {
    /// Joins the users. Refused if they live on another host or in another container, where the
    /// server's process cannot be seen from here. Needs our turn, so that nobody leaves meanwhile.
    pub(super) fn join(layout: &Layout, _turn: &Turn) -> Result<Self, PrivatePostgresError> {
        let path = &layout.users_file;
        let mut file = open(path)?;
        let here = place();
        if settle(path, file.try_lock())? {
            overwrite(path, &mut file, &here)?;
            file.unlock().map_err(PrivatePostgresError::io("unlock", path))?;
        } else {
            let mut there = String::new();
            file.read_to_string(&mut there).map_err(PrivatePostgresError::io("read", path))?;
            if there != here {
                let host = there.split_whitespace().next().unwrap_or("unknown");
                return Err(PrivatePostgresError::HeldByOther {
                    data_dir: layout.data_dir.clone(),
                    holder: format!("an extractor on another host or in a container ({host})"),
                });
            }
        }
        file.lock_shared().map_err(PrivatePostgresError::io("lock", path))?;
        Ok(Self { file })
    }

    /// Leaves, and says whether nobody else is left.
    pub(super) fn leave(self, layout: &Layout, _turn: &Turn) -> Result<bool, PrivatePostgresError> {
        let path = &layout.users_file;
        self.file.unlock().map_err(PrivatePostgresError::io("unlock", path))?;
        let last = settle(path, self.file.try_lock())?;
        drop(self.file.unlock());
        Ok(last)
    }
}

/// Which machine and process namespace this is: a pid means something only within it.
fn place() -> String {
    let host = nix::unistd::gethostname().unwrap_or_default();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!("{} {} {}\n", host.display(), boot.trim(), namespace.display())
}

fn open(path: &Path) -> Result<File, PrivatePostgresError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(PrivatePostgresError::io("open", path))
}

fn settle(path: &Path, tried: Result<(), TryLockError>) -> Result<bool, PrivatePostgresError> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(PrivatePostgresError::io("lock", path)(error)),
    }
}

fn overwrite(path: &Path, file: &mut File, text: &str) -> Result<(), PrivatePostgresError> {
    file.rewind()
        .and_then(|()| file.set_len(0))
        .and_then(|()| file.write_all(text.as_bytes()))
        .map_err(PrivatePostgresError::io("write", path))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    fn layout() -> (tempfile::TempDir, Layout) {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::open(dir.path()).unwrap();
        (dir, layout)
    }

    #[test]
    fn a_turn_is_exclusive_and_names_its_holder() {
        let (_dir, layout) = layout();
        let turn = Turn::try_take(&layout).unwrap().unwrap();
        assert!(Turn::try_take(&layout).unwrap().is_none());
        let holder = std::fs::read_to_string(&layout.turn_file).unwrap();
        assert_eq!(holder.trim(), std::process::id().to_string());
        drop(turn);
        assert!(Turn::try_take(&layout).unwrap().is_some());
    }

    #[tokio::test]
    async fn waiting_for_a_turn_ends_with_the_holders_pid() {
        let (_dir, layout) = layout();
        let _turn = Turn::try_take(&layout).unwrap().unwrap();
        let error = Turn::take(&layout, Instant::now()).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
        assert!(text.contains(&*layout.data_dir.to_string_lossy()), "{text}");
    }

    #[tokio::test]
    async fn a_killed_holders_turn_lasts_as_long_as_the_child_it_lent_it_to() {
        let (_dir, layout) = layout();
        let turn = Turn::try_take(&layout).unwrap().unwrap();
        let mut child = tokio::process::Command::new("tail")
            .args(["-f", "/dev/null"])
            .stdin(turn.lend().unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        // As the kernel does for a killed process: the file is closed, but not unlocked.
        let descriptor = turn.file.as_raw_fd();
        std::mem::forget(turn);
        nix::unistd::close(descriptor).unwrap();
        assert!(Turn::try_take(&layout).unwrap().is_none());
        child.kill().await.unwrap();
        assert!(Turn::try_take(&layout).unwrap().is_some());
    }

    #[test]
    fn only_the_last_user_is_told_so() {
        let (_dir, layout) = layout();
        let turn = Turn::try_take(&layout).unwrap().unwrap();
        let first = Presence::join(&layout, &turn).unwrap();
        let second = Presence::join(&layout, &turn).unwrap();
        assert!(!first.leave(&layout, &turn).unwrap());
        assert!(second.leave(&layout, &turn).unwrap());
    }

    #[test]
    fn users_elsewhere_are_refused_and_forgotten_once_gone() {
        let (_dir, layout) = layout();
        let turn = Turn::try_take(&layout).unwrap().unwrap();
        let elsewhere = Presence::join(&layout, &turn).unwrap();
        std::fs::write(&layout.users_file, "other-host 1 pid:[2]\n").unwrap();
        let error = Presence::join(&layout, &turn).unwrap_err();
        assert!(error.to_string().contains("other-host"), "{error}");
        drop(elsewhere);
        assert!(Presence::join(&layout, &turn).is_ok());
    }
}
