//! `extractor backfill`: full extracts, now.

use super::args::BackfillArgs;
use super::console::Outcome;
use super::failure::Failure;
use super::{Context, dry_run, runs};
use crate::config::Projects;
use crate::model::RunKind;

pub(super) async fn run(args: BackfillArgs, context: &Context) -> Result<Outcome, Failure> {
    let projects = Projects::Only(args.projects);
    if args.dry_run {
        return dry_run::backfill(&projects, context).await;
    }
    runs::run(RunKind::Backfill.into(), &projects, context).await
}
