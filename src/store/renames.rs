//! Projects whose key was changed in Jira.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::cursors::cancel_open_runs;
use super::rows::parse;
use super::{Store, StoreError};
use crate::model::{ProjectKey, Site};

impl Store {
    /// Takes note that a project has another key. What is stored of it, what waits for it and what
    /// failed of it now belongs to the new key; the next run of that begins with a whole listing,
    /// which brings every issue's new key. The old key's cursor and schedule go, unless a live
    /// process holds the old key.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn rename_project(
        &self,
        site: &Site,
        (old, new): (&ProjectKey, &ProjectKey),
        project_id: &str,
    ) -> Result<(), StoreError> {
        self.tx("rename_project", |tx| {
            Box::pin(async move {
                note(tx, site, (old, new), project_id).await?;
                if give_up(tx, site, old).await? {
                    cancel_open_runs(tx, site, old).await?;
                    hand_over(tx, site, (old, new)).await?;
                    restart(tx, site, new).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// The keys that projects have now, by keys that they had.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn load_renames(
        &self,
        site: &Site,
    ) -> Result<BTreeMap<ProjectKey, ProjectKey>, StoreError> {
        let rows = sqlx::query!(
            "SELECT old_key, new_key FROM extractor.project_renames WHERE site = $1",
            site.as_str(),
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok((parse("project key", &row.old_key)?, parse("project key", &row.new_key)?))
            })
            .collect()
    }
}

/// A project that was renamed twice has one present key, and one that has its old key again has no
/// other.
async fn note(
    tx: &mut PgConnection,
    site: &Site,
    (old, new): (&ProjectKey, &ProjectKey),
    project_id: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "DELETE FROM extractor.project_renames WHERE site = $1 AND old_key = $2",
        site.as_str(),
        new.as_str(),
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "UPDATE extractor.project_renames SET new_key = $3 WHERE site = $1 AND new_key = $2",
        site.as_str(),
        old.as_str(),
        new.as_str(),
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "INSERT INTO extractor.project_renames (site, old_key, new_key, project_id, noticed_at)
         VALUES ($1, $2, $3, $4, clock_timestamp())
         ON CONFLICT ON CONSTRAINT project_renames_pk DO UPDATE
         SET new_key = excluded.new_key, project_id = excluded.project_id",
        site.as_str(),
        old.as_str(),
        new.as_str(),
        project_id,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Removes the old key's cursor and schedule; answers whether there was a cursor that nobody holds.
async fn give_up(tx: &mut PgConnection, site: &Site, old: &ProjectKey) -> Result<bool, StoreError> {
    let given_up = sqlx::query!(
        "DELETE FROM extractor.cursors c WHERE c.site = $1 AND c.project_key = $2
           AND NOT EXISTS (SELECT FROM extractor.live_workers w WHERE w.id = c.lease_worker)",
        site.as_str(),
        old.as_str(),
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    sqlx::query!(
        "DELETE FROM extractor.schedules WHERE site = $1 AND project_key = $2 AND $3",
        site.as_str(),
        old.as_str(),
        given_up > 0,
    )
    .execute(tx)
    .await?;
    Ok(given_up > 0)
}

async fn hand_over(
    tx: &mut PgConnection,
    site: &Site,
    (old, new): (&ProjectKey, &ProjectKey),
) -> Result<(), StoreError> {
    let (site, old, new) = (site.as_str(), old.as_str(), new.as_str());
    sqlx::query!(
        "UPDATE jira.issues SET project_key = $3 WHERE site = $1 AND project_key = $2",
        site,
        old,
        new,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "UPDATE extractor.failures SET project_key = $3 WHERE site = $1 AND project_key = $2",
        site,
        old,
        new,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "UPDATE extractor.pending SET project_key = $3 WHERE site = $1 AND project_key = $2",
        site,
        old,
        new,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "UPDATE extractor.runs SET project_key = $3
         WHERE site = $1 AND project_key = $2 AND state = 'queued'",
        site,
        old,
        new,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// What the new key has completed was completed without these issues.
async fn restart(tx: &mut PgConnection, site: &Site, new: &ProjectKey) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE extractor.cursors SET completed_until = NULL
         WHERE site = $1 AND project_key = $2",
        site.as_str(),
        new.as_str(),
    )
    .execute(tx)
    .await?;
    Ok(())
}
