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
    pub(super) allow_mass_delete: bool,
}

/// The places that are free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// For runs of any kind.
    pub(super) runs: usize,
    /// Of those, for reconciles: they take long, and the other projects' deltas must go on.
    pub(super) reconciles: usize,
}

impl Room {
    /// What is free where `max_runs` may be under way and so many are. Reconciles have at most half
    /// of the places, but one at the least.
    pub(super) fn of(max_runs: usize, under_way: usize, reconciles: usize) -> Self {
        Self {
            runs: max_runs.saturating_sub(under_way),
            reconciles: (max_runs / 2).max(1).saturating_sub(reconciles),
        }
    }

    /// Takes the places for a run; whether they were free. One that was cut short had its place
    /// before, and so has it again.
    fn take(&mut self, request: &RunRequest) -> bool {
        let is_reconcile = request.kind == RunKind::Reconcile;
        let has_place = matches!(request.occasion, Occasion::Unfinished(_));
        if self.runs == 0 || (is_reconcile && self.reconciles == 0 && !has_place) {
            return false;
        }
        self.runs -= 1;
        self.reconciles = self.reconciles.saturating_sub(usize::from(is_reconcile));
        true
    }
}

/// What there is to do, as the database tells it.
#[derive(Debug, Clone, Default)]
pub(super) struct Work {
    /// Asked for, the first at the front. Of any project.
    pub(super) queued: Vec<Waiting>,
    /// Cut short, the oldest at the front. Of followed projects.
    pub(super) unfinished: Vec<Waiting>,
    /// The schedules of the followed projects, by project and kind.
    pub(super) schedules: Vec<Schedule>,
}

impl Work {
    /// The runs to start now, as far as there is `room`, one for each project and none for the
    /// `taken`. `next_in` says when a project that is due now for such a run is due again.
    pub(super) fn choose(
        &self,
        mut room: Room,
        taken: &BTreeSet<ProjectKey>,
        mut next_in: impl FnMut(RunKind) -> Duration,
    ) -> Vec<RunRequest> {
        let mut chosen: Vec<RunRequest> = Vec::new();
        let queued = self.queued.iter().map(|run| run.request(Occasion::Queued(run.run)));
        let unfinished =
            self.unfinished.iter().map(|run| run.request(Occasion::Unfinished(run.run)));
        let due = self.due(room.reconciles > 0).into_iter().map(|schedule| RunRequest {
            occasion: Occasion::Due { next_in: next_in(schedule.kind) },
            ..RunRequest::new(schedule.project.clone(), schedule.kind)
        });
        for request in queued.chain(unfinished).chain(due) {
            let project = &request.project;
            let is_free =
                !taken.contains(project) && chosen.iter().all(|other| other.project != *project);
            if is_free && room.take(&request) {
                chosen.push(request);
            }
        }
        chosen
    }

    /// The schedules that are due, the longest first. Of a project that is due for both, the
    /// reconcile, which does what the delta would; but not while there is no place for it.
    fn due(&self, reconciles: bool) -> Vec<&Schedule> {
        let is_due = |schedule: &&Schedule| schedule.due_in.is_zero();
        let reconciled: BTreeSet<&ProjectKey> = self
            .schedules
            .iter()
            .filter(is_due)
            .filter(|schedule| reconciles && schedule.kind == RunKind::Reconcile)
            .map(|schedule| &schedule.project)
            .collect();
        let mut due: Vec<&Schedule> = self
            .schedules
            .iter()
            .filter(is_due)
            .filter(|schedule| match schedule.kind {
                RunKind::Reconcile => reconciles,
                RunKind::Delta | RunKind::Backfill => !reconciled.contains(&schedule.project),
            })
            .collect();
        due.sort_by_key(|schedule| schedule.next_run_at);
        due
    }

    /// How long until the next project is due that is not due yet.
    pub(super) fn next_due_in(&self) -> Option<Duration> {
        self.schedules.iter().map(|schedule| schedule.due_in).filter(|due| !due.is_zero()).min()
    }

    /// Runs that failed in a row, of a project and a kind.
    pub(super) fn failures_of(&self, project: &ProjectKey, kind: RunKind) -> u32 {
        let is_reconcile = kind == RunKind::Reconcile;
        let of_kind = |schedule: &&Schedule| (schedule.kind == RunKind::Reconcile) == is_reconcile;
        self.schedules
            .iter()
            .filter(of_kind)
            .find(|schedule| schedule.project == *project)
            .map_or(0, |schedule| schedule.failures_in_a_row)
    }
}

