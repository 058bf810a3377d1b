//! A throwaway Postgres that ends with the process that started it, for tests. It uses nothing of
//! the crate, so that the integration tests can include this file too.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Starts a cluster that ends with this process: a shell holds a pipe from it, and stops the
/// server and removes its files when the pipe closes, however the process died.
pub(crate) fn start() -> String {
    let bin = newest_installation();
    let dir = tempfile::Builder::new().prefix("xt-pg").tempdir().unwrap().keep();
    let owner = nix::unistd::geteuid()
        .is_root()
        .then(|| nix::unistd::User::from_name("postgres").unwrap().expect("user postgres"));
    if let Some(user) = &owner {
        nix::unistd::chown(&dir, Some(user.uid), Some(user.gid)).unwrap();
    }
    let run_as = |command: &mut Command| {
        if let Some(user) = &owner {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command.current_dir(&dir).stdout(Stdio::null()).process_group(0);
    };
    let data = dir.join("data");
    let mut initdb = Command::new(bin.join("initdb"));
    initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"]);
    run_as(initdb.arg(&data));
    assert!(initdb.status().unwrap().success(), "initdb failed");
    let mut start = Command::new(bin.join("pg_ctl"));
    let options = format!(
        "-c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=300 -k {}",
        dir.display()
    );
    start.args(["start", "-w", "-s", "-o", &options, "-l"]).arg(dir.join("log"));
    run_as(start.arg("-D").arg(&data));
    assert!(start.status().unwrap().success(), "postgres does not start");
    stop_with_this_process(&bin, &dir, run_as);
    format!("postgres://postgres@localhost/postgres?host={}", dir.display())
}

/// Stops a cluster that [`start`] has started and starts it again. `mode` is `fast`, or `immediate` for
/// a crash.
#[allow(dead_code, reason = "only one of the binaries that include this file does that")]
pub(crate) fn restart(url: &str, mode: &str) {
    let (_, dir) = url.split_once("?host=").expect("an address that `start` gave");
    let dir = Path::new(dir);
    let owner = nix::unistd::User::from_name("postgres").unwrap();
    let mut restart = Command::new(newest_installation().join("pg_ctl"));
    restart.args(["restart", "-w", "-s", "-m", mode, "-l"]).arg(dir.join("log"));
    restart.arg("-D").arg(dir.join("data")).current_dir(dir).stdout(Stdio::null());
    if let Some(user) = owner.filter(|_| nix::unistd::geteuid().is_root()) {
        restart.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    assert!(restart.process_group(0).status().unwrap().success(), "postgres does not restart");
}

#[expect(clippy::zombie_processes, reason = "it outlives this process")]
fn stop_with_this_process(bin: &Path, dir: &Path, run_as: impl Fn(&mut Command)) {
    let script = "read -r _; \"$0\" stop -s -m immediate -D \"$1/data\"; rm -rf \"$1\"";
    let mut watcher = Command::new("sh");
    watcher.args(["-c", script]).arg(bin.join("pg_ctl")).arg(dir).stdin(Stdio::piped());
    run_as(watcher.stderr(Stdio::null()));
    let mut watcher = watcher.spawn().unwrap();
    let mut pipe = watcher.stdin.take().unwrap();
    pipe.flush().unwrap();
    // The pipe must stay open for as long as the process lives, and close with it.
    std::mem::forget(pipe);
}

fn newest_installation() -> PathBuf {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .collect();
    found.sort();
    found.pop().expect("Postgres is installed, or DATABASE_URL_TEST is set").1.join("bin")
}
