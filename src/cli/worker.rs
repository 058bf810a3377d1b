//! `extractor worker`: fetches what any run of the instance has queued.

use serde_json::json;

use super::Context;
use super::args::WorkerArgs;
use super::console::Outcome;
use super::exit::ExitCode;
use super::failure::Failure;
use super::runs::within_grace;
use super::words::count;
use crate::daemon::wiring::Services;
use crate::sync::{Drained, Until};

pub(super) async fn run(args: &WorkerArgs, context: &Context) -> Result<Outcome, Failure> {
    let until = if args.drain { Until::Empty } else { Until::Stopped };
    let stop = context.shutdown.token();
    let services = Box::pin(Services::start(&context.loaded.config, &[], stop)).await?;
    let drained = drain(until, &services, context).await;
    services.close().await;
    let issues = drained?.issues;
    context.console.say(&match until {
        Until::Empty => format!("{} fetched: the queue is empty", count(issues, "issue")),
        Until::Stopped => "stopped as told".to_owned(),
    });
    Ok(Outcome { code: ExitCode::Done, json: json!({"issues": issues, "exit_code": 0}) })
}

async fn drain(until: Until, services: &Services, context: &Context) -> Result<Drained, Failure> {
    services.peer.client.learn_sprint_fields().await?;
    let control = services.engine.control();
    let help = Box::pin(services.engine.help(until, &control));
    let work = within_grace(context.shutdown.token(), help);
    let progress = control.progress();
    Ok(context.console.bars.watch("worker", &progress, work).await?)
}
