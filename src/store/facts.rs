//! What the status page, the metrics and `extractor status` show of each project and of the processes.
//! All of it is cheap, whatever is stored: how many issues there are is counted in `counts`.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::rows::{count, parse, small};
use super::{CursorFacts, Run, Schedule, Store, StoreError};
use crate::model::{
    Certificate, Details, Finding, ProjectKey, RunId, RunKind, RunState, Site, WorkerId,
};

/// How many of its last runs a project's facts carry.
const LAST_RUNS: u32 = 5;

/// A project's part of the queue, in issues.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueFacts {
    /// Waiting to be fetched, the leased ones included.
    pub depth: u64,
    /// Leased to a worker whose lease has not run out.
    pub leased: u64,
    /// How long the oldest of them has waited.
    pub oldest: Option<Duration>,
}

/// A certificate and where it belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct Certified {
    /// The run that it closed.
    pub run: RunId,
    /// When it was stored, by the database's clock.
    pub at: DateTime<Utc>,
    /// The certificate.
    pub certificate: Certificate,
}

/// Everything there is to say about a project, but for how many issues are stored.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectFacts {
    /// The Jira instance.
    pub site: Site,
    /// The project.
    pub project: ProjectKey,
    /// When this was read, by the database's clock.
    pub as_of: DateTime<Utc>,
    /// Stored issues of which something is known to be lacking: `extractor.incomplete_issues`.
    pub incomplete: u64,
    /// The cursor; none for a project that arrived by moves alone.
    pub cursor: Option<CursorFacts>,
    /// How far the cursor lies behind the database's clock.
    pub lag: Option<Duration>,
    /// The schedule of its deltas, if a service follows it.
    pub schedule: Option<Schedule>,
    /// The schedule of its reconciles, if a service reconciles it.
    pub reconciles: Option<Schedule>,
    /// Its part of the queue.
    pub queue: QueueFacts,
    /// Recorded failures.
    pub failures: u64,
    /// Its last runs, the newest first.
    pub runs: Vec<Run>,
    /// The newest certificate.
    pub certified: Option<Certified>,
    /// The certificate of its last reconcile.
    pub reconciled: Option<Certified>,
}

impl ProjectFacts {
    /// The newest certificate's content.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certified.as_ref().map(|certified| &certified.certificate)
    }

    /// How long ago one of its last runs stored a page or a batch.
    pub fn since_progress(&self) -> Option<Duration> {
        let newest = self.runs.iter().filter_map(|run| run.progressed_at).max();
        newest.map(|at| since(self.as_of, at))
    }

    /// How long its run has waited to be taken up, if one waits.
    pub fn queued_for(&self) -> Option<Duration> {
        let waiting = self.runs.iter().find(|run| run.state == RunState::Queued)?;
        waiting.queued_at.map(|at| since(self.as_of, at))
    }

    /// Whether the project is stalled at `now`, by the database's clock: a service follows it, its
    /// newest complete window is older than `allowed` (or it has none), it has been followed for so
    /// long, and no run of it has made progress for as long.
    pub fn is_stalled(&self, allowed: Duration, now: DateTime<Utc>) -> bool {
        let Some(schedule) = &self.schedule else { return false };
        let aged = since(now, self.as_of);
        let followed = since(now, schedule.followed_since);
        // A project that is followed again is given the time that it takes.
        let behind = self.lag.map_or(followed, |lag| (lag + aged).min(followed));
        behind > allowed && self.since_progress().is_none_or(|silent| silent + aged > allowed)
    }
}

impl ProjectFacts {
    /// How long ago a reconcile of the project last proved what is stored.
    pub fn since_reconcile(&self) -> Option<Duration> {
        self.cursor.as_ref()?.reconciled_at.map(|at| since(self.as_of, at))
    }

    /// Whether a reconcile is overdue at `now`, by the database's clock: a service reconciles the
    /// project, and for longer than `allowed` no reconcile of it has held.
    pub fn is_reconcile_overdue(&self, allowed: Duration, now: DateTime<Utc>) -> bool {
        let Some(schedule) = &self.reconciles else { return false };
        let wanted = since(now, schedule.followed_since);
        let proven = self.since_reconcile().map(|ago| ago + since(now, self.as_of));
        proven.map_or(wanted, |proven| proven.min(wanted)) > allowed
    }
}

fn since(now: DateTime<Utc>, then: DateTime<Utc>) -> Duration {
    (now - then).to_std().unwrap_or_default()
}

