//! `extractor run`, and `extractor` alone: the service. What it does is `daemon`'s.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Context;
use super::console::Outcome;
use super::exit::ExitCode;
use super::failure::Failure;
use super::runs::named;
use crate::admin::{self, Desk, Office};
use crate::clock::SystemClock;
use crate::config::HttpConfig;
use crate::daemon::companions::{Companions, Given};
use crate::daemon::service::Service;

pub(super) async fn run(context: &Context) -> Result<Outcome, Failure> {
    let config = &context.loaded.config;
    let stop = context.shutdown.token().clone();
    let service = Service::new(config.clone(), Arc::new(SystemClock), stop)?;
    named(&config.sync.projects)?;
    // Whoever asks how things are is answered before database and Jira are there, and to the end.
    let server = Server::start(&config.http, service.desk()).await?;
    let (desk, handle) = (service.desk(), service.handle());
    let (service, pulse) = service.watched();
    let failed = |source| Failure::Io { doing: "listen for SIGHUP", source };
    let companions = Companions::start(handle, &desk, pulse, given(context)).map_err(failed)?;
    let ended = Box::pin(service.run()).await;
    companions.close().await;
    if let Some(server) = server {
        server.close().await;
    }
    ended?;
    context.console.say("stopped as told");
    Ok(Outcome { code: ExitCode::Done, json: json!({"exit_code": 0}) })
}

fn given(context: &Context) -> Given {
    Given {
        inputs: context.inputs.clone(),
        loaded: context.loaded.clone(),
        log_level: context.log_level.clone(),
        run_lines: context.take_run_lines(),
        clock: Arc::new(SystemClock),
        stop: context.shutdown.token().clone(),
    }
}

/// The HTTP server.
pub(super) struct Server {
    /// Where it answers.
    pub(super) address: SocketAddr,
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl Server {
    /// Listens as configured; `None` if no HTTP is wanted.
    pub(super) async fn start(config: &HttpConfig, desk: Desk) -> Result<Option<Self>, Failure> {
        let Some(address) = config.listen else { return Ok(None) };
        let doing = "listen on http.listen";
        let failed = |source| Failure::Io { doing, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        tracing::info!(http.address = %address, "answering over http");
        let office = Arc::new(Office::new(desk, config.token.clone(), Arc::new(SystemClock)));
        let stop = CancellationToken::new();
        let task = tokio::spawn(admin::serve(listener, office, stop.clone()));
        Ok(Some(Self { address, task, stop }))
    }

    pub(super) async fn close(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(error = %error, "http ended abnormally");
        }
    }
}
