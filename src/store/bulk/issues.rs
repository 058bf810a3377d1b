//! `jira.issues` and `jira.issue_keys`.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::column;
use crate::model::{Change, IssueDocument, IssueKey, Site};
use crate::store::StoreError;
use crate::store::decide::StoredIssue;
use crate::store::rows::parse;
use crate::store::wholeness::{Tally, Wholeness};

type Time = chrono::DateTime<chrono::Utc>;

/// The hash probe: what is stored of these issues, without their bodies.
pub(in crate::store) async fn load_stored(
    tx: &mut PgConnection,
    site: &Site,
    ids: &[i64],
) -> Result<BTreeMap<i64, StoredIssue>, StoreError> {
    let rows = sqlx::query!(
        // While the table has no statistics, `id = ANY(...)` would read the whole site.
        r#"SELECT i.id AS "id!", i.key AS "key!", i.updated, i.tier AS "tier!",
             i.content_hash AS "content_hash!", i.extracted_at AS "extracted_at!",
             i.deleted AS "deleted!", i.changes_expected, i.changes_held, i.comments_expected,
             i.comments_held, i.worklogs_expected, i.worklogs_held, i.lacking, i.streams
           FROM unnest($2::bigint[]) AS n(id) CROSS JOIN LATERAL (
               SELECT id, key, updated, tier, content_hash, extracted_at,
                   deleted_at IS NOT NULL AS deleted, changes_expected, changes_held,
                   comments_expected, comments_held, worklogs_expected, worklogs_held, lacking,
                   streams
               FROM jira.issues WHERE site = $1 AND id = n.id LIMIT 1) AS i"#,
        site.as_str(),
        ids,
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let stored = StoredIssue {
                key: parse("issue key", &row.key)?,
                updated: row.updated,
                tier: parse("tier", &row.tier)?,
                content_hash: row.content_hash,
                extracted_at: row.extracted_at,
                deleted: row.deleted,
                wholeness: Wholeness {
                    changes: Tally::from_columns(row.changes_expected, row.changes_held),
                    comments: Tally::from_columns(row.comments_expected, row.comments_held),
                    worklogs: Tally::from_columns(row.worklogs_expected, row.worklogs_held),
                    lacking: row.lacking.unwrap_or_default(),
                    streams: row.streams.unwrap_or_default(),
                },
            };
            Ok((row.id, stored))
        })
        .collect()
}

