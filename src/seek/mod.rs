//! The listing machine: finds every issue of a project without trusting what it is told.
//!
//! JQL matches and sorts on the *indexed* `updated`. A reindex, node replication or search lag
//! can set it apart from the `fields.updated` of a row, in either direction. So a row's
//! `updated` only suggests where to go next; what proves that nothing was skipped is always
//! something else. Four methods, each handing over to the next for one stretch only:
//!
//! 1. *forward* ([`forward`]): ask from an instant on, without upper bound, and go on from the
//!    second of the last row. The next page confirms the jump: a row of the last page must come
//!    again unchanged (so its indexed second is not before the jump, and everything before it was
//!    on the last page), and by Jira's own counts nothing may be missing between the two.
//! 2. *window* ([`window`]): a stretch of index time with both ends. A page that holds all that
//!    its own `total` counts is complete, whatever the documents say. Too much: a narrower one.
//! 3. *leaf* ([`leaf`]): the narrowest stretch the instance can express (a second, a minute) and
//!    still too much for a page: by key, after an anchor that must still stand,
//! 4. then, when no anchor stands, by `startAt` inside that stretch, overlapping by a row.
//!
//! On Jira Cloud, which counts nothing, there is a fifth instead ([`chain`]): the same query,
//! followed by page tokens. Its frontier moves only by what must have been passed, and its proof is
//! a *census*: the same stretch once more in the order of `created`, which no edit changes.
//!
//! The frontier only rises. Every method has a bound on its requests; a scan that cannot finish
//! fails with a [`ScanError`] that says where. The machine has no I/O, no clock and no
//! randomness: it is given pages and failures, and answers with the next [`Step`]. What it
//! cannot see (an index entry that moves from ahead of the frontier to behind it while the scan
//! runs) is the certificate's to find.

mod budget;
mod chain;
mod forward;
mod leaf;
mod plan;
mod scan;
mod step;
mod stretch;
mod window;

#[cfg(test)]
mod tests;

pub use plan::{Method, ScanPlan};
pub use scan::Scan;
pub use step::{Accepted, Request, ScanError, Step, Summary};
