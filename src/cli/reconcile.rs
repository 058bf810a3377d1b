//! `extractor reconcile`: proves what is stored, project by project, and prints the certificates.

use super::args::ReconcileArgs;
use super::console::Outcome;
use super::failure::Failure;
use super::{Context, dry_run, runs};
use crate::config::Projects;
use crate::model::RunKind;
use crate::store::RunWanted;

pub(super) async fn run(args: ReconcileArgs, context: &Context) -> Result<Outcome, Failure> {
    let ReconcileArgs { projects, dry_run, allow_mass_delete } = args;
    let projects = if projects.is_empty() {
        context.loaded.config.sync.projects.clone()
    } else {
        Projects::Only(projects)
    };
    if dry_run {
        return dry_run::backfill(&projects, context).await;
    }
    let wanted = RunWanted { kind: RunKind::Reconcile, allow_mass_delete };
    runs::run(wanted, &projects, context).await
}
