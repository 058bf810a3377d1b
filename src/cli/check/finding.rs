//! What a check found: one sentence each, with what to do, said as soon as it is known.

use serde_json::{Value, json};

use crate::cli::console::Console;
use crate::cli::exit::ExitCode;
use crate::cli::failure::Failure;

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Ok,
    Warn,
    Fail,
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug)]
pub(super) struct Finding {
    about: String,
    level: Level,
    text: String,
    what_to_do: Option<String>,
    code: ExitCode,
}

impl Finding {
    pub(super) fn ok(about: &str, text: impl Into<String>) -> Self {
        Self::new(about, Level::Ok, text.into(), None, ExitCode::Done)
    }

    pub(super) fn warn(about: &str, text: impl Into<String>, what_to_do: Option<&str>) -> Self {
        Self::new(about, Level::Warn, text.into(), what_to_do, ExitCode::Done)
    }

    pub(super) fn fail(about: &str, failure: &Failure) -> Self {
        let (text, advice) = (failure.sentence(), failure.advice());
        Self::new(about, Level::Fail, text, advice, failure.exit_code())
    }

    fn new(about: &str, level: Level, text: String, advice: Option<&str>, code: ExitCode) -> Self {
        let what_to_do = advice.map(str::to_owned);
        Self { about: about.to_owned(), level, text, what_to_do, code }
    }

    fn line(&self) -> String {
        let Self { about, level, text, .. } = self;
        let advice = self.what_to_do.as_ref().map(|advice| format!("; {advice}"));
        format!("{:<7} {about:<14} {text}{}", level.as_str(), advice.unwrap_or_default())
    }

    fn json(&self) -> Value {
        json!({
            "about": self.about,
            "level": self.level.as_str(),
            "message": self.text,
            "what_to_do": self.what_to_do,
        })
    }
}

/// Everything that was found, in order.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    console: &'a Console,
    found: Vec<Finding>,
}

impl<'a> Findings<'a> {
    pub(super) fn of(console: &'a Console) -> Self {
        Self { console, found: Vec::new() }
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.console.say(&finding.line());
        self.found.push(finding);
    }

    /// The code of the worst finding: what must be mended first has the highest.
    pub(super) fn exit_code(&self) -> ExitCode {
        let codes = self.found.iter().map(|finding| finding.code);
        codes.max_by_key(|code| code.code()).unwrap_or(ExitCode::Done)
    }

    pub(super) fn json(&self) -> Vec<Value> {
        self.found.iter().map(Finding::json).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::progress::Bars;
    use crate::sync::SyncError;

    #[test]
    fn the_worst_finding_decides_and_warnings_do_not() {
        let console = Console::new(true, Bars::on_stderr());
        let mut findings = Findings::of(&console);
        findings.add(Finding::ok("configuration", "fine"));
        findings.add(Finding::warn("jira", "odd", Some("look")));
        assert_eq!(findings.exit_code(), ExitCode::Done);
        let project = "P".parse().unwrap();
        let unseen = Failure::Sync(SyncError::ProjectNotVisible { project });
        findings.add(Finding::fail("P", &unseen));
        assert_eq!(findings.exit_code(), ExitCode::Refused);
        findings.add(Finding::fail("projects", &Failure::NoProjects));
        assert_eq!(findings.exit_code(), ExitCode::Config);
        assert_eq!(findings.json()[1]["what_to_do"], "look");
    }

    #[test]
    fn a_finding_is_one_line() {
        let line = Finding::warn("jira", "it is odd", Some("look into it")).line();
        assert_eq!(line, "warn    jira           it is odd; look into it");
    }
}
