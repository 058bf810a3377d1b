//! What to run next: which of the runs that are asked for, were cut short or are due get the places
//! that are free. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::{ProjectKey, RunId, RunKind};
use crate::store::Schedule;
use crate::sync::{Occasion, RunRequest};

/// A run that waits for a process: queued by somebody, or cut short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) run: RunId,
    pub(super) project: ProjectKey,
    pub(super) kind: RunKind,
}

/// What there is to do, as the database tells it.
#[derive(Debug, Clone, Default)]
pub(super) struct Work {
    /// Asked for, the first at the front. Of any project.
    pub(super) queued: Vec<Waiting>,
    /// Cut short, the oldest at the front. Of followed projects.
    pub(super) unfinished: Vec<Waiting>,
    /// The followed projects.
    pub(super) schedules: Vec<Schedule>,
}

impl Work {
    /// The runs to start now, at most `room`, one for each project and none for the `taken`.
    /// `next_in` says when a project that is due now is due again.
    pub(super) fn choose(
        &self,
        room: usize,
        taken: &BTreeSet<ProjectKey>,
        mut next_in: impl FnMut() -> Duration,
    ) -> Vec<RunRequest> {
        let mut chosen: Vec<RunRequest> = Vec::new();
        let mut due: Vec<&Schedule> =
            self.schedules.iter().filter(|schedule| schedule.due_in.is_zero()).collect();
        due.sort_by_key(|schedule| schedule.next_run_at);
        let queued = self.queued.iter().map(|waiting| {
            let occasion = Occasion::Queued(waiting.run);
            RunRequest {
                project: waiting.project.clone(),
                kind: waiting.kind,
                occasion,
                allow_mass_delete: false,
            }
        });
        let unfinished = self.unfinished.iter().map(|waiting| {
            let occasion = Occasion::Unfinished(waiting.run);
            RunRequest {
                project: waiting.project.clone(),
                kind: waiting.kind,
                occasion,
                allow_mass_delete: false,
            }
        });
        let due = due.into_iter().map(|schedule| {
            let occasion = Occasion::Due { next_in: next_in() };
            RunRequest {
                project: schedule.project.clone(),
                kind: RunKind::Delta,
                occasion,
                allow_mass_delete: false,
            }
        });
        for request in queued.chain(unfinished).chain(due) {
            if chosen.len() >= room {
                break;
            }
            let project = &request.project;
            if !taken.contains(project) && chosen.iter().all(|other| other.project != *project) {
                chosen.push(request);
            }
        }
        chosen
    }

    /// How long until the next project is due that is not due yet.
    pub(super) fn next_due_in(&self) -> Option<Duration> {
        self.schedules.iter().map(|schedule| schedule.due_in).filter(|due| !due.is_zero()).min()
    }

    /// Runs that failed in a row, of a project.
    pub(super) fn failures_of(&self, project: &ProjectKey) -> u32 {
        self.schedules
            .iter()
            .find(|schedule| schedule.project == *project)
            .map_or(0, |schedule| schedule.failures_in_a_row)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn key(text: &str) -> ProjectKey {
        text.parse().unwrap()
    }

    fn schedule(project: &str, next_secs: i64, due_in: u64) -> Schedule {
        let at = |secs| DateTime::from_timestamp(1_700_000_000 + secs, 0).unwrap();
        Schedule {
            project: key(project),
            next_run_at: at(next_secs),
            due_in: Duration::from_secs(due_in),
            failures_in_a_row: 3,
            trouble: None,
            last_started_at: None,
            followed_since: at(0),
        }
    }

    fn waiting(project: &str, kind: RunKind) -> Waiting {
        Waiting { run: RunId(uuid::Uuid::nil()), project: key(project), kind }
    }

    fn work() -> Work {
        Work {
            queued: vec![waiting("Q", RunKind::Backfill), waiting("D", RunKind::Delta)],
            unfinished: vec![waiting("U", RunKind::Backfill)],
            schedules: vec![
                schedule("D", -5, 0),
                schedule("E", -9, 0),
                schedule("L", 30, 30),
                schedule("M", 20, 20),
                schedule("U", -2, 0),
            ],
        }
    }

    fn chosen(room: usize, taken: &[&str]) -> String {
        let taken = taken.iter().copied().map(key).collect();
        let chosen = work().choose(room, &taken, || Duration::from_secs(7));
        let words = chosen.into_iter().map(|request| {
            let why = match request.occasion {
                Occasion::Asked => "asked",
                Occasion::Due { .. } => "due",
                Occasion::Unfinished(_) => "unfinished",
                Occasion::Queued(_) => "queued",
            };
            format!("{} {} {why}", request.project, request.kind)
        });
        words.collect::<Vec<_>>().join(", ")
    }

    #[rstest::rstest]
    #[case::nothing(0, &[], "")]
    #[case::asked_for_first(2, &[], "Q backfill queued, D delta queued")]
    #[case::then_the_unfinished(3, &[], "Q backfill queued, D delta queued, U backfill unfinished")]
    #[case::then_the_due(9, &[],
        "Q backfill queued, D delta queued, U backfill unfinished, E delta due")]
    #[case::never_two_of_a_project(9, &["D", "U"], "Q backfill queued, E delta due")]
    fn places_go_to(#[case] room: usize, #[case] taken: &[&str], #[case] expected: &str) {
        assert_eq!(chosen(room, taken), expected);
    }

    #[test]
    fn those_due_longest_are_first() {
        let work = Work { schedules: work().schedules, ..Work::default() };
        let chosen = work.choose(2, &BTreeSet::new(), || Duration::ZERO);
        let projects: Vec<_> = chosen.iter().map(|request| request.project.as_str()).collect();
        assert_eq!(projects, ["E", "D"]);
    }

    #[test]
    fn what_is_due_already_is_not_waited_for() {
        assert_eq!(work().next_due_in(), Some(Duration::from_secs(20)));
        assert_eq!(Work::default().next_due_in(), None);
        assert_eq!(work().failures_of(&key("E")), 3);
        assert_eq!(work().failures_of(&key("NONE")), 0);
    }
}
