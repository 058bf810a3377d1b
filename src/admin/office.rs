//! What every handler is given: the service's desk, the token that callers must know, the clock,
//! and a sign that the server is closing. Asking the store goes through here, within a time limit.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::Desk;
use super::attempts::Attempts;
use super::cache::Cached;
use super::desk::{Link, Phase};
use super::health::Readiness;
use super::page::Board;
use super::problem::{Kind, Problem};
use super::refusals::{self, ASK_AGAIN_SECS};
use crate::clock::Clock;
use crate::store::{ProjectFacts, Store, StoreError};

/// Answers that are worked on at once; what comes on top is refused. Streams count until they begin.
const MAX_ANSWERS: usize = 64;
/// How long the store may take over one question.
const STORE_WITHIN: Duration = Duration::from_secs(8);
/// How long the facts of all projects are kept.
const FACTS_KEPT: Duration = Duration::from_secs(2);

/// The state of the router.
pub(super) type AppState = Arc<Office>;

/// The facts of every project of the site, or why there are none.
pub(super) type Facts = Result<Arc<Vec<ProjectFacts>>, Problem>;

/// What every handler is given.
pub struct Office {
    /// What the service lays open.
    pub(super) desk: Desk,
    /// The token that callers must know; none: whoever reaches the address may ask.
    pub(super) token: Option<SecretString>,
    /// The time.
    pub(super) clock: Arc<dyn Clock>,
    /// Cancelled when the server begins to close: streams that never end by themselves end then.
    pub(super) closing: CancellationToken,
    /// One permit an answer that is being worked on.
    pub(super) answers: Semaphore,
    /// Wrong tokens that were shown in the log-in form.
    pub(super) attempts: Attempts,
    /// Whether the service is ready, as of a moment ago.
    pub(super) readiness: Cached<Readiness>,
    /// What the status page knows of the database.
    pub(super) board: Board,
    facts: Cached<Facts>,
}

impl Office {
    /// An office at this desk. Without a `token` it is to be reached over loopback only.
    pub fn new(desk: Desk, token: Option<SecretString>, clock: Arc<dyn Clock>) -> Self {
        Self {
            desk,
            token,
            clock,
            closing: CancellationToken::new(),
            answers: Semaphore::new(MAX_ANSWERS),
            attempts: Attempts::default(),
            readiness: Cached::default(),
            board: Board::default(),
            facts: Cached::default(),
        }
    }

    /// The facts of every project of the site, as of a moment ago.
    ///
    /// # Errors
    /// The problem to answer with.
    pub(super) async fn facts(&self) -> Facts {
        let ask = async {
            let site = &self.desk.site;
            let facts = self.ask(async |store| store.load_status(Some(site)).await).await?;
            Ok(Arc::new(facts))
        };
        self.facts.load(&*self.clock, FACTS_KEPT, ask).await
    }

    /// What the store answers to `question`, within the time that it may take.
    ///
    /// # Errors
    /// The problem to answer with: the database is not open yet, or away, or refuses.
    pub(super) async fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&Store) -> Result<T, StoreError>,
    ) -> Result<T, Problem> {
        let store = self.store()?;
        match tokio::time::timeout(STORE_WITHIN, question(&store)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                let problem = refusals::of_store(&error);
                match problem.kind {
                    // The service says so itself, once.
                    Kind::DatabaseUnavailable => {}
                    _ => tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "database does not answer a request as it should"
                    ),
                }
                Err(problem)
            }
            Err(_) => Err(refusals::database_unavailable()),
        }
    }

    /// The store, once the database was opened.
    fn store(&self) -> Result<Store, Problem> {
        if let Some(store) = self.desk.store.borrow().as_ref() {
            return Ok(store.clone());
        }
        let status = self.desk.status.borrow();
        match (&status.database, status.phase) {
            (Link::Unknown | Link::Up { .. }, Phase::Starting) => Err(Problem::new(
                Kind::Starting,
                "the service has not opened its database yet",
                "ask again in a few seconds",
            )
            .retry_after(ASK_AGAIN_SECS)),
            (
                Link::Down { .. } | Link::Unknown | Link::Up { .. },
                Phase::Starting | Phase::Running | Phase::Stopping,
            ) => Err(refusals::database_unavailable()),
        }
    }
}

impl fmt::Debug for Office {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Office")
            .field("site", &self.desk.site)
            .field("token", &self.token.as_ref().map(|_| "set"))
            .finish_non_exhaustive()
    }
}
