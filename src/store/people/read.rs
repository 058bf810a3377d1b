//! What stored issues say of people, table by table: all of it, or what may mention one person.

use sqlx::PgConnection;

use super::rewrite::{Of, PersonalIssue, PersonalRows, Search};
use crate::model::{Change, Comment, Property, RemoteLink, Site, Worklog};
use crate::store::StoreError;

/// Everything of these issues that `search` does not leave out.
pub(super) async fn load(
    tx: &mut PgConnection,
    site: &Site,
    ids: &[i64],
    search: &Search,
) -> Result<PersonalRows, StoreError> {
    Ok(PersonalRows {
        issues: load_issues(tx, site, ids, search).await?,
        // After the issues: who copies one into a version holds it.
        versions: load_versions(tx, site, ids, search).await?,
        changes: load_changes(tx, site, ids, search).await?,
        comments: load_comments(tx, site, ids, search).await?,
        worklogs: load_worklogs(tx, site, ids, search).await?,
        attachments: load_attachments(tx, site, ids, search).await?,
        remote_links: load_remote_links(tx, site, ids, search).await?,
        properties: load_properties(tx, site, ids, search).await?,
        watchers: load_watchers(tx, site, ids, search).await?,
        voters: load_voters(tx, site, ids, search).await?,
    })
}

async fn load_issues(
    tx: &mut PgConnection,
    site: &Site,
    ids: &[i64],
    search: &Search,
) -> Result<Vec<Of<PersonalIssue>>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT id, assignee_id, reporter_id, creator_id, labels, fields::text AS "fields!"
           FROM jira.issues
           WHERE site = $1 AND id = ANY($2)
             AND ($3::text[] IS NULL OR assignee_id = ANY($3) OR reporter_id = ANY($3)
                  OR creator_id = ANY($3) OR labels && $3 OR fields::text LIKE ANY($4::text[]))
           ORDER BY id FOR UPDATE"#,
        site.as_str(),
        ids,
        search.ids.as_deref(),
        search.json.as_deref(),
    )
    .fetch_all(tx)
    .await?;
    let of = rows.into_iter().map(|row| Of {
        issue: row.id,
        row: PersonalIssue {
            assignee_id: row.assignee_id,
            reporter_id: row.reporter_id,
            creator_id: row.creator_id,
            labels: row.labels,
            fields: row.fields,
        },
    });
    Ok(of.collect())
}

pub(super) async fn load_versions(
    tx: &mut PgConnection,
    site: &Site,
    ids: &[i64],
    search: &Search,
) -> Result<Vec<Of<(i32, PersonalIssue)>>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT issue_id, version, assignee_id, reporter_id, creator_id, labels,
             fields::text AS "fields!"
           FROM jira.issue_versions
           WHERE site = $1 AND issue_id = ANY($2)
             AND ($3::text[] IS NULL OR assignee_id = ANY($3) OR reporter_id = ANY($3)
                  OR creator_id = ANY($3) OR labels && $3 OR fields::text LIKE ANY($4::text[]))
           ORDER BY issue_id, version FOR UPDATE"#,
        site.as_str(),
        ids,
        search.ids.as_deref(),
        search.json.as_deref(),
    )
    .fetch_all(tx)
    .await?;
    let of = rows.into_iter().map(|row| {
        let personal = PersonalIssue {
            assignee_id: row.assignee_id,
            reporter_id: row.reporter_id,
            creator_id: row.creator_id,
            labels: row.labels,
            fields: row.fields,
        };
        Of { issue: row.issue_id, row: (row.version, personal) }
    });
    Ok(of.collect())
}

async fn load_changes(
    tx: &mut PgConnection,
    site: &Site,
    ids: &[i64],
    search: &Search,
) -> Result<Vec<Of<Change>>, StoreError> {
    let rows = sqlx::query!(
        "SELECT issue_id, history_id, item, author_id, at, field, field_id, from_id, from_text,
             to_id, to_text
         FROM jira.changes
         WHERE site = $1 AND issue_id = ANY($2)
           AND ($3::text[] IS NULL OR author_id = ANY($3) OR from_id LIKE ANY($4::text[])
                OR to_id LIKE ANY($4) OR from_text LIKE ANY($4) OR to_text LIKE ANY($4)
                OR from_text LIKE ANY($5::text[]) OR to_text LIKE ANY($5))
         ORDER BY issue_id, history_id, item FOR UPDATE",
        site.as_str(),
        ids,
        search.ids.as_deref(),
        search.lists.as_deref(),
        search.typed.as_deref(),
    )
    .fetch_all(tx)
    .await?;
    let of = rows.into_iter().map(|row| Of {
        issue: row.issue_id,
        row: Change {
            history_id: row.history_id,
            item: row.item,
            author_id: row.author_id,
            at: row.at,
            field: row.field,
            field_id: row.field_id,
            from_id: row.from_id,
            from_text: row.from_text,
            to_id: row.to_id,
            to_text: row.to_text,
        },
    });
    Ok(of.collect())
}

