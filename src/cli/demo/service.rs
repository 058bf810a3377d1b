//! The service of the demo: it keeps on with the simulated Jira until it is told to end, and shows
//! its status page.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::cli::Context;
use crate::cli::failure::Failure;
use crate::cli::run::Server;
use crate::clock::SystemClock;
use crate::config::{Config, HttpConfig};
use crate::daemon::service::Service;
use crate::model::Schedule;

/// How often the simulated Jira is asked for changes.
const EVERY: Duration = Duration::from_secs(60);

/// The port that is tried first.
const USUAL_PORT: u16 = 8080;
/// Has the system choose one that is free.
const ANY_PORT: u16 = 0;

fn http(port: u16) -> HttpConfig {
    HttpConfig { listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port))), token: None }
}

/// Runs until it is told to end.
pub(super) async fn run(mut config: Config, context: &Context) -> Result<(), Failure> {
    config.sync.schedule = Schedule::every(EVERY);
    let stop = context.shutdown.token().clone();
    let service = Service::new(config, Arc::new(SystemClock), stop)?;
    let server = match Server::start(&http(USUAL_PORT), service.desk()).await {
        Ok(server) => server,
        Err(_) => Server::start(&http(ANY_PORT), service.desk()).await?,
    };
    if let Some(server) = &server {
        context.console.say(&format!("status page: http://{}/", server.address));
    }
    context.console.say("Ctrl-C ends it.");
    let ended = Box::pin(service.run()).await;
    if let Some(server) = server {
        server.close().await;
    }
    Ok(ended?)
}