impl Waiting {
    fn request(&self, occasion: Occasion) -> RunRequest {
        RunRequest {
            project: self.project.clone(),
            kind: self.kind,
            occasion,
            allow_mass_delete: self.allow_mass_delete,
        }
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
        of_kind(RunKind::Delta, project, next_secs, due_in)
    }

    fn of_kind(kind: RunKind, project: &str, next_secs: i64, due_in: u64) -> Schedule {
        let at = |secs| DateTime::from_timestamp(1_700_000_000 + secs, 0).unwrap();
        Schedule {
            project: key(project),
            kind,
            next_run_at: at(next_secs),
            due_in: Duration::from_secs(due_in),
            failures_in_a_row: 3,
            trouble: None,
            last_started_at: None,
            followed_since: at(0),
        }
    }

    fn waiting(project: &str, kind: RunKind) -> Waiting {
        let run = RunId(uuid::Uuid::nil());
        Waiting { run, project: key(project), kind, allow_mass_delete: false }
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
        chosen_of(&work(), Room { runs: room, reconciles: 0 }, taken)
    }

    fn chosen_of(work: &Work, room: Room, taken: &[&str]) -> String {
        let taken = taken.iter().copied().map(key).collect();
        let chosen = work.choose(room, &taken, |_| Duration::from_secs(7));
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
        let room = Room { runs: 2, reconciles: 1 };
        let chosen = work.choose(room, &BTreeSet::new(), |_| Duration::ZERO);
        let projects: Vec<_> = chosen.iter().map(|request| request.project.as_str()).collect();
        assert_eq!(projects, ["E", "D"]);
    }

    #[test]
    fn what_is_due_already_is_not_waited_for() {
        assert_eq!(work().next_due_in(), Some(Duration::from_secs(20)));
        assert_eq!(Work::default().next_due_in(), None);
        assert_eq!(work().failures_of(&key("E"), RunKind::Backfill), 3);
        assert_eq!(work().failures_of(&key("E"), RunKind::Reconcile), 0);
        assert_eq!(work().failures_of(&key("NONE"), RunKind::Delta), 0);
    }

    #[rstest::rstest]
    #[case::a_reconcile_is_the_delta_too(Room { runs: 9, reconciles: 9 },
        "A reconcile due, B reconcile due, C delta due")]
    #[case::no_place_for_it_holds_no_delta_up(Room { runs: 9, reconciles: 0 },
        "B delta due, A delta due, C delta due")]
    #[case::one_at_a_time(Room { runs: 9, reconciles: 1 },
        "A reconcile due, C delta due")]
    #[case::the_only_place(Room { runs: 1, reconciles: 1 }, "A reconcile due")]
    fn reconciles_have_their_share(#[case] room: Room, #[case] expected: &str) {
        let work = Work {
            schedules: vec![
                of_kind(RunKind::Delta, "A", -3, 0),
                of_kind(RunKind::Reconcile, "A", -9, 0),
                of_kind(RunKind::Delta, "B", -7, 0),
                of_kind(RunKind::Reconcile, "B", -8, 0),
                of_kind(RunKind::Delta, "C", -1, 0),
                of_kind(RunKind::Reconcile, "C", 60, 60),
            ],
            ..Work::default()
        };
        assert_eq!(chosen_of(&work, room, &[]), expected);
    }

    #[rstest::rstest]
    #[case(1, 0, 0, 1, 1)]
    #[case(2, 1, 1, 1, 0)]
    #[case(2, 1, 0, 1, 1)]
    #[case(6, 2, 2, 4, 1)]
    #[case(2, 3, 2, 0, 0)]
    fn places_are_counted(
        #[case] max_runs: usize,
        #[case] under_way: usize,
        #[case] reconciling: usize,
        #[case] runs: usize,
        #[case] reconciles: usize,
    ) {
        assert_eq!(Room::of(max_runs, under_way, reconciling), Room { runs, reconciles });
    }

    #[test]
    fn what_was_cut_short_goes_on_whatever_its_share() {
        let work = Work {
            queued: vec![waiting("Q", RunKind::Reconcile)],
            unfinished: vec![waiting("U", RunKind::Reconcile)],
            schedules: vec![schedule("U", -2, 0)],
        };
        let none = Room { runs: 3, reconciles: 0 };
        assert_eq!(chosen_of(&work, none, &[]), "U reconcile unfinished");
        let one = Room { runs: 3, reconciles: 1 };
        assert_eq!(chosen_of(&work, one, &[]), "Q reconcile queued, U reconcile unfinished");
    }
}
