//! What can be had of an issue through requests of its own only: the optional streams.

/// One of the lists that are fetched only where the configuration says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Links to things outside Jira.
    RemoteLinks,
    /// Who watches the issue.
    Watchers,
    /// Who voted for the issue.
    Voters,
    /// Entity properties, as apps and scripts keep them.
    Properties,
}

impl Stream {
    /// Every stream, in the order of the configuration.
    pub const ALL: [Self; 4] = [Self::RemoteLinks, Self::Watchers, Self::Voters, Self::Properties];

    /// Its name: the key below `sync`, the table below `jira`, the field of a document's children.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RemoteLinks => "remote_links",
            Self::Watchers => "watchers",
            Self::Voters => "voters",
            Self::Properties => "properties",
        }
    }
}

impl std::fmt::Display for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A link from an issue to something outside Jira, or in another Jira.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteLink {
    /// Jira's id of the remote link.
    pub remote_link_id: i64,
    /// What the application that made it calls it; unique within the issue.
    pub global_id: Option<String>,
    /// How the issue relates to it, such as `causes`.
    pub relationship: Option<String>,
    /// The kind of application, such as `com.atlassian.confluence`.
    pub application_type: Option<String>,
    /// The application's name.
    pub application_name: Option<String>,
    /// Where it is.
    pub url: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// Its summary.
    pub summary: Option<String>,
    /// Whether it counts as resolved there.
    pub resolved: Option<bool>,
    /// The whole link as Jira gave it, as JSON text.
    pub raw: String,
}

/// An entity property of an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// Its key, as the app that keeps it chose it.
    pub key: String,
    /// Its value as JSON text, every token as Jira gave it.
    pub value: String,
}
