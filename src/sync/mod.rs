//! The pipeline: list, diff, hydrate, certify. The only place where network and database meet.
//!
//! [`Engine::run_project`] is one run of one project. It lists with the machine of `seek` and
//! stores every page with its checkpoint in one transaction ([`listing`]); the store's diff puts
//! what is new or changed into the queue; meanwhile [`hydrate`] takes batches from the queue,
//! fetches them whole ([`fetch`]) and writes each batch, its children, its removal from the queue
//! and the run's progress in one transaction; an issue that does not come with its batch is fetched
//! by itself, down a [`ladder`]. Network calls are never made inside a transaction.
//! When listing and queue are done, [`certify`] compares what Jira counts with what is listed and
//! stored, lists again by windows where they differ, and stores the certificate with the run. Cloud
//! counts nothing: there a [`census`] lists again in another order.
//!
//! What decides is pure and has its own files: [`policy`] (what an error means), [`pace`] (how
//! much to ask for at once), [`ladder`] (what to ask of a heavy issue), [`fields`] (which fields are
//! missing), [`streak`] (when to stop), [`census`]' and [`certify`]'s comparisons, [`absence`] (what
//! became of an issue that was missed), [`replay`] (what to do about changelogs that do not add up).
//! What is absent: no retry of a single request (that is `jira`'s) and no SQL (that is `store`'s).

mod absence;
mod budget;
mod census;
mod certify;
mod climb;
mod complete;
mod dry_run;
mod engine;
mod error;
mod fetch;
mod fields;
mod hydrate;
mod intake;
mod ladder;
mod listing;
mod pace;
mod people;
mod policy;
mod precedent;
mod progress;
mod replay;
mod retry;
mod span;
mod split;
mod streak;
mod streams;
mod visible;

pub use budget::{Budget, PERIOD as BUDGET_PERIOD, Shared};
pub use dry_run::DryRun;
pub use engine::{
    BATCH_LEASE, Engine, EngineSettings, Occasion, OpenedRun, RunControl, RunReport, RunRequest,
};
pub use error::SyncError;
pub use hydrate::{Drained, Until};
pub use ladder::{Landing, landing};
pub use people::{ErasedPerson, Erasing};
pub use policy::is_of_the_issue;
pub use progress::{PaceInUse, Progress, Snapshot};
