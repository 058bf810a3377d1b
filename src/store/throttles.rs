//! What the processes of one site tell each other about their requests: that they are there, and
//! what Jira asked them to wait for. Times are the database's; what to do about them is `sync`'s.

use std::time::Duration;

use super::listener::Listener;
use super::rows::count;
use super::tx::Tx;
use super::{Store, StoreError};
use crate::model::{Site, WorkerId};

/// The channel on which processes are told to look again; the payload is the site.
const SHARING_CHANNEL: &str = "extractor_sharing";

/// What must wait, and for how long from the moment it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Throttle {
    /// Empty for every request, else what Jira limits by itself.
    pub scope: String,
    /// How long.
    pub wait: Duration,
}

/// How a process stands among those that share a site's request rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sharing {
    /// Live processes of the site other than this one.
    pub others: u64,
    /// Whether this one is known to share.
    pub registered: bool,
    /// What has to wait.
    pub throttles: Vec<Throttle>,
}

impl Store {
    /// Says that `worker` shares the request rate of `site` from now on, and lets the others know.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn register_sharing(&self, site: &Site, worker: WorkerId) -> Result<(), StoreError> {
        self.tx("register_sharing", |tx| {
            Box::pin(async move {
                let registered = sqlx::query!(
                    "UPDATE extractor.workers SET site = $2
                     WHERE id = $1 AND site IS DISTINCT FROM $2",
                    worker.0,
                    site.as_str(),
                )
                .execute(&mut **tx)
                .await?;
                notify(tx, site, registered.rows_affected()).await
            })
        })
        .await
    }

    /// Who shares the request rate of `site` with `worker`, and what has to wait.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn load_sharing(&self, site: &Site, worker: WorkerId) -> Result<Sharing, StoreError> {
        let row = sqlx::query!(
            r#"SELECT
                 (SELECT count(*) FROM extractor.live_workers WHERE site = $1 AND id <> $2)
                   AS "others!",
                 EXISTS (SELECT FROM extractor.workers WHERE site = $1 AND id = $2)
                   AS "registered!""#,
            site.as_str(),
            worker.0,
        )
        .fetch_one(&self.pool)
        .await?;
        let throttles = self.load_throttles(site).await?;
        Ok(Sharing { others: count(row.others), registered: row.registered, throttles })
    }

    /// How many live processes share the request rate of `site`, for one that is not among them yet.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like; any error where the schema has not come so far.
    pub async fn count_sharing(&self, site: &Site) -> Result<u64, StoreError> {
        let processes = sqlx::query_scalar!(
            r#"SELECT count(*) AS "processes!" FROM extractor.live_workers WHERE site = $1"#,
            site.as_str(),
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(count(processes))
    }

    /// What has to wait on `site`. Nothing, where the schema has not come so far as to say.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn load_throttles(&self, site: &Site) -> Result<Vec<Throttle>, StoreError> {
        let known = sqlx::query_scalar!(
            r#"SELECT to_regclass('extractor.throttles') IS NOT NULL AS "known!""#
        )
        .fetch_one(&self.pool)
        .await?;
        if !known {
            return Ok(Vec::new());
        }
        let rows = sqlx::query!(
            r#"SELECT scope,
                 ceil(extract(epoch FROM until - clock_timestamp()) * 1000)::bigint AS "millis!"
               FROM extractor.throttles
               WHERE site = $1 AND until > clock_timestamp()
               ORDER BY scope"#,
            site.as_str(),
        )
        .fetch_all(&self.pool)
        .await?;
        let of = |scope, millis| Throttle { scope, wait: Duration::from_millis(count(millis)) };
        Ok(rows.into_iter().map(|row| of(row.scope, row.millis)).collect())
    }

    /// Says that Jira has asked `worker` to wait, and lets the others know. What was said before for
    /// longer stays. `None` is a process that is not registered yet.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn record_throttles(
        &self,
        site: &Site,
        worker: Option<WorkerId>,
        throttles: &[Throttle],
    ) -> Result<(), StoreError> {
        let scopes: Vec<String> = throttles.iter().map(|throttle| throttle.scope.clone()).collect();
        let millis: Vec<i64> = throttles.iter().map(|throttle| millis(throttle.wait)).collect();
        self.tx("record_throttles", |tx| {
            let (scopes, millis) = (scopes.clone(), millis.clone());
            Box::pin(async move {
                let said = sqlx::query!(
                    "INSERT INTO extractor.throttles AS t (site, scope, until, set_by, set_at)
                     SELECT $1, said.scope,
                         clock_timestamp() + said.millis * interval '1 millisecond',
                         $2, clock_timestamp()
                     FROM unnest($3::text[], $4::bigint[]) AS said (scope, millis)
                     ORDER BY said.scope
                     ON CONFLICT ON CONSTRAINT throttles_pk DO UPDATE
                     SET until = excluded.until, set_by = excluded.set_by,
                         set_at = excluded.set_at
                     WHERE t.until < excluded.until",
                    site.as_str(),
                    worker.map(|worker| worker.0),
                    &scopes,
                    &millis,
                )
                .execute(&mut **tx)
                .await?;
                notify(tx, site, said.rows_affected()).await
            })
        })
        .await
    }

    /// Hears of what changes between two looks, over a connection of its own.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no further connection can be had.
    pub async fn listen_sharing(&self) -> Result<SharingListener, StoreError> {
        Ok(SharingListener(self.listen(SHARING_CHANNEL).await?))
    }
}

/// Hears when a process joins or was told to wait. A hint, to be joined by looking now and then: a
/// broken connection loses some, and a pooler between may lose all.
#[derive(Debug)]
pub struct SharingListener(Listener);

impl SharingListener {
    /// Waits until something has changed on `site`, or may have.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the connection cannot be had again.
    pub async fn changed(&mut self, site: &Site) -> Result<(), StoreError> {
        self.0.told_of(site).await
    }
}

/// Lets the others know, if anything has changed: who hears of it looks, and must not be told again
/// for having looked.
async fn notify(tx: &mut Tx<'_>, site: &Site, changed: u64) -> Result<(), StoreError> {
    if changed == 0 {
        return Ok(());
    }
    sqlx::query!("SELECT pg_notify($1, $2)", SHARING_CHANNEL, site.as_str())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Up to the next whole millisecond: never a moment early.
fn millis(wait: Duration) -> i64 {
    i64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
}
