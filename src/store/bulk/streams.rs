//! What is fetched only where the configuration says so: `jira.remote_links`, `jira.watchers`,
//! `jira.voters`, `jira.issue_properties`. Without them no statement is sent.

use sqlx::PgConnection;

use super::{ChildRows, column};
use crate::model::{IssueDocument, IssueId, Site};
use crate::store::StoreError;

pub(super) async fn replace_remote_links(
    tx: &mut PgConnection,
    site: &Site,
    documents: &[&IssueDocument],
    known: impl Fn(IssueId) -> bool,
) -> Result<(), StoreError> {
    let all = ChildRows::of(documents, known, |c| &c.remote_links, |l| l.remote_link_id);
    if !all.prunable.is_empty() {
        sqlx::query!(
            "DELETE FROM jira.remote_links c
             WHERE c.site = $1 AND c.issue_id = ANY($2) AND NOT EXISTS (
                 SELECT FROM unnest($3::bigint[], $4::bigint[]) AS n(issue_id, remote_link_id)
                 WHERE (n.issue_id, n.remote_link_id) = (c.issue_id, c.remote_link_id))",
            site.as_str(),
            &all.prunable,
            &column(&all.rows, |r| r.issue),
            &column(&all.rows, |r| r.of.remote_link_id),
        )
        .execute(&mut *tx)
        .await?;
    }
    for rows in all.chunks() {
        sqlx::query!(
            "INSERT INTO jira.remote_links AS c (site, issue_id, remote_link_id, global_id,
                 relationship, application_type, application_name, url, title, summary, resolved,
                 raw)
             SELECT $1, issue_id, remote_link_id, global_id, relationship, application_type,
                 application_name, url, title, summary, resolved, raw::jsonb
             FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[],
                 $7::text[], $8::text[], $9::text[], $10::text[], $11::boolean[], $12::text[])
                 AS n(issue_id, remote_link_id, global_id, relationship, application_type,
                     application_name, url, title, summary, resolved, raw)
             ON CONFLICT ON CONSTRAINT remote_links_pk DO UPDATE
             SET global_id = excluded.global_id, relationship = excluded.relationship,
                 application_type = excluded.application_type,
                 application_name = excluded.application_name, url = excluded.url,
                 title = excluded.title, summary = excluded.summary,
                 resolved = excluded.resolved, raw = excluded.raw
             WHERE c.* IS DISTINCT FROM excluded.*",
            site.as_str(),
            &column(rows, |r| r.issue),
            &column(rows, |r| r.of.remote_link_id),
            &column(rows, |r| r.of.global_id.as_deref()) as _,
            &column(rows, |r| r.of.relationship.as_deref()) as _,
            &column(rows, |r| r.of.application_type.as_deref()) as _,
            &column(rows, |r| r.of.application_name.as_deref()) as _,
            &column(rows, |r| r.of.url.as_deref()) as _,
            &column(rows, |r| r.of.title.as_deref()) as _,
            &column(rows, |r| r.of.summary.as_deref()) as _,
            &column(rows, |r| r.of.resolved) as _,
            &column(rows, |r| r.of.raw.as_str()) as _,
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

pub(super) async fn replace_properties(
    tx: &mut PgConnection,
    site: &Site,
    documents: &[&IssueDocument],
    known: impl Fn(IssueId) -> bool,
) -> Result<(), StoreError> {
    let all = ChildRows::of(documents, known, |c| &c.properties, |p| p.key.as_str());
    if !all.prunable.is_empty() {
        sqlx::query!(
            "DELETE FROM jira.issue_properties c
             WHERE c.site = $1 AND c.issue_id = ANY($2) AND NOT EXISTS (
                 SELECT FROM unnest($3::bigint[], $4::text[]) AS n(issue_id, key)
                 WHERE (n.issue_id, n.key) = (c.issue_id, c.key))",
            site.as_str(),
            &all.prunable,
            &column(&all.rows, |r| r.issue),
            &column(&all.rows, |r| r.of.key.as_str()) as _,
        )
        .execute(&mut *tx)
        .await?;
    }
    for rows in all.chunks() {
        sqlx::query!(
            "INSERT INTO jira.issue_properties AS c (site, issue_id, key, value)
             SELECT $1, issue_id, key, value::jsonb
             FROM unnest($2::bigint[], $3::text[], $4::text[]) AS n(issue_id, key, value)
             ON CONFLICT ON CONSTRAINT issue_properties_pk DO UPDATE SET value = excluded.value
             WHERE c.value IS DISTINCT FROM excluded.value",
            site.as_str(),
            &column(rows, |r| r.issue),
            &column(rows, |r| r.of.key.as_str()) as _,
            &column(rows, |r| r.of.value.as_str()) as _,
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

// Two tables of people that differ in their names only.
macro_rules! replace_people {
    ($name:ident, $list:ident, $table:literal, $key:literal) => {
        pub(super) async fn $name(
            tx: &mut PgConnection,
            site: &Site,
            documents: &[&IssueDocument],
            known: impl Fn(IssueId) -> bool,
        ) -> Result<(), StoreError> {
            let all = ChildRows::of(documents, known, |c| &c.$list, String::as_str);
            if !all.prunable.is_empty() {
                sqlx::query!(
                    "DELETE FROM "
                        + $table
                        + " c WHERE c.site = $1 AND c.issue_id = ANY($2) AND NOT EXISTS (
                             SELECT FROM unnest($3::bigint[], $4::text[]) AS n(issue_id, user_id)
                             WHERE (n.issue_id, n.user_id) = (c.issue_id, c.user_id))",
                    site.as_str(),
                    &all.prunable,
                    &column(&all.rows, |r| r.issue),
                    &column(&all.rows, |r| r.of.as_str()) as _,
                )
                .execute(&mut *tx)
                .await?;
            }
            for rows in all.chunks() {
                sqlx::query!(
                    "INSERT INTO "
                        + $table
                        + " (site, issue_id, user_id)
                         SELECT $1, n.* FROM unnest($2::bigint[], $3::text[]) AS n
                         ON CONFLICT ON CONSTRAINT "
                        + $key
                        + " DO NOTHING",
                    site.as_str(),
                    &column(rows, |r| r.issue),
                    &column(rows, |r| r.of.as_str()) as _,
                )
                .execute(&mut *tx)
                .await?;
            }
            Ok(())
        }
    };
}

replace_people!(replace_watchers, watchers, "jira.watchers", "watchers_pk");
replace_people!(replace_voters, voters, "jira.voters", "voters_pk");
