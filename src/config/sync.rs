//! The section `[sync]`: what is followed, when, and how far back a delta looks.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::text::unset_if_empty;
use crate::model::{ProjectKey, Schedule, Stream};

/// The projects that are followed when a command names none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Projects {
    /// Every project that the account can see (`*`).
    All,
    /// These, without repetition, in the order they were written; none at all is allowed.
    Only(Vec<ProjectKey>),
}

/// How far a delta reaches back before the start of the last completed run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// By flavour: see [`Overlap::ON_SERVER`] and [`Overlap::ON_CLOUD`].
    Auto,
    /// As configured.
    Fixed(Duration),
}

impl Overlap {
    /// What `auto` is on Server and Data Center.
    pub const ON_SERVER: Duration = Duration::from_secs(60 * 60);
    /// What `auto` is on Cloud, where the search index was seen hours behind.
    pub const ON_CLOUD: Duration = Duration::from_secs(12 * 60 * 60);

    /// The overlap on Server and Data Center.
    pub fn on_server(self) -> Duration {
        match self {
            Self::Auto => Self::ON_SERVER,
            Self::Fixed(overlap) => overlap,
        }
    }

    /// The overlap on Cloud.
    pub fn on_cloud(self) -> Duration {
        match self {
            Self::Auto => Self::ON_CLOUD,
            Self::Fixed(overlap) => overlap,
        }
    }
}

/// The section `[sync]`.
#[derive(Debug, Clone)]
pub struct SyncConfig {
    /// What `extractor sync` follows when it is told no project.
    pub projects: Projects,
    /// How far a delta reaches back.
    pub overlap: Overlap,
    /// Extra JQL, without parentheses.
    pub filter: Option<String>,
    /// The optional streams that are fetched with each issue.
    pub streams: Vec<Stream>,
    /// Whether every version of an issue is kept.
    pub history: bool,
    /// When the service brings each project up to date.
    pub schedule: Schedule,
    /// When the service reconciles each project; none: never.
    pub reconcile_schedule: Option<Schedule>,
    /// The most projects that one process works on at once.
    pub max_runs: usize,
    /// How much later than its schedule a project may be before it counts as stalled.
    pub stalled_after: Duration,
}

/// The section as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SyncSection {
    projects: Listed,
    #[serde(deserialize_with = "overlap")]
    overlap: Overlap,
    #[serde(deserialize_with = "unset_if_empty")]
    filter: Option<String>,
    remote_links: bool,
    watchers: bool,
    voters: bool,
    properties: bool,
    history: bool,
    #[serde(deserialize_with = "schedule")]
    schedule: Schedule,
    #[serde(deserialize_with = "schedule_or_none")]
    reconcile_schedule: Option<Schedule>,
    max_runs: u32,
    #[serde(with = "humantime_serde")]
    stalled_after: Duration,
}

impl SyncSection {
    pub(super) fn resolve(self) -> SyncConfig {
        let streams = Stream::ALL.into_iter().filter(|stream| self.wants(*stream)).collect();
        SyncConfig {
            projects: self.projects.0,
            overlap: self.overlap,
            filter: self.filter,
            streams,
            history: self.history,
            schedule: self.schedule,
            reconcile_schedule: self.reconcile_schedule,
            max_runs: usize::try_from(self.max_runs).unwrap_or(usize::MAX),
            stalled_after: self.stalled_after,
        }
    }

    fn wants(&self, stream: Stream) -> bool {
        match stream {
            Stream::RemoteLinks => self.remote_links,
            Stream::Watchers => self.watchers,
            Stream::Voters => self.voters,
            Stream::Properties => self.properties,
        }
    }
}

/// Projects from a list or from a comma-separated text.
struct Listed(Projects);

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            List(Vec<String>),
            Text(String),
        }
        let names = match Either::deserialize(deserializer)? {
            Either::List(names) => names,
            Either::Text(text) => split(&text),
        };
        Projects::try_from(names).map(Self).map_err(serde::de::Error::custom)
    }
}

impl TryFrom<Vec<String>> for Projects {
    /// What was expected instead, as the end of a sentence that begins with "expected".
    type Error = String;

    fn try_from(names: Vec<String>) -> Result<Self, String> {
        if names.iter().any(|name| name == "*") {
            return match names.len() {
                1 => Ok(Self::All),
                _ => Err("\"*\" alone, because it is every project already".to_owned()),
            };
        }
        let mut keys: Vec<ProjectKey> = Vec::with_capacity(names.len());
        for name in names {
            let key = name.parse().map_err(|_| not_a_key(&name))?;
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        Ok(Self::Only(keys))
    }
}

fn not_a_key(name: &str) -> String {
    let upper = name.to_uppercase();
    match upper.parse::<ProjectKey>() {
        Ok(_) => format!("project keys in upper case, such as {upper} instead of {name}"),
        Err(_) => format!(
            "project keys such as PROJ (an upper-case letter, then upper-case letters, digits or \
             underscores), and {name:?} is none"
        ),
    }
}

/// The parts of a comma-separated text, without blanks and empty ones.
pub(super) fn split(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn overlap<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Overlap, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text == "auto" {
        return Ok(Overlap::Auto);
    }
    humantime::parse_duration(&text).map(Overlap::Fixed).map_err(serde::de::Error::custom)
}

fn schedule<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Schedule, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

/// The word for a schedule that there is none of. In a file an empty text says the same.
pub(super) const NEVER: &str = "off";

fn schedule_or_none<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Schedule>, D::Error> {
    match String::deserialize(deserializer)?.trim() {
        "" | NEVER => Ok(None),
        text => text.parse().map(Some).map_err(serde::de::Error::custom),
    }
}
