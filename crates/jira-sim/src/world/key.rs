//! Issue keys: a project key and a number.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use crate::random::mix;

/// Jira's immutable numeric id of an issue.
pub type IssueId = u64;

/// A map by issue id. Scans look every issue up, so the hash is cheap.
pub(crate) type IdMap<V> = HashMap<IssueId, V, BuildHasherDefault<IdHasher>>;

/// Scrambles one number; ids do not come from an attacker here.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = mix(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = mix(id);
    }
}

/// `PROJ-42`. Ordered as Jira orders keys: by project key, then by number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IssueKey {
    /// The project's key, upper case.
    pub project: Arc<str>,
    /// The number within the project.
    pub number: u32,
}

impl IssueKey {
    /// The key of a project's issue.
    pub fn new(project: &str, number: u32) -> Self {
        Self { project: Arc::from(project), number }
    }
}

impl fmt::Display for IssueKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.project, self.number)
    }
}

/// The text is not of the form of an issue key.
#[derive(Debug, thiserror::Error)]
#[error("not an issue key")]
pub struct NotAKey;

impl FromStr for IssueKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let (project, number) = text.rsplit_once('-').ok_or(NotAKey)?;
        let mut letters = project.chars();
        let starts_well = letters.next().is_some_and(|c| c.is_ascii_alphabetic());
        if !starts_well || !letters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(NotAKey);
        }
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotAKey);
        }
        let number = number.parse().map_err(|_| NotAKey)?;
        Ok(Self { project: Arc::from(project.to_ascii_uppercase()), number })
    }
}
