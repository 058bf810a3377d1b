//! Runs that have ended or not, in words. Pure.

use chrono::{DateTime, Utc};

use super::{Sight, Tone, Word};
use crate::admin::page::words::{ago, between, short_span};
use crate::model::{FailureCategory, RunKind, RunState};
use crate::store::Run;

/// One run in a line.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::admin::page) struct RunLine {
    /// Its id.
    pub(in crate::admin::page) id: String,
    /// Its project.
    pub(in crate::admin::page) project: String,
    /// What it is.
    pub(in crate::admin::page) kind: &'static str,
    /// How it ended, or that it goes on.
    pub(in crate::admin::page) state: Word,
    /// When it started.
    pub(in crate::admin::page) started_at: DateTime<Utc>,
    /// The same, told from now.
    pub(in crate::admin::page) started: String,
    /// How long it took, or takes already.
    pub(in crate::admin::page) took: String,
    /// Issues listed.
    pub(in crate::admin::page) listed: u64,
    /// Issues fetched.
    pub(in crate::admin::page) fetched: u64,
    /// Issues that failed.
    pub(in crate::admin::page) failed: u64,
    /// Why it failed.
    pub(in crate::admin::page) error: Option<String>,
    /// Whether it may be taken up again.
    pub(in crate::admin::page) retryable: bool,
    /// Whether it may be ended.
    pub(in crate::admin::page) cancellable: bool,
}

/// A run in a line.
pub(in crate::admin::page) fn line(run: &Run, sight: &Sight<'_>) -> RunLine {
    let held = is_held(run, sight);
    let until = match (run.finished_at, held) {
        (Some(end), _) => end,
        (None, true) => sight.now,
        (None, false) => run.updated_at,
    };
    RunLine {
        id: run.id.to_string(),
        project: run.project.to_string(),
        kind: kind_word(run.kind),
        state: state_word(run, held),
        started_at: run.started_at,
        started: ago(run.started_at, sight.now),
        took: short_span(between(run.started_at, until)),
        listed: run.counters.listed,
        fetched: run.counters.hydrated,
        failed: run.counters.failed,
        error: run.error.clone(),
        retryable: is_retryable(run, held),
        cancellable: is_cancellable(run),
    }
}

/// Whether a live process holds the run's project, as far as is known: a run that is running and
/// held by nobody was cut short.
pub(in crate::admin::page) fn is_held(run: &Run, sight: &Sight<'_>) -> bool {
    if sight.status.runs.iter().any(|live| live.id == run.id) {
        return true;
    }
    let Some(known) = &sight.picture.known else { return true };
    known
        .projects
        .iter()
        .find(|facts| facts.project == run.project)
        .and_then(|facts| facts.cursor.as_ref())
        .is_some_and(|cursor| cursor.held_by.is_some())
}

/// What a run is called.
pub(in crate::admin::page) fn kind_word(kind: RunKind) -> &'static str {
    match kind {
        RunKind::Backfill => "backfill",
        RunKind::Delta => "sync",
        RunKind::Reconcile => "reconcile",
    }
}

/// A run's state; `held`: somebody works on it.
fn state_word(run: &Run, held: bool) -> Word {
    match run.state {
        RunState::Queued if run.cancel_requested_at.is_some() => {
            Word::new(Tone::Quiet, "being cancelled")
        }
        RunState::Queued => Word::new(Tone::Busy, "waiting"),
        RunState::Running if !held => Word::new(Tone::Warn, "cut short"),
        RunState::Running if run.cancel_requested_at.is_some() => {
            Word::new(Tone::Busy, "being cancelled")
        }
        RunState::Running => Word::new(Tone::Busy, "running"),
        RunState::Interrupted => Word::new(Tone::Warn, "interrupted"),
        RunState::Completed => Word::new(Tone::Good, "completed"),
        RunState::Incomplete => Word::new(Tone::Warn, "incomplete"),
        RunState::Failed => Word::new(Tone::Bad, "failed"),
        RunState::Cancelled => Word::new(Tone::Quiet, "cancelled"),
    }
}

/// What a run's state means, in a sentence.
pub(in crate::admin::page) fn state_meaning(run: &Run, held: bool) -> &'static str {
    match run.state {
        RunState::Queued => "It was asked for, and begins as soon as a process is free.",
        RunState::Running if held => "It is under way.",
        RunState::Running => {
            "Its process has gone. The next run of the project goes on where it was."
        }
        RunState::Interrupted => {
            "It was told to stop. The next run of the project goes on where it was."
        }
        RunState::Completed => "Everything listed is stored, and the certificate holds.",
        RunState::Incomplete => {
            "It got to its end, but left failures or a certificate that does not hold."
        }
        RunState::Failed => "It could not finish. A retry goes on where it was.",
        RunState::Cancelled => "It was cancelled. What it had stored is kept.",
    }
}

/// What to do about a run that failed, by who can.
pub(in crate::admin::page) fn remedy(category: Option<FailureCategory>) -> &'static str {
    match category {
        Some(FailureCategory::Temporary) => {
            "Nothing: it is tried again by itself. If it goes on failing, look at the log."
        }
        Some(FailureCategory::UserFixable) => {
            "Correct the configuration; extractor check says what is wrong with it. Then retry."
        }
        Some(FailureCategory::AdminRequired) => {
            "Ask an administrator of Jira, Postgres or the network, with the sentence above. \
             Then retry."
        }
        None => "Look at the log of this run, then retry it.",
    }
}

fn is_retryable(run: &Run, held: bool) -> bool {
    match run.state {
        RunState::Running => !held,
        RunState::Interrupted | RunState::Failed | RunState::Cancelled => true,
        RunState::Queued | RunState::Completed | RunState::Incomplete => false,
    }
}

fn is_cancellable(run: &Run) -> bool {
    match run.state {
        RunState::Queued | RunState::Running => run.cancel_requested_at.is_none(),
        RunState::Interrupted
        | RunState::Completed
        | RunState::Incomplete
        | RunState::Failed
        | RunState::Cancelled => false,
    }
}
