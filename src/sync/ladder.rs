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
use crate::model::Tier;

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

/// Where an issue ends up when the ladder ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landing {
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

impl Landing {
    /// The tier it would be stored on; `None` where it is not stored.
    pub fn tier(self) -> Option<Tier> {
        match self {
            Self::Full => Some(Tier::Full),
            Self::Hub | Self::WithoutLinks => Some(Tier::Hub),
            Self::Minimal => Some(Tier::Minimal),
            Self::Gone | Self::Nothing => None,
        }
    }

    /// Whether everything of it came.
    pub fn is_whole(self) -> bool {
        match self {
            Self::Full | Self::Hub => true,
            Self::WithoutLinks | Self::Minimal | Self::Nothing | Self::Gone => false,
        }
    }
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask on this rung.
    Ask(Rung),
    /// It is over.
    Done(Landing),
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
                Step::Done(Landing::Full)
            }
            (Place::Again, Outcome::Failed) => Step::Done(Landing::Hub),
            (Place::Full, Outcome::Failed) => self.ask(Place::Hub),
            (Place::Hub, Outcome::Came(elapsed)) => {
                self.spent = elapsed;
                self.ask(Place::Links)
            }
            (Place::Hub, Outcome::Failed) => self.ask(Place::Minimal),
            (Place::Links, Outcome::Came(elapsed)) => {
                self.spent += elapsed;
                if self.is_light() { self.ask(Place::Again) } else { Step::Done(Landing::Hub) }
            }
            (Place::Links, Outcome::Failed) => Step::Done(Landing::WithoutLinks),
            (Place::Minimal, Outcome::Came(_)) => Step::Done(Landing::Minimal),
            (Place::Minimal, Outcome::Failed) => Step::Done(Landing::Nothing),
            (
                Place::Full | Place::Hub | Place::Links | Place::Again | Place::Minimal,
                Outcome::Gone,
            ) => Step::Done(Landing::Gone),
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

/// Where an extraction ends up that knows nothing of the issue, when every rung has been tried:
/// `tried` answers `None` for one that failed, `Some(None)` if the issue was gone, else how long it
/// took.
pub fn landing(fuse: Duration, tried: impl Fn(Rung) -> Option<Option<Duration>>) -> Landing {
    let mut ladder = Ladder::new(Start::Full, fuse);
    loop {
        let outcome = match tried(ladder.rung()) {
            Some(Some(elapsed)) => Outcome::Came(elapsed),
            Some(None) => Outcome::Gone,
            None => Outcome::Failed,
        };
        match ladder.handle(outcome) {
            Step::Ask(_) => {}
            Step::Done(landing) => return landing,
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
    fn climb(start: Start, outcomes: &[Outcome]) -> (Vec<Rung>, Landing) {
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
    #[case::whole(Start::Full, &[CAME], &[Rung::Full], Landing::Full)]
    #[case::a_hub(
        Start::Full, &[FAILED, CAME, CAME], &[Rung::Full, Rung::Hub, Rung::Links], Landing::Hub
    )]
    #[case::a_hub_found_by_itself_is_not_tried_whole_again(
        Start::FailedWhole, &[QUICK, QUICK], &[Rung::Hub, Rung::Links], Landing::Hub
    )]
    #[case::links_fail_apart(
        Start::FailedWhole, &[CAME, FAILED], &[Rung::Hub, Rung::Links], Landing::WithoutLinks
    )]
    #[case::all_but_a_few_fields_fail(
        Start::Full, &[FAILED, FAILED, CAME], &[Rung::Full, Rung::Hub, Rung::Minimal], Landing::Minimal
    )]
    #[case::everything_fails(
        Start::Full, &[FAILED, FAILED, FAILED], &[Rung::Full, Rung::Hub, Rung::Minimal], Landing::Nothing
    )]
    #[case::a_known_hub(Start::KnownHub, &[CAME, CAME], &[Rung::Hub, Rung::Links], Landing::Hub)]
    #[case::a_hub_no_longer(
        Start::KnownHub, &[QUICK, QUICK, CAME], &[Rung::Hub, Rung::Links, Rung::Full], Landing::Full
    )]
    #[case::a_light_issue_that_comes_in_parts_only(
        Start::KnownHub, &[QUICK, QUICK, FAILED], &[Rung::Hub, Rung::Links, Rung::Full], Landing::Hub
    )]
    #[case::gone(Start::Full, &[Outcome::Gone], &[Rung::Full], Landing::Gone)]
    #[case::gone_between_two_rungs(
        Start::KnownHub, &[CAME, Outcome::Gone], &[Rung::Hub, Rung::Links], Landing::Gone
    )]
    fn an_issue_climbs_down_until_something_comes(
        #[case] start: Start,
        #[case] outcomes: &[Outcome],
        #[case] asked: &[Rung],
        #[case] end: Landing,
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
