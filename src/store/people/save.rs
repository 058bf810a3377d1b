//! Putting back what was rewritten, and putting down how far that has got.

use sqlx::PgConnection;

use super::rewrite::{Of, PeopleScope, PersonalIssue, PersonalRows};
use crate::model::{Change, Comment, Property, RemoteLink, Site, Worklog};
use crate::store::StoreError;

/// Rows that changed, by table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RewrittenRows {
    /// `jira.issues`
    pub issues: u64,
    /// `jira.issue_versions`
    pub issue_versions: u64,
    /// `jira.changes`
    pub changes: u64,
    /// `jira.comments`
    pub comments: u64,
    /// `jira.worklogs`
    pub worklogs: u64,
    /// `jira.attachments`
    pub attachments: u64,
    /// `jira.remote_links`
    pub remote_links: u64,
    /// `jira.issue_properties`
    pub issue_properties: u64,
    /// `jira.watchers`
    pub watchers: u64,
    /// `jira.voters`
    pub voters: u64,
    /// The catalogues: project and component leads.
    pub catalogues: u64,
    /// `jira.users`
    pub users: u64,
}

impl RewrittenRows {
    /// Each table with its rows.
    pub fn by_table(&self) -> [(&'static str, u64); 12] {
        [
            ("jira.issues", self.issues),
            ("jira.issue_versions", self.issue_versions),
            ("jira.changes", self.changes),
            ("jira.comments", self.comments),
            ("jira.worklogs", self.worklogs),
            ("jira.attachments", self.attachments),
            ("jira.remote_links", self.remote_links),
            ("jira.issue_properties", self.issue_properties),
            ("jira.watchers", self.watchers),
            ("jira.voters", self.voters),
            ("catalogues", self.catalogues),
            ("jira.users", self.users),
        ]
    }

    /// These and those.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        Self {
            issues: self.issues + more.issues,
            issue_versions: self.issue_versions + more.issue_versions,
            changes: self.changes + more.changes,
            comments: self.comments + more.comments,
            worklogs: self.worklogs + more.worklogs,
            attachments: self.attachments + more.attachments,
            remote_links: self.remote_links + more.remote_links,
            issue_properties: self.issue_properties + more.issue_properties,
            watchers: self.watchers + more.watchers,
            voters: self.voters + more.voters,
            catalogues: self.catalogues + more.catalogues,
            users: self.users + more.users,
        }
    }
}

/// The rows that are otherwise than before.
fn changed<'a, T: PartialEq>(
    stored: &'a [T],
    new: &'a [T],
) -> impl Iterator<Item = (&'a T, &'a T)> {
    stored.iter().zip(new).filter(|(stored, new)| stored != new)
}

fn news<'a, T: PartialEq>(stored: &'a [T], new: &'a [T]) -> Vec<&'a T> {
    changed(stored, new).map(|(_, new)| new).collect()
}

pub(super) fn count(stored: &PersonalRows, new: &PersonalRows) -> RewrittenRows {
    fn of<T: PartialEq>(stored: &[T], new: &[T]) -> u64 {
        changed(stored, new).count() as u64
    }
    RewrittenRows {
        issues: of(&stored.issues, &new.issues),
        issue_versions: of(&stored.versions, &new.versions),
        changes: of(&stored.changes, &new.changes),
        comments: of(&stored.comments, &new.comments),
        worklogs: of(&stored.worklogs, &new.worklogs),
        attachments: of(&stored.attachments, &new.attachments),
        remote_links: of(&stored.remote_links, &new.remote_links),
        issue_properties: of(&stored.properties, &new.properties),
        watchers: of(&stored.watchers, &new.watchers),
        voters: of(&stored.voters, &new.voters),
        ..RewrittenRows::default()
    }
}

pub(super) async fn put(
    tx: &mut PgConnection,
    site: &Site,
    stored: &PersonalRows,
    new: &PersonalRows,
) -> Result<(), StoreError> {
    put_issues(tx, site, &news(&stored.issues, &new.issues)).await?;
    put_versions(tx, site, &news(&stored.versions, &new.versions)).await?;
    put_changes(tx, site, &news(&stored.changes, &new.changes)).await?;
    put_comments(tx, site, &news(&stored.comments, &new.comments)).await?;
    put_worklogs(tx, site, &news(&stored.worklogs, &new.worklogs)).await?;
    put_attachments(tx, site, &news(&stored.attachments, &new.attachments)).await?;
    put_remote_links(tx, site, &news(&stored.remote_links, &new.remote_links)).await?;
    put_properties(tx, site, &news(&stored.properties, &new.properties)).await?;
    put_watchers(tx, site, &changed(&stored.watchers, &new.watchers).collect::<Vec<_>>()).await?;
    put_voters(tx, site, &changed(&stored.voters, &new.voters).collect::<Vec<_>>()).await
}

