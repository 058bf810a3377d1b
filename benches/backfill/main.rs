//! The backfill benchmark: `cargo bench --bench backfill -- --issues 20000 --repeats 3`.
//!
//! This process serves a simulated Jira without delays and owns a private Postgres that keeps its
//! promises (fsync on). What is measured runs in processes of its own, one after the other, which
//! are this program again with a role:
//! - `extract`: a backfill through the library's engine, into a database that is empty but for the
//!   schema;
//! - `download`: the very requests that the backfill had sent, by as many clients at once, their
//!   answers decompressed and thrown away;
//! - `copy`: the very rows that the backfill had stored, by binary `COPY` into equal tables with
//!   equal indexes;
//! - `download` and `copy` at the same time, which is what the machine can do at best.
//!
//! What counts are the ratios of one run: machines differ and are shared.

mod copy;
mod database;
mod download;
mod extract;
mod measure;
mod options;
mod report;
mod role;

use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser as _;
use jira_sim::{SimConfig, SimServer, WorldProfile, generate};

use database::Database;
use measure::{Cpu, Measured, Process};
use options::{Options, Role};
use report::{Line, Round};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    match options.role {
        None => orchestrate(options).await,
        Some(Role::Extract) => role::play(&options, extract::Extract::prepare).await,
        Some(Role::Download) => role::play(&options, download::Download::prepare).await,
        Some(Role::Copy) => role::play(&options, copy::Copy::prepare).await,
    }
}

async fn orchestrate(mut options: Options) -> anyhow::Result<()> {
    let profile = WorldProfile::new(options::PROJECT, options.issues, 1);
    let world = generate(&profile.plain(options.issue_bytes))?;
    let sim = Arc::new(SimServer::start(SimConfig::default(), world).await?);
    let database = Database::start().await?;
    options.base_url = Some(sim.base_url().to_owned());
    let mut rounds = Vec::new();
    for number in 1..=options.repeats.max(1) {
        let round = round(&options, &sim, &database).await?;
        report::progress(number, &round);
        rounds.push(round);
    }
    report::print(&options, &rounds);
    database.stop().await
}

async fn round(options: &Options, sim: &SimServer, database: &Database) -> anyhow::Result<Round> {
    let mut options = options.clone();
    options.database_url = Some(database.create().await?);
    sim.requests().clear();
    let extract = measure(&options, &[Role::Extract], database).await?;
    let recorded = tempfile::NamedTempFile::new()?;
    download::record(&sim.requests().all(), recorded.path())?;
    options.recorded = Some(recorded.path().to_owned());
    let mut round = Round { extract, download: None, copy: None, both: None };
    if options.limits {
        round.download = Some(measure(&options, &[Role::Download], database).await?);
        round.copy = Some(measure(&options, &[Role::Copy], database).await?);
        round.both = Some(measure(&options, &[Role::Download, Role::Copy], database).await?);
    }
    database.drop_last().await?;
    Ok(round)
}

/// Runs `roles` at the same time, each in a process of its own.
async fn measure(options: &Options, roles: &[Role], database: &Database) -> anyhow::Result<Line> {
    let mut processes = Vec::new();
    for role in roles {
        processes.push(Process::start(options, *role).await?);
    }
    database.settle().await?;
    let (sim, postgres) = (Cpu::of_this_process()?, database.cpu()?);
    for process in &mut processes {
        process.go().await?;
    }
    let mut sum = Measured::default();
    for process in &mut processes {
        sum = sum.and(&process.result().await.with_context(|| format!("{roles:?}"))?);
    }
    let sim_cpu_secs = Cpu::of_this_process()?.since(sim);
    let postgres_cpu_secs = database.cpu()?.since(postgres);
    for process in processes {
        process.dismiss().await?;
    }
    Ok(Line { measured: sum, sim_cpu_secs, postgres_cpu_secs })
}
