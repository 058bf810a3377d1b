//! The benchmark's command line, which is also how it tells its processes what to do.

use std::path::PathBuf;

/// The project that is generated.
pub(crate) const PROJECT: &str = "BENCH";

/// A backfill next to what the machine could do at best.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "backfill")]
pub(crate) struct Options {
    /// How many issues the project has.
    #[arg(long, default_value_t = 20_000)]
    pub(crate) issues: usize,
    /// The size of an issue's JSON.
    #[arg(long, default_value_t = 4_096)]
    pub(crate) issue_bytes: usize,
    /// How often everything is measured; medians are printed.
    #[arg(long, default_value_t = 3)]
    pub(crate) repeats: usize,
    /// Issues asked for at once (the default is the `fast` profile's).
    #[arg(long, default_value_t = 100)]
    pub(crate) batch_size: u32,
    /// Batches under way at once (the default is the `fast` profile's).
    #[arg(long, default_value_t = 16)]
    pub(crate) max_in_flight: usize,
    /// Connections that copy rows.
    #[arg(long, default_value_t = 4)]
    pub(crate) copiers: i32,
    /// Measure the backfill alone, without the limits.
    #[arg(long = "no-limits", action = clap::ArgAction::SetFalse)]
    pub(crate) limits: bool,
    /// What this process is to do; for the benchmark's own use, like all that follow.
    #[arg(long, hide = true)]
    pub(crate) role: Option<Role>,
    #[arg(long, hide = true)]
    pub(crate) base_url: Option<String>,
    #[arg(long, hide = true)]
    pub(crate) database_url: Option<String>,
    #[arg(long, hide = true)]
    pub(crate) recorded: Option<PathBuf>,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What one of the benchmark's processes does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Role {
    /// A backfill.
    Extract,
    /// The backfill's requests, their answers thrown away.
    Download,
    /// The backfill's rows, copied.
    Copy,
}

impl Options {
    /// The arguments of the process that plays `role`.
    pub(crate) fn arguments(&self, role: Role) -> Vec<String> {
        let name = match role {
            Role::Extract => "extract",
            Role::Download => "download",
            Role::Copy => "copy",
        };
        let recorded = self.recorded.as_ref().map(|path| path.display().to_string());
        let pairs = [
            ("--role", Some(name.to_owned())),
            ("--batch-size", Some(self.batch_size.to_string())),
            ("--max-in-flight", Some(self.max_in_flight.to_string())),
            ("--copiers", Some(self.copiers.to_string())),
            ("--base-url", self.base_url.clone()),
            ("--database-url", self.database_url.clone()),
            ("--recorded", recorded),
        ];
        pairs
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| format!("{name}={value}")))
            .collect()
    }
}
