//! What goes on beside the runs: their log, the configuration read again, what systemd hears, clocks
//! that jump.

mod clocks;
mod logs;

use jira_sim::{World, WorldProfile, generate};

const ISSUES: usize = 60;

fn world() -> World {
    generate(&WorldProfile::new("PROJ", ISSUES, 91).plain(700)).unwrap()
}
