//! What the store knows of people beside the issues: who was erased, how rows were treated, who is
//! who. What becomes of a value is `sync::people`'s; here are the statements and their guarantee:
//! once an erasure is registered, no write that does not know of it gets through.

mod find;
mod finish;
mod queue;
mod read;
mod rewrite;
mod save;
mod users;

pub use find::{FoundUser, UnfinishedErasure, UserLookup};
pub use rewrite::{Of, PeopleScope, PersonalIssue, PersonalRows, Rewritten};
pub use save::RewrittenRows;

use sqlx::PgConnection;

use super::{Store, StoreError};
use crate::model::{Erased, HashKey, KnownPeople, Mark, Site};

/// Refuses what does not know of every erasure, and keeps new ones away until the end of the
/// transaction.
pub(super) async fn guard(
    tx: &mut PgConnection,
    site: &Site,
    generation: i64,
) -> Result<(), StoreError> {
    // Conflicts with an erasure alone, which locks the table EXCLUSIVE. A statement of its own: the
    // next one must see what was committed while this one waited.
    sqlx::query!("LOCK TABLE extractor.erased_people IN ROW SHARE MODE").execute(&mut *tx).await?;
    let newest = sqlx::query_scalar!(
        r#"SELECT coalesce(max(number), 0) AS "newest!" FROM extractor.erased_people
           WHERE site = $1"#,
        site.as_str(),
    )
    .fetch_one(tx)
    .await?;
    if newest > generation { Err(StoreError::ErasedMeanwhile) } else { Ok(()) }
}

/// Waits for every writer, and keeps others away until the end of the transaction.
async fn shut_out_writers(tx: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!("LOCK TABLE extractor.erased_people IN EXCLUSIVE MODE").execute(tx).await?;
    Ok(())
}

impl Store {
    /// What decides how people are stored: the site's key, who was erased, which fields hold people.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn load_people(&self, site: &Site) -> Result<KnownPeople, StoreError> {
        let key = sqlx::query_scalar!(
            "SELECT key FROM extractor.people_keys WHERE site = $1",
            site.as_str()
        )
        .fetch_optional(&self.pool)
        .await?;
        let rows = sqlx::query!(
            "SELECT pseudonym, marks, number FROM extractor.erased_people WHERE site = $1",
            site.as_str()
        )
        .fetch_all(&self.pool)
        .await?;
        let mut erased = Erased::default();
        for row in rows {
            erased.generation = erased.generation.max(row.number);
            let marks = row.marks.iter().filter_map(|mark| Mark::try_from(mark.as_slice()).ok());
            erased.pseudonyms.extend(marks.map(|mark| (mark, row.pseudonym.clone())));
        }
        Ok(KnownPeople {
            key: key.map(|key| read_key(&key)).transpose()?,
            erased,
            user_fields: self.load_user_fields(site).await?,
        })
    }

    /// The site's key, made if there is none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn ensure_people_key(&self, site: &Site) -> Result<HashKey, StoreError> {
        let key = self
            .tx("ensure_people_key", |tx| {
                Box::pin(async move {
                    sqlx::query!(
                        "INSERT INTO extractor.people_keys (site) VALUES ($1)
                         ON CONFLICT ON CONSTRAINT people_keys_pk DO NOTHING",
                        site.as_str()
                    )
                    .execute(&mut **tx)
                    .await?;
                    let key = sqlx::query_scalar!(
                        "SELECT key FROM extractor.people_keys WHERE site = $1",
                        site.as_str()
                    )
                    .fetch_one(&mut **tx)
                    .await?;
                    Ok(key)
                })
            })
            .await?;
        read_key(&key)
    }

    /// Ids and names of the fields that hold people, by the catalogue.
    async fn load_user_fields(&self, site: &Site) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query!(
            "SELECT id, name FROM jira.fields
             WHERE site = $1 AND (raw -> 'schema' ->> 'type' = 'user'
                OR raw -> 'schema' ->> 'items' = 'user'
                OR raw -> 'schema' ->> 'custom' LIKE '%userpicker')
             ORDER BY id",
            site.as_str()
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().flat_map(|row| [row.id, row.name]).collect())
    }

    /// Registers an erasure: when this has returned, nothing is stored any more that was not
    /// transformed in the knowledge of it. An erasure that was cut short goes on where it stood,
    /// unless it is wider than before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn register_erasure(
        &self,
        site: &Site,
        pseudonym: &str,
        marks: &[Mark],
    ) -> Result<(), StoreError> {
        let marks: &Vec<Vec<u8>> = &marks.iter().map(|mark| mark.to_vec()).collect();
        self.tx("register_erasure", |tx| {
            Box::pin(async move {
                shut_out_writers(tx).await?;
                sqlx::query!(
                    "INSERT INTO extractor.erased_people AS e (site, pseudonym, marks)
                     VALUES ($1, $2, $3)
                     ON CONFLICT ON CONSTRAINT erased_people_pk DO UPDATE
                     SET marks = ARRAY(SELECT DISTINCT unnest(e.marks || excluded.marks)),
                         number = nextval('extractor.erasure_number'), finished_at = NULL,
                         rewritten_until = CASE
                             WHEN e.finished_at IS NULL AND e.marks @> excluded.marks
                             THEN e.rewritten_until ELSE 0 END",
                    site.as_str(),
                    pseudonym,
                    marks,
                )
                .execute(&mut **tx)
                .await?;
                Ok(())
            })
        })
        .await
    }
}

fn read_key(key: &[u8]) -> Result<HashKey, StoreError> {
    let unreadable =
        |_| StoreError::Unreadable { what: "key of people", value: format!("{} bytes", key.len()) };
    Ok(HashKey::new(key.try_into().map_err(unreadable)?))
}
