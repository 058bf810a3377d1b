//! What `postmaster.pid` says, and whether the process it names is still the server of this cluster.

use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::PrivatePostgresError;
use super::layout::Layout;

/// The server of a cluster, as its lock file tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// No server: it may be started.
    Absent,
    /// A server that listens on our socket.
    Ours {
        /// The postmaster.
        pid: i32,
    },
    /// A server of this cluster that somebody started otherwise.
    Foreign {
        /// The postmaster.
        pid: i32,
        /// Where it listens.
        socket_dir: PathBuf,
    },
    /// A server that has just started and has not yet written where it listens.
    Unsettled {
        /// The postmaster.
        pid: i32,
    },
    /// A file left by a server whose pid now belongs to something else.
    Stale,
}

/// The lines of `postmaster.pid` that matter.
struct PidFile {
    pid: i32,
    socket_dir: Option<PathBuf>,
}

/// Reads the lock file of the cluster and looks at the process it names.
pub(super) fn standing(layout: &Layout) -> Result<Standing, PrivatePostgresError> {
    let path = path(layout);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Standing::Absent),
        Err(error) => return Err(PrivatePostgresError::io("read", &path)(error)),
    };
    let Some(PidFile { pid, socket_dir }) = parse(&text) else {
        // Being written, or cut by a crash; the server itself knows what to do about the latter.
        return Ok(Standing::Absent);
    };
    if !is_alive(pid) {
        // A zombie counts as dead here but not for the server, which would refuse to start.
        let gone = kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH);
        return Ok(if gone { Standing::Absent } else { Standing::Stale });
    }
    if !is_server_of(pid, &layout.cluster) {
        return Ok(Standing::Stale);
    }
    Ok(match socket_dir {
        None => Standing::Unsettled { pid },
        Some(dir) if dir == layout.run_dir => Standing::Ours { pid },
        Some(socket_dir) => Standing::Foreign { pid, socket_dir },
    })
}

/// Removes a stale lock file, unless some process still works in the cluster. The server would
/// refuse to start for as long as the pid is taken, which in a container may be for ever.
pub(super) fn clear_stale(layout: &Layout) -> Result<(), PrivatePostgresError> {
    if !cfg!(target_os = "linux") || somebody_works_in(&layout.cluster) {
        return Ok(());
    }
    let path = path(layout);
    match std::fs::remove_file(&path) {
        // A server that ends in order removes it itself, perhaps since we looked.
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(PrivatePostgresError::io("remove", &path)(error))
        }
        _ => Ok(()),
    }
}

/// Whether the process exists and is not merely waiting to be reaped.
pub(super) fn is_alive(pid: i32) -> bool {
    if kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH) {
        return false;
    }
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may itself hold spaces and parentheses.
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    !matches!(state, Some('Z' | 'X'))
}

fn path(layout: &Layout) -> PathBuf {
    layout.cluster.join("postmaster.pid")
}

fn parse(text: &str) -> Option<PidFile> {
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok().filter(|pid| *pid > 0)?;
    let socket_dir = lines.nth(3).filter(|line| !line.is_empty());
    Some(PidFile { pid, socket_dir: socket_dir.map(PathBuf::from) })
}

/// Where `/proc` does not tell, the process is taken for the server: never start a second one.
fn is_server_of(pid: i32, cluster: &Path) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
    let works_in = std::fs::read_link(format!("/proc/{pid}/cwd"));
    name.map_or(true, |name| name.trim() == "postgres")
        && works_in.map_or(true, |dir| dir == cluster)
}

fn somebody_works_in(cluster: &Path) -> bool {
    let Ok(processes) = Path::new("/proc").read_dir() else {
        return true;
    };
    processes
        .flatten()
        .filter_map(|process| std::fs::read_link(process.path().join("cwd")).ok())
        .any(|dir| dir == cluster)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout_with(pid_file: &str) -> (tempfile::TempDir, Layout) {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::open(dir.path()).unwrap();
        std::fs::create_dir(&layout.cluster).unwrap();
        std::fs::write(path(&layout), pid_file).unwrap();
        (dir, layout)
    }

    #[test]
    fn a_pid_that_was_given_to_another_program_is_stale_and_cleared() {
        let ours = format!("{}\n/x\n1\n5432\n/run\n", std::process::id());
        let (_dir, layout) = layout_with(&ours);
        assert_eq!(standing(&layout).unwrap(), Standing::Stale);
        clear_stale(&layout).unwrap();
        clear_stale(&layout).unwrap();
        assert_eq!(standing(&layout).unwrap(), Standing::Absent);
    }

    #[test]
    fn broken_and_empty_files_mean_no_server() {
        for text in ["", "\n", "abc\n", "-4\n", "0\n"] {
            let (_dir, layout) = layout_with(text);
            assert_eq!(standing(&layout).unwrap(), Standing::Absent, "{text:?}");
        }
    }

    #[test]
    fn the_socket_directory_is_the_fifth_line() {
        let whole = parse("12\n/data\n1700000000\n5432\n/run/x\n\n 5 6\nready\n").unwrap();
        assert_eq!((whole.pid, whole.socket_dir), (12, Some(PathBuf::from("/run/x"))));
        assert!(parse("12\n/data\n1700000000\n").unwrap().socket_dir.is_none());
    }

    #[test]
    fn a_process_that_waits_to_be_reaped_is_not_alive() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        while is_alive(pid) {
            std::thread::yield_now();
        }
        assert!(kill(Pid::from_raw(pid), None).is_ok());
        child.wait().unwrap();
    }
}