fn column<'a, T, C>(rows: &[&'a Of<T>], value: impl Fn(&'a T) -> C) -> Vec<C> {
    rows.iter().map(|of| value(&of.row)).collect()
}

fn issues<T>(rows: &[&Of<T>]) -> Vec<i64> {
    rows.iter().map(|of| of.issue).collect()
}

async fn put_issues(
    tx: &mut PgConnection,
    site: &Site,
    rows: &[&Of<PersonalIssue>],
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE jira.issues i
         SET assignee_id = n.assignee_id, reporter_id = n.reporter_id, creator_id = n.creator_id,
             labels = ARRAY(SELECT jsonb_array_elements_text(n.labels::jsonb)),
             fields = n.fields::jsonb
         FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
             AS n(id, assignee_id, reporter_id, creator_id, labels, fields)
         WHERE i.site = $1 AND i.id = n.id",
        site.as_str(),
        &issues(rows),
        &column(rows, |r| r.assignee_id.as_deref()) as _,
        &column(rows, |r| r.reporter_id.as_deref()) as _,
        &column(rows, |r| r.creator_id.as_deref()) as _,
        &column(rows, labels),
        &column(rows, |r| r.fields.as_str()) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

fn labels(row: &PersonalIssue) -> String {
    serde_json::Value::from(row.labels.as_slice()).to_string()
}

async fn put_versions(
    tx: &mut PgConnection,
    site: &Site,
    rows: &[&Of<(i32, PersonalIssue)>],
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE jira.issue_versions v
         SET assignee_id = n.assignee_id, reporter_id = n.reporter_id, creator_id = n.creator_id,
             labels = ARRAY(SELECT jsonb_array_elements_text(n.labels::jsonb)),
             fields = n.fields::jsonb
         FROM unnest($2::bigint[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::text[],
             $8::text[])
             AS n(issue_id, version, assignee_id, reporter_id, creator_id, labels, fields)
         WHERE v.site = $1 AND v.issue_id = n.issue_id AND v.version = n.version",
        site.as_str(),
        &issues(rows),
        &column(rows, |(version, _)| *version),
        &column(rows, |(_, r)| r.assignee_id.as_deref()) as _,
        &column(rows, |(_, r)| r.reporter_id.as_deref()) as _,
        &column(rows, |(_, r)| r.creator_id.as_deref()) as _,
        &column(rows, |(_, r)| labels(r)),
        &column(rows, |(_, r)| r.fields.as_str()) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn put_changes(
    tx: &mut PgConnection,
    site: &Site,
    rows: &[&Of<Change>],
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE jira.changes c
         SET author_id = n.author_id, from_id = n.from_id, from_text = n.from_text,
             to_id = n.to_id, to_text = n.to_text
         FROM unnest($2::bigint[], $3::bigint[], $4::integer[], $5::text[], $6::text[],
             $7::text[], $8::text[], $9::text[])
             AS n(issue_id, history_id, item, author_id, from_id, from_text, to_id, to_text)
         WHERE c.site = $1 AND c.issue_id = n.issue_id AND c.history_id = n.history_id
           AND c.item = n.item",
        site.as_str(),
        &issues(rows),
        &column(rows, |r| r.history_id),
        &column(rows, |r| r.item),
        &column(rows, |r| r.author_id.as_deref()) as _,
        &column(rows, |r| r.from_id.as_deref()) as _,
        &column(rows, |r| r.from_text.as_deref()) as _,
        &column(rows, |r| r.to_id.as_deref()) as _,
        &column(rows, |r| r.to_text.as_deref()) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn put_comments(
    tx: &mut PgConnection,
    site: &Site,
    rows: &[&Of<Comment>],
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE jira.comments c
         SET author_id = n.author_id, update_author_id = n.update_author_id, body = n.body,
             body_adf = n.body_adf::jsonb
         FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
             AS n(issue_id, comment_id, author_id, update_author_id, body, body_adf)
         WHERE c.site = $1 AND c.issue_id = n.issue_id AND c.comment_id = n.comment_id",
        site.as_str(),
        &issues(rows),
        &column(rows, |r| r.comment_id),
        &column(rows, |r| r.author_id.as_deref()) as _,
        &column(rows, |r| r.update_author_id.as_deref()) as _,
        &column(rows, |r| r.body.as_str()) as _,
        &column(rows, |r| r.body_adf.as_deref()) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn put_worklogs(
    tx: &mut PgConnection,
    site: &Site,
    rows: &[&Of<Worklog>],
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE jira.worklogs w
         SET author_id = n.author_id, update_author_id = n.update_author_id,
             comment = n.comment, comment_adf = n.comment_adf::jsonb
         FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
             AS n(issue_id, worklog_id, author_id, update_author_id, comment, comment_adf)
         WHERE w.site = $1 AND w.issue_id = n.issue_id AND w.worklog_id = n.worklog_id",
        site.as_str(),
        &issues(rows),
        &column(rows, |r| r.worklog_id),
        &column(rows, |r| r.author_id.as_deref()) as _,
        &column(rows, |r| r.update_author_id.as_deref()) as _,
        &column(rows, |r| r.comment.as_deref()) as _,
        &column(rows, |r| r.comment_adf.as_deref()) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn put_attachments(
    tx: &mut PgConnection,
    site: &Site,
    rows: &[&Of<(i64, Option<String>)>],
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE jira.attachments a SET author_id = n.author_id
         FROM unnest($2::bigint[], $3::bigint[], $4::text[])
             AS n(issue_id, attachment_id, author_id)
         WHERE a.site = $1 AND a.issue_id = n.issue_id AND a.attachment_id = n.attachment_id",
        site.as_str(),
        &issues(rows),
        &column(rows, |r| r.0),
        &column(rows, |r| r.1.as_deref()) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn put_remote_links(
    tx: &mut PgConnection,
    site: &Site,
    rows: &[&Of<RemoteLink>],
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE jira.remote_links l
         SET title = n.title, summary = n.summary, raw = n.raw::jsonb
         FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[])
             AS n(issue_id, remote_link_id, title, summary, raw)
         WHERE l.site = $1 AND l.issue_id = n.issue_id AND l.remote_link_id = n.remote_link_id",
        site.as_str(),
        &issues(rows),
        &column(rows, |r| r.remote_link_id),
        &column(rows, |r| r.title.as_deref()) as _,
        &column(rows, |r| r.summary.as_deref()) as _,
        &column(rows, |r| r.raw.as_str()) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn put_properties(
    tx: &mut PgConnection,
    site: &Site,
    rows: &[&Of<Property>],
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE jira.issue_properties p SET value = n.value::jsonb
         FROM unnest($2::bigint[], $3::text[], $4::text[]) AS n(issue_id, key, value)
         WHERE p.site = $1 AND p.issue_id = n.issue_id AND p.key = n.key",
        site.as_str(),
        &issues(rows),
        &column(rows, |r| r.key.as_str()) as _,
        &column(rows, |r| r.value.as_str()) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

// Two tables of people that differ in their names only. The person is part of the key, and whoever
// takes the place may stand there already.
macro_rules! put_people {
    ($name:ident, $table:literal, $key:literal) => {
        async fn $name(
            tx: &mut PgConnection,
            site: &Site,
            rows: &[(&Of<String>, &Of<String>)],
        ) -> Result<(), StoreError> {
            if rows.is_empty() {
                return Ok(());
            }
            let issues: Vec<i64> = rows.iter().map(|(old, _)| old.issue).collect();
            let old: Vec<&str> = rows.iter().map(|(old, _)| old.row.as_str()).collect();
            let new: Vec<&str> = rows.iter().map(|(_, new)| new.row.as_str()).collect();
            sqlx::query!(
                "DELETE FROM "
                    + $table
                    + " t USING unnest($2::bigint[], $3::text[]) AS n(issue_id, user_id)
                       WHERE t.site = $1 AND t.issue_id = n.issue_id AND t.user_id = n.user_id",
                site.as_str(),
                &issues,
                &old as _,
            )
            .execute(&mut *tx)
            .await?;
            sqlx::query!(
                "INSERT INTO "
                    + $table
                    + " (site, issue_id, user_id)
                       SELECT $1, n.* FROM unnest($2::bigint[], $3::text[]) AS n
                       ON CONFLICT ON CONSTRAINT "
                    + $key
                    + " DO NOTHING",
                site.as_str(),
                &issues,
                &new as _,
            )
            .execute(tx)
            .await?;
            Ok(())
        }
    };
}

put_people!(put_watchers, "jira.watchers", "watchers_pk");
put_people!(put_voters, "jira.voters", "voters_pk");

/// Puts down that these issues are done.
pub(super) async fn put_down(
    tx: &mut PgConnection,
    site: &Site,
    scope: &PeopleScope,
    ids: &[i64],
) -> Result<(), StoreError> {
    match scope {
        PeopleScope::Person { pseudonym, .. } => {
            sqlx::query!(
                "UPDATE extractor.erased_people SET rewritten_until = $3
                 WHERE site = $1 AND pseudonym = $2",
                site.as_str(),
                pseudonym,
                ids.last(),
            )
            .execute(tx)
            .await?;
        }
        PeopleScope::Versions { fingerprint, .. } => {
            sqlx::query!(
                "UPDATE jira.issue_versions SET privacy = $3
                 WHERE site = $1 AND issue_id = ANY($2) AND privacy IS DISTINCT FROM $3",
                site.as_str(),
                ids,
                fingerprint,
            )
            .execute(tx)
            .await?;
        }
        PeopleScope::Tombstones { fingerprint, .. } => {
            sqlx::query!(
                "UPDATE jira.issues SET privacy = $3 WHERE site = $1 AND id = ANY($2)",
                site.as_str(),
                ids,
                fingerprint,
            )
            .execute(tx)
            .await?;
        }
    }
    Ok(())
}
