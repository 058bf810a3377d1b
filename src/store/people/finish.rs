//! The end of an erasure: the catalogues, and last the person's own row, by which an erasure that was
//! cut short is found again.

use sqlx::PgConnection;

use super::find::pattern;
use super::save::RewrittenRows;
use super::{shut_out_writers, users};
use crate::model::{CatalogueEntry, Site, User};
use crate::store::{Store, StoreError};

impl Store {
    /// Up to which issue an erasure has rewritten what is stored; 0 where it was never registered.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn erasure_progress(&self, site: &Site, pseudonym: &str) -> Result<i64, StoreError> {
        let until = sqlx::query_scalar!(
            "SELECT rewritten_until FROM extractor.erased_people
             WHERE site = $1 AND pseudonym = $2",
            site.as_str(),
            pseudonym,
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(until.unwrap_or(0))
    }

    /// Rewrites the catalogues and the rows of `user` in `jira.users`, and closes the erasure; with
    /// `dry`, only counts.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like; nothing of it is done then.
    pub async fn finish_erasure(
        &self,
        site: &Site,
        (pseudonym, user): (&str, &User),
        dry: bool,
        rewrite: &(dyn Fn(&mut CatalogueEntry) + Send + Sync),
        rewrite_user: &(dyn Fn(&mut User) + Send + Sync),
    ) -> Result<RewrittenRows, StoreError> {
        self.tx("finish_erasure", |tx| {
            Box::pin(async move {
                if !dry {
                    shut_out_writers(tx).await?;
                }
                let catalogues = rewrite_catalogues(tx, site, user, dry, rewrite).await?;
                let users = rewrite_users(tx, site, user, dry, rewrite_user).await?;
                if !dry {
                    close(tx, site, pseudonym).await?;
                }
                Ok(RewrittenRows { catalogues, users, ..RewrittenRows::default() })
            })
        })
        .await
    }
}

/// The person's own row, others by which the same ids go, and those with the same e-mail address.
async fn rewrite_users(
    tx: &mut PgConnection,
    site: &Site,
    user: &User,
    dry: bool,
    rewrite: &(dyn Fn(&mut User) + Send + Sync),
) -> Result<u64, StoreError> {
    let ids: Vec<String> =
        [Some(&user.id), user.name.as_ref()].into_iter().flatten().cloned().collect();
    let rows = sqlx::query!(
        "SELECT id, name, display_name, email, active, time_zone, privacy FROM jira.users
         WHERE site = $1 AND (id = ANY($2) OR name = ANY($2) OR lower(email) = lower($3))
         ORDER BY id FOR UPDATE",
        site.as_str(),
        &ids,
        user.email,
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut changed = 0;
    for row in rows {
        let old = User {
            id: row.id,
            name: row.name,
            display_name: row.display_name,
            email: row.email,
            active: row.active,
            time_zone: row.time_zone,
        };
        let mut new = old.clone();
        rewrite(&mut new);
        if new == old {
            continue;
        }
        changed += 1;
        if !dry {
            users::put(tx, site, &old.id, &new, row.privacy.as_deref()).await?;
        }
    }
    Ok(changed)
}

async fn close(tx: &mut PgConnection, site: &Site, pseudonym: &str) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE extractor.erased_people SET finished_at = clock_timestamp()
         WHERE site = $1 AND pseudonym = $2",
        site.as_str(),
        pseudonym,
    )
    .execute(tx)
    .await?;
    Ok(())
}

// Catalogues that can hold people; all have the same shape.
macro_rules! rewrite_catalogue {
    ($table:literal, $tx:expr, $site:expr, $patterns:expr, $dry:expr, $rewrite:expr) => {{
        let rows = sqlx::query_as!(
            CatalogueEntry,
            r#"SELECT id, name, raw::text AS "raw!" FROM jira."#
                + $table
                + " WHERE site = $1 AND raw::text LIKE ANY($2) ORDER BY id FOR UPDATE",
            $site.as_str(),
            $patterns,
        )
        .fetch_all(&mut *$tx)
        .await?;
        let mut changed = 0;
        for entry in rows {
            let mut new = entry.clone();
            $rewrite(&mut new);
            if new == entry {
                continue;
            }
            changed += 1;
            if !$dry {
                sqlx::query!(
                    "UPDATE jira."
                        + $table
                        + " SET raw = $3::text::jsonb WHERE site = $1 AND id = $2",
                    $site.as_str(),
                    entry.id,
                    new.raw,
                )
                .execute(&mut *$tx)
                .await?;
            }
        }
        changed
    }};
}

async fn rewrite_catalogues(
    tx: &mut PgConnection,
    site: &Site,
    user: &User,
    dry: bool,
    rewrite: &(dyn Fn(&mut CatalogueEntry) + Send + Sync),
) -> Result<u64, StoreError> {
    let ids = [Some(user.id.as_str()), user.name.as_deref(), user.email.as_deref()];
    let quoted = |id: &str| pattern(&serde_json::Value::from(id).to_string());
    let patterns: &Vec<String> = &ids.into_iter().flatten().map(quoted).collect();
    let mut changed: u64 = 0;
    changed += rewrite_catalogue!("projects", tx, site, patterns, dry, rewrite);
    changed += rewrite_catalogue!("components", tx, site, patterns, dry, rewrite);
    changed += rewrite_catalogue!("versions", tx, site, patterns, dry, rewrite);
    changed += rewrite_catalogue!("fields", tx, site, patterns, dry, rewrite);
    Ok(changed)
}
