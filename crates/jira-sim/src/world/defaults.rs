//! The lists a fresh instance has.

use super::Catalogue;
use crate::json::{Json, quote};

const STATUSES: [(u32, &str, u32, &str, &str, &str); 6] = [
    (1, "Open", 2, "new", "blue-gray", "To Do"),
    (3, "In Progress", 4, "indeterminate", "yellow", "In Progress"),
    (10002, "Patch Available", 4, "indeterminate", "yellow", "In Progress"),
    (5, "Resolved", 3, "done", "green", "Done"),
    (6, "Closed", 3, "done", "green", "Done"),
    (10001, "Done", 3, "done", "green", "Done"),
];

const TYPES: [(u32, &str, bool); 7] = [
    (1, "Bug", false),
    (2, "New Feature", false),
    (3, "Task", false),
    (4, "Improvement", false),
    (5, "Wish", false),
    (6, "Test", false),
    (7, "Sub-task", true),
];

const PRIORITIES: [(u32, &str); 5] =
    [(1, "Blocker"), (2, "Critical"), (3, "Major"), (4, "Minor"), (5, "Trivial")];

const RESOLUTIONS: [(u32, &str); 5] =
    [(1, "Fixed"), (2, "Won't Fix"), (3, "Duplicate"), (4, "Incomplete"), (5, "Cannot Reproduce")];

const LINK_TYPES: [(u32, &str, &str, &str); 4] = [
    (10032, "Blocker", "is blocked by", "blocks"),
    (10030, "Reference", "is related to", "relates to"),
    (12310000, "Duplicate", "is duplicated by", "duplicates"),
    (12310010, "Incorporates", "is part of", "incorporates"),
];

/// Id, name, schema type, item type of arrays.
const FIELDS: [(&str, &str, &str, &str); 38] = [
    ("issuetype", "Issue Type", "issuetype", ""),
    ("project", "Project", "project", ""),
    ("summary", "Summary", "string", ""),
    ("description", "Description", "string", ""),
    ("environment", "Environment", "string", ""),
    ("status", "Status", "status", ""),
    ("priority", "Priority", "priority", ""),
    ("resolution", "Resolution", "resolution", ""),
    ("resolutiondate", "Resolved", "datetime", ""),
    ("created", "Created", "datetime", ""),
    ("updated", "Updated", "datetime", ""),
    ("lastViewed", "Last Viewed", "datetime", ""),
    ("duedate", "Due Date", "date", ""),
    ("assignee", "Assignee", "user", ""),
    ("reporter", "Reporter", "user", ""),
    ("creator", "Creator", "user", ""),
    ("labels", "Labels", "array", "string"),
    ("versions", "Affects Version/s", "array", "version"),
    ("fixVersions", "Fix Version/s", "array", "version"),
    ("components", "Component/s", "array", "component"),
    ("issuelinks", "Linked Issues", "array", "issuelinks"),
    ("subtasks", "Sub-Tasks", "array", "issuelinks"),
    ("parent", "Parent", "issuelink", ""),
    ("comment", "Comment", "comments-page", ""),
    ("attachment", "Attachment", "array", "attachment"),
    ("worklog", "Log Work", "array", "worklog"),
    ("votes", "Votes", "votes", ""),
    ("watches", "Watchers", "watches", ""),
    ("security", "Security Level", "securitylevel", ""),
    ("timetracking", "Time Tracking", "timetracking", ""),
    ("timespent", "Time Spent", "number", ""),
    ("timeestimate", "Remaining Estimate", "number", ""),
    ("timeoriginalestimate", "Original Estimate", "number", ""),
    ("aggregatetimespent", "Σ Time Spent", "number", ""),
    ("aggregatetimeestimate", "Σ Remaining Estimate", "number", ""),
    ("aggregatetimeoriginalestimate", "Σ Original Estimate", "number", ""),
    ("progress", "Progress", "progress", ""),
    ("aggregateprogress", "Σ Progress", "progress", ""),
];

/// Statuses, types and the rest, with `self` links under `origin`.
pub(crate) fn catalogue(origin: &str) -> Catalogue {
    let api = format!("{origin}/rest/api/2");
    let mut catalogue = Catalogue {
        statuses: STATUSES
            .iter()
            .map(|(id, name, category, key, colour, category_name)| {
                Json::built(format!(
                    r#"{{"self":"{api}/status/{id}","description":"","iconUrl":"{origin}/images/icons/statuses/generic.png","name":"{name}","id":"{id}","statusCategory":{{"self":"{api}/statuscategory/{category}","id":{category},"key":"{key}","colorName":"{colour}","name":"{category_name}"}}}}"#
                ))
            })
            .collect(),
        issue_types: TYPES
            .iter()
            .map(|(id, name, subtask)| {
                Json::built(format!(
                    r#"{{"self":"{api}/issuetype/{id}","id":"{id}","description":"","iconUrl":"{origin}/secure/viewavatar?avatarType=issuetype","name":"{name}","subtask":{subtask},"avatarId":{}}}"#,
                    21_130 + id
                ))
            })
            .collect(),
        priorities: PRIORITIES
            .iter()
            .map(|(id, name)| {
                Json::built(format!(
                    r#"{{"self":"{api}/priority/{id}","iconUrl":"{origin}/images/icons/priorities/{id}.svg","name":"{name}","id":"{id}"}}"#
                ))
            })
            .collect(),
        resolutions: RESOLUTIONS
            .iter()
            .map(|(id, name)| {
                Json::built(format!(
                    r#"{{"self":"{api}/resolution/{id}","id":"{id}","description":"","name":{}}}"#,
                    quote(name)
                ))
            })
            .collect(),
        link_types: LINK_TYPES
            .iter()
            .map(|(id, name, inward, outward)| {
                Json::built(format!(
                    r#"{{"id":"{id}","name":"{name}","inward":"{inward}","outward":"{outward}","self":"{api}/issueLinkType/{id}"}}"#
                ))
            })
            .collect(),
        ..Catalogue::default()
    };
    for (id, name, kind, items) in FIELDS {
        let items = if items.is_empty() { String::new() } else { format!(r#","items":"{items}""#) };
        let schema = Json::built(format!(r#"{{"type":"{kind}"{items},"system":"{id}"}}"#));
        catalogue.add_field(id, name, schema);
    }
    catalogue
}
