//! `extractor sync`: one delta of each project. What was never extracted is backfilled.

use super::args::SyncArgs;
use super::console::Outcome;
use super::failure::Failure;
use super::{Context, dry_run, runs};
use crate::config::Projects;
use crate::model::RunKind;

pub(super) async fn run(args: SyncArgs, context: &Context) -> Result<Outcome, Failure> {
    let projects = if args.projects.is_empty() {
        context.loaded.config.sync.projects.clone()
    } else {
        Projects::Only(args.projects)
    };
    if args.dry_run {
        return dry_run::sync(&projects, context).await;
    }
    runs::run(RunKind::Delta.into(), &projects, context).await
}
