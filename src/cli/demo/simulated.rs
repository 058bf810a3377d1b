//! The Jira of the demo: a simulated one in this process, with generated or real issues.

use jira_sim::{SimConfig, SimServer, World, WorldProfile, generate, load_payloads};
use url::Url;

use crate::cli::args::DemoArgs;
use crate::cli::failure::Failure;
use crate::cli::words::count;
use crate::model::ProjectKey;

/// The project that is generated.
const PROJECT: &str = "DEMO";

/// A simulated Jira that runs.
pub(super) struct Simulated {
    server: SimServer,
    url: Url,
    projects: Vec<ProjectKey>,
    issues: u64,
    source: String,
}

/// What the simulated Jira is to hold.
struct Content {
    world: World,
    projects: Vec<String>,
    source: String,
}

impl Simulated {
    /// Makes the world that was asked for, and serves it on a free port of 127.0.0.1.
    pub(super) async fn start(args: &DemoArgs) -> Result<Self, Failure> {
        let wanted = args.clone();
        let content = tokio::task::spawn_blocking(move || content(&wanted)).await;
        let content = content.map_err(crate::sync::SyncError::Crashed)??;
        let projects: Vec<ProjectKey> =
            content.projects.iter().filter_map(|key| key.parse().ok()).collect();
        let issues = projects.iter().map(|key| content.world.visible_issues(key.as_str()).count());
        let issues = issues.sum::<usize>() as u64;
        let config = SimConfig { clock_runs: true, ..SimConfig::default() };
        let server = SimServer::start(config, content.world).await.map_err(Failure::Simulator)?;
        let url = Url::parse(server.base_url()).map_err(|_| Failure::SimulatorAddress)?;
        Ok(Self { server, url, projects, issues, source: content.source })
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The projects that it shows.
    pub(super) fn projects(&self) -> &[ProjectKey] {
        &self.projects
    }

    /// What it holds and where it is.
    pub(super) fn introduction(&self) -> String {
        let (issues, projects) =
            (count(self.issues, "issue"), count(self.projects.len() as u64, "project"));
        format!("{issues} in {projects}, {}, at {}", self.source, self.server.base_url())
    }

    pub(super) async fn stop(self) {
        self.server.stop().await;
    }
}

fn content(args: &DemoArgs) -> Result<Content, Failure> {
    if args.payloads.is_empty() {
        let issues = usize::try_from(args.issues).unwrap_or(usize::MAX);
        let profile = WorldProfile::new(PROJECT, issues, args.seed);
        return Ok(Content {
            world: generate(&profile).map_err(Failure::World)?,
            projects: vec![PROJECT.to_owned()],
            source: format!("generated from seed {}", args.seed),
        });
    }
    let (world, report) = load_payloads(&args.payloads).map_err(Failure::Payloads)?;
    let source = match report.duplicates {
        0 => "from the payloads".to_owned(),
        n => format!("from the payloads ({} left out)", count(n as u64, "duplicate")),
    };
    Ok(Content { world, projects: report.projects, source })
}
