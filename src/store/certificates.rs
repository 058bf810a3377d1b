//! Certificates, and the counts they are made of.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::leases::fence;
use super::rows::{column, count, parse, small};
use super::{ProjectLease, Store, StoreError};
use crate::model::{Certificate, Details, Finding, IssueId, ProjectKey, RunId, Site, TierCounts};

/// What the database has to say about a project's completeness, in issues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertificateCounts {
    /// Distinct issues the run listed.
    pub listed: u64,
    /// Stored, not deleted, and created before the given instant (or at an unknown one).
    pub stored: u64,
    /// Recorded as failures, and not stored.
    pub failed: u64,
    /// Recorded as failures, and stored with something lacking.
    pub incomplete: u64,
    /// What is stored and not deleted, by tier.
    pub tiers: TierCounts,
    /// Stored, and known to be not whole, recorded as failures or not.
    pub not_whole: u64,
}

/// What became of the issues that a run listed, in issues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedCounts {
    /// Listed, and created before the given instant (or at an unknown one).
    pub before: u64,
    /// Listed, and neither stored, nor recorded as failures, nor proven absent by this run. What the
    /// run proved absent and was never stored is only counted, so an issue proven absent twice may
    /// stand for another.
    pub lacking: u64,
}

impl Store {
    /// Counts what is listed, stored and failed of a project.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn certificate_counts(
        &self,
        site: &Site,
        project: &ProjectKey,
        run: RunId,
        created_before: DateTime<Utc>,
    ) -> Result<CertificateCounts, StoreError> {
        let row = sqlx::query!(
            r#"SELECT
               (SELECT count(*) FROM extractor.listed WHERE run_id = $3) AS "listed!",
               (SELECT count(*) FROM extractor.failures f
                WHERE f.site = $1 AND f.project_key = $2 AND NOT EXISTS (
                    SELECT FROM jira.issues i
                    WHERE i.site = f.site AND i.id = f.issue_id AND i.deleted_at IS NULL
                )) AS "failed!",
               (SELECT count(*) FROM extractor.failures f
                JOIN jira.issues i ON i.site = f.site AND i.id = f.issue_id
                WHERE f.site = $1 AND f.project_key = $2 AND i.deleted_at IS NULL
               ) AS "incomplete!",
               s.stored AS "stored!", s.full_tier AS "full_tier!", s.hub_tier AS "hub_tier!",
               s.minimal_tier AS "minimal_tier!",
               (SELECT count(*) FROM extractor.incomplete_issues
                WHERE site = $1 AND project_key = $2) AS "not_whole!"
               FROM (SELECT
                   count(*) FILTER (WHERE created IS NULL OR created < $4) AS stored,
                   count(*) FILTER (WHERE tier = 'full') AS full_tier,
                   count(*) FILTER (WHERE tier = 'hub') AS hub_tier,
                   count(*) FILTER (WHERE tier = 'minimal') AS minimal_tier
                 FROM jira.issues
                 WHERE site = $1 AND project_key = $2 AND deleted_at IS NULL) AS s"#,
            site.as_str(),
            project.as_str(),
            run.0,
            created_before,
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(CertificateCounts {
            listed: count(row.listed),
            stored: count(row.stored),
            failed: count(row.failed),
            incomplete: count(row.incomplete),
            tiers: TierCounts {
                full: count(row.full_tier),
                hub: count(row.hub_tier),
                minimal: count(row.minimal_tier),
            },
            not_whole: count(row.not_whole),
        })
    }

    /// Counts what became of the issues that a run listed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn listed_counts(
        &self,
        site: &Site,
        run: RunId,
        created_before: DateTime<Utc>,
    ) -> Result<ListedCounts, StoreError> {
        let row = sqlx::query!(
            r#"SELECT
                 count(*) FILTER (WHERE i.created IS NULL OR i.created < $3
                     OR i.deleted_at IS NOT NULL) AS "before!",
                 count(*) FILTER (WHERE f.issue_id IS NULL AND (i.id IS NULL
                     OR i.deleted_at IS NOT NULL AND i.deleted_by_run IS DISTINCT FROM $2))
                     AS "unaccounted!",
                 (SELECT r.gone - (SELECT count(*) FROM extractor.absences a
                                   WHERE a.run_id = $2 AND a.found = 'not_found')
                  FROM extractor.runs r WHERE r.id = $2) AS "gone!"
               FROM extractor.listed l
               LEFT JOIN jira.issues i ON i.site = $1 AND i.id = l.issue_id
               LEFT JOIN extractor.failures f ON f.site = $1 AND f.issue_id = l.issue_id
               WHERE l.run_id = $2"#,
            site.as_str(),
            run.0,
            created_before,
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(ListedCounts {
            before: count(row.before),
            lacking: count(row.unaccounted).saturating_sub(count(row.gone)),
        })
    }

    /// Which of `ids` the run has not listed yet. The `LIMIT 1` keeps the planner from joining the
    /// page with everything listed while the table has no statistics.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn not_listed(
        &self,
        run: RunId,
        ids: &[IssueId],
    ) -> Result<HashSet<IssueId>, StoreError> {
        let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
        let unlisted = sqlx::query_scalar!(
            r#"SELECT n.issue_id AS "issue_id!" FROM unnest($2::bigint[]) AS n(issue_id)
               LEFT JOIN LATERAL (
                   SELECT run_id FROM extractor.listed
                   WHERE run_id = $1 AND issue_id = n.issue_id LIMIT 1) AS l ON true
               WHERE l.run_id IS NULL"#,
            run.0,
            &ids,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(unlisted.into_iter().map(IssueId).collect())
    }

    /// Stores a run's certificate, one for each attempt.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn store_certificate(
        &self,
        lease: &ProjectLease,
        run: RunId,
        certificate: &Certificate,
    ) -> Result<(), StoreError> {
        self.tx("store_certificate", |tx| {
            Box::pin(async move {
                fence(tx, lease).await?;
                sqlx::query!(
                "INSERT INTO extractor.certificates (run_id, attempts, site, project_key, as_of,
                     counted, listed, stored, failed, verdict, findings, basis, details,
                     conclusion, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
                     clock_timestamp())
                 ON CONFLICT ON CONSTRAINT certificates_pk DO UPDATE
                 SET as_of = excluded.as_of, counted = excluded.counted, listed = excluded.listed,
                     stored = excluded.stored, failed = excluded.failed,
                     verdict = excluded.verdict, findings = excluded.findings,
                     basis = excluded.basis, details = excluded.details,
                     conclusion = excluded.conclusion,
                     created_at = excluded.created_at",
                run.0,
                i32::try_from(certificate.attempts).unwrap_or(i32::MAX),
                lease.site().as_str(),
                lease.project().as_str(),
                certificate.as_of,
                column(certificate.counted),
                column(certificate.listed),
                column(certificate.stored),
                column(certificate.failed),
                certificate.verdict.as_str(),
                Json(&certificate.findings) as _,
                certificate.basis.as_str(),
                Json(&certificate.details) as _,
                certificate.conclusion(),
            )
                .execute(&mut **tx)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// The certificate of a run that counts: the one of its last attempt.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn load_certificate(&self, run: RunId) -> Result<Option<Certificate>, StoreError> {
        let row = sqlx::query!(
            r#"SELECT as_of, counted, basis, listed, stored, failed, attempts, verdict,
                 findings AS "findings: Json<Vec<Finding>>",
                 details AS "details: Json<Details>"
               FROM extractor.certificates WHERE run_id = $1 ORDER BY attempts DESC LIMIT 1"#,
            run.0
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            Ok(Certificate {
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
            })
        })
        .transpose()
    }
}
