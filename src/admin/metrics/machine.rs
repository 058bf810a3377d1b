//! What the operating system says of this process: memory, processor time, open files. Linux tells
//! it in `/proc`; elsewhere nothing is known.

use std::fs;
use std::time::Duration;

/// How many of the ticks in `/proc/self/stat` make a second: fixed for what Linux tells programs.
const TICKS_PER_SECOND: u64 = 100;

/// This process at one instant; what the system does not tell is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Machine {
    /// In RAM, in bytes.
    pub(super) resident_bytes: Option<u64>,
    /// Used so far.
    pub(super) cpu_time: Option<Duration>,
    /// Files and connections.
    pub(super) open_files: Option<u64>,
}

/// Asks the system.
pub(super) fn look() -> Machine {
    Machine {
        resident_bytes: fs::read_to_string("/proc/self/status").ok().and_then(|t| resident(&t)),
        cpu_time: fs::read_to_string("/proc/self/stat").ok().and_then(|t| cpu_time(&t)),
        open_files: fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as u64),
    }
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The fields after the name, which is in parentheses and may have anything in it.
fn cpu_time(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 1000 / TICKS_PER_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found_behind_a_name_with_everything_in_it() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1 0 99";
        assert_eq!(cpu_time(stat), Some(Duration::from_secs(3)));
        assert_eq!(cpu_time("7 (a) S 1 2"), None);
        assert_eq!(resident("Name:\tx\nVmRSS:\t  12 kB\n"), Some(12 * 1024));
        assert_eq!(resident("Name:\tx\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_memory_time_and_files() {
        let machine = look();
        assert!(machine.resident_bytes.unwrap() > 100_000, "{machine:?}");
        assert!(machine.cpu_time.is_some(), "{machine:?}");
        assert!(machine.open_files.unwrap() > 2, "{machine:?}");
    }
}
