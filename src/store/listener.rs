//! Hearing what others let us know, over a connection of its own. A host that has vanished says
//! nothing, as does one that has nothing to say: so a connection that was silent for a while is asked.

use std::time::Duration;

use sqlx::Executor as _;
use sqlx::postgres::{PgListener, PgNotification, PgPoolOptions};
use tokio::time::Instant;

use super::reach::{ANSWER, no_answer, soon};
use super::{Store, StoreError};
use crate::model::Site;

/// A connection that was silent for so long is asked whether it is still there.
const SILENCE: Duration = Duration::from_secs(10);

/// Hears of one channel.
#[derive(Debug)]
pub(super) struct Listener {
    connection: PgListener,
    /// When it was last known to be there.
    heard_at: Instant,
    /// A question whose asker was interrupted: the answer is not to be had any more.
    asked: bool,
}

impl Store {
    /// Listens on a channel.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no further connection can be had.
    pub(super) async fn listen(&self, channel: &str) -> Result<Listener, StoreError> {
        soon(async {
            let own = PgPoolOptions::new().max_connections(1).acquire_timeout(ANSWER);
            let own = own.connect_lazy_with(self.options.clone());
            let mut connection = PgListener::connect_with(&own).await?;
            connection.listen(channel).await?;
            Ok(Listener { connection, heard_at: Instant::now(), asked: false })
        })
        .await
    }
}

impl Listener {
    /// Waits for the next note; `None` when some may have been lost. Losing the wait loses no note.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: then this hears nothing any more, and another is wanted.
    pub(super) async fn next(&mut self) -> Result<Option<PgNotification>, StoreError> {
        loop {
            tokio::select! {
                note = self.connection.try_recv() => {
                    self.heard();
                    return Ok(note?);
                }
                () = tokio::time::sleep_until(self.heard_at + SILENCE) => {}
            }
            if std::mem::replace(&mut self.asked, true) {
                return Err(no_answer().into());
            }
            soon(async { self.connection.execute("SELECT 1").await.map(drop) }).await?;
            self.heard();
        }
    }

    /// Waits for a note that names `site`, or until one may have been lost.
    ///
    /// # Errors
    /// As [`Listener::next`].
    pub(super) async fn told_of(&mut self, site: &Site) -> Result<(), StoreError> {
        while let Some(note) = self.next().await? {
            if note.payload() == site.as_str() {
                break;
            }
        }
        Ok(())
    }

    fn heard(&mut self) {
        self.heard_at = Instant::now();
        self.asked = false;
    }
}
