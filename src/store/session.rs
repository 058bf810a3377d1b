//! A process's session: a connection of its own whose existence says that the process lives.
//! It registers the worker and repeats a heartbeat; it decides nothing.

use std::time::Duration;

use sqlx::{ConnectOptions, PgConnection};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::reach::{no_answer, soon};
use super::{Store, StoreError};
use crate::model::WorkerId;

/// How often a process says that it lives.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(5);
/// How long a process that says nothing, but whose session exists, keeps its leases.
/// The database has the same number in `extractor.worker_ttl()`.
pub const WORKER_TTL: Duration = Duration::from_secs(30);
/// How long one heartbeat may take before the connection counts as broken.
const BEAT_TIMEOUT: Duration = Duration::from_secs(10);

/// How a process is named to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerIdentity {
    /// The machine's name.
    pub host: String,
    /// The process id.
    pub pid: u32,
    /// The program's version.
    pub version: String,
}

/// What the session knows of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionHealth {
    /// The last heartbeat was written. The number rises with each.
    Alive(u64),
    /// The connection is gone; a new one is tried at every beat.
    Lost,
}

/// A registered worker. Dropping it ends the heartbeats; [`Session::close`] also gives back at
/// once everything the worker has leased.
#[derive(Debug)]
pub struct Session {
    worker: WorkerId,
    store: Store,
    health: watch::Receiver<SessionHealth>,
    beat_now: std::sync::Arc<Notify>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Store {
    /// Registers this process as a worker and keeps it registered until the session ends.
    /// Rows of workers silent for a day are removed on the way.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no further connection can be had.
    pub async fn open_session(&self, identity: WorkerIdentity) -> Result<Session, StoreError> {
        let worker = WorkerId(Uuid::now_v7());
        let mut connection = soon(self.options.connect()).await?;
        soon(beat(&mut connection, worker, &identity)).await?;
        self.forget_old_workers().await?;
        let (health_tx, health) = watch::channel(SessionHealth::Alive(1));
        let beat_now = std::sync::Arc::new(Notify::new());
        let stop = CancellationToken::new();
        let heart = Heart {
            options: self.options.clone(),
            connection: Some(connection),
            worker,
            identity,
            beats: 1,
            health: health_tx,
        };
        let task = tokio::spawn(heart.run(beat_now.clone(), stop.clone()));
        Ok(Session { worker, store: self.clone(), health, beat_now, stop, task })
    }

    async fn forget_old_workers(&self) -> Result<(), StoreError> {
        self.tx("forget_old_workers", |tx| Box::pin(async move {
            sqlx::query!(
                "DELETE FROM extractor.workers WHERE heartbeat_at < clock_timestamp() - interval '1 day'"
            )
            .execute(&mut **tx)
            .await?;
            Ok(())
        }))
        .await
    }

    /// Whether the worker's leases count at this moment.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn is_live(&self, worker: WorkerId) -> Result<bool, StoreError> {
        let live = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM extractor.live_workers WHERE id = $1) AS "live!""#,
            worker.0
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(live)
    }
}

impl Session {
    /// The worker this session stands for.
    pub fn worker(&self) -> WorkerId {
        self.worker
    }

    /// Tells of every heartbeat that was written or missed.
    pub fn health(&self) -> watch::Receiver<SessionHealth> {
        self.health.clone()
    }

    /// Asks for a heartbeat without waiting for the next one's turn.
    pub fn beat_now(&self) {
        self.beat_now.notify_one();
    }

    /// Ends the session in order: projects and batches it holds are free at once.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; the leases are then free as soon as Postgres notices.
    pub async fn close(mut self) -> Result<(), StoreError> {
        self.stop.cancel();
        if let Err(error) = (&mut self.task).await {
            tracing::warn!(error = %error, "heartbeat task did not end in order");
        }
        let worker = self.worker.0;
        self.store
            .tx("close_session", |tx| {
                Box::pin(async move {
                    sqlx::query!(
                        "UPDATE extractor.pending
                     SET lease_worker = NULL, lease_token = NULL, leased_until = NULL
                     WHERE lease_worker = $1",
                        worker
                    )
                    .execute(&mut **tx)
                    .await?;
                    sqlx::query!("DELETE FROM extractor.workers WHERE id = $1", worker)
                        .execute(&mut **tx)
                        .await?;
                    Ok(())
                })
            })
            .await
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

struct Heart {
    options: sqlx::postgres::PgConnectOptions,
    connection: Option<PgConnection>,
    worker: WorkerId,
    identity: WorkerIdentity,
    beats: u64,
    health: watch::Sender<SessionHealth>,
}

impl Heart {
    async fn run(mut self, beat_now: std::sync::Arc<Notify>, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(HEARTBEAT);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
                () = beat_now.notified() => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.beat() => {}
            }
        }
    }

    async fn beat(&mut self) {
        let outcome = match tokio::time::timeout(BEAT_TIMEOUT, self.try_beat()).await {
            Ok(outcome) => outcome,
            Err(_) => Err(no_answer().into()),
        };
        let was_alive = matches!(*self.health.borrow(), SessionHealth::Alive(_));
        match outcome {
            Ok(()) => {
                self.beats += 1;
                if !was_alive {
                    tracing::info!(worker.id = %self.worker, "session with the database restored");
                }
                self.health.send_replace(SessionHealth::Alive(self.beats));
            }
            Err(error) => {
                self.connection = None;
                if was_alive {
                    tracing::warn!(worker.id = %self.worker, error = %error, "session with the database lost");
                }
                self.health.send_replace(SessionHealth::Lost);
            }
        }
    }

    async fn try_beat(&mut self) -> Result<(), StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        beat(&mut connection, self.worker, &self.identity).await?;
        self.connection = Some(connection);
        Ok(())
    }
}

/// Writes one heartbeat, which is also the registration: after a reconnect the backend is another.
async fn beat(
    connection: &mut PgConnection,
    worker: WorkerId,
    identity: &WorkerIdentity,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO extractor.workers AS w
             (id, host, pid, version, backend_pid, backend_start, started_at, heartbeat_at)
         SELECT $1, $2, $3, $4, pg_backend_pid(),
             (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()),
             clock_timestamp(), clock_timestamp()
         ON CONFLICT ON CONSTRAINT workers_pk DO UPDATE
         SET backend_pid = excluded.backend_pid, backend_start = excluded.backend_start,
             heartbeat_at = excluded.heartbeat_at",
        worker.0,
        identity.host,
        i32::try_from(identity.pid).unwrap_or(i32::MAX),
        identity.version,
    )
    .execute(connection)
    .await?;
    Ok(())
}
