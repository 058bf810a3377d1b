//! The runs that this process has under way: a task each, owned here, and shown on the board from the
//! moment they are open. What becomes of one that ended is `verdict`'s.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinSet};

use super::board::Board;
use super::jira_watch::JiraWatch;
use super::trouble::{self, Blame};
use crate::admin::Tally;
use crate::admin::desk::LiveRun;
use crate::model::{ProjectKey, RunId, RunKind, RunState};
use crate::sync::{Engine, OpenedRun, RunControl, RunReport, RunRequest, SyncError};

/// The runs under way.
#[derive(Debug)]
pub(super) struct Runs {
    tasks: JoinSet<Result<RunReport, SyncError>>,
    under_way: HashMap<Id, UnderWay>,
    board: Board,
}

#[derive(Debug)]
struct UnderWay {
    request: RunRequest,
    control: RunControl,
}

/// A run that has ended, one way or another.
#[derive(Debug)]
pub(super) struct EndedRun {
    pub(super) request: RunRequest,
    pub(super) result: Result<RunReport, SyncError>,
    /// The run, if it got so far that there was one.
    pub(super) opened: Option<OpenedRun>,
}

impl EndedRun {
    /// What it was, or was to be.
    pub(super) fn kind(&self) -> RunKind {
        match (&self.result, self.opened) {
            (Ok(report), _) => report.kind,
            (Err(_), Some(opened)) => opened.kind,
            (Err(_), None) => self.request.kind,
        }
    }
}

impl Runs {
    pub(super) fn new(board: Board) -> Self {
        Self { tasks: JoinSet::new(), under_way: HashMap::new(), board }
    }

    pub(super) fn len(&self) -> usize {
        self.under_way.len()
    }

    /// How many of them reconcile.
    pub(super) fn reconciles(&self) -> usize {
        let reconciles = |run: &&UnderWay| {
            let opened = run.control.opened().borrow().map(|opened| opened.kind);
            opened.unwrap_or(run.request.kind) == RunKind::Reconcile
        };
        self.under_way.values().filter(reconciles).count()
    }

    pub(super) fn projects(&self) -> BTreeSet<ProjectKey> {
        self.under_way.values().map(|run| run.request.project.clone()).collect()
    }

    pub(super) fn start(
        &mut self,
        engine: &Arc<Engine>,
        watch: &Arc<JiraWatch>,
        request: RunRequest,
    ) {
        let control = engine.control().patient();
        let (engine, watch, board) = (Arc::clone(engine), Arc::clone(watch), self.board.clone());
        let (its_request, its_control) = (request.clone(), control.clone());
        let work = async move {
            let result = run(&engine, &its_request, &its_control, &board).await;
            if let Err(error) = &result
                && trouble::blame(error) == Blame::Jira
            {
                watch.ask().await;
            }
            result
        };
        let task = self.tasks.spawn(work);
        self.under_way.insert(task.id(), UnderWay { request, control });
    }

    /// Ends those of `wanted` for good that are under way here.
    pub(super) fn cancel(&self, wanted: &[RunId]) {
        for run in self.under_way.values() {
            let id = run.control.opened().borrow().map(|opened| opened.id);
            if id.is_some_and(|id| wanted.contains(&id)) {
                run.control.cancel();
            }
        }
    }

    /// Has every run put down what it holds.
    pub(super) fn interrupt(&self) {
        for run in self.under_way.values() {
            run.control.interrupt();
        }
    }

    /// The next run that ends; for ever while there is none.
    pub(super) async fn next_ended(&mut self) -> EndedRun {
        loop {
            let Some(joined) = self.tasks.join_next_with_id().await else {
                return std::future::pending().await;
            };
            let (id, result) = match joined {
                Ok((id, result)) => (id, result),
                Err(error) => (error.id(), Err(SyncError::Crashed(error))),
            };
            if let Some(UnderWay { request, control }) = self.under_way.remove(&id) {
                self.board.run_ended(&request.project);
                let opened = *control.opened().borrow();
                count(self.board.tally(), opened.as_ref(), &result);
                return EndedRun { request, result, opened };
            }
        }
    }

    /// Abandons what has not ended by itself. What was stored stays, and a later run goes on.
    pub(super) async fn abandon(&mut self, grace: Duration) {
        if self.under_way.is_empty() {
            return;
        }
        tracing::warn!(
            runs = self.under_way.len(), grace = ?grace,
            "runs did not stop in time and are left as they are"
        );
        self.tasks.shutdown().await;
        for run in self.under_way.drain() {
            self.board.run_ended(&run.1.request.project);
        }
    }
}

async fn run(
    engine: &Engine,
    request: &RunRequest,
    control: &RunControl,
    board: &Board,
) -> Result<RunReport, SyncError> {
    let _counted = board.tally().follow(&request.project, &control.progress());
    let mut opened = control.opened();
    let show = async {
        if let Ok(opened) = opened.wait_for(Option::is_some).await
            && let Some(run) = *opened
        {
            let (project, since) = (request.project.clone(), board.now());
            let progress = control.progress();
            board.run_opened(LiveRun { id: run.id, project, kind: run.kind, since, progress });
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = Box::pin(engine.run(request, control)) => ended,
        () = show => Err(SyncError::Interrupted),
    }
}

/// Counts a run that ended, if there was one.
fn count(tally: &Tally, opened: Option<&OpenedRun>, result: &Result<RunReport, SyncError>) {
    let Some(run) = opened else { return };
    let state = match result {
        Ok(report) => {
            tally.note_certificate(&report.project, &report.certificate);
            report.state
        }
        Err(SyncError::Cancelled) => RunState::Cancelled,
        Err(SyncError::Interrupted) => RunState::Interrupted,
        Err(
            SyncError::Jira(_)
            | SyncError::Store(_)
            | SyncError::Scan { .. }
            | SyncError::Held { .. }
            | SyncError::ProjectNotVisible { .. }
            | SyncError::ProjectArchived { .. }
            | SyncError::ProjectChanged { .. }
            | SyncError::NotDue { .. }
            | SyncError::NotQueued { .. }
            | SyncError::Crashed(_)
            | SyncError::Panicked,
        ) => RunState::Failed,
    };
    tally.note_run(run.kind, state);
}
