//! Where results go: to standard output, as text or as one JSON document. Logs and progress go to
//! standard error; a reader that has gone away is no error.

use std::io::{self, Write};

use serde_json::Value;

use super::exit::ExitCode;
use super::failure::Failure;
use super::progress::Bars;
use super::stdout_is_terminal;
use crate::model::ProjectKey;

/// What a command has to show for itself: how it ended, and its result for a script. What people
/// read was said on the way.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) code: ExitCode,
    pub(super) json: Value,
}

/// The way to whoever started the program.
#[derive(Debug, Clone)]
pub(super) struct Console {
    json: bool,
    pub(super) bars: Bars,
}

impl Console {
    pub(super) fn new(json: bool, bars: Bars) -> Self {
        Self { json, bars }
    }

    /// Says something to a person: nothing where JSON is wanted.
    pub(super) fn say(&self, text: &str) {
        if !self.json {
            self.print(text);
        }
    }

    /// Whether a person reads standard output as it comes.
    pub(super) fn has_reader(&self) -> bool {
        !self.json && stdout_is_terminal()
    }

    /// Says how the command ended, and answers with the exit code.
    pub(super) fn conclude(&self, outcome: Result<Outcome, Failure>) -> ExitCode {
        match outcome {
            Ok(outcome) => {
                if self.json {
                    self.print(&format!("{:#}", outcome.json));
                }
                outcome.code
            }
            Err(failure) => {
                self.warn(&complaint(None, &failure));
                if self.json {
                    self.print(&format!("{:#}", serde_json::json!({"error": failure.json()})));
                }
                failure.exit_code()
            }
        }
    }

    /// Says on standard error what went wrong with one of several projects.
    pub(super) fn complain_about(&self, project: &ProjectKey, failure: &Failure) {
        self.warn(&complaint(Some(project), failure));
    }

    /// Writes a line to standard error.
    fn warn(&self, text: &str) {
        self.bars.suspend(|| {
            let _ = writeln!(io::stderr(), "{text}");
        });
    }

    fn print(&self, text: &str) {
        self.bars.suspend(|| {
            let mut out = io::stdout().lock();
            let _ = writeln!(out, "{text}").and_then(|()| out.flush());
        });
    }
}

/// `error: …; what to do`, in one line.
pub(super) fn complaint(project: Option<&ProjectKey>, failure: &Failure) -> String {
    let sentence = failure.sentence();
    let subject = match project {
        Some(project) if !sentence.contains(project.as_str()) => format!("{project}: "),
        Some(_) | None => String::new(),
    };
    match failure.advice() {
        Some(advice) => format!("error: {subject}{sentence}; {advice}"),
        None => format!("error: {subject}{sentence}"),
    }
}
