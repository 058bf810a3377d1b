//! Rewriting `jira.users`: in line with the treatment that is configured, or one person as nobody.

use sqlx::PgConnection;

use crate::model::{Site, User};
use crate::store::{Store, StoreError};

/// People in one transaction.
const AT_ONCE: i64 = 1_000;

impl Store {
    /// Rewrites some of the people who are not stored under `fingerprint`; answers how many that
    /// were, which is none when all of them are.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn align_users(
        &self,
        site: &Site,
        fingerprint: Option<&str>,
        rewrite: &(dyn Fn(&mut User) + Send + Sync),
    ) -> Result<u64, StoreError> {
        self.tx("align_users", |tx| {
            Box::pin(async move {
                let rows = sqlx::query_as!(
                    User,
                    "SELECT id, name, display_name, email, active, time_zone FROM jira.users
                     WHERE site = $1 AND privacy IS DISTINCT FROM $2
                     ORDER BY id LIMIT $3 FOR UPDATE",
                    site.as_str(),
                    fingerprint,
                    AT_ONCE,
                )
                .fetch_all(&mut **tx)
                .await?;
                for user in &rows {
                    let mut new = user.clone();
                    rewrite(&mut new);
                    put(tx, site, &user.id, &new, fingerprint).await?;
                }
                Ok(rows.len() as u64)
            })
        })
        .await
    }
}

/// Puts a person in the place of the one who had this id.
pub(super) async fn put(
    tx: &mut PgConnection,
    site: &Site,
    id: &str,
    new: &User,
    fingerprint: Option<&str>,
) -> Result<(), StoreError> {
    if new.id == id {
        sqlx::query!(
            "UPDATE jira.users SET name = $3, display_name = $4, email = $5, time_zone = $6,
                 privacy = $7, seen_at = CASE
                     WHEN (name, display_name, email, time_zone) IS DISTINCT FROM ($3, $4, $5, $6)
                     THEN clock_timestamp() ELSE seen_at END
             WHERE site = $1 AND id = $2",
            site.as_str(),
            id,
            new.name,
            new.display_name,
            new.email,
            new.time_zone,
            fingerprint,
        )
        .execute(tx)
        .await?;
        return Ok(());
    }
    sqlx::query!("DELETE FROM jira.users WHERE site = $1 AND id = $2", site.as_str(), id)
        .execute(&mut *tx)
        .await?;
    sqlx::query!(
        "INSERT INTO jira.users
             (site, id, name, display_name, email, active, time_zone, seen_at, privacy)
         VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp(), $8)
         ON CONFLICT ON CONSTRAINT users_pk DO UPDATE
         SET name = excluded.name, display_name = excluded.display_name, email = excluded.email,
             time_zone = excluded.time_zone, privacy = excluded.privacy,
             active = coalesce(excluded.active, jira.users.active)",
        site.as_str(),
        new.id,
        new.name,
        new.display_name,
        new.email,
        new.active,
        new.time_zone,
        fingerprint,
    )
    .execute(tx)
    .await?;
    Ok(())
}
