//! Certificates, and the counts they are made of.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::leases::fence;
use super::rows::{column, count, parse, small};
use super::{ProjectLease, Store, StoreError};
use crate::model::{Certificate, Finding, ProjectKey, RunId, Site};

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
               (SELECT count(*) FROM jira.issues
                WHERE site = $1 AND project_key = $2 AND deleted_at IS NULL
                  AND (created IS NULL OR created < $4)) AS "stored!",
               (SELECT count(*) FROM extractor.failures f
                WHERE f.site = $1 AND f.project_key = $2 AND NOT EXISTS (
                    SELECT FROM jira.issues i
                    WHERE i.site = f.site AND i.id = f.issue_id AND i.deleted_at IS NULL
                )) AS "failed!",
               (SELECT count(*) FROM extractor.failures f
                JOIN jira.issues i ON i.site = f.site AND i.id = f.issue_id
                WHERE f.site = $1 AND f.project_key = $2 AND i.deleted_at IS NULL
               ) AS "incomplete!""#,
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
        })
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
                     counted, listed, stored, failed, verdict, findings, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, clock_timestamp())
                 ON CONFLICT ON CONSTRAINT certificates_pk DO UPDATE
                 SET as_of = excluded.as_of, counted = excluded.counted, listed = excluded.listed,
                     stored = excluded.stored, failed = excluded.failed,
                     verdict = excluded.verdict, findings = excluded.findings,
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
            r#"SELECT as_of, counted, listed, stored, failed, attempts, verdict,
                 findings AS "findings: Json<Vec<Finding>>"
               FROM extractor.certificates WHERE run_id = $1 ORDER BY attempts DESC LIMIT 1"#,
            run.0
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            Ok(Certificate {
                as_of: row.as_of,
                counted: count(row.counted),
                listed: count(row.listed),
                stored: count(row.stored),
                failed: count(row.failed),
                attempts: small(row.attempts),
                verdict: parse("verdict", &row.verdict)?,
                findings: row.findings.0,
            })
        })
        .transpose()
    }
}
