//! The ladder that one issue climbs down when it cannot be had in a batch: what is asked for next,
//! and what is made of it in the end. Pure; asking is `climb`'s.
//!
//! ```text
//! full ──fails──► hub (all but the links) ──came──► links ──came──► stored on hub, whole
//!                  │                                  └────fails──► stored on hub, links later
//!                  └──fails──► minimal ──came──► stored on minimal, the rest later
//!                                 └──────fails──► not stored
//! ```
//! An issue that was on a lower rung before begins at `hub`. If that took a fraction of the time that
//! an ordinary request has, it is no hub any longer: it is asked for whole, and stays on the hub rung
//! only if it does not come.

use std::time::Duration;

use crate::jira::Rung;

/// An issue whose two parts came within this fraction of the fuse is tried whole again.
const LIGHT: u32 = 4;

/// Where an issue enters the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// At the top: nothing is known of it.
    Full,
    /// Below the top, because it has just been asked for whole, alone and in vain.
    FailedWhole,
    /// Below the top, because the last time it was stored it came from there.
    KnownHub,
}

/// What asking on a rung came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It came, after this long.
    Came(Duration),
    /// Jira says that there is no such issue, or not for us.
    Gone,
    /// It did not come, for a reason of the issue's own.
    Failed,
}

/// What is known when the ladder ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The issue is gone.
    Gone,
    /// It came whole.
    Full,
    /// It came in two parts.
    Hub,
    /// It came, but for its links.
    WithoutLinks,
    /// A few fields came.
    Minimal,
    /// Nothing came.
    Nothing,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask on this rung.
    Ask(Rung),
    /// It is over.
    Done(End),
}

/// One issue on the ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ladder {
    start: Start,
    fuse: Duration,
    place: Place,
    /// What the hub rung took so far.
    spent: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Full,
    Hub,
    Links,
    /// Whole again, after the hub rung was light.
    Again,
    Minimal,
}

impl Ladder {
    /// `fuse` is the longest an ordinary request may take.
    pub(super) fn new(start: Start, fuse: Duration) -> Self {
        let place = match start {
            Start::Full => Place::Full,
            Start::FailedWhole | Start::KnownHub => Place::Hub,
        };
        Self { start, fuse, place, spent: Duration::ZERO }
    }

    /// What to ask for now.
    pub(super) fn rung(&self) -> Rung {
        match self.place {
            Place::Full | Place::Again => Rung::Full,
            Place::Hub => Rung::Hub,
            Place::Links => Rung::Links,
            Place::Minimal => Rung::Minimal,
        }
    }

    /// Takes in what came of it. Every place is left for one below, so this ends.
    pub(super) fn handle(&mut self, outcome: Outcome) -> Step {
        match (self.place, outcome) {
            (Place::Full, Outcome::Came(_)) | (Place::Again, Outcome::Came(_)) => {
                Step::Done(End::Full)
            }
            (Place::Again, Outcome::Failed) => Step::Done(End::Hub),
            (Place::Full, Outcome::Failed) => self.ask(Place::Hub),
            (Place::Hub, Outcome::Came(elapsed)) => {
                self.spent = elapsed;
                self.ask(Place::Links)
            }
            (Place::Hub, Outcome::Failed) => self.ask(Place::Minimal),
            (Place::Links, Outcome::Came(elapsed)) => {
                self.spent += elapsed;
                if self.is_light() { self.ask(Place::Again) } else { Step::Done(End::Hub) }
            }
            (Place::Links, Outcome::Failed) => Step::Done(End::WithoutLinks),
            (Place::Minimal, Outcome::Came(_)) => Step::Done(End::Minimal),
            (Place::Minimal, Outcome::Failed) => Step::Done(End::Nothing),
            (
                Place::Full | Place::Hub | Place::Links | Place::Again | Place::Minimal,
                Outcome::Gone,
            ) => Step::Done(End::Gone),
        }
    }

