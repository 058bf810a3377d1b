//! Which of Jira's resources a request is for, as errors and logs name it: no keys, no JQL.

use std::fmt;

/// One of Jira's resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `serverInfo`.
    ServerInfo,
    /// `myself`.
    Myself,
    /// `search`.
    Search,
    /// `search/jql`.
    SearchJql,
    /// `search/approximate-count`.
    ApproximateCount,
    /// `issue/{id}`.
    Issue,
    /// `issue/bulkfetch`.
    BulkFetch,
    /// `changelog/bulkfetch`.
    BulkChangelog,
    /// `issue/{id}/worklog`.
    Worklogs,
    /// `issue/{id}/comment`.
    Comments,
    /// `issue/{id}/changelog`.
    Changelog,
    /// `issue/{id}/remotelink`.
    RemoteLinks,
    /// `issue/{id}/watchers`.
    Watchers,
    /// `issue/{id}/votes`.
    Votes,
    /// `issue/{id}/properties`.
    Properties,
    /// `issue/{id}/properties/{key}`.
    Property,
    /// `worklog/deleted`.
    DeletedWorklogs,
    /// `index/summary`.
    IndexSummary,
    /// `project`.
    Projects,
    /// `project/search`.
    ProjectSearch,
    /// `project/{key}`.
    Project,
    /// `project/{key}/versions`.
    Versions,
    /// `project/{key}/components`.
    Components,
    /// `field`.
    Fields,
    /// `status`.
    Statuses,
    /// `issuetype`.
    IssueTypes,
    /// `priority`.
    Priorities,
    /// `resolution`.
    Resolutions,
    /// `issueLinkType`.
    LinkTypes,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServerInfo => "serverInfo",
            Self::Myself => "myself",
            Self::Search => "search",
            Self::SearchJql => "search/jql",
            Self::ApproximateCount => "search/approximate-count",
            Self::Issue => "issue",
            Self::BulkFetch => "issue/bulkfetch",
            Self::BulkChangelog => "changelog/bulkfetch",
            Self::Worklogs => "issue/worklog",
            Self::Comments => "issue/comment",
            Self::Changelog => "issue/changelog",
            Self::RemoteLinks => "issue/remotelink",
            Self::Watchers => "issue/watchers",
            Self::Votes => "issue/votes",
            Self::Properties => "issue/properties",
            Self::Property => "issue/properties/{key}",
            Self::DeletedWorklogs => "worklog/deleted",
            Self::IndexSummary => "index/summary",
            Self::Projects => "project",
            Self::ProjectSearch => "project/search",
            Self::Project => "project/{key}",
            Self::Versions => "project/versions",
            Self::Components => "project/components",
            Self::Fields => "field",
            Self::Statuses => "status",
            Self::IssueTypes => "issuetype",
            Self::Priorities => "priority",
            Self::Resolutions => "resolution",
            Self::LinkTypes => "issueLinkType",
        })
    }
}
