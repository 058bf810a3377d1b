//! Runs under way: how far, how fast, how long still. Pure.

use std::time::Duration;

use super::Sight;
use super::runs::{is_held, kind_word};
use crate::admin::page::board::Known;
use crate::admin::page::words::{between, count, left, number, percent, rate, short_span};
use crate::model::{RunKind, RunState};
use crate::store::Run;

/// A run under way.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::admin::page) struct LiveLine {
    /// Its id.
    pub(in crate::admin::page) id: String,
    /// Its project.
    pub(in crate::admin::page) project: String,
    /// What it is.
    pub(in crate::admin::page) kind: &'static str,
    /// What it does at the moment.
    pub(in crate::admin::page) doing: &'static str,
    /// How far it is, for a bar: done and of how many. None while that is not known.
    pub(in crate::admin::page) bar: Option<(u64, u64)>,
    /// The same in words: `12,400 of about 20,000 issues fetched`.
    pub(in crate::admin::page) done: String,
    /// How fast: `1,240 issues a minute`.
    pub(in crate::admin::page) speed: Option<String>,
    /// How long still: `about 6 minutes left`.
    pub(in crate::admin::page) left: Option<String>,
    /// More about it: since when, whose, resumed.
    pub(in crate::admin::page) remarks: Vec<String>,
    /// What to read out when it changes: whole tens of percent.
    pub(in crate::admin::page) announcement: String,
}

/// What is to be done and how much of it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    step: Step,
    done: u64,
    of: Option<u64>,
    /// Whether `of` is final.
    exact: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Listing,
    Fetching,
    Checking,
}

/// The runs that are under way according to the database.
pub(super) fn open_runs(known: &Known) -> impl Iterator<Item = &Run> {
    known.runs.iter().filter(|run| is_open(run))
}

fn is_open(run: &Run) -> bool {
    match run.state {
        RunState::Running => true,
        RunState::Queued
        | RunState::Interrupted
        | RunState::Completed
        | RunState::Incomplete
        | RunState::Failed
        | RunState::Cancelled => false,
    }
}

/// The runs that somebody has under way, the oldest first.
pub(in crate::admin::page) fn lines(sight: &Sight<'_>) -> Vec<LiveLine> {
    let Some(known) = &sight.picture.known else { return Vec::new() };
    let mut lines: Vec<LiveLine> =
        open_runs(known).filter(|run| is_held(run, sight)).map(|run| line(run, sight)).collect();
    lines.reverse();
    lines
}

/// One run, if somebody has it under way.
pub(in crate::admin::page) fn of_run(run: &Run, sight: &Sight<'_>) -> Option<LiveLine> {
    (is_open(run) && is_held(run, sight)).then(|| line(run, sight))
}

fn line(run: &Run, sight: &Sight<'_>) -> LiveLine {
    let extent = extent(run, expected(run, sight));
    let speed = sight.picture.samples.speed(run.id);
    let per_minute = speed.map(|speed| match extent.step {
        Step::Listing => speed.listed,
        Step::Fetching => speed.done,
        Step::Checking => 0.0,
    });
    let rest = extent.of.map(|of| of.saturating_sub(extent.done));
    let remaining = per_minute.zip(rest).and_then(|(speed, rest)| time_left(rest, speed));
    let bar = extent.of.map(|of| (extent.done.min(of), of));
    let tens = bar.map(|(done, of)| percent(done, of) / 10 * 10);
    let kind = kind_word(run.kind);
    LiveLine {
        id: run.id.to_string(),
        project: run.project.to_string(),
        kind,
        doing: match extent.step {
            Step::Listing => "listing",
            Step::Fetching => "fetching",
            Step::Checking => "counting against Jira",
        },
        bar,
        done: in_words(&extent),
        speed: per_minute.filter(|speed| *speed > 0.0).map(rate),
        left: remaining.map(left),
        remarks: remarks(run, sight),
        announcement: match tens {
            Some(tens) => format!("{} {kind}: {tens} percent", run.project),
            None => format!("{} {kind}: {}", run.project, "under way"),
        },
    }
}

/// What Jira counts for the listing, as far as anybody knows: the run's own process has asked.
fn expected(run: &Run, sight: &Sight<'_>) -> Option<u64> {
    let live = sight.status.runs.iter().find(|live| live.id == run.id);
    if let Some(live) = live {
        let now = live.progress.snapshot();
        if now.expected > 0 {
            return Some(now.expected.max(now.listed));
        }
    }
    let known = sight.picture.known.as_ref()?;
    let facts = known.projects.iter().find(|facts| facts.project == run.project)?;
    match run.kind {
        RunKind::Backfill | RunKind::Reconcile => facts.certificate().map(|c| c.counted),
        RunKind::Delta => None,
    }
}

fn extent(run: &Run, expected: Option<u64>) -> Extent {
    let counters = &run.counters;
    let done = counters.hydrated + counters.gone + counters.failed;
    if run.checkpoint.done {
        let step = if done >= counters.queued { Step::Checking } else { Step::Fetching };
        return Extent { step, done, of: Some(counters.queued.max(done)), exact: true };
    }
    let expected = expected.map(|issues| issues.max(counters.listed));
    if counters.queued == 0 {
        return Extent { step: Step::Listing, done: counters.listed, of: expected, exact: false };
    }
    // What is still to be listed is taken to need fetching as often as what was.
    let of = expected.map(|issues| {
        let share = u128::from(counters.queued) * u128::from(issues);
        let share = share / u128::from(counters.listed.max(1));
        u64::try_from(share)
            .unwrap_or(counters.queued)
            .clamp(counters.queued, issues.max(counters.queued))
    });
    Extent { step: Step::Fetching, done, of, exact: false }
}

fn in_words(extent: &Extent) -> String {
    let verb = match extent.step {
        Step::Listing => "listed",
        Step::Fetching => "fetched",
        Step::Checking if extent.done == 0 => return "Nothing had changed".to_owned(),
        Step::Checking => return format!("{} fetched", count(extent.done, "issue")),
    };
    match extent.of {
        Some(of) => {
            let about = if extent.exact { "" } else { "about " };
            format!("{} of {about}{} {verb}", number(extent.done), count(of, "issue"))
        }
        None => format!("{} {verb}", count(extent.done, "issue")),
    }
}

fn time_left(rest: u64, per_minute: f64) -> Option<Duration> {
    if rest == 0 || per_minute <= 0.0 {
        return None;
    }
    Duration::try_from_secs_f64(rest as f64 / per_minute * 60.0).ok()
}

fn remarks(run: &Run, sight: &Sight<'_>) -> Vec<String> {
    let mut remarks = vec![format!("{} so far", short_span(between(run.started_at, sight.now)))];
    if run.resumes > 0 {
        remarks.push(match run.resumes {
            1 => "resumed once".to_owned(),
            times => format!("resumed {times} times"),
        });
    }
    if run.attempt > 1 {
        remarks.push(format!("listing {}", run.attempt));
    }
    if run.counters.failed > 0 {
        remarks.push(format!("{} failed", number(run.counters.failed)));
    }
    if !sight.status.runs.iter().any(|live| live.id == run.id) {
        remarks.push("in another process".to_owned());
    }
    remarks
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
