//! What people did to an issue: `jira.changes`, `jira.comments`, `jira.worklogs`.

use sqlx::PgConnection;

use super::{ChildRows, column};
use crate::model::{IssueDocument, IssueId, Site};
use crate::store::StoreError;

type Time = chrono::DateTime<chrono::Utc>;

pub(super) async fn replace_changes(
    tx: &mut PgConnection,
    site: &Site,
    documents: &[&IssueDocument],
    known: impl Fn(IssueId) -> bool,
) -> Result<(), StoreError> {
    let all = ChildRows::of(documents, known, |c| &c.changes, |c| (c.history_id, c.item));
    if !all.prunable.is_empty() {
        sqlx::query!(
            "DELETE FROM jira.changes c WHERE c.site = $1 AND c.issue_id = ANY($2) AND NOT EXISTS (
                 SELECT FROM unnest($3::bigint[], $4::bigint[], $5::integer[])
                     AS n(issue_id, history_id, item)
                 WHERE (n.issue_id, n.history_id, n.item) = (c.issue_id, c.history_id, c.item))",
            site.as_str(),
            &all.prunable,
            &column(&all.rows, |r| r.issue),
            &column(&all.rows, |r| r.of.history_id),
            &column(&all.rows, |r| r.of.item),
        )
        .execute(&mut *tx)
        .await?;
    }
    for rows in all.chunks() {
        sqlx::query!(
            "INSERT INTO jira.changes AS c (site, issue_id, history_id, item, author_id, at, field,
                 field_id, from_id, from_text, to_id, to_text)
             SELECT $1, n.* FROM unnest($2::bigint[], $3::bigint[], $4::integer[], $5::text[],
                 $6::timestamptz[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
                 $12::text[]) AS n
             ON CONFLICT ON CONSTRAINT changes_pk DO UPDATE
             SET author_id = excluded.author_id, at = excluded.at, field = excluded.field,
                 field_id = excluded.field_id, from_id = excluded.from_id,
                 from_text = excluded.from_text, to_id = excluded.to_id, to_text = excluded.to_text
             WHERE c.* IS DISTINCT FROM excluded.*",
            site.as_str(),
            &column(rows, |r| r.issue),
            &column(rows, |r| r.of.history_id),
            &column(rows, |r| r.of.item),
            &column(rows, |r| r.of.author_id.as_deref()) as _,
            &column(rows, |r| r.of.at),
            &column(rows, |r| r.of.field.as_str()) as _,
            &column(rows, |r| r.of.field_id.as_deref()) as _,
            &column(rows, |r| r.of.from_id.as_deref()) as _,
            &column(rows, |r| r.of.from_text.as_deref()) as _,
            &column(rows, |r| r.of.to_id.as_deref()) as _,
            &column(rows, |r| r.of.to_text.as_deref()) as _,
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

pub(super) async fn replace_comments(
    tx: &mut PgConnection,
    site: &Site,
    documents: &[&IssueDocument],
    known: impl Fn(IssueId) -> bool,
) -> Result<(), StoreError> {
    let all = ChildRows::of(documents, known, |c| &c.comments, |c| c.comment_id);
    if !all.prunable.is_empty() {
        sqlx::query!(
            "DELETE FROM jira.comments c WHERE c.site = $1 AND c.issue_id = ANY($2) AND NOT EXISTS (
                 SELECT FROM unnest($3::bigint[], $4::bigint[]) AS n(issue_id, comment_id)
                 WHERE (n.issue_id, n.comment_id) = (c.issue_id, c.comment_id))",
            site.as_str(),
            &all.prunable,
            &column(&all.rows, |r| r.issue),
            &column(&all.rows, |r| r.of.comment_id),
        )
        .execute(&mut *tx)
        .await?;
    }
    for rows in all.chunks() {
        sqlx::query!(
            "INSERT INTO jira.comments AS c (site, issue_id, comment_id, author_id,
                 update_author_id, created, updated, body, visibility, body_adf)
             SELECT $1, issue_id, comment_id, author_id, update_author_id, created, updated, body,
                 visibility, body_adf::jsonb
             FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[],
                 $7::timestamptz[], $8::text[], $9::text[], $10::text[])
                 AS n(issue_id, comment_id, author_id, update_author_id, created, updated, body,
                     visibility, body_adf)
             ON CONFLICT ON CONSTRAINT comments_pk DO UPDATE
             SET author_id = excluded.author_id, update_author_id = excluded.update_author_id,
                 created = excluded.created, updated = excluded.updated, body = excluded.body,
                 visibility = excluded.visibility, body_adf = excluded.body_adf
             WHERE c.* IS DISTINCT FROM excluded.*",
            site.as_str(),
            &column(rows, |r| r.issue),
            &column(rows, |r| r.of.comment_id),
            &column(rows, |r| r.of.author_id.as_deref()) as _,
            &column(rows, |r| r.of.update_author_id.as_deref()) as _,
            &column(rows, |r| r.of.created) as &[Option<Time>],
            &column(rows, |r| r.of.updated) as &[Option<Time>],
            &column(rows, |r| r.of.body.as_str()) as _,
            &column(rows, |r| r.of.visibility.as_deref()) as _,
            &column(rows, |r| r.of.body_adf.as_deref()) as _,
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

pub(super) async fn replace_worklogs(
    tx: &mut PgConnection,
    site: &Site,
    documents: &[&IssueDocument],
    known: impl Fn(IssueId) -> bool,
) -> Result<(), StoreError> {
    let all = ChildRows::of(documents, known, |c| &c.worklogs, |w| w.worklog_id);
    if !all.prunable.is_empty() {
        sqlx::query!(
            "DELETE FROM jira.worklogs c WHERE c.site = $1 AND c.issue_id = ANY($2) AND NOT EXISTS (
                 SELECT FROM unnest($3::bigint[], $4::bigint[]) AS n(issue_id, worklog_id)
                 WHERE (n.issue_id, n.worklog_id) = (c.issue_id, c.worklog_id))",
            site.as_str(),
            &all.prunable,
            &column(&all.rows, |r| r.issue),
            &column(&all.rows, |r| r.of.worklog_id),
        )
        .execute(&mut *tx)
        .await?;
    }
    for rows in all.chunks() {
        sqlx::query!(
            "INSERT INTO jira.worklogs AS c (site, issue_id, worklog_id, author_id,
                 update_author_id, created, updated, started, time_spent_secs, comment,
                 comment_adf)
             SELECT $1, issue_id, worklog_id, author_id, update_author_id, created, updated,
                 started, time_spent_secs, comment, comment_adf::jsonb
             FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[],
                 $7::timestamptz[], $8::timestamptz[], $9::bigint[], $10::text[], $11::text[])
                 AS n(issue_id, worklog_id, author_id, update_author_id, created, updated, started,
                     time_spent_secs, comment, comment_adf)
             ON CONFLICT ON CONSTRAINT worklogs_pk DO UPDATE
             SET author_id = excluded.author_id, update_author_id = excluded.update_author_id,
                 created = excluded.created, updated = excluded.updated,
                 started = excluded.started, time_spent_secs = excluded.time_spent_secs,
                 comment = excluded.comment, comment_adf = excluded.comment_adf
             WHERE c.* IS DISTINCT FROM excluded.*",
            site.as_str(),
            &column(rows, |r| r.issue),
            &column(rows, |r| r.of.worklog_id),
            &column(rows, |r| r.of.author_id.as_deref()) as _,
            &column(rows, |r| r.of.update_author_id.as_deref()) as _,
            &column(rows, |r| r.of.created) as &[Option<Time>],
            &column(rows, |r| r.of.updated) as &[Option<Time>],
            &column(rows, |r| r.of.started) as &[Option<Time>],
            &column(rows, |r| r.of.time_spent_secs) as _,
            &column(rows, |r| r.of.comment.as_deref()) as _,
            &column(rows, |r| r.of.comment_adf.as_deref()) as _,
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
