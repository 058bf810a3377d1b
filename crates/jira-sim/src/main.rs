//! The simulated Jira as a program: builds a world, serves it, says how to use it.

use std::fs::File;
use std::io::BufWriter;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use chrono_tz::Tz;
use clap::{Parser, ValueEnum};
use jira_sim::{
    Auth, Flavor, LiveScript, SimConfig, SimServer, World, WorldProfile, dump, load_payloads,
    populate,
};

/// Serves a simulated Jira.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Options {
    /// Serve Server / Data Center (REST v2), or Cloud (REST v3).
    #[arg(long, value_enum, default_value = "server")]
    flavor: Served,
    /// Address to listen on; in a container 0.0.0.0, so that others can ask.
    #[arg(long, default_value_t = Ipv4Addr::LOCALHOST.into())]
    address: IpAddr,
    /// Port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Path below which Jira lives, for example /jira; on Cloud /ex/jira/ID makes it the gateway.
    #[arg(long, default_value = "")]
    context_path: String,
    /// Keys of the projects to generate.
    #[arg(long, value_delimiter = ',', default_value = "DEMO")]
    projects: Vec<String>,
    /// Issues in each generated project.
    #[arg(long, default_value_t = 1_000)]
    issues: usize,
    /// Seed of everything generated.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Generate issues of this many bytes instead of realistic ones.
    #[arg(long, value_name = "BYTES")]
    plain: Option<usize>,
    /// Serve real issues from files of one JSON object a line, instead of generating.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    payloads: Vec<PathBuf>,
    /// Bearer token to require; without one everybody is let in.
    #[arg(long)]
    token: Option<String>,
    /// Profile time zone of the caller, for example America/New_York.
    #[arg(long, default_value = "UTC")]
    user_time_zone: Tz,
    /// Time zone in which timestamps are printed.
    #[arg(long, default_value = "UTC")]
    server_time_zone: Tz,
    /// The largest page.
    #[arg(long, default_value_t = 1_000)]
    page_cap: usize,
    /// Milliseconds that every answer takes.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    latency: u64,
    /// Refuse unquoted epoch milliseconds in JQL.
    #[arg(long)]
    refuse_epoch_millis: bool,
    /// Never compress answers.
    #[arg(long)]
    no_gzip: bool,
    /// Make this many changes a minute while serving.
    #[arg(long, value_name = "PER_MINUTE")]
    live: Option<u32>,
    /// Write what the world holds at the start to this file, one JSON object an issue.
    #[arg(long, value_name = "FILE")]
    dump: Option<PathBuf>,
}

/// The kinds of Jira, as they are named on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Served {
    Server,
    Cloud,
}

impl From<Served> for Flavor {
    fn from(served: Served) -> Self {
        match served {
            Served::Server => Self::Server,
            Served::Cloud => Self::Cloud,
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let options = Options::parse();
    let world = world(&options)?;
    if let Some(path) = &options.dump {
        let file =
            File::create(path).with_context(|| format!("could not create {}", path.display()))?;
        dump(&world, &mut BufWriter::new(file)).context("could not write the dump")?;
    }
    let counts: Vec<(String, usize)> = world
        .projects()
        .map(|project| (project.key().to_owned(), world.visible_issues(project.key()).count()))
        .filter(|(_, count)| *count > 0)
        .collect();
    let server = SimServer::start(config(&options), world).await?;
    introduce(&server, &counts, &options);
    tokio::select! {
        signal = tokio::signal::ctrl_c() => signal.context("could not wait for a signal")?,
        () = live(&server, &counts, &options) => {}
    }
    server.stop().await;
    Ok(())
}

fn world(options: &Options) -> anyhow::Result<World> {
    if !options.payloads.is_empty() {
        let (mut world, report) = load_payloads(&options.payloads)?;
        world.set_zone(options.server_time_zone);
        tracing::info!(issues = report.issues, duplicates = report.duplicates, "payloads loaded");
        return Ok(world);
    }
    let mut world = World::new(0);
    world.set_zone(options.server_time_zone);
    for (project, seed) in options.projects.iter().zip(options.seed..) {
        let profile = WorldProfile::new(project, options.issues, seed);
        let profile = match options.plain {
            Some(bytes) => profile.plain(bytes),
            None => profile,
        };
        populate(&mut world, &profile)?;
    }
    Ok(world)
}

fn config(options: &Options) -> SimConfig {
    let mut config = SimConfig {
        flavor: options.flavor.into(),
        context_path: options.context_path.clone(),
        address: options.address,
        port: options.port,
        auth: options.token.as_deref().map(Auth::token).unwrap_or_default(),
        user_zone: options.user_time_zone,
        page_cap: options.page_cap,
        epoch_millis: !options.refuse_epoch_millis,
        gzip: !options.no_gzip,
        clock_runs: true,
        seed: options.seed,
        ..SimConfig::default()
    };
    config.cost.per_request = Duration::from_millis(options.latency);
    config
}

#[expect(clippy::print_stdout, reason = "where it listens is the program's output")]
fn introduce(server: &SimServer, counts: &[(String, usize)], options: &Options) {
    let url = server.base_url();
    println!("{url}");
    for (project, count) in counts {
        println!("  {project}: {count} issues");
    }
    let auth = if options.token.is_some() { " -H 'Authorization: Bearer TOKEN'" } else { "" };
    let project = counts.first().map_or("DEMO", |(project, _)| project.as_str());
    let search = match options.flavor {
        Served::Server => "2/search",
        Served::Cloud => "3/search/jql",
    };
    println!("try: curl -s{auth} '{url}/rest/api/{search}?jql=project={project}&maxResults=1'");
    println!("stop with Ctrl-C");
}

/// Changes the first project for as long as the program runs.
async fn live(server: &SimServer, counts: &[(String, usize)], options: &Options) {
    let (Some(per_minute @ 1..), Some((project, _))) = (options.live, counts.first()) else {
        return std::future::pending().await;
    };
    let mut script = LiveScript::new(project, options.seed);
    let mut ticks = tokio::time::interval(Duration::from_secs(60) / per_minute);
    loop {
        ticks.tick().await;
        match script.step(&mut server.world_mut()) {
            Ok(change) => tracing::info!(change, "world changed"),
            Err(error) => tracing::warn!(%error, "change failed"),
        }
    }
}
