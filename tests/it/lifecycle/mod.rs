//! What goes on beside the runs: their log, the configuration read again, what systemd hears, clocks
//! that jump.

mod clocks;
mod logs;
mod reload;
mod systemd;

use jira_sim::{World, WorldProfile, generate};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::binary::Running;

const ISSUES: usize = 60;

fn world() -> World {
    generate(&WorldProfile::new("PROJ", ISSUES, 91).plain(700)).unwrap()
}

/// Asks it to read its configuration again, as `systemctl reload` does.
fn hang_up(service: &Running) {
    kill(Pid::from_raw(i32::try_from(service.pid()).unwrap()), Signal::SIGHUP).unwrap();
}
