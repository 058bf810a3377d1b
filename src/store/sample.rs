//! A look at the stored data for a person: how much there is in each table, and a few issues.

use chrono::{DateTime, Utc};

use super::rows::count;
use super::{Store, StoreError};
use crate::model::Site;

/// How many rows of an instance a table of the schema `jira` holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableCount {
    /// The table, with its schema.
    pub table: String,
    /// Its rows.
    pub rows: u64,
}

/// An issue in a few columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleIssue {
    /// Its key.
    pub key: String,
    /// Its type's name.
    pub issue_type: Option<String>,
    /// Its status's name.
    pub status: Option<String>,
    /// When it was updated last.
    pub updated: Option<DateTime<Utc>>,
    /// Its summary.
    pub summary: Option<String>,
    /// Changelog items.
    pub changes: u64,
    /// Comments.
    pub comments: u64,
}

impl Store {
    /// The rows of each table that holds an instance's issues and what belongs to them.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn count_tables(&self, site: &Site) -> Result<Vec<TableCount>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT 'jira.issues' AS "table!", count(*) AS "rows!" FROM jira.issues WHERE site = $1
             UNION ALL SELECT 'jira.issue_keys', count(*) FROM jira.issue_keys WHERE site = $1
             UNION ALL SELECT 'jira.changes', count(*) FROM jira.changes WHERE site = $1
             UNION ALL SELECT 'jira.comments', count(*) FROM jira.comments WHERE site = $1
             UNION ALL SELECT 'jira.worklogs', count(*) FROM jira.worklogs WHERE site = $1
             UNION ALL SELECT 'jira.links', count(*) FROM jira.links WHERE site = $1
             UNION ALL SELECT 'jira.attachments', count(*) FROM jira.attachments WHERE site = $1
             UNION ALL SELECT 'jira.sprints', count(*) FROM jira.sprints WHERE site = $1
             UNION ALL SELECT 'jira.issue_sprints', count(*) FROM jira.issue_sprints WHERE site = $1
             UNION ALL SELECT 'jira.users', count(*) FROM jira.users WHERE site = $1
             UNION ALL SELECT 'jira.fields', count(*) FROM jira.fields WHERE site = $1"#,
            site.as_str(),
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| TableCount { table: row.table, rows: count(row.rows) })
            .collect())
    }

    /// The issues of an instance that were updated last.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn sample_issues(
        &self,
        site: &Site,
        limit: u32,
    ) -> Result<Vec<SampleIssue>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT i.key, i.issue_type, i.status, i.updated, i.summary,
                 (SELECT count(*) FROM jira.changes c
                  WHERE c.site = i.site AND c.issue_id = i.id) AS "changes!",
                 (SELECT count(*) FROM jira.comments c
                  WHERE c.site = i.site AND c.issue_id = i.id) AS "comments!"
               FROM jira.issues i WHERE i.site = $1 AND i.deleted_at IS NULL
               ORDER BY i.updated DESC NULLS LAST, i.id DESC LIMIT $2"#,
            site.as_str(),
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| SampleIssue {
                key: row.key,
                issue_type: row.issue_type,
                status: row.status,
                updated: row.updated,
                summary: row.summary,
                changes: count(row.changes),
                comments: count(row.comments),
            })
            .collect())
    }
}