    fn ask(&mut self, place: Place) -> Step {
        self.place = place;
        Step::Ask(self.rung())
    }

    fn is_light(&self) -> bool {
        match self.start {
            Start::KnownHub => self.spent * LIGHT <= self.fuse,
            Start::Full | Start::FailedWhole => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const FUSE: Duration = Duration::from_secs(60);
    const CAME: Outcome = Outcome::Came(Duration::from_secs(15));
    const QUICK: Outcome = Outcome::Came(Duration::from_millis(400));
    const FAILED: Outcome = Outcome::Failed;

    /// Climbs down with these outcomes; answers what was asked for and how it ended.
    fn climb(start: Start, outcomes: &[Outcome]) -> (Vec<Rung>, End) {
        let mut ladder = Ladder::new(start, FUSE);
        let mut asked = vec![ladder.rung()];
        for (at, outcome) in outcomes.iter().enumerate() {
            match ladder.handle(*outcome) {
                Step::Ask(rung) => asked.push(rung),
                Step::Done(end) => {
                    assert_eq!(at + 1, outcomes.len(), "it ended early");
                    return (asked, end);
                }
            }
        }
        panic!("it did not end: {asked:?}")
    }

    #[rstest]
    #[case::whole(Start::Full, &[CAME], &[Rung::Full], End::Full)]
    #[case::a_hub(
        Start::Full, &[FAILED, CAME, CAME], &[Rung::Full, Rung::Hub, Rung::Links], End::Hub
    )]
    #[case::a_hub_found_by_itself_is_not_tried_whole_again(
        Start::FailedWhole, &[QUICK, QUICK], &[Rung::Hub, Rung::Links], End::Hub
    )]
    #[case::links_fail_apart(
        Start::FailedWhole, &[CAME, FAILED], &[Rung::Hub, Rung::Links], End::WithoutLinks
    )]
    #[case::all_but_a_few_fields_fail(
        Start::Full, &[FAILED, FAILED, CAME], &[Rung::Full, Rung::Hub, Rung::Minimal], End::Minimal
    )]
    #[case::everything_fails(
        Start::Full, &[FAILED, FAILED, FAILED], &[Rung::Full, Rung::Hub, Rung::Minimal], End::Nothing
    )]
    #[case::a_known_hub(Start::KnownHub, &[CAME, CAME], &[Rung::Hub, Rung::Links], End::Hub)]
    #[case::a_hub_no_longer(
        Start::KnownHub, &[QUICK, QUICK, CAME], &[Rung::Hub, Rung::Links, Rung::Full], End::Full
    )]
    #[case::a_light_issue_that_comes_in_parts_only(
        Start::KnownHub, &[QUICK, QUICK, FAILED], &[Rung::Hub, Rung::Links, Rung::Full], End::Hub
    )]
    #[case::gone(Start::Full, &[Outcome::Gone], &[Rung::Full], End::Gone)]
    #[case::gone_between_two_rungs(
        Start::KnownHub, &[CAME, Outcome::Gone], &[Rung::Hub, Rung::Links], End::Gone
    )]
    fn an_issue_climbs_down_until_something_comes(
        #[case] start: Start,
        #[case] outcomes: &[Outcome],
        #[case] asked: &[Rung],
        #[case] end: End,
    ) {
        assert_eq!(climb(start, outcomes), (asked.to_vec(), end));
    }

    #[test]
    fn whatever_happens_it_ends_within_five_questions() {
        let outcomes = [QUICK, CAME, FAILED, Outcome::Gone];
        for start in [Start::Full, Start::FailedWhole, Start::KnownHub] {
            for code in 0..outcomes.len().pow(5) {
                let mut ladder = Ladder::new(start, FUSE);
                let ended = (0..5).any(|at| {
                    let outcome = outcomes[code / outcomes.len().pow(at) % outcomes.len()];
                    matches!(ladder.handle(outcome), Step::Done(_))
                });
                assert!(ended, "{start:?} {code}");
            }
        }
    }
}
