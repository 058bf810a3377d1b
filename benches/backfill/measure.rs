//! Processes and what they use, as Linux counts it.

use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::options::{Options, Role};

/// Clock ticks a second in `/proc`, which Linux has fixed for user space.
const TICKS_A_SECOND: f64 = 100.0;

/// What a process did and used between the word to go and its end.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) issues: u64,
    pub(crate) requests: u64,
    /// Of answers, after decompression.
    pub(crate) bytes: u64,
    pub(crate) elapsed_secs: f64,
    pub(crate) cpu_secs: f64,
    /// Of the whole life of the process.
    pub(crate) peak_rss_kib: u64,
}

impl Measured {
    /// Both, done at the same time.
    pub(crate) fn and(&self, other: &Self) -> Self {
        Self {
            issues: self.issues.max(other.issues),
            requests: self.requests + other.requests,
            bytes: self.bytes + other.bytes,
            elapsed_secs: self.elapsed_secs.max(other.elapsed_secs),
            cpu_secs: self.cpu_secs + other.cpu_secs,
            peak_rss_kib: self.peak_rss_kib + other.peak_rss_kib,
        }
    }
}

/// A process that plays a role.
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts it and waits until it is ready.
    pub(crate) async fn start(options: &Options, role: Role) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(options.arguments(role))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take().context("no standard input")?;
        let output = child.stdout.take().context("no standard output")?;
        let mut output = BufReader::new(output).lines();
        output.next_line().await?.with_context(|| format!("{role:?} did not get ready"))?;
        Ok(Self { child, input, output })
    }

    /// Says the word.
    pub(crate) async fn go(&mut self) -> anyhow::Result<()> {
        Ok(self.input.write_all(b"go\n").await?)
    }

    /// Waits until it is done.
    pub(crate) async fn result(&mut self) -> anyhow::Result<Measured> {
        let line = self.output.next_line().await?.context("it ended without a result")?;
        Ok(serde_json::from_str(&line)?)
    }

    /// Lets it end.
    pub(crate) async fn dismiss(mut self) -> anyhow::Result<()> {
        drop(self.input);
        let status = self.child.wait().await?;
        anyhow::ensure!(status.success(), "it ended with {status}");
        Ok(())
    }
}

/// CPU time used so far, in user space and kernel.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cpu(f64);

impl Cpu {
    pub(crate) fn of_this_process() -> anyhow::Result<Self> {
        let (_, own, _) = stat(Path::new("/proc/self"))?;
        Ok(Self(own))
    }

    /// Of a process and its children, those that have ended included.
    pub(crate) fn of_family(pid: i32) -> anyhow::Result<Self> {
        let (_, own, ended) = stat(Path::new(&format!("/proc/{pid}")))?;
        let mut sum = own + ended;
        for entry in std::fs::read_dir("/proc")?.flatten() {
            // A process may end meanwhile.
            if let Ok((parent, own, _)) = stat(&entry.path())
                && parent == pid
            {
                sum += own;
            }
        }
        Ok(Self(sum))
    }

    /// Seconds used since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> f64 {
        (self.0 - earlier.0).max(0.0)
    }
}

/// Parent, CPU seconds, and CPU seconds of children that have ended.
fn stat(process: &Path) -> anyhow::Result<(i32, f64, f64)> {
    let text = std::fs::read_to_string(process.join("stat"))?;
    // The second field is a name that may hold anything, in parentheses.
    let (_, rest) = text.rsplit_once(')').context("no process name")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks =
        |at: usize| -> anyhow::Result<f64> { Ok(fields.get(at).context("short")?.parse()?) };
    let parent = fields.get(1).context("short")?.parse()?;
    let seconds = |ticks: f64| ticks / TICKS_A_SECOND;
    Ok((parent, seconds(ticks(11)? + ticks(12)?), seconds(ticks(13)? + ticks(14)?)))
}

/// The most memory this process has had resident.
pub(crate) fn peak_rss_kib() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
