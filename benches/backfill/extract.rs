//! The role that is the point: a backfill, as the command line does it, without a rate limit.

use std::time::Duration;

use anyhow::Context as _;
use extractor::jira::{JiraClient, JiraSettings};
use extractor::model::{RunKind, RunState, Site};
use extractor::store::{Store, WorkerIdentity};
use extractor::sync::{BATCH_LEASE, Engine, EngineSettings, RunRequest};
use tokio_util::sync::CancellationToken;

use crate::database::connect;
use crate::options::{Options, PROJECT};
use crate::role::{Done, Work};

/// Connections of the pool by default.
const MAX_CONNECTIONS: u32 = 10;

/// A backfill that has not begun.
pub(crate) struct Extract {
    jira: JiraClient,
    store: Store,
    settings: EngineSettings,
}

impl Extract {
    pub(crate) async fn prepare(options: &Options) -> anyhow::Result<Self> {
        let base_url = options.base_url.as_deref().context("no base URL")?.parse()?;
        let jira = JiraClient::new(&JiraSettings {
            requests_per_second: 0.0,
            max_in_flight: options.max_in_flight,
            ..JiraSettings::new(base_url)
        })?;
        let url = options.database_url.as_deref().context("no database URL")?;
        let settings = EngineSettings {
            site: Site::new("bench"),
            filter: None,
            overlap: Duration::from_secs(3_600),
            page_rows: 1_000,
            batch_size: options.batch_size,
            max_in_flight: options.max_in_flight,
            streams: Vec::new(),
            privacy: extractor::model::Privacy::default(),
            batch_lease: BATCH_LEASE,
        };
        Ok(Self { jira, store: connect(url, MAX_CONNECTIONS).await?, settings })
    }
}

impl Work for Extract {
    async fn run(&mut self) -> anyhow::Result<Done> {
        let instance = self.jira.probe(None).await?;
        let (host, version) = ("bench".to_owned(), "0".to_owned());
        let identity = WorkerIdentity { host, pid: std::process::id(), version };
        let session = self.store.open_session(identity).await?;
        let stop = CancellationToken::new();
        let (store, worker) = (self.store.clone(), session.worker());
        let settings = self.settings.clone();
        let engine = Engine::new(self.jira.clone(), store, worker, instance, settings, stop);
        let request = RunRequest::new(PROJECT.parse()?, RunKind::Backfill);
        let report = engine.run_project(&request).await?;
        anyhow::ensure!(report.state == RunState::Completed, "it ended {report:?}");
        session.close().await?;
        let sent = self.jira.stats();
        Ok(Done { issues: report.counters.written, requests: sent.requests, bytes: sent.bytes })
    }
}