async fn load_comments(
    tx: &mut PgConnection,
    site: &Site,
    ids: &[i64],
    search: &Search,
) -> Result<Vec<Of<Comment>>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT issue_id, comment_id, author_id, update_author_id, created, updated, body,
             body_adf::text AS body_adf, visibility
           FROM jira.comments
           WHERE site = $1 AND issue_id = ANY($2)
             AND ($3::text[] IS NULL OR author_id = ANY($3) OR update_author_id = ANY($3)
                  OR body LIKE ANY($4::text[]) OR body_adf::text LIKE ANY($5::text[]))
           ORDER BY issue_id, comment_id FOR UPDATE"#,
        site.as_str(),
        ids,
        search.ids.as_deref(),
        search.typed.as_deref(),
        search.json.as_deref(),
    )
    .fetch_all(tx)
    .await?;
    let of = rows.into_iter().map(|row| Of {
        issue: row.issue_id,
        row: Comment {
            comment_id: row.comment_id,
            author_id: row.author_id,
            update_author_id: row.update_author_id,
            created: row.created,
            updated: row.updated,
            body: row.body,
            body_adf: row.body_adf,
            visibility: row.visibility,
        },
    });
    Ok(of.collect())
}

async fn load_worklogs(
    tx: &mut PgConnection,
    site: &Site,
    ids: &[i64],
    search: &Search,
) -> Result<Vec<Of<Worklog>>, StoreError> {
    let rows = sqlx::query!(
        "SELECT issue_id, worklog_id, author_id, update_author_id, created, updated, started,
             time_spent_secs, comment, comment_adf::text AS comment_adf
         FROM jira.worklogs
         WHERE site = $1 AND issue_id = ANY($2)
           AND ($3::text[] IS NULL OR author_id = ANY($3) OR update_author_id = ANY($3)
                OR comment LIKE ANY($4::text[]) OR comment_adf::text LIKE ANY($5::text[]))
         ORDER BY issue_id, worklog_id FOR UPDATE",
        site.as_str(),
        ids,
        search.ids.as_deref(),
        search.typed.as_deref(),
        search.json.as_deref(),
    )
    .fetch_all(tx)
    .await?;
    let of = rows.into_iter().map(|row| Of {
        issue: row.issue_id,
        row: Worklog {
            worklog_id: row.worklog_id,
            author_id: row.author_id,
            update_author_id: row.update_author_id,
            created: row.created,
            updated: row.updated,
            started: row.started,
            time_spent_secs: row.time_spent_secs,
            comment: row.comment,
            comment_adf: row.comment_adf,
        },
    });
    Ok(of.collect())
}

async fn load_attachments(
    tx: &mut PgConnection,
    site: &Site,
    ids: &[i64],
    search: &Search,
) -> Result<Vec<Of<(i64, Option<String>)>>, StoreError> {
    let rows = sqlx::query!(
        "SELECT issue_id, attachment_id, author_id FROM jira.attachments
         WHERE site = $1 AND issue_id = ANY($2)
           AND ($3::text[] IS NULL OR author_id = ANY($3))
         ORDER BY issue_id, attachment_id FOR UPDATE",
        site.as_str(),
        ids,
        search.ids.as_deref(),
    )
    .fetch_all(tx)
    .await?;
    let of = rows.into_iter();
    Ok(of.map(|row| Of { issue: row.issue_id, row: (row.attachment_id, row.author_id) }).collect())
}

async fn load_remote_links(
    tx: &mut PgConnection,
    site: &Site,
    ids: &[i64],
    search: &Search,
) -> Result<Vec<Of<RemoteLink>>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT issue_id, remote_link_id, global_id, relationship, application_type,
             application_name, url, title, summary, resolved, raw::text AS "raw!"
           FROM jira.remote_links
           WHERE site = $1 AND issue_id = ANY($2)
             AND ($3::text[] IS NULL OR raw::text LIKE ANY($3))
           ORDER BY issue_id, remote_link_id FOR UPDATE"#,
        site.as_str(),
        ids,
        search.json.as_deref(),
    )
    .fetch_all(tx)
    .await?;
    let of = rows.into_iter().map(|row| Of {
        issue: row.issue_id,
        row: RemoteLink {
            remote_link_id: row.remote_link_id,
            global_id: row.global_id,
            relationship: row.relationship,
            application_type: row.application_type,
            application_name: row.application_name,
            url: row.url,
            title: row.title,
            summary: row.summary,
            resolved: row.resolved,
            raw: row.raw,
        },
    });
    Ok(of.collect())
}

async fn load_properties(
    tx: &mut PgConnection,
    site: &Site,
    ids: &[i64],
    search: &Search,
) -> Result<Vec<Of<Property>>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT issue_id, key, value::text AS "value!" FROM jira.issue_properties
           WHERE site = $1 AND issue_id = ANY($2)
             AND ($3::text[] IS NULL OR value::text LIKE ANY($3))
           ORDER BY issue_id, key FOR UPDATE"#,
        site.as_str(),
        ids,
        search.json.as_deref(),
    )
    .fetch_all(tx)
    .await?;
    let of = rows.into_iter();
    Ok(of
        .map(|row| Of { issue: row.issue_id, row: Property { key: row.key, value: row.value } })
        .collect())
}

// Two tables of people that differ in their names only.
macro_rules! load_people_of {
    ($name:ident, $table:literal) => {
        async fn $name(
            tx: &mut PgConnection,
            site: &Site,
            ids: &[i64],
            search: &Search,
        ) -> Result<Vec<Of<String>>, StoreError> {
            let rows = sqlx::query!(
                "SELECT issue_id, user_id FROM "
                    + $table
                    + " WHERE site = $1 AND issue_id = ANY($2)
                         AND ($3::text[] IS NULL OR user_id = ANY($3))
                       ORDER BY issue_id, user_id FOR UPDATE",
                site.as_str(),
                ids,
                search.ids.as_deref(),
            )
            .fetch_all(tx)
            .await?;
            Ok(rows.into_iter().map(|row| Of { issue: row.issue_id, row: row.user_id }).collect())
        }
    };
}

load_people_of!(load_watchers, "jira.watchers");
load_people_of!(load_voters, "jira.voters");
