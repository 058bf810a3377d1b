//! The nouns every other module speaks: ids, times, issues, runs, certificates.
//! Pure data and pure functions; no I/O, no clock, no randomness.

mod absence;
mod account;
mod catalogue;
mod certificate;
mod checkpoint;
mod failure;
mod ids;
mod issue;
mod listing;
mod privacy;
mod run;
mod schedule;
mod stream;
mod tier;
mod time;
pub mod words;

pub use absence::Absence;
pub use account::AccountLine;
pub use catalogue::{Catalogue, CatalogueEntry};
pub use certificate::{Basis, Certificate, Details, Finding, IndexSummary, TierCounts, Verdict};
pub use checkpoint::Checkpoint;
pub use failure::{Failure, FailureCategory, FailureCause};
pub use ids::{InvalidId, IssueId, IssueKey, ProjectKey, RunId, Site, WorkerId};
pub use issue::{
    Attachment, Change, Children, Comment, IssueDocument, Link, LinkDirection, PartialList, Sprint,
    User, Worklog,
};
pub use listing::{ListedIssue, ListingPage, PageStart, PageToken};
pub use privacy::{
    Erased, HashKey, KnownPeople, Mark, MarkOf, Privacy, Treatment, mark as mark_of,
};
pub use run::{EventLevel, RunCounters, RunKind, RunState, UnknownName};
pub use schedule::{InvalidSchedule, Schedule};
pub use stream::{Property, RemoteLink, Stream};
pub use tier::Tier;
pub use time::{EpochSecond, InvalidTime, parse_jira_time};
