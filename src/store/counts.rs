//! How many issues are stored of each project. Counting a million of them takes a second or so
//! whatever the index, so it is apart from the facts that are cheap, and what was counted is kept for
//! those who can do with something a little older.

use std::collections::BTreeMap;
use std::time::Duration;

use super::recent::Recent;
use super::rows::{count, parse};
use super::{Store, StoreError};
use crate::model::{Absence, ProjectKey, Site, TierCounts};

/// Issues marked deleted by reason, of each site and project.
type Tombstones = BTreeMap<(String, String), BTreeMap<Absence, u64>>;

/// What is stored of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectCounts {
    /// The Jira instance.
    pub site: Site,
    /// The project.
    pub project: ProjectKey,
    /// Stored issues by tier, but for those marked deleted.
    pub issues: TierCounts,
    /// Stored issues that are marked deleted.
    pub deleted: u64,
    /// The same by reason; those that nothing is deleted for are left out.
    pub tombstones: BTreeMap<Absence, u64>,
}

impl Store {
    /// Counts the stored issues of one instance, or of all, by site and project. Not cheap: it reads
    /// an entry for every issue there is. What is asked every few seconds uses
    /// [`Store::recent_counts`].
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn load_counts(&self, site: Option<&Site>) -> Result<Vec<ProjectCounts>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT site, project_key,
                 count(*) FILTER (WHERE deleted_at IS NULL AND tier = 'full') AS "full_tier!",
                 count(*) FILTER (WHERE deleted_at IS NULL AND tier = 'hub') AS "hub_tier!",
                 count(*) FILTER (WHERE deleted_at IS NULL AND tier = 'minimal')
                     AS "minimal_tier!",
                 count(*) FILTER (WHERE deleted_at IS NOT NULL) AS "deleted!"
               FROM jira.issues WHERE $1::text IS NULL OR site = $1
               GROUP BY site, project_key ORDER BY site, project_key"#,
            site.map(Site::as_str),
        )
        .fetch_all(&self.pool)
        .await?;
        let mut tombstones = self.count_tombstones(site).await?;
        rows.into_iter()
            .map(|row| {
                let place = (row.site.clone(), row.project_key.clone());
                Ok(ProjectCounts {
                    site: Site::new(row.site),
                    project: parse("project key", &row.project_key)?,
                    issues: TierCounts {
                        full: count(row.full_tier),
                        hub: count(row.hub_tier),
                        minimal: count(row.minimal_tier),
                    },
                    deleted: count(row.deleted),
                    tombstones: tombstones.remove(&place).unwrap_or_default(),
                })
            })
            .collect()
    }

    /// Issues that are marked deleted, by site, project and reason: cheap where few are.
    async fn count_tombstones(&self, site: Option<&Site>) -> Result<Tombstones, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT site, project_key, deleted_reason AS "reason!", count(*) AS "issues!"
               FROM jira.issues
               WHERE deleted_at IS NOT NULL AND ($1::text IS NULL OR site = $1)
               GROUP BY site, project_key, deleted_reason"#,
            site.map(Site::as_str),
        )
        .fetch_all(&self.pool)
        .await?;
        let mut tombstones = Tombstones::new();
        for row in rows {
            let reason: Absence = parse("reason of a tombstone", &row.reason)?;
            let of_project = tombstones.entry((row.site, row.project_key)).or_default();
            of_project.insert(reason, count(row.issues));
        }
        Ok(tombstones)
    }

    /// What [`Store::load_counts`] says of an instance, or has said no longer than `max_age` ago.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn recent_counts(
        &self,
        site: &Site,
        max_age: Duration,
    ) -> Result<Recent<Vec<ProjectCounts>>, StoreError> {
        self.last_counts.or_read(site, max_age, self.load_counts(Some(site))).await
    }
}
