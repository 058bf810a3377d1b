//! What an issue is tied to: `jira.links`, `jira.attachments`, `jira.issue_sprints`.

use sqlx::PgConnection;

use super::{ChildRows, column};
use crate::model::{IssueDocument, IssueId, Site};
use crate::store::StoreError;

type Time = chrono::DateTime<chrono::Utc>;

pub(super) async fn replace_links(
    tx: &mut PgConnection,
    site: &Site,
    documents: &[&IssueDocument],
    known: impl Fn(IssueId) -> bool,
) -> Result<(), StoreError> {
    let all = ChildRows::of(documents, known, |c| &c.links, |l| (l.link_id, l.direction));
    if !all.prunable.is_empty() {
        sqlx::query!(
            "DELETE FROM jira.links c WHERE c.site = $1 AND c.issue_id = ANY($2) AND NOT EXISTS (
                 SELECT FROM unnest($3::bigint[], $4::bigint[], $5::text[])
                     AS n(issue_id, link_id, direction)
                 WHERE (n.issue_id, n.link_id, n.direction)
                     = (c.issue_id, c.link_id, c.direction))",
            site.as_str(),
            &all.prunable,
            &column(&all.rows, |r| r.issue),
            &column(&all.rows, |r| r.of.link_id),
            &column(&all.rows, |r| r.of.direction.as_str()) as _,
        )
        .execute(&mut *tx)
        .await?;
    }
    for rows in all.chunks() {
        sqlx::query!(
            "INSERT INTO jira.links AS c (site, issue_id, link_id, direction, type, other_id,
                 other_key)
             SELECT $1, n.* FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[],
                 $6::bigint[], $7::text[]) AS n
             ON CONFLICT ON CONSTRAINT links_pk DO UPDATE
             SET type = excluded.type, other_id = excluded.other_id,
                 other_key = excluded.other_key
             WHERE c.* IS DISTINCT FROM excluded.*",
            site.as_str(),
            &column(rows, |r| r.issue),
            &column(rows, |r| r.of.link_id),
            &column(rows, |r| r.of.direction.as_str()) as _,
            &column(rows, |r| r.of.link_type.as_str()) as _,
            &column(rows, |r| r.of.other_id.map(|id| id.0)) as _,
            &column(rows, |r| r.of.other_key.as_str()) as _,
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

pub(super) async fn replace_attachments(
    tx: &mut PgConnection,
    site: &Site,
    documents: &[&IssueDocument],
    known: impl Fn(IssueId) -> bool,
) -> Result<(), StoreError> {
    let all = ChildRows::of(documents, known, |c| &c.attachments, |a| a.attachment_id);
    if !all.prunable.is_empty() {
        sqlx::query!(
            "DELETE FROM jira.attachments c
             WHERE c.site = $1 AND c.issue_id = ANY($2) AND NOT EXISTS (
                 SELECT FROM unnest($3::bigint[], $4::bigint[]) AS n(issue_id, attachment_id)
                 WHERE (n.issue_id, n.attachment_id) = (c.issue_id, c.attachment_id))",
            site.as_str(),
            &all.prunable,
            &column(&all.rows, |r| r.issue),
            &column(&all.rows, |r| r.of.attachment_id),
        )
        .execute(&mut *tx)
        .await?;
    }
    for rows in all.chunks() {
        sqlx::query!(
            "INSERT INTO jira.attachments AS c (site, issue_id, attachment_id, author_id, created,
                 filename, mime_type, size_bytes, content_url)
             SELECT $1, n.* FROM unnest($2::bigint[], $3::bigint[], $4::text[],
                 $5::timestamptz[], $6::text[], $7::text[], $8::bigint[], $9::text[]) AS n
             ON CONFLICT ON CONSTRAINT attachments_pk DO UPDATE
             SET author_id = excluded.author_id, created = excluded.created,
                 filename = excluded.filename, mime_type = excluded.mime_type,
                 size_bytes = excluded.size_bytes, content_url = excluded.content_url
             WHERE c.* IS DISTINCT FROM excluded.*",
            site.as_str(),
            &column(rows, |r| r.issue),
            &column(rows, |r| r.of.attachment_id),
            &column(rows, |r| r.of.author_id.as_deref()) as _,
            &column(rows, |r| r.of.created) as &[Option<Time>],
            &column(rows, |r| r.of.filename.as_str()) as _,
            &column(rows, |r| r.of.mime_type.as_deref()) as _,
            &column(rows, |r| r.of.size_bytes) as _,
            &column(rows, |r| r.of.content_url.as_deref()) as _,
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

pub(super) async fn replace_sprints(
    tx: &mut PgConnection,
    site: &Site,
    documents: &[&IssueDocument],
    known: impl Fn(IssueId) -> bool,
) -> Result<(), StoreError> {
    let all = ChildRows::of(documents, known, |c| &c.sprints, |s| s.sprint_id);
    if !all.prunable.is_empty() {
        sqlx::query!(
            "DELETE FROM jira.issue_sprints c
             WHERE c.site = $1 AND c.issue_id = ANY($2) AND NOT EXISTS (
                 SELECT FROM unnest($3::bigint[], $4::bigint[]) AS n(issue_id, sprint_id)
                 WHERE (n.issue_id, n.sprint_id) = (c.issue_id, c.sprint_id))",
            site.as_str(),
            &all.prunable,
            &column(&all.rows, |r| r.issue),
            &column(&all.rows, |r| r.of.sprint_id),
        )
        .execute(&mut *tx)
        .await?;
    }
    for rows in all.chunks() {
        sqlx::query!(
            "INSERT INTO jira.issue_sprints (site, issue_id, sprint_id)
             SELECT $1, n.* FROM unnest($2::bigint[], $3::bigint[]) AS n
             ON CONFLICT ON CONSTRAINT issue_sprints_pk DO NOTHING",
            site.as_str(),
            &column(rows, |r| r.issue),
            &column(rows, |r| r.of.sprint_id),
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
