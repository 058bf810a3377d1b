//! The only place that speaks SQL: one [`Store`] over one Postgres.
//!
//! What it promises to the pipeline:
//! - **Every write is one transaction**, named, retried when Postgres asks for it (serialization,
//!   deadlock), and made through `Store::tx` alone.
//! - **Every write of a run is fenced.** A [`ProjectLease`] and a [`BatchToken`] can only be minted
//!   here. Each carries a number that rises with every acquisition, and a write whose number is no
//!   longer the newest touches nothing and fails with [`StoreError::LeaseLost`].
//! - **Who is alive is decided by the database**: a [`Session`] is a connection of its own; the
//!   leases of a killed process are free as soon as Postgres has noticed the connection's end, those
//!   of a sleeping one after [`WORKER_TTL`]. All times are the database's.
//! - **Nothing waits for ever.** A host that vanishes closes nothing; what waits for it is given up, as
//!   [`StoreError::Unavailable`]. A commit whose answer was lost may have happened: everything here may
//!   be done again, because it is fenced, or the same when it is done twice.
//! - **Progress is monotonic in the SQL itself**: an older document never replaces a newer one, the
//!   cursor never falls, absence from a list that Jira cut short removes nothing.
//!
//! It knows neither Jira's wire nor the network; what to fetch and when to give up is `sync`'s.

mod absences;
mod batch;
mod bulk;
mod catalogue;
mod certificates;
mod connect;
mod counts;
mod cursors;
mod decide;
mod error;
mod facts;
mod failures;
mod field_names;
mod leases;
mod listener;
mod listing;
mod migrate;
mod people;
mod pool;
pub mod private_postgres;
mod queue;
mod reach;
mod recent;
mod renames;
mod replay;
mod rows;
mod runs;
mod sample;
mod schedules;
mod schema_facts;
mod session;
mod stats;
mod streams;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod throttles;
mod tx;
mod versions;
mod views;
mod wholeness;
mod worklog_feed;

pub use absences::{AbsenceCounts, Allowance, Found, Missed, Settled};
pub use batch::{BatchResult, BatchWritten};
pub use certificates::{CertificateCounts, ListedCounts};
pub use connect::Settings;
pub use counts::ProjectCounts;
pub use cursors::CursorFacts;
pub use error::StoreError;
pub use facts::{Certified, LiveWorker, ProjectFacts, QueueFacts};
pub use failures::{FailureCount, FailureFilter, StoredFailure};
pub use leases::{Holder, ProjectClaim, ProjectLease};
pub use listing::{PageOutcome, Requeue};
pub use people::{
    FoundUser, Of, PeopleScope, PersonalIssue, PersonalRows, Rewritten, RewrittenRows,
    UnfinishedErasure, UserLookup,
};
pub use queue::{
    Batch, BatchNumber, BatchToken, PendingCounts, PendingIssue, PendingListener, QueueScope,
    Release,
};
pub use recent::Recent;
pub use replay::{ReplayAudit, ReplayFinding};
pub use runs::{
    Cancelling, ControlListener, EVENTS_KEPT, MAX_RETRIES, NewRun, Requested, Retrying, Run,
    RunEvent, RunFilter, RunWanted, StoredEvent,
};
pub use sample::{SampleIssue, TableCount};
pub use schedules::{Followed, Schedule, ScheduleTrouble, Wanted};
pub use schema_facts::{ColumnFact, FunctionFact, RelationFact, SchemaFact, SchemaFacts};
pub use session::{Session, SessionHealth, WORKER_TTL, WorkerIdentity};
pub use stats::{Histogram, PoolStats, SECONDS_BOUNDS, StoreStats, TransactionStats};
pub use throttles::{Sharing, SharingListener, Throttle};
pub use views::ViewsRefreshed;

use std::sync::Arc;

use sqlx::postgres::PgConnectOptions;

/// Everything that is stored, and the only way to it. Clones share one pool.
#[derive(Debug, Clone)]
pub struct Store {
    pool: pool::Pool,
    /// For the connections outside the pool: migrations, sessions, listeners.
    options: PgConnectOptions,
    counters: Arc<stats::Counters>,
    /// Whether every version of an issue is kept.
    history: bool,
    last_counts: Arc<recent::LastRead<Vec<ProjectCounts>>>,
}