/// Inserts or rewrites issues. Even here a newer row is not overwritten. Numbers of lists that a
/// document does not speak of stay as they are, as do the lists.
pub(in crate::store) async fn upsert_issues(
    tx: &mut PgConnection,
    site: &Site,
    documents: &[&IssueDocument],
) -> Result<(), StoreError> {
    let (labels, d) = (labels(documents)?, documents);
    let w = &d.iter().map(|d| Wholeness::of(d)).collect::<Vec<_>>()[..];
    let expected = |tally: Option<Tally>| tally.map(|tally| tally.expected);
    let held = |tally: Option<Tally>| tally.map(|tally| tally.held);
    sqlx::query!(
        "INSERT INTO jira.issues AS stored (site, id, key, project_key, summary, issue_type, status,
             status_category, priority, resolution, assignee_id, reporter_id, creator_id, parent_id,
             labels, created, updated, resolved, due, fields, tier, text_repaired, content_hash,
             extracted_at, changes_expected, changes_held, comments_expected, comments_held,
             worklogs_expected, worklogs_held, lacking, streams, privacy)
         SELECT $1, id, key, project_key, summary, issue_type, status,
             status_category, priority, resolution, assignee_id, reporter_id, creator_id, parent_id,
             CASE labels WHEN '[]' THEN '{}'
                 ELSE ARRAY(SELECT jsonb_array_elements_text(labels::jsonb)) END,
             created, updated, resolved, due, fields::jsonb, tier, text_repaired, content_hash,
             extracted_at, changes_expected, changes_held, comments_expected, comments_held,
             worklogs_expected, worklogs_held, string_to_array(lacking, ','),
             string_to_array(streams, ','), privacy
         FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
             $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
             $14::bigint[], $15::text[], $16::timestamptz[], $17::timestamptz[],
             $18::timestamptz[], $19::date[], $20::text[], $21::text[], $22::boolean[],
             $23::bytea[], $24::timestamptz[], $25::integer[], $26::integer[], $27::integer[],
             $28::integer[], $29::integer[], $30::integer[], $31::text[], $32::text[],
             $33::text[])
             AS n(id, key, project_key, summary, issue_type, status, status_category, priority,
                 resolution, assignee_id, reporter_id, creator_id, parent_id, labels, created,
                 updated, resolved, due, fields, tier, text_repaired, content_hash, extracted_at,
                 changes_expected, changes_held, comments_expected, comments_held,
                 worklogs_expected, worklogs_held, lacking, streams, privacy)
         ON CONFLICT ON CONSTRAINT issues_pk DO UPDATE
         SET key = excluded.key, project_key = excluded.project_key, summary = excluded.summary,
             issue_type = excluded.issue_type, status = excluded.status,
             status_category = excluded.status_category, priority = excluded.priority,
             resolution = excluded.resolution, assignee_id = excluded.assignee_id,
             reporter_id = excluded.reporter_id, creator_id = excluded.creator_id,
             parent_id = excluded.parent_id, labels = excluded.labels, created = excluded.created,
             updated = excluded.updated, resolved = excluded.resolved, due = excluded.due,
             fields = excluded.fields, tier = excluded.tier,
             text_repaired = excluded.text_repaired, content_hash = excluded.content_hash,
             extracted_at = excluded.extracted_at, deleted_at = NULL,
             deleted_reason = NULL, deleted_by_run = NULL,
             changes_expected = coalesce(excluded.changes_expected, stored.changes_expected),
             changes_held = coalesce(excluded.changes_held, stored.changes_held),
             comments_expected = coalesce(excluded.comments_expected, stored.comments_expected),
             comments_held = coalesce(excluded.comments_held, stored.comments_held),
             worklogs_expected = coalesce(excluded.worklogs_expected, stored.worklogs_expected),
             worklogs_held = coalesce(excluded.worklogs_held, stored.worklogs_held),
             lacking = excluded.lacking, streams = excluded.streams, privacy = excluded.privacy
         WHERE stored.updated IS NULL OR excluded.updated IS NULL
            OR stored.updated <= excluded.updated",
        site.as_str(),
        &column(d, |d| d.id.0),
        &column(d, |d| d.key.to_string()),
        &column(d, |d| d.key.project().as_str()) as _,
        &column(d, |d| d.summary.as_deref()) as _,
        &column(d, |d| d.issue_type.as_deref()) as _,
        &column(d, |d| d.status.as_deref()) as _,
        &column(d, |d| d.status_category.as_deref()) as _,
        &column(d, |d| d.priority.as_deref()) as _,
        &column(d, |d| d.resolution.as_deref()) as _,
        &column(d, |d| d.assignee_id.as_deref()) as _,
        &column(d, |d| d.reporter_id.as_deref()) as _,
        &column(d, |d| d.creator_id.as_deref()) as _,
        &column(d, |d| d.parent_id.map(|id| id.0)) as _,
        &labels,
        &column(d, |d| d.created) as &[Option<Time>],
        &column(d, |d| d.updated) as &[Option<Time>],
        &column(d, |d| d.resolved) as &[Option<Time>],
        &column(d, |d| d.due) as _,
        &column(d, |d| d.fields.as_str()) as _,
        &column(d, |d| d.tier.as_str()) as _,
        &column(d, |d| d.text_repaired),
        &column(d, |d| d.content_hash.as_slice()) as _,
        &column(d, |d| d.extracted_at),
        &column(w, |w| expected(w.changes)) as _,
        &column(w, |w| held(w.changes)) as _,
        &column(w, |w| expected(w.comments)) as _,
        &column(w, |w| held(w.comments)) as _,
        &column(w, |w| expected(w.worklogs)) as _,
        &column(w, |w| held(w.worklogs)) as _,
        &column(w, |w| Wholeness::joined(&w.lacking)) as _,
        &column(w, |w| Wholeness::joined(&w.streams)) as _,
        &column(d, |d| d.privacy.as_deref()) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// The labels of each issue as JSON: statements take no lists of lists.
