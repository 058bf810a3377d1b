//! Runs of several projects in turn: one that fails does not keep the others from running, and
//! together they have one exit code.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::Context;
use super::console::Outcome;
use super::exit::ExitCode;
use super::failure::Failure;
use super::summary;
use crate::config::Projects;
use crate::daemon::wiring::{Peer, Services};
use crate::model::{ProjectKey, RunState};
use crate::store::RunWanted;
use crate::sync::{RunReport, RunRequest, SyncError};

/// How long a run that was told to stop may take to put down what it holds. A request that Jira
/// makes wait for minutes is given up after this.
const GRACE: Duration = Duration::from_secs(20);

/// Runs every project once.
pub(super) async fn run(
    wanted: RunWanted,
    projects: &Projects,
    context: &Context,
) -> Result<Outcome, Failure> {
    let named = named(projects)?;
    let stop = context.shutdown.token();
    let services = Box::pin(Services::start(&context.loaded.config, named, stop)).await?;
    let run_log = context.keep_run_log(services.database.store());
    let outcome = in_turn(wanted, projects, &services, context).await;
    if let Some(run_log) = run_log {
        run_log.close().await;
    }
    services.close().await;
    outcome
}

/// The projects that are named one by one; none where all are wanted.
pub(super) fn named(projects: &Projects) -> Result<&[ProjectKey], Failure> {
    match projects {
        Projects::All => Ok(&[]),
        Projects::Only(keys) if keys.is_empty() => Err(Failure::NoProjects),
        Projects::Only(keys) => Ok(keys),
    }
}

/// Every project that is meant, each once.
pub(super) async fn meant(projects: &Projects, peer: &Peer) -> Result<Vec<ProjectKey>, Failure> {
    let keys = match projects {
        Projects::Only(keys) => keys.clone(),
        Projects::All => peer.visible_projects().await?,
    };
    let mut once: Vec<ProjectKey> = Vec::with_capacity(keys.len());
    for key in keys {
        if !once.contains(&key) {
            once.push(key);
        }
    }
    if once.is_empty() { Err(Failure::NoVisibleProjects) } else { Ok(once) }
}

/// Runs every project once, with what has been started already.
pub(super) async fn in_turn(
    wanted: RunWanted,
    projects: &Projects,
    services: &Services,
    context: &Context,
) -> Result<Outcome, Failure> {
    let projects = meant(projects, &services.peer).await?;
    let single = projects.len() == 1;
    let mut results = Results::default();
    for project in projects {
        let RunWanted { kind, allow_mass_delete } = wanted;
        let request = RunRequest { allow_mass_delete, ..RunRequest::new(project.clone(), kind) };
        match one(&request, services, context).await {
            Ok(report) => {
                context.console.say(&summary::of_run(&report));
                let code = of_state(report.state);
                results.add(code, summary::json_of_run(&report, code));
            }
            Err(failure) if single => return Err(failure),
            Err(failure) => {
                context.console.complain_about(&project, &failure);
                let result = json!({"project": project, "error": failure.json()});
                results.add(failure.exit_code(), result);
                if failure.is_interruption() {
                    results.interrupted = true;
                    break;
                }
            }
        }
    }
    Ok(results.outcome("runs"))
}

async fn one(
    request: &RunRequest,
    services: &Services,
    context: &Context,
) -> Result<RunReport, Failure> {
    let control = services.engine.control();
    let run = Box::pin(services.engine.run(request, &control));
    let work = within_grace(context.shutdown.token(), run);
    let progress = control.progress();
    Ok(context.console.bars.watch(request.project.as_str(), &progress, work).await?)
}

/// Lets `work` end by itself when it is told to stop, but not for ever.
pub(super) async fn within_grace<T>(
    stop: &CancellationToken,
    mut work: impl Future<Output = Result<T, SyncError>> + Unpin,
) -> Result<T, SyncError> {
    tokio::select! {
        done = &mut work => return done,
        () = stop.cancelled() => {}
    }
    tokio::time::timeout(GRACE, work).await.unwrap_or_else(|_| {
        tracing::warn!(grace = ?GRACE, "the run did not stop in time and is left as it is");
        Err(SyncError::Interrupted)
    })
}

/// What several projects came to.
#[derive(Debug, Default)]
pub(super) struct Results {
    codes: Vec<ExitCode>,
    json: Vec<Value>,
    interrupted: bool,
}

impl Results {
    pub(super) fn add(&mut self, code: ExitCode, json: Value) {
        self.codes.push(code);
        self.json.push(json);
    }

    pub(super) fn outcome(self, name: &str) -> Outcome {
        let code = if self.interrupted { ExitCode::TryAgain } else { combined(&self.codes) };
        Outcome { code, json: json!({name: self.json, "exit_code": code.code()}) }
    }
}

/// The exit code of all together: theirs where they agree, else that something is incomplete.
fn combined(codes: &[ExitCode]) -> ExitCode {
    match codes {
        [] => ExitCode::Done,
        [first, rest @ ..] if rest.iter().all(|code| code == first) => *first,
        _ => ExitCode::Incomplete,
    }
}

fn of_state(state: RunState) -> ExitCode {
    match state {
        RunState::Completed => ExitCode::Done,
        RunState::Incomplete | RunState::Failed | RunState::Cancelled => ExitCode::Incomplete,
        RunState::Queued | RunState::Running | RunState::Interrupted => ExitCode::TryAgain,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::none(&[], ExitCode::Done)]
    #[case::one(&[ExitCode::Refused], ExitCode::Refused)]
    #[case::all_done(&[ExitCode::Done, ExitCode::Done], ExitCode::Done)]
    #[case::all_alike(&[ExitCode::TryAgain, ExitCode::TryAgain], ExitCode::TryAgain)]
    #[case::one_failed(&[ExitCode::Done, ExitCode::Refused], ExitCode::Incomplete)]
    #[case::unlike(&[ExitCode::TryAgain, ExitCode::Refused], ExitCode::Incomplete)]
    fn codes_are_combined(#[case] codes: &[ExitCode], #[case] expected: ExitCode) {
        assert_eq!(combined(codes), expected);
    }

    #[test]
    fn an_interruption_is_told_whatever_came_before() {
        let mut results = Results { interrupted: true, ..Results::default() };
        results.add(ExitCode::Done, Value::Null);
        results.add(ExitCode::TryAgain, Value::Null);
        let outcome = results.outcome("runs");
        assert_eq!(outcome.code, ExitCode::TryAgain);
        assert_eq!(outcome.json["exit_code"], 75);
    }

    #[test]
    fn no_project_at_all_is_a_mistake_of_the_configuration() {
        let failure = named(&Projects::Only(Vec::new())).unwrap_err();
        assert_eq!(failure.exit_code(), ExitCode::Config);
        assert!(failure.sentence().contains("sync.projects"), "{failure}");
        assert!(named(&Projects::All).unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_does_not_stop_is_given_up() {
        let stop = CancellationToken::new();
        stop.cancel();
        let never = Box::pin(std::future::pending::<Result<(), SyncError>>());
        let outcome = within_grace(&stop, never).await;
        assert!(matches!(outcome, Err(SyncError::Interrupted)));
    }
}
