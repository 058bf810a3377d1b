//! The span of a run: every line that is logged within it says whose it is, whoever logs it.

use tracing::field::{Empty, display};
use tracing::{Instrument as _, Span};

use crate::model::{ProjectKey, RunId};

/// The span of a run of `project` that has no name yet. Its target keeps it there at any log level.
pub(super) fn of_project(project: &ProjectKey) -> Span {
    tracing::error_span!(target: "extractor::run", "run", run.id = Empty, project.key = %project)
}

/// Names the run of the current span.
pub(super) fn name_run(id: RunId) {
    Span::current().record("run.id", display(id));
}

/// Work for a run, when it may be any run's: a worker's batch.
pub(super) async fn within_run<T>(
    (run, project): (RunId, &ProjectKey),
    work: impl Future<Output = T>,
) -> T {
    let span = tracing::error_span!(
        target: "extractor::run", "run", run.id = %run, project.key = %project
    );
    work.instrument(span).await
}