/// A process that lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveWorker {
    /// The process.
    pub id: WorkerId,
    /// Its machine.
    pub host: String,
    /// Its process id there.
    pub pid: u32,
    /// Its version of the program.
    pub version: String,
    /// The Jira instance that it sends requests to, if any.
    pub site: Option<Site>,
    /// Since when it has been registered, by the database's clock.
    pub since: DateTime<Utc>,
    /// How long ago it last said that it lives.
    pub heartbeat: Duration,
    /// The projects that it holds, of any instance.
    pub holds: Vec<String>,
}

impl Store {
    /// The facts of every project of one instance, or of all, by site and project. Cheap enough to be
    /// asked every few seconds: it reads nothing of the stored issues but an index of those that are
    /// incomplete. The queue is counted, which takes a tenth of a second for some hundred thousand.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn load_status(&self, site: Option<&Site>) -> Result<Vec<ProjectFacts>, StoreError> {
        let mut projects = self.load_projects(site).await?;
        for cursor in self.list_cursors(site).await? {
            if let Some(facts) = projects.get_mut(&place(&cursor.site, &cursor.project)) {
                facts.cursor = Some(cursor);
            }
        }
        let mut sites: Vec<Site> = projects.values().map(|facts| facts.site.clone()).collect();
        sites.dedup();
        for site in sites {
            for schedule in self.load_schedules(&site).await? {
                if let Some(facts) = projects.get_mut(&place(&site, &schedule.project)) {
                    match schedule.kind {
                        RunKind::Delta | RunKind::Backfill => facts.schedule = Some(schedule),
                        RunKind::Reconcile => facts.reconciles = Some(schedule),
                    }
                }
            }
        }
        let (sites, keys): (Vec<String>, Vec<String>) = projects.keys().cloned().unzip();
        for run in super::runs::select_last(&self.pool, &sites, &keys, LAST_RUNS).await? {
            if let Some(facts) = projects.get_mut(&place(&run.site, &run.project)) {
                facts.runs.push(run);
            }
        }
        for (place, certified) in self.newest_certificates(&sites, &keys, false).await? {
            if let Some(facts) = projects.get_mut(&place) {
                facts.certified = Some(certified);
            }
        }
        for (place, certified) in self.newest_certificates(&sites, &keys, true).await? {
            if let Some(facts) = projects.get_mut(&place) {
                facts.reconciled = Some(certified);
            }
        }
        Ok(projects.into_values().collect())
    }

    /// The processes that live, the longest registered first: all, or those that send requests to
    /// one instance. Cheap.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn load_workers(&self, site: Option<&Site>) -> Result<Vec<LiveWorker>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT w.id AS "id!", w.host AS "host!", w.pid AS "pid!", w.version AS "version!",
                 w.site AS "site?", w.started_at AS "since!",
                 extract(epoch FROM clock_timestamp() - w.heartbeat_at)::float8 AS "heartbeat!",
                 ARRAY(SELECT project_key FROM extractor.cursors c
                       WHERE c.lease_worker = w.id ORDER BY project_key) AS "holds!"
               FROM extractor.live_workers w
               WHERE $1::text IS NULL OR w.site = $1 ORDER BY w.started_at, w.id"#,
            site.map(Site::as_str),
        )
        .fetch_all(&self.pool)
        .await?;
        let of = |secs: f64| Duration::try_from_secs_f64(secs.max(0.0)).unwrap_or_default();
        Ok(rows
            .into_iter()
            .map(|row| LiveWorker {
                id: WorkerId(row.id),
                host: row.host,
                pid: small(row.pid),
                version: row.version,
                site: row.site.map(Site::new),
                since: row.since,
                heartbeat: of(row.heartbeat),
                holds: row.holds,
            })
            .collect())
    }

    /// Every project that anything is known of, with what can be counted. Which projects have issues
    /// is found by going from one to the next in the index, past all of their issues.
    async fn load_projects(
        &self,
        site: Option<&Site>,
    ) -> Result<BTreeMap<Place, ProjectFacts>, StoreError> {
        let rows = sqlx::query!(
            r#"WITH RECURSIVE stored AS (
                 (SELECT project_key, site FROM jira.issues ORDER BY project_key, site LIMIT 1)
                 UNION ALL
                 SELECT n.project_key, n.site FROM stored s CROSS JOIN LATERAL (
                     SELECT project_key, site FROM jira.issues
                     WHERE (project_key, site) > (s.project_key, s.site)
                     ORDER BY project_key, site LIMIT 1) AS n
             ), incomplete AS (
                 SELECT site, project_key, count(*) AS incomplete FROM extractor.incomplete_issues
                 WHERE $1::text IS NULL OR site = $1 GROUP BY site, project_key
             ), queue AS (
                 SELECT site, project_key, count(*) AS depth,
                     count(*) FILTER (WHERE leased_until > clock_timestamp()) AS leased,
                     extract(epoch FROM clock_timestamp() - min(queued_at))::float8 AS oldest_secs
                 FROM extractor.pending WHERE $1::text IS NULL OR site = $1
                 GROUP BY site, project_key
             ), failures AS (
                 SELECT site, project_key, count(*) AS failures FROM extractor.failures
                 WHERE $1::text IS NULL OR site = $1 GROUP BY site, project_key
             ), projects AS (
                 SELECT site, project_key FROM stored
                 UNION SELECT site, project_key FROM extractor.cursors
                 UNION SELECT site, project_key FROM extractor.schedules
                 UNION SELECT site, project_key FROM queue
                 UNION SELECT site, project_key FROM failures
             )
             SELECT p.site AS "site!", p.project_key AS "project_key!",
                 clock_timestamp() AS "as_of!",
                 coalesce(incomplete, 0) AS "incomplete!",
                 coalesce(depth, 0) AS "depth!", coalesce(leased, 0) AS "leased!", oldest_secs,
                 coalesce(failures, 0) AS "failures!",
                 extract(epoch FROM clock_timestamp() - c.completed_until)::float8 AS lag_secs
             FROM projects p
                 LEFT JOIN extractor.cursors c USING (site, project_key)
                 LEFT JOIN incomplete USING (site, project_key)
                 LEFT JOIN queue USING (site, project_key)
                 LEFT JOIN failures USING (site, project_key)
             WHERE $1::text IS NULL OR p.site = $1"#,
            site.map(Site::as_str),
        )
        .fetch_all(&self.pool)
        .await?;
        let duration = |secs: f64| Duration::try_from_secs_f64(secs.max(0.0)).ok();
        rows.into_iter()
            .map(|row| {
                let facts = ProjectFacts {
                    site: Site::new(row.site),
                    project: parse("project key", &row.project_key)?,
                    as_of: row.as_of,
                    incomplete: count(row.incomplete),
                    cursor: None,
                    lag: row.lag_secs.and_then(duration),
                    schedule: None,
                    reconciles: None,
                    queue: QueueFacts {
                        depth: count(row.depth),
                        leased: count(row.leased),
                        oldest: row.oldest_secs.and_then(duration),
                    },
                    failures: count(row.failures),
                    runs: Vec::new(),
                    certified: None,
                    reconciled: None,
                };
                Ok((place(&facts.site, &facts.project), facts))
            })
            .collect()
    }

    /// The newest certificate of each project, or of each the one of its last reconcile.
    async fn newest_certificates(
        &self,
        sites: &[String],
        keys: &[String],
        of_reconciles: bool,
    ) -> Result<Vec<(Place, Certified)>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT c.site AS "site!", c.project_key AS "project_key!", c.run_id AS "run_id!",
                 c.created_at AS "created_at!", c.as_of AS "as_of!", c.counted AS "counted!",
                 c.basis AS "basis!", c.listed AS "listed!", c.stored AS "stored!",
                 c.failed AS "failed!", c.attempts AS "attempts!", c.verdict AS "verdict!",
                 c.findings AS "findings!: Json<Vec<Finding>>",
                 c.details AS "details!: Json<Details>"
               FROM unnest($1::text[], $2::text[]) AS p(site, project_key)
               CROSS JOIN LATERAL (
                   SELECT * FROM extractor.certificates
                   WHERE site = p.site AND project_key = p.project_key AND NOT $3
                   ORDER BY created_at DESC LIMIT 1) AS c
               UNION ALL
               SELECT c.site, c.project_key, c.run_id, c.created_at, c.as_of, c.counted, c.basis,
                 c.listed, c.stored, c.failed, c.attempts, c.verdict, c.findings, c.details
               FROM unnest($1::text[], $2::text[]) AS p(site, project_key)
               JOIN extractor.cursors AS u USING (site, project_key)
               CROSS JOIN LATERAL (
                   SELECT * FROM extractor.certificates
                   WHERE run_id = u.reconcile_run_id AND $3
                   ORDER BY attempts DESC LIMIT 1) AS c"#,
            sites,
            keys,
            of_reconciles,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                let certificate = Certificate {
                    as_of: row.as_of,
                    counted: count(row.counted),
                    basis: parse("basis", &row.basis)?,
                    listed: count(row.listed),
                    stored: count(row.stored),
                    failed: count(row.failed),
                    attempts: small(row.attempts),
                    verdict: parse("verdict", &row.verdict)?,
                    findings: row.findings.0,
                    details: row.details.0,
                };
                let certified =
                    Certified { run: RunId(row.run_id), at: row.created_at, certificate };
                Ok(((row.site, row.project_key), certified))
            })
            .collect()
    }
}

/// Site and project, as the database sorts and compares them.
type Place = (String, String);

fn place(site: &Site, project: &ProjectKey) -> Place {
    (site.to_string(), project.to_string())
}
