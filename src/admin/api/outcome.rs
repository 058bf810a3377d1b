//! What the store answers to requests about runs, as what a client is told. Pure.

use super::runs::AcceptedView;
use crate::admin::problem::{Kind, Problem};
use crate::model::{ProjectKey, RunId, RunState};
use crate::store::{Cancelling, Requested, Retrying};

/// Where a run is described.
pub(super) fn href(run: RunId) -> String {
    format!("/api/v1/runs/{run}")
}

/// A run was asked for.
pub(super) fn of_request(
    requested: Requested,
    project: &ProjectKey,
) -> Result<AcceptedView, Problem> {
    match requested {
        Requested::Queued { run, resumed } => {
            Ok(AcceptedView { id: run.0, href: href(run), resumed, retries: None })
        }
        Requested::Busy { run } => {
            Err(busy(run, format!("{project} has a run that waits or is under way")))
        }
    }
}

/// The end of a run was asked for: whether it is over already.
pub(super) fn of_cancel(cancelling: Cancelling, run: RunId) -> Result<bool, Problem> {
    match cancelling {
        Cancelling::Requested => Ok(false),
        Cancelling::Cancelled => Ok(true),
        Cancelling::Ended(state) => Err(Problem::new(
            Kind::RunEnded,
            format!("the run has ended: it is {state}"),
            "nothing: what it stored stays",
        )
        .about(run)),
        Cancelling::Unknown => Err(unknown(run)),
    }
}

/// Another try of a run was asked for.
pub(super) fn of_retry(retrying: Retrying, run: RunId) -> Result<AcceptedView, Problem> {
    match retrying {
        Retrying::Queued { retries } => {
            Ok(AcceptedView { id: run.0, href: href(run), resumed: true, retries: Some(retries) })
        }
        Retrying::Busy { run: other } if other == run => {
            Err(busy(run, "this run waits or is under way".to_owned()))
        }
        Retrying::Busy { run: other } => {
            Err(busy(other, "the project has another run that waits or is under way".to_owned()))
        }
        Retrying::TooOften { limit } => Err(Problem::new(
            Kind::RetriesExhausted,
            format!("the run was tried again {limit} times, which is the most"),
            "find out why it fails: its error and its events say what was tried",
        )
        .or("start a new run with POST /api/v1/runs")
        .about(run)),
        Retrying::NotRetryable(state) => Err(Problem::new(
            Kind::NotRetryable,
            not_retryable(state),
            "start a new run with POST /api/v1/runs",
        )
        .about(run)),
        Retrying::Superseded { by } => Err(Problem::new(
            Kind::RunSuperseded,
            "a newer run of the project has begun since",
            "retry that one, if it needs it: run_id names it",
        )
        .or("start a new run with POST /api/v1/runs")
        .about(by)),
        Retrying::Unknown => Err(unknown(run)),
    }
}

/// There is no such run.
pub(super) fn unknown(run: RunId) -> Problem {
    Problem::new(
        Kind::RunNotFound,
        format!("this site has no run {run}"),
        "look up the runs with GET /api/v1/runs",
    )
}

fn busy(run: RunId, detail: String) -> Problem {
    Problem::new(Kind::RunActive, detail, format!("wait for it: GET {}", href(run)))
        .or(format!("or end it first: POST {}/cancel", href(run)))
        .about(run)
}

fn not_retryable(state: RunState) -> String {
    match state {
        RunState::Completed | RunState::Incomplete => {
            format!("the run got to its end: it is {state}")
        }
        RunState::Cancelled => {
            "the run was given up: a newer one took its place, or the cursor was reset".to_owned()
        }
        RunState::Queued | RunState::Running | RunState::Interrupted | RunState::Failed => {
            format!("the run is {state}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: RunId = RunId(uuid::Uuid::from_u128(1));
    const OTHER: RunId = RunId(uuid::Uuid::from_u128(2));

    #[test]
    fn a_request_is_accepted_or_names_the_run_in_its_way() {
        let project: ProjectKey = "PROJ".parse().unwrap();
        let accepted = of_request(Requested::Queued { run: RUN, resumed: true }, &project).unwrap();
        assert_eq!((accepted.id, accepted.resumed), (RUN.0, true));
        assert_eq!(accepted.href, "/api/v1/runs/00000000-0000-0000-0000-000000000001");
        let problem = of_request(Requested::Busy { run: OTHER }, &project).unwrap_err();
        assert_eq!((problem.kind, problem.run), (Kind::RunActive, Some(OTHER)));
        assert!(problem.detail.contains("PROJ"));
    }

    #[test]
    fn a_cancel_is_done_or_asked_for_or_too_late() {
        assert_eq!(of_cancel(Cancelling::Requested, RUN), Ok(false));
        assert_eq!(of_cancel(Cancelling::Cancelled, RUN), Ok(true));
        let ended = of_cancel(Cancelling::Ended(RunState::Failed), RUN).unwrap_err();
        assert_eq!(ended.kind, Kind::RunEnded);
        assert!(ended.detail.contains("failed"));
        assert_eq!(of_cancel(Cancelling::Unknown, RUN).unwrap_err().kind, Kind::RunNotFound);
    }

    #[test]
    fn every_answer_to_a_retry_is_told_apart() {
        assert_eq!(of_retry(Retrying::Queued { retries: 2 }, RUN).unwrap().retries, Some(2));
        for (answer, kind, about) in [
            (Retrying::Busy { run: RUN }, Kind::RunActive, Some(RUN)),
            (Retrying::Busy { run: OTHER }, Kind::RunActive, Some(OTHER)),
            (Retrying::TooOften { limit: 3 }, Kind::RetriesExhausted, Some(RUN)),
            (Retrying::NotRetryable(RunState::Completed), Kind::NotRetryable, Some(RUN)),
            (Retrying::Superseded { by: OTHER }, Kind::RunSuperseded, Some(OTHER)),
            (Retrying::Unknown, Kind::RunNotFound, None),
        ] {
            let problem = of_retry(answer, RUN).unwrap_err();
            assert_eq!((problem.kind, problem.run), (kind, about), "{answer:?}");
        }
    }
}
