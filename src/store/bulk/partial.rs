//! Documents that do not hold every field: a field that is absent is not a field that was cleared,
//! so what is stored of the others stays.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::column;
use crate::model::{IssueDocument, Site};
use crate::store::StoreError;

/// These documents with their fields over those stored, for the issues that are stored. The lock on
/// their queue entries keeps other writers of the same issues away.
pub(in crate::store) async fn join_stored_fields(
    tx: &mut PgConnection,
    site: &Site,
    documents: &[&IssueDocument],
) -> Result<BTreeMap<i64, IssueDocument>, StoreError> {
    if documents.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        r#"SELECT n.id AS "id!", (i.fields || n.fields::jsonb)::text AS "fields!"
           FROM unnest($2::bigint[], $3::text[]) AS n(id, fields) CROSS JOIN LATERAL (
               SELECT fields FROM jira.issues WHERE site = $1 AND id = n.id LIMIT 1) AS i"#,
        site.as_str(),
        &column(documents, |d| d.id.0),
        &column(documents, |d| d.fields.as_str()) as _,
    )
    .fetch_all(tx)
    .await?;
    let mut joined: BTreeMap<i64, String> = rows.into_iter().map(|r| (r.id, r.fields)).collect();
    Ok(documents
        .iter()
        .filter_map(|document| {
            let fields = joined.remove(&document.id.0)?;
            Some((document.id.0, IssueDocument { fields, ..(*document).clone() }))
        })
        .collect())
}
