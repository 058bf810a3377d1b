//! One issue: from its JSON text to an [`IssueDocument`].

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::children::{
    ChildPage, History, WireAttachment, WireComment, WireLink, WireWorklog, read_attachments,
    read_changelog, read_comments, read_links, read_worklogs,
};
use super::fields::Fields;
use super::hash;
use super::people::{People, Person};
use super::scalar::{Id, date, time};
use super::sprint::read_sprints;
use super::{SprintFields, Unreadable, read, read_text};
use crate::jira::repair::repair;
use crate::model::{Children, IssueDocument, IssueId, IssueKey, PartialList, Sprint, Tier, User};

/// What an issue's JSON does not say about itself.
pub(in crate::jira) struct Context<'a> {
    pub(in crate::jira) extracted_at: DateTime<Utc>,
    pub(in crate::jira) tier: Tier,
    pub(in crate::jira) sprint_fields: &'a SprintFields,
}

#[derive(Deserialize)]
#[serde(expecting = "an issue")]
struct Head<'a> {
    id: Id,
    key: String,
    #[serde(borrow)]
    fields: &'a RawValue,
    #[serde(borrow)]
    changelog: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Named {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    name: Option<String>,
    status_category: Option<StatusCategory>,
}

#[derive(Deserialize)]
struct StatusCategory {
    key: Option<String>,
}

#[derive(Deserialize)]
struct Parent {
    id: Id,
}

/// Reads one issue. Text that Postgres cannot hold is replaced first, so that every typed value
/// is read from the text that is stored.
pub(in crate::jira) fn read_issue(
    raw: &RawValue,
    context: &Context<'_>,
) -> Result<IssueDocument, Unreadable> {
    let head: Head<'_> = read(raw, "issue")?;
    let key: IssueKey =
        head.key.parse().map_err(|_| Unreadable::new("key", "it is not an issue key"))?;
    let fields_text = repair(head.fields.get());
    let changelog_text = head.changelog.map(|raw| repair(raw.get()));
    let fields = Fields::parse(&fields_text)?;
    let mut people = People::default();

    let changes = match &changelog_text {
        Some(text) => read_text::<Option<ChildPage<History>>>(text, "changelog")?
            .map(|page| read_changelog(page, &mut people))
            .transpose()?,
        None => None,
    };
    let children = Children { changes, ..field_children(&fields, context, &mut people)? };
    let status: Option<Status> = fields.value("status")?;
    let (status, category) = status.map_or((None, None), |s| (s.name, s.status_category));
    let mut person =
        |name| -> Result<_, Unreadable> { Ok(people.note(fields.value::<Person>(name)?)) };
    let (assignee_id, reporter_id, creator_id) =
        (person("assignee")?, person("reporter")?, person("creator")?);

    let users = people.into_users();

    Ok(IssueDocument {
        id: IssueId(head.id.0),
        summary: fields.value("summary")?,
        issue_type: name(&fields, "issuetype")?,
        status,
        status_category: category.and_then(|category| category.key),
        priority: name(&fields, "priority")?,
        resolution: name(&fields, "resolution")?,
        assignee_id,
        reporter_id,
        creator_id,
        parent_id: fields.value::<Parent>("parent")?.map(|parent| IssueId(parent.id.0)),
        labels: fields.value("labels")?.unwrap_or_default(),
        created: instant(&fields, "created")?,
        updated: instant(&fields, "updated")?,
        resolved: instant(&fields, "resolutiondate")?,
        due: date(fields.value::<Cow<'_, str>>("duedate")?.as_deref(), "fields.duedate")?,
        archived: fields.value::<IgnoredAny>("archiveddate")?.is_some(),
        tier: context.tier,
        text_repaired: matches!(fields_text, Cow::Owned(_))
            || matches!(changelog_text, Some(Cow::Owned(_))),
        content_hash: content_hash(&head.key, &fields, &children, &users),
        privacy: None,
        extracted_at: context.extracted_at,
        lacking: Vec::new(),
        streams: Vec::new(),
        children,
        users,
        key,
        fields: fields_text.into_owned(),
    })
}

fn content_hash(key: &str, fields: &Fields<'_>, children: &Children, users: &[User]) -> [u8; 16] {
    let lists = [
        children.comments.as_ref().map(|_| "comment"),
        children.worklogs.as_ref().map(|_| "worklog"),
    ];
    let lists: Vec<&str> = lists.into_iter().flatten().collect();
    [
        hash::of_fields(key, fields, &lists),
        hash::of_list(children.changes.as_ref()),
        hash::of_list(children.comments.as_ref()),
        hash::of_list(children.worklogs.as_ref()),
        hash::of_users(users),
    ]
    .into_iter()
    .fold([0; 16], hash::join)
}

fn name(fields: &Fields<'_>, field: &str) -> Result<Option<String>, Unreadable> {
    Ok(fields.value::<Named>(field)?.and_then(|named| named.name))
}

fn instant(fields: &Fields<'_>, field: &str) -> Result<Option<DateTime<Utc>>, Unreadable> {
    time(fields.value::<Cow<'_, str>>(field)?.as_deref(), &format!("fields.{field}"))
}

/// The children inside `fields`. An absent or null list says nothing.
fn field_children(
    fields: &Fields<'_>,
    context: &Context<'_>,
    people: &mut People,
) -> Result<Children, Unreadable> {
    let comments = fields.value::<ChildPage<WireComment>>("comment")?;
    let worklogs = fields.value::<ChildPage<WireWorklog>>("worklog")?;
    let links = fields.value::<Vec<WireLink>>("issuelinks")?;
    let attachments = fields.value::<Vec<WireAttachment>>("attachment")?;
    Ok(Children {
        changes: None,
        comments: comments.map(|page| read_comments(page, people)).transpose()?,
        worklogs: worklogs.map(|page| read_worklogs(page, people)).transpose()?,
        links: links.map(read_links).transpose()?,
        attachments: attachments.map(|list| read_attachments(list, people)).transpose()?,
        sprints: sprints(fields, context.sprint_fields),
        ..Children::default()
    })
}

/// The sprints of every custom field that holds some, or is known to hold them when it does.
fn sprints(fields: &Fields<'_>, known: &SprintFields) -> Option<PartialList<Sprint>> {
    let mut list: Option<PartialList<Sprint>> = None;
    for (field, value) in fields.custom() {
        let Some(read) = read_sprints(value) else {
            if known.knows(field) {
                let empty = matches!(value, "null" | "[]");
                list.get_or_insert_with(|| PartialList::whole(Vec::new())).complete &= empty;
            }
            continue;
        };
        known.learn(field);
        let list = list.get_or_insert_with(|| PartialList::whole(Vec::new()));
        list.complete &= read.complete;
        for sprint in read.sprints {
            if !list.items.iter().any(|seen| seen.sprint_id == sprint.sprint_id) {
                list.items.push(sprint);
            }
        }
    }
    list
}

#[cfg(test)]
mod tests;
