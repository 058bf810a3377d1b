//! What hangs on an issue, inline or from the paginated endpoints: changelog, comments, worklogs,
//! links and attachments.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Unreadable;
use super::people::{People, Person};
use super::scalar::{Body, Id, Instant, Text, text, time};
use crate::model::{
    Attachment, Change, Comment, IssueId, Link, LinkDirection, PartialList, Worklog,
};

/// A list that says how long it would be whole. The list's name differs by child and endpoint.
#[derive(Debug, Deserialize)]
#[serde(expecting = "a page of children")]
#[serde(bound = "T: Deserialize<'de>")]
pub(in crate::jira) struct ChildPage<T> {
    total: Option<u64>,
    #[serde(alias = "comments", alias = "worklogs", alias = "histories", alias = "values")]
    items: Vec<T>,
}

impl<T> ChildPage<T> {
    pub(in crate::jira) fn total(&self) -> Option<u64> {
        self.total
    }

    pub(in crate::jira) fn len(&self) -> usize {
        self.items.len()
    }
}

/// One changelog entry.
#[derive(Debug, Deserialize)]
#[serde(expecting = "a changelog entry")]
pub(in crate::jira) struct History {
    id: Id,
    author: Option<Person>,
    created: Instant,
    #[serde(default)]
    items: Vec<HistoryItem>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a changelog item")]
struct HistoryItem {
    field: String,
    field_id: Option<String>,
    from: Option<Text>,
    from_string: Option<Text>,
    to: Option<Text>,
    // Jira's key is literally "toString".
    to_string: Option<Text>,
}

impl History {
    /// The entry's id.
    pub(in crate::jira) fn id(&self) -> i64 {
        self.id.0
    }
}

/// Flattens a changelog: one change an item.
pub(in crate::jira) fn read_changelog(
    page: ChildPage<History>,
    people: &mut People,
) -> Result<PartialList<Change>, Unreadable> {
    let (held, total) = (page.items.len() as u64, page.total);
    Ok(PartialList::of(read_histories(page.items, people)?, held, total))
}

/// Flattens changelog entries. An item keeps its place in its entry however the entry came.
pub(in crate::jira) fn read_histories(
    histories: Vec<History>,
    people: &mut People,
) -> Result<Vec<Change>, Unreadable> {
    let mut items = Vec::with_capacity(histories.len());
    for history in histories {
        let at = history.created.read("changelog.histories.created")?;
        let author_id = people.note(history.author);
        for (item, position) in history.items.into_iter().zip(0..) {
            items.push(Change {
                history_id: history.id.0,
                item: position,
                author_id: author_id.clone(),
                at,
                field: item.field,
                field_id: item.field_id,
                from_id: text(item.from),
                from_text: text(item.from_string),
                to_id: text(item.to),
                to_text: text(item.to_string),
            });
        }
    }
    Ok(items)
}

/// A page of the changelogs of several issues, as only Cloud gives it. An issue may be on several.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a page of changelogs")]
pub(in crate::jira) struct ChangelogsPage<'a> {
    #[serde(borrow)]
    pub(in crate::jira) issue_change_logs: Vec<&'a RawValue>,
    pub(in crate::jira) next_page_token: Option<String>,
}

/// What such a page holds of one issue.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a changelog")]
pub(in crate::jira) struct IssueChangelog {
    pub(in crate::jira) issue_id: Id,
    pub(in crate::jira) change_histories: Vec<History>,
}

/// A comment as Jira writes one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a comment")]
pub(in crate::jira) struct WireComment {
    id: Id,
    author: Option<Person>,
    update_author: Option<Person>,
    created: Option<String>,
    updated: Option<String>,
    body: Option<Body>,
    visibility: Option<Visibility>,
}

#[derive(Debug, Deserialize)]
struct Visibility {
    #[serde(rename = "type")]
    kind: String,
    value: Option<String>,
}

