//! What the status page, the metrics and `extractor status` show of each project.

use std::collections::BTreeMap;

use super::rows::{count, parse};
use super::{CursorFacts, Run, RunFilter, Store, StoreError};
use crate::model::{Certificate, ProjectKey, Site};

/// How many of its last runs a project's facts carry.
const LAST_RUNS: u32 = 5;

/// Stored issues that are not deleted, by tier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TierCounts {
    /// Everything, in one request.
    pub full: u64,
    /// Everything, the links apart.
    pub hub: u64,
    /// A small set of fields.
    pub minimal: u64,
}

/// A project's part of the queue, in issues.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueFacts {
    /// Waiting to be fetched, the leased ones included.
    pub depth: u64,
    /// Leased to a worker whose lease has not run out.
    pub leased: u64,
}

/// Everything there is to say about a project.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectFacts {
    /// The Jira instance.
    pub site: Site,
    /// The project.
    pub project: ProjectKey,
    /// Stored issues by tier.
    pub issues: TierCounts,
    /// Stored issues of which something is known to be lacking: `extractor.incomplete_issues`.
    pub incomplete: u64,
    /// Stored issues that are marked deleted.
    pub deleted: u64,
    /// The cursor; none for a project that arrived by moves alone.
    pub cursor: Option<CursorFacts>,
    /// How far the cursor lies behind the database's clock.
    pub lag: Option<std::time::Duration>,
    /// Its part of the queue.
    pub queue: QueueFacts,
    /// Recorded failures.
    pub failures: u64,
    /// Its last runs, the newest first.
    pub runs: Vec<Run>,
    /// The certificate of the newest run that has one.
    pub certificate: Option<Certificate>,
}

impl Store {
    /// The facts of every project of one instance, or of all, by site and project.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn load_status(&self, site: Option<&Site>) -> Result<Vec<ProjectFacts>, StoreError> {
        let mut cursors: BTreeMap<(String, String), CursorFacts> = self
            .list_cursors(site)
            .await?
            .into_iter()
            .map(|cursor| ((cursor.site.to_string(), cursor.project.to_string()), cursor))
            .collect();
        let mut status = Vec::new();
        for mut facts in self.count_projects(site).await? {
            let key = (facts.site.to_string(), facts.project.to_string());
            facts.cursor = cursors.remove(&key);
            let filter = RunFilter {
                site: Some(facts.site.clone()),
                project: Some(facts.project.clone()),
                ..RunFilter::default()
            };
            facts.runs = self.list_runs(&filter, LAST_RUNS).await?;
            for run in &facts.runs {
                facts.certificate = self.load_certificate(run.id).await?;
                if facts.certificate.is_some() {
                    break;
                }
            }
            status.push(facts);
        }
        Ok(status)
    }

    async fn count_projects(&self, site: Option<&Site>) -> Result<Vec<ProjectFacts>, StoreError> {
        let rows = sqlx::query!(
            r#"WITH issues AS (
                 SELECT site, project_key,
                     count(*) FILTER (WHERE deleted_at IS NULL AND tier = 'full') AS full_tier,
                     count(*) FILTER (WHERE deleted_at IS NULL AND tier = 'hub') AS hub_tier,
                     count(*) FILTER (WHERE deleted_at IS NULL AND tier = 'minimal') AS minimal_tier,
                     count(*) FILTER (WHERE deleted_at IS NOT NULL) AS deleted
                 FROM jira.issues WHERE $1::text IS NULL OR site = $1 GROUP BY site, project_key
             ), incomplete AS (
                 SELECT site, project_key, count(*) AS incomplete FROM extractor.incomplete_issues
                 WHERE $1::text IS NULL OR site = $1 GROUP BY site, project_key
             ), queue AS (
                 SELECT site, project_key, count(*) AS depth,
                     count(*) FILTER (WHERE leased_until > clock_timestamp()) AS leased
                 FROM extractor.pending WHERE $1::text IS NULL OR site = $1
                 GROUP BY site, project_key
             ), failures AS (
                 SELECT site, project_key, count(*) AS failures FROM extractor.failures
                 WHERE $1::text IS NULL OR site = $1 GROUP BY site, project_key
             ), cursors AS (
                 SELECT site, project_key,
                     extract(epoch FROM clock_timestamp() - completed_until)::float8 AS lag_secs
                 FROM extractor.cursors WHERE $1::text IS NULL OR site = $1
             )
             SELECT site AS "site!", project_key AS "project_key!",
                 coalesce(full_tier, 0) AS "full_tier!", coalesce(hub_tier, 0) AS "hub_tier!",
                 coalesce(minimal_tier, 0) AS "minimal_tier!", coalesce(deleted, 0) AS "deleted!",
                 coalesce(incomplete, 0) AS "incomplete!",
                 coalesce(depth, 0) AS "depth!", coalesce(leased, 0) AS "leased!",
                 coalesce(failures, 0) AS "failures!", lag_secs
             FROM cursors FULL JOIN issues USING (site, project_key)
                 LEFT JOIN incomplete USING (site, project_key)
                 FULL JOIN queue USING (site, project_key)
                 FULL JOIN failures USING (site, project_key)
             ORDER BY 1, 2"#,
            site.map(Site::as_str),
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(ProjectFacts {
                    site: Site::new(row.site),
                    project: parse("project key", &row.project_key)?,
                    issues: TierCounts {
                        full: count(row.full_tier),
                        hub: count(row.hub_tier),
                        minimal: count(row.minimal_tier),
                    },
                    incomplete: count(row.incomplete),
                    deleted: count(row.deleted),
                    cursor: None,
                    lag: row.lag_secs.and_then(|secs| {
                        std::time::Duration::try_from_secs_f64(secs.max(0.0)).ok()
                    }),
                    queue: QueueFacts { depth: count(row.depth), leased: count(row.leased) },
                    failures: count(row.failures),
                    runs: Vec::new(),
                    certificate: None,
                })
            })
            .collect()
    }
}
