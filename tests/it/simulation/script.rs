//! A sequence of operations and mishaps, drawn from a seed.

use std::time::Duration;

use extractor::model::RunKind;
use jira_sim::{Action, Endpoint, Random, RetryAfter, When};

use super::changes::Change;

/// The overlap of the simulated processes: later than any edit reaches the index.
pub(super) const OVERLAP: Duration = Duration::from_secs(3_600);

/// Everything that a seed decides.
#[derive(Debug, Clone)]
pub(super) struct Script {
    pub(super) seed: u64,
    pub(super) issues: usize,
    pub(super) page_cap: usize,
    pub(super) batch_size: u32,
    pub(super) max_in_flight: usize,
    pub(super) epoch_millis: bool,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    World(Vec<Change>),
    Run(Run),
}

/// One process, and what befalls it.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) kind: RunKind,
    pub(super) mishap: Mishap,
    /// Faults of Jira while it runs.
    pub(super) faults: Vec<(Endpoint, When, Action)>,
    /// Changes of the world when so many requests have come in.
    pub(super) meanwhile: Vec<(u64, Change)>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Mishap {
    None,
    /// The process is killed.
    Kill(At),
    /// All connections of Postgres are cut.
    Cut(At),
    /// Another process hydrates with it, and one of the two is killed.
    Company {
        at: At,
        kills_helper: bool,
    },
    /// Another process wants to run the same project meanwhile.
    Rival(u64),
    /// The process sleeps past its lease, another takes over; the sleeper wakes when that one has
    /// sent so many requests, or when it is done.
    Sleep {
        at_request: u64,
        wakes_at: Option<u64>,
    },
}

/// An instant in the life of a process.
#[derive(Debug, Clone, Copy)]
pub(super) enum At {
    /// When it has sent so many requests.
    Request(u64),
    /// When Postgres has answered so many of its statements.
    Statement(u64),
}

impl Script {
    pub(super) fn of(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let r = &mut random;
        let mut steps = vec![Step::Run(Run::draw(r, RunKind::Backfill))];
        for _ in 0..3 + r.below(3) {
            if r.chance(0.6) {
                steps.push(Step::World((0..1 + r.below(6)).map(|_| Change::draw(r)).collect()));
            }
            let kind = if r.chance(0.4) { RunKind::Backfill } else { RunKind::Delta };
            steps.push(Step::Run(Run::draw(r, kind)));
        }
        Self {
            seed,
            issues: 20 + r.below(60),
            page_cap: 4 + r.below(40),
            batch_size: 2 + u32::try_from(r.below(12)).unwrap(),
            max_in_flight: 1 + r.below(4),
            epoch_millis: r.chance(0.8),
            steps,
        }
    }
}

impl Run {
    fn draw(r: &mut Random, kind: RunKind) -> Self {
        let mishap = match r.below(20) {
            0..13 => Mishap::Kill(At::draw(r)),
            13..15 => Mishap::Cut(At::draw(r)),
            15..17 => Mishap::Company { at: At::draw(r), kills_helper: r.chance(0.5) },
            17 => Mishap::Rival(1 + r.draw() % 30),
            18 => Mishap::Sleep {
                at_request: 15 + r.draw() % 15,
                wakes_at: r.chance(0.5).then(|| 1 + r.draw() % 30),
            },
            _ => Mishap::None,
        };
        let faults = if r.chance(0.35) { vec![fault(r)] } else { Vec::new() };
        let meanwhile = (0..r.below(4)).map(|_| (1 + r.draw() % 40, Change::draw(r))).collect();
        Self { kind, mishap, faults, meanwhile }
    }

    /// A run that nothing befalls.
    pub(super) fn quiet(kind: RunKind) -> Self {
        Self { kind, mishap: Mishap::None, faults: Vec::new(), meanwhile: Vec::new() }
    }
}

impl At {
    fn draw(r: &mut Random) -> Self {
        if r.chance(0.5) {
            Self::Request(1 + r.draw() % 45)
        } else {
            Self::Statement(1 + r.draw() % 150)
        }
    }
}

fn fault(r: &mut Random) -> (Endpoint, When, Action) {
    let endpoint = match r.below(5) {
        0 => Endpoint::Any,
        1 => Endpoint::SearchListing,
        2 => Endpoint::Issue,
        _ => Endpoint::SearchHydrate,
    };
    let action = match r.below(8) {
        0 => Action::TooManyRequests(RetryAfter::Seconds(r.draw() % 2)),
        1 => Action::FailRetryAfter(503, RetryAfter::Seconds(0)),
        2 => Action::Fail(500),
        3 => Action::FailAfterEffect(502),
        4 => Action::Reset,
        5 => Action::Truncate(200),
        6 => Action::MalformedJson,
        _ => Action::WrongShape,
    };
    let first = 1 + r.draw() % 12;
    // As many as a client tries, or fewer.
    (endpoint, When::Range(first..=first + r.draw() % 4), action)
}
