//! What to do about an error, for people, where the error itself does not say it; and an error with
//! its causes in one sentence. What an error means for the program is decided elsewhere.

use std::error::Error;

use crate::jira::JiraError;
use crate::seek::ScanError;
use crate::store::StoreError;

/// What to do about a defect.
pub const REPORT: &str = "this is a mistake in extractor: please report it with the log";
const RESUMES: &str = "start it again when that is mended: the run goes on where it stopped";
const LATER: &str = "try again later: the run goes on where it stopped";

/// An error with its causes, in one sentence.
pub fn sentence(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = in_plain_words(&error.to_string());
        // Some errors repeat their cause in their own words.
        if !next.is_empty() && !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

/// What to do about a failure of the store.
pub fn of_store(error: &StoreError) -> Option<&'static str> {
    match error {
        StoreError::InvalidUrl(_) => Some(
            "write database.url (or DATABASE_URL) as postgres://user:password@host:5432/database",
        ),
        StoreError::Unreachable { .. } => Some(
            "start it, or correct database.url (or DATABASE_URL); without one, extractor runs a \
             private Postgres of its own",
        ),
        StoreError::AuthenticationFailed { .. } => {
            Some("correct the user and the password in database.url (or DATABASE_URL)")
        }
        StoreError::DatabaseMissing { .. } => {
            Some("create it (createdb), or correct its name in database.url (or DATABASE_URL)")
        }
        StoreError::Tls { .. } => {
            Some("set sslmode, or sslrootcert for a private authority, in database.url")
        }
        StoreError::ServerTooOld { .. } => Some("upgrade it, or use another one"),
        StoreError::SchemaModified { .. } => Some(
            "it was migrated by another build of extractor: run that one, or use another database",
        ),
        StoreError::LeaseLost { .. } => Some("another process has taken over; let it finish"),
        StoreError::ProjectHeld(_) => Some("wait for it, or stop it"),
        StoreError::Unavailable(_) => Some(RESUMES),
        StoreError::DiskFull(_) => {
            Some("make room, then start it again: the run goes on where it stopped")
        }
        StoreError::NotPermitted(_) => Some(
            "let the role own the database, or grant it to create the schemas jira and extractor \
             and to write in them",
        ),
        StoreError::TimedOut(_) => {
            Some("see in pg_stat_activity what it waits for, or raise database.statement_timeout")
        }
        StoreError::Contended(_) | StoreError::ErasedMeanwhile => Some(LATER),
        StoreError::RunNotOpen { .. }
        | StoreError::DataRejected(_)
        | StoreError::Unreadable { .. }
        | StoreError::Failed(_) => Some(REPORT),
        StoreError::SchemaNewer { .. }
        | StoreError::SchemaOutdated { .. }
        | StoreError::SchemaDirty { .. }
        | StoreError::SchemaForeign { .. } => None,
    }
}

/// What to do about a failure of Jira's.
pub fn of_jira(error: &JiraError) -> Option<&'static str> {
    match error {
        JiraError::Unreachable { .. } => Some(
            "check jira.base_url, the network and the proxy (HTTPS_PROXY); the run, if one had \
             begun, goes on where it stopped",
        ),
        JiraError::Timeout { .. } => Some("raise jira.timeout, or try again in a quieter hour"),
        JiraError::TooLarge { .. } => Some("raise jira.max_body"),
        JiraError::Unavailable { .. } => Some("Jira has trouble of its own; try again later"),
        JiraError::RateLimited { .. } => Some(LATER),
        JiraError::Forbidden { .. } => {
            Some("ask an administrator of Jira what this account may see")
        }
        JiraError::Refused { .. } => Some("check sync.filter, if one is set"),
        JiraError::BadData { .. } => {
            Some("check that jira.base_url leads to Jira itself and not to a proxy's page")
        }
        JiraError::Settings { .. }
        | JiraError::Tls { .. }
        | JiraError::Unauthorized { .. }
        | JiraError::NotLoggedIn { .. }
        | JiraError::NotFound { .. }
        | JiraError::NoEndpoint { .. }
        | JiraError::Redirected { .. }
        | JiraError::Unsupported { .. } => None,
    }
}

/// What to do about a listing that cannot get on.
pub fn of_scan(error: &ScanError) -> &'static str {
    match error {
        ScanError::NoTotal => "check that jira.base_url leads to a Jira Server or Data Center",
        ScanError::Refused { .. } => "check sync.filter, if one is set, and the project's key",
        ScanError::TokensBroken { .. } => "Jira's search has trouble of its own; try again later",
        ScanError::TooHeavy { .. } => "raise jira.timeout, or try again in a quieter hour",
        ScanError::Stuck { .. } => {
            "Jira's search index may be rebuilding: try again later, and look at its state in Jira"
        }
    }
}

/// What a library wraps around Postgres's and the system's own words is of no use to a reader.
fn in_plain_words(cause: &str) -> String {
    let text = ["error returned from database: ", "error communicating with database: "]
        .iter()
        .find_map(|prefix| cause.strip_prefix(prefix))
        .unwrap_or(cause)
        .trim_start_matches("error with configuration: ");
    match text.rsplit_once(" at line ") {
        Some((words, line)) if line.bytes().all(|byte| byte.is_ascii_digit()) => words.to_owned(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_without_their_wrapping() {
        let cases = [
            ("error returned from database: no such role at line 768", "no such role"),
            ("error communicating with database: refused (os error 111)", "refused (os error 111)"),
            ("a log entry at line 7b", "a log entry at line 7b"),
            ("error with configuration: error with configuration: unknown value", "unknown value"),
        ];
        for (cause, words) in cases {
            assert_eq!(in_plain_words(cause), words);
        }
    }
}
