//! Which fields an issue has a value of, as it is stored.

use std::collections::{BTreeMap, BTreeSet};

use super::{Store, StoreError};
use crate::model::{IssueId, Site};

impl Store {
    /// The names of the fields that have a value in what is stored of each of these issues: null,
    /// empty lists and the like are no values.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn load_field_names(
        &self,
        site: &Site,
        ids: &[IssueId],
    ) -> Result<BTreeMap<IssueId, BTreeSet<String>>, StoreError> {
        let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
        let rows = sqlx::query!(
            r#"SELECT i.id AS "id!", i.names AS "names!"
             FROM unnest($2::bigint[]) AS n(id) CROSS JOIN LATERAL (
                 SELECT id, ARRAY(SELECT f.key FROM jsonb_each(fields) AS f
                     WHERE f.value NOT IN ('null', '[]', '{}', '""')) AS names
                 FROM jira.issues WHERE site = $1 AND id = n.id LIMIT 1) AS i"#,
            site.as_str(),
            &ids,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|row| (IssueId(row.id), row.names.into_iter().collect())).collect())
    }
}
