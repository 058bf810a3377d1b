//! The life of a measured process: prepare, say so, wait for the word, work, say what it took, and
//! wait to be dismissed.

use std::io::{BufRead as _, Write as _};
use std::time::Instant;

use crate::measure::{Cpu, Measured, peak_rss_kib};
use crate::options::Options;

/// What a role has done, by its own count.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Done {
    pub(crate) issues: u64,
    pub(crate) requests: u64,
    pub(crate) bytes: u64,
}

/// Something to be measured, ready to start.
pub(crate) trait Work {
    /// Does it. What it holds, such as connections, stays open until it is dropped.
    async fn run(&mut self) -> anyhow::Result<Done>;
}

/// Prepares and runs a role as the parent process says.
pub(crate) async fn play<W: Work>(
    options: &Options,
    prepare: impl AsyncFnOnce(&Options) -> anyhow::Result<W>,
) -> anyhow::Result<()> {
    let mut work = prepare(options).await?;
    say("ready")?;
    std::io::stdin().lock().read_line(&mut String::new())?;
    let (began, cpu) = (Instant::now(), Cpu::of_this_process()?);
    let done = Box::pin(work.run()).await?;
    let measured = Measured {
        issues: done.issues,
        requests: done.requests,
        bytes: done.bytes,
        elapsed_secs: began.elapsed().as_secs_f64(),
        cpu_secs: Cpu::of_this_process()?.since(cpu),
        peak_rss_kib: peak_rss_kib()?,
    };
    say(&serde_json::to_string(&measured)?)?;
    // Whoever counts what the server's connections have used wants them to be there still.
    std::io::stdin().lock().read_line(&mut String::new())?;
    Ok(())
}

fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
