//! JQL, read and evaluated naively: tokens, syntax, resolution against the world, a full scan.
//! Written apart from the program under test; the only cleverness is to start the scan of a
//! project at the lower bound of `updated`, in the order in which the index is kept anyway.

mod ast;
mod dates;
mod eval;
mod follow;
mod order;
mod parse;
mod resolve;
mod token;

use chrono_tz::Tz;
pub(crate) use follow::{Position, check_bounded, search_after};

use crate::world::{IssueId, World};

/// Why a query is refused; Jira's `errorMessages`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", messages.join("; "))]
pub struct QueryError {
    /// The texts, at least one.
    pub messages: Vec<String>,
}

impl QueryError {
    fn one(message: impl Into<String>) -> Self {
        Self { messages: vec![message.into()] }
    }
}

/// What a search depends on besides the query.
#[derive(Debug, Clone, Copy)]
pub struct SearchOptions {
    /// The profile time zone of the caller, in which date literals are read.
    pub zone: Tz,
    /// Jira's `validateQuery`: whether unknown values are errors or just match nothing.
    pub validate: bool,
    /// Whether an issue that does not exist is no error in any clause, as on Cloud.
    pub lenient_issues: bool,
    /// Whether unquoted epoch milliseconds are understood.
    pub epoch_millis: bool,
    /// Decides the order of rows that the query leaves open.
    pub tie_seed: u64,
    /// Rows to skip.
    pub start: usize,
    /// Rows to return at most.
    pub limit: usize,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            zone: Tz::UTC,
            validate: true,
            lenient_issues: false,
            epoch_millis: true,
            tie_seed: 0,
            start: 0,
            limit: usize::MAX,
        }
    }
}

/// The answer to a query, from the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hits {
    /// All index entries that match, ghosts included.
    pub total: usize,
    /// The window of them that was asked for, ghosts included.
    pub ids: Vec<IssueId>,
}

/// Runs a query.
///
/// # Errors
/// When the query is malformed, or (with validation) names what does not exist.
pub fn search(world: &World, jql: &str, options: &SearchOptions) -> Result<Hits, QueryError> {
    let query = parse::parse(jql)?;
    let filter = resolve::resolve(world, &query, options)?;
    let sort = order::resolve(&query.order, options)?;
    Ok(eval::run(world, &filter, &sort, options))
}
