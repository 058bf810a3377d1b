//! What the database says of the projects, asked no more often than it can bear: whoever scrapes
//! waits a moment for a new answer and otherwise gets the last one, with its age.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use crate::clock::Clock;
use crate::model::Site;
use crate::store::{FailureCount, ProjectCounts, ProjectFacts, Store, StoreError};

/// How old the counts of stored issues may be: counting a million of them takes a second.
const COUNTS_KEPT: Duration = Duration::from_secs(60);
/// How long an answer counts as new.
const FRESH: Duration = Duration::from_secs(5);
/// The database is left alone for so many times as long as it took to answer.
const REST: u32 = 10;
/// How long whoever scrapes waits for a new answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long the database may take.
const LIMIT: Duration = Duration::from_secs(60);

/// What the database said.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// The projects of this site.
    pub(super) projects: Vec<ProjectFacts>,
    /// What could not be fetched or stored whole, of every project.
    pub(super) failures: Vec<FailureCount>,
    /// How many issues are stored of each project, as of a minute ago.
    pub(super) counts: Arc<Vec<ProjectCounts>>,
    /// Live processes of this site.
    pub(super) workers: usize,
    /// When it was asked, by our clock.
    pub(super) asked_at: DateTime<Utc>,
    /// The same, to tell its age by.
    asked: Instant,
}

impl Facts {
    /// How old this is.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.asked)
    }
}

/// What is known of the database.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// The last answer, if there ever was one.
    pub(super) facts: Option<Arc<Facts>>,
    /// Whether it answered the last time, in time.
    pub(super) up: bool,
    /// How often it did not.
    pub(super) errors: u64,
}

/// Remembers the last answer.
#[derive(Debug, Default)]
pub(super) struct FactsMemory(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    known: Known,
    /// The question under way, or the last one.
    question: Option<Question>,
    /// When the last answer came, and how long it took.
    answered: Option<(Instant, Duration)>,
}

/// None: it did not answer, or not in time.
type Answer = Option<Arc<Facts>>;
type Question = Shared<BoxFuture<'static, Answer>>;

impl FactsMemory {
    /// What is known, after asking `store` again if it is time to.
    pub(super) async fn recall(
        &self,
        store: Option<Store>,
        site: &Site,
        clock: &Arc<dyn Clock>,
    ) -> Known {
        let Some(store) = store else {
            let mut memory = self.lock();
            memory.known.up = false;
            return memory.known.clone();
        };
        let Some(question) = self.question(store, site, clock) else {
            return self.lock().known.clone();
        };
        let answer = tokio::time::timeout(PATIENCE, question.clone()).await;
        let mut memory = self.lock();
        match answer {
            Ok(answer) => memory.note(&question, answer, clock.instant()),
            Err(_) => memory.known.up = false,
        }
        memory.known.clone()
    }

    /// The question under way; none while the last answer is new.
    fn question(&self, store: Store, site: &Site, clock: &Arc<dyn Clock>) -> Option<Question> {
        let mut memory = self.lock();
        if let Some(question) = &memory.question {
            return Some(question.clone());
        }
        let now = clock.instant();
        if memory.answered.is_some_and(|(at, took)| now < at + FRESH.max(took * REST)) {
            return None;
        }
        let asking = tokio::spawn(ask(store, site.clone(), Arc::clone(clock)));
        // The task goes on when whoever scrapes has gone, and its panic is an answer too.
        let question = async move {
            asking.await.unwrap_or_else(|error| {
                tracing::error!(error = %error, "asking for facts broke off");
                None
            })
        };
        let question = question.boxed().shared();
        memory.question = Some(question.clone());
        Some(question)
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// Takes the answer in, once: several may have waited for the same.
    fn note(&mut self, question: &Question, answer: Answer, now: Instant) {
        if !self.question.as_ref().is_some_and(|other| other.ptr_eq(question)) {
            return;
        }
        self.question = None;
        self.known.up = answer.is_some();
        match answer {
            Some(facts) => {
                self.answered = Some((now, facts.age(now)));
                self.known.facts = Some(facts);
            }
            None => {
                self.answered = Some((now, Duration::ZERO));
                self.known.errors += 1;
            }
        }
    }
}

async fn ask(store: Store, site: Site, clock: Arc<dyn Clock>) -> Answer {
    let asked = (clock.instant(), clock.now());
    match tokio::time::timeout(LIMIT, load(&store, &site, asked)).await {
        Ok(Ok(facts)) => Some(Arc::new(facts)),
        Ok(Err(error)) => {
            tracing::debug!(error = %error, "no facts for the metrics");
            None
        }
        Err(_) => {
            tracing::debug!("no facts for the metrics in time");
            None
        }
    }
}

async fn load(
    store: &Store,
    site: &Site,
    (asked, asked_at): (Instant, DateTime<Utc>),
) -> Result<Facts, StoreError> {
    Ok(Facts {
        projects: store.load_status(Some(site)).await?,
        failures: store.failure_counts(site).await?,
        counts: store.recent_counts(site, COUNTS_KEPT).await?.value,
        workers: store.load_workers(Some(site)).await?.len(),
        asked_at,
        asked,
    })
}