/// Reads comments.
pub(in crate::jira) fn read_comments(
    page: ChildPage<WireComment>,
    people: &mut People,
) -> Result<PartialList<Comment>, Unreadable> {
    let (held, total) = (page.items.len() as u64, page.total);
    let items = page.items.into_iter().map(|comment| {
        let (body, body_adf) =
            comment.body.map_or_else(Default::default, |body| (body.text, body.adf));
        Ok(Comment {
            comment_id: comment.id.0,
            author_id: people.note(comment.author),
            update_author_id: people.note(comment.update_author),
            created: time(comment.created.as_deref(), "comment.created")?,
            updated: time(comment.updated.as_deref(), "comment.updated")?,
            body,
            body_adf,
            visibility: comment
                .visibility
                .map(|v| format!("{}:{}", v.kind, v.value.unwrap_or_default())),
        })
    });
    Ok(PartialList::of(items.collect::<Result<_, _>>()?, held, total))
}

/// A worklog as Jira writes one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a worklog")]
pub(in crate::jira) struct WireWorklog {
    id: Id,
    author: Option<Person>,
    update_author: Option<Person>,
    created: Option<String>,
    updated: Option<String>,
    started: Option<String>,
    time_spent_seconds: Option<i64>,
    comment: Option<Body>,
}

/// Reads worklogs.
pub(in crate::jira) fn read_worklogs(
    page: ChildPage<WireWorklog>,
    people: &mut People,
) -> Result<PartialList<Worklog>, Unreadable> {
    let (held, total) = (page.items.len() as u64, page.total);
    let items = page.items.into_iter().map(|worklog| {
        let (comment, comment_adf) = match worklog.comment {
            Some(body) => (Some(body.text), body.adf),
            None => (None, None),
        };
        Ok(Worklog {
            worklog_id: worklog.id.0,
            author_id: people.note(worklog.author),
            update_author_id: people.note(worklog.update_author),
            created: time(worklog.created.as_deref(), "worklog.created")?,
            updated: time(worklog.updated.as_deref(), "worklog.updated")?,
            started: time(worklog.started.as_deref(), "worklog.started")?,
            time_spent_secs: worklog.time_spent_seconds,
            comment,
            comment_adf,
        })
    });
    Ok(PartialList::of(items.collect::<Result<_, _>>()?, held, total))
}

/// A link as Jira writes one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an issue link")]
pub(super) struct WireLink {
    id: Id,
    #[serde(rename = "type")]
    kind: LinkType,
    inward_issue: Option<OtherIssue>,
    outward_issue: Option<OtherIssue>,
}

#[derive(Debug, Deserialize)]
struct LinkType {
    name: String,
}

#[derive(Debug, Deserialize)]
struct OtherIssue {
    id: Option<Id>,
    key: String,
}

/// Reads links. Jira never cuts them short.
pub(super) fn read_links(links: Vec<WireLink>) -> Result<PartialList<Link>, Unreadable> {
    let items = links.into_iter().map(|link| {
        let (direction, other) = match (link.outward_issue, link.inward_issue) {
            (Some(other), _) => (LinkDirection::Outward, other),
            (None, Some(other)) => (LinkDirection::Inward, other),
            (None, None) => {
                return Err(Unreadable::new("fields.issuelinks", "a link without another issue"));
            }
        };
        Ok(Link {
            link_id: link.id.0,
            link_type: link.kind.name,
            direction,
            other_id: other.id.map(|id| IssueId(id.0)),
            other_key: other.key,
        })
    });
    Ok(PartialList::whole(items.collect::<Result<_, _>>()?))
}

/// An attachment as Jira writes one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an attachment")]
pub(super) struct WireAttachment {
    id: Id,
    author: Option<Person>,
    created: Option<String>,
    filename: String,
    mime_type: Option<String>,
    size: Option<i64>,
    content: Option<String>,
}

/// Reads attachments. Jira never cuts them short.
pub(super) fn read_attachments(
    attachments: Vec<WireAttachment>,
    people: &mut People,
) -> Result<PartialList<Attachment>, Unreadable> {
    let items = attachments.into_iter().map(|attachment| {
        Ok(Attachment {
            attachment_id: attachment.id.0,
            author_id: people.note(attachment.author),
            created: time(attachment.created.as_deref(), "fields.attachment.created")?,
            filename: attachment.filename,
            mime_type: attachment.mime_type,
            size_bytes: attachment.size,
            content_url: attachment.content,
        })
    });
    Ok(PartialList::whole(items.collect::<Result<_, _>>()?))
}
