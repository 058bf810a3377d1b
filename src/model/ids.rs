//! Identifiers: Jira's (site, project, issue) and our own (run, worker).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is not the identifier it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct InvalidId {
    text: String,
    expected: &'static str,
}

impl InvalidId {
    fn new(text: &str, expected: &'static str) -> Self {
        Self { text: text.to_owned(), expected }
    }
}

/// The short name of one Jira instance; it leads every key in the database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Site(String);

impl Site {
    /// A site by its short name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Jira's numeric issue id. It survives moves and project-key renames, unlike the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IssueId(pub i64);

impl fmt::Display for IssueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for IssueId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match text.parse() {
            Ok(id) if id > 0 => Ok(Self(id)),
            _ => Err(InvalidId::new(text, "a numeric issue id")),
        }
    }
}

/// A project's key, such as `ARROW`: an upper-case letter, then letters, digits or underscores.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProjectKey(String);

impl ProjectKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ProjectKey {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let mut chars = text.chars();
        let starts_well = chars.next().is_some_and(|c| c.is_ascii_uppercase());
        if starts_well && chars.all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_') {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidId::new(
            text,
            "a project key (an upper-case letter, then upper-case letters, digits or underscores, \
             for example PROJ)",
        ))
    }
}

impl TryFrom<String> for ProjectKey {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<ProjectKey> for String {
    fn from(key: ProjectKey) -> Self {
        key.0
    }
}

/// An issue's key, such as `ARROW-17`: project key and number. It changes when the issue moves.
///
/// Orders as Jira's `ORDER BY key` does: by project key, then by number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IssueKey {
    project: ProjectKey,
    number: u64,
}

impl IssueKey {
    /// The key of issue `number` of `project`.
    pub fn new(project: ProjectKey, number: u64) -> Self {
        Self { project, number }
    }

    /// The project part.
    pub fn project(&self) -> &ProjectKey {
        &self.project
    }

    /// The number part.
    pub fn number(&self) -> u64 {
        self.number
    }
}

impl fmt::Display for IssueKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.project, self.number)
    }
}

impl FromStr for IssueKey {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId::new(text, "an issue key such as PROJ-17");
        let (project, number) = text.rsplit_once('-').ok_or_else(invalid)?;
        let project = project.parse().map_err(|_| invalid())?;
        let canonical = !number.is_empty()
            && !number.starts_with('0')
            && number.bytes().all(|b| b.is_ascii_digit());
        let number = number.parse().map_err(|_| invalid())?;
        if canonical { Ok(Self { project, number }) } else { Err(invalid()) }
    }
}

impl TryFrom<String> for IssueKey {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<IssueKey> for String {
    fn from(key: IssueKey) -> Self {
        key.to_string()
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id! {
    /// One run of a project, in `extractor.runs` (a UUID v7: sorts by start).
    RunId
}
uuid_id! {
    /// One live `extractor` process, in `extractor.workers`.
    WorkerId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_by_number_and_not_by_text() {
        let key = |text: &str| text.parse::<IssueKey>().unwrap();
        assert!(key("P-9") < key("P-10"));
        assert!(key("A-10") < key("B-1"));
    }

    #[test]
    fn what_is_not_a_key_is_named() {
        for text in ["", "P", "P-", "-1", "p-1", "P-01", "P-0", "P-1x", "1P-1", "P 1-1", "P-+1"] {
            let error = text.parse::<IssueKey>().unwrap_err();
            assert!(error.to_string().contains("PROJ-17"), "{text}: {error}");
        }
    }

    #[test]
    fn a_key_prints_as_it_was_read() {
        for text in ["P-1", "A_B-12", "A1-999999999999"] {
            assert_eq!(text.parse::<IssueKey>().unwrap().to_string(), text);
        }
    }
}
