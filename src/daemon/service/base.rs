//! The database side of the service: the store and this process's session in it. It lives as long as
//! the service, but for a configuration that names another database.

use std::time::Duration;

use super::board::{Board, Peer};
use super::wishes::{Order, Waited, Wishes};
use crate::daemon::wiring::{Database, Schema, WiringError, identity};
use crate::store::{Session, Store};

/// How long putting down a connection may take: a database that is away does not answer.
const CLOSING: Duration = Duration::from_secs(3);

/// An open database, and the session that says that this process lives.
#[derive(Debug)]
pub(super) struct Base {
    database: Database,
    session: Session,
}

impl Base {
    /// Opens the configured database, however long that takes.
    ///
    /// # Errors
    /// What somebody has to mend, unless the service has `begun` before.
    pub(super) async fn open(
        order: &Order,
        board: &Board,
        wishes: &mut Wishes,
        begun: bool,
    ) -> Result<Waited<Self>, WiringError> {
        let config = &order.config.database;
        let stop = wishes.stop.clone();
        let attempt = || async {
            let database = Database::open(config, Schema::AsConfigured, &stop).await?;
            match database.store().open_session(identity()).await {
                Ok(session) => Ok(Self { database, session }),
                Err(error) => {
                    database.close().await;
                    Err(error.into())
                }
            }
        };
        let opened = wishes.patiently(board, begun, attempt).await?;
        if let Waited::Done(base) = &opened {
            board.opened(Some(base.store().clone()));
            board.registered(Some(base.session.worker()));
            board.up(Peer::Database);
        }
        Ok(opened)
    }

    pub(super) fn store(&self) -> &Store {
        self.database.store()
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// Ends the session, which gives back at once whatever is leased, and closes the database.
    pub(super) async fn close(self, board: &Board) {
        board.registered(None);
        board.opened(None);
        let Self { database, session } = self;
        match tokio::time::timeout(CLOSING, session.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = %error, "session not closed in order"),
            Err(_) => tracing::warn!("session not closed in time"),
        }
        if tokio::time::timeout(CLOSING, database.close()).await.is_err() {
            tracing::warn!("database not closed in time");
        }
    }
}
