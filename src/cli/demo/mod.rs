//! `extractor demo`: a simulated Jira, a private Postgres, a backfill, and a look at what came of
//! it. Nothing needs to be configured, and nothing that is configured is touched. While somebody
//! watches, the service goes on with it and its status page can be looked at.

mod place;
mod service;
mod simulated;
mod tour;

use serde_json::json;

use super::Context;
use super::args::DemoArgs;
use super::console::Outcome;
use super::failure::Failure;
use super::runs;
use crate::config::{Config, Credentials, DatabaseLocation, Projects};
use crate::daemon::wiring::Services;
use crate::model::{RunKind, Site};
use place::Place;
use simulated::Simulated;

/// The short name of the simulated instance; its address has another port each time.
const SITE: &str = "demo";
/// Any token will do: the simulated Jira lets everybody in.
const TOKEN: &str = "demo";

pub(super) async fn run(args: DemoArgs, context: &Context) -> Result<Outcome, Failure> {
    let simulated = Simulated::start(&args).await?;
    context.console.say(&format!("simulated Jira: {}", simulated.introduction()));
    let outcome = match Place::choose(args.dir.as_deref(), args.keep) {
        Ok(place) => {
            let outcome = with_jira(&simulated, &place, context).await;
            context.console.say(&place.leave());
            outcome
        }
        Err(failure) => Err(failure),
    };
    simulated.stop().await;
    outcome
}

async fn with_jira(
    simulated: &Simulated,
    place: &Place,
    context: &Context,
) -> Result<Outcome, Failure> {
    let config = configuration(&context.loaded.config, simulated, place);
    context.console.say(&format!("private Postgres: starting in {}", place.path().display()));
    let stop = context.shutdown.token();
    let services = Box::pin(Services::start(&config, simulated.projects(), stop)).await?;
    let outcome = extract_and_show(simulated, place, &services, context).await;
    services.close().await;
    let outcome = outcome?;
    if context.console.has_reader() && !context.shutdown.token().is_cancelled() {
        Box::pin(service::run(config, context)).await?;
    }
    Ok(outcome)
}

async fn extract_and_show(
    simulated: &Simulated,
    place: &Place,
    services: &Services,
    context: &Context,
) -> Result<Outcome, Failure> {
    let projects = Projects::Only(simulated.projects().to_vec());
    let mut outcome = runs::in_turn(RunKind::Backfill.into(), &projects, services, context).await?;
    let tables = tour::show(services, &context.console).await?;
    outcome.json["tables"] = json!(tables);
    if context.console.has_reader() && !context.shutdown.token().is_cancelled() {
        context.console.say(&tour::directions(simulated, place, services));
    }
    Ok(outcome)
}

/// The defaults and the flags, with the simulated Jira and the private Postgres in their places.
/// The simulated Jira needs no protection, so it is asked as fast as it answers.
fn configuration(flags: &Config, simulated: &Simulated, place: &Place) -> Config {
    let mut config = flags.clone();
    config.sync.projects = Projects::Only(simulated.projects().to_vec());
    config.jira.base_url = Some(simulated.url().clone());
    config.jira.site = Some(Site::new(SITE));
    config.jira.credentials = Credentials::Token(TOKEN.into());
    config.jira.requests_per_second = 0.0;
    config.database.location = DatabaseLocation::Private {
        data_dir: Some(place.path().to_path_buf()),
        postgres_bin: None,
    };
    config
}