fn labels(documents: &[&IssueDocument]) -> Result<Vec<String>, StoreError> {
    documents
        .iter()
        .map(|document| serde_json::to_string(&document.labels))
        .collect::<Result<_, _>>()
        .map_err(|error| StoreError::DataRejected(sqlx::Error::Encode(Box::new(error))))
}

/// Records the present keys of issues that are new or have another key than before.
pub(in crate::store) async fn upsert_keys(
    tx: &mut PgConnection,
    site: &Site,
    documents: &[&IssueDocument],
) -> Result<(), StoreError> {
    if documents.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO jira.issue_keys AS k (site, key, issue_id, first_seen)
         SELECT $1, n.key, n.issue_id, n.at
         FROM unnest($2::bigint[], $3::text[], $4::timestamptz[]) AS n(issue_id, key, at)
         ON CONFLICT ON CONSTRAINT issue_keys_pk DO UPDATE SET last_seen = NULL
         WHERE k.last_seen IS NOT NULL",
        site.as_str(),
        &column(documents, |d| d.id.0),
        &column(documents, |d| d.key.to_string()),
        &column(documents, |d| d.extracted_at),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Records the keys that changelogs tell of: those from before an issue was stored here.
/// Source: a move leaves an item named Key, with the keys as texts.
pub(in crate::store) async fn insert_former_keys(
    tx: &mut PgConnection,
    site: &Site,
    documents: &[&IssueDocument],
) -> Result<(), StoreError> {
    let former: Vec<(&IssueDocument, &Change, &str)> = documents
        .iter()
        .flat_map(|document| document.children.changes.iter().map(move |list| (*document, list)))
        .flat_map(|(document, list)| list.items.iter().map(move |change| (document, change)))
        .filter(|(_, change)| change.field == "Key")
        .filter_map(|(document, change)| Some((document, change, change.from_text.as_deref()?)))
        .filter(|(document, _, key)| key.parse().is_ok_and(|key: IssueKey| key != document.key))
        .collect();
    if former.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO jira.issue_keys (site, key, issue_id, first_seen, last_seen)
         SELECT $1, n.key, n.issue_id, least(n.created, n.at), n.at
         FROM unnest($2::bigint[], $3::text[], $4::timestamptz[], $5::timestamptz[])
             AS n(issue_id, key, created, at)
         ON CONFLICT ON CONSTRAINT issue_keys_pk DO NOTHING",
        site.as_str(),
        &column(&former, |(document, _, _)| document.id.0),
        &column(&former, |(_, _, key)| *key) as _,
        &column(&former, |(document, _, _)| document.created) as &[Option<Time>],
        &column(&former, |(_, change, _)| change.at),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Records the end of the keys that issues had before.
pub(in crate::store) async fn retire_keys(
    tx: &mut PgConnection,
    site: &Site,
    documents: &[&IssueDocument],
) -> Result<(), StoreError> {
    if documents.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE jira.issue_keys k SET last_seen = n.at
         FROM unnest($2::bigint[], $3::text[], $4::timestamptz[]) AS n(issue_id, key, at)
         WHERE k.site = $1 AND k.issue_id = ANY($2) AND k.issue_id = n.issue_id
           AND k.key <> n.key AND k.last_seen IS NULL",
        site.as_str(),
        &column(documents, |d| d.id.0),
        &column(documents, |d| d.key.to_string()),
        &column(documents, |d| d.extracted_at),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Records that unchanged issues have been fetched again, long enough after their last change.
pub(in crate::store) async fn settle(
    tx: &mut PgConnection,
    site: &Site,
    documents: &[&IssueDocument],
) -> Result<(), StoreError> {
    if documents.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE jira.issues i SET extracted_at = n.at
         FROM unnest($2::bigint[], $3::timestamptz[]) AS n(id, at)
         WHERE i.site = $1 AND i.id = n.id AND i.extracted_at < n.at",
        site.as_str(),
        &column(documents, |d| d.id.0),
        &column(documents, |d| d.extracted_at),
    )
    .execute(tx)
    .await?;
    Ok(())
}
