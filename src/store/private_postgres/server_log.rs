//! The server's log file: turned over when it has grown, and read when a start fails.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A log larger than this becomes `postgres.log.1` when the server starts.
const ROTATE_BYTES: u64 = 10 * 1024 * 1024;
/// How much of the end of the log is looked at, and how many lines of it are shown.
const TAIL_BYTES: u64 = 16 * 1024;
const TAIL_LINES: usize = 12;

/// Opens the log for appending, after setting a large one aside in place of the one before it.
pub(super) fn open(path: &Path) -> io::Result<File> {
    if path.metadata().is_ok_and(|meta| meta.len() > ROTATE_BYTES) {
        std::fs::rename(path, path.with_extension("log.1"))?;
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// The end of what was written after byte `from`. Empty if the log cannot be read.
pub(super) fn tail(path: &Path, from: u64) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let end = file.metadata()?.len();
        file.seek(SeekFrom::Start(from.max(end.saturating_sub(TAIL_BYTES))))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    last_lines(&String::from_utf8_lossy(&read().unwrap_or_default()))
}

/// The last lines of what a program wrote.
pub(super) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

/// Whether the text complains about a full disk.
pub(super) fn tells_of_full_disk(text: &str) -> bool {
    text.contains("No space left on device") || text.contains("Disk quota exceeded")
}

/// Whether the server ended only because the one before it had not quite ended: trying again helps.
pub(super) fn tells_of_predecessor(text: &str) -> bool {
    text.contains("postmaster.pid\" already exists")
        || text.contains("pre-existing shared memory block")
        || text.contains("could not bind Unix address")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_log_is_set_aside_and_one_old_log_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("postgres.log");
        for round in ["first", "second"] {
            std::fs::write(&log, round).unwrap();
            let file = OpenOptions::new().write(true).open(&log).unwrap();
            file.set_len(ROTATE_BYTES + 1).unwrap();
            assert_eq!(open(&log).unwrap().metadata().unwrap().len(), 0);
            let old = std::fs::read(dir.path().join("postgres.log.1")).unwrap();
            assert!(old.starts_with(round.as_bytes()));
        }
        assert_eq!(dir.path().read_dir().unwrap().count(), 2);
    }

    #[test]
    fn the_tail_is_the_last_lines_of_this_start_only() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("postgres.log");
        let lines: Vec<String> = (0..100).map(|n| format!("line {n}")).collect();
        std::fs::write(&log, lines.join("\n")).unwrap();
        assert_eq!(tail(&log, 0).lines().count(), TAIL_LINES);
        assert!(tail(&log, 0).ends_with("line 99"));
        let from = std::fs::metadata(&log).unwrap().len() - 7;
        assert_eq!(tail(&log, from), "line 99");
        assert_eq!(tail(&dir.path().join("none"), 0), "");
    }

    #[test]
    fn full_disks_and_predecessors_are_recognised() {
        assert!(tells_of_full_disk(
            "PANIC:  could not write to file \"pg_wal/xlogtemp.9\": No space left on device"
        ));
        assert!(tells_of_predecessor("FATAL:  lock file \"postmaster.pid\" already exists"));
        assert!(!tells_of_predecessor("FATAL:  data directory has wrong ownership"));
    }
}
