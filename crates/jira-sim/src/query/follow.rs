//! Searches that go on behind the row where the page before ended, as Cloud's page tokens do.
//! The order is that of the index at the time of each request, so what is touched meanwhile moves.

use serde::{Deserialize, Serialize};

use super::ast::Query;
use super::order::Sort;
use super::{QueryError, SearchOptions, eval, order, parse, resolve};
use crate::world::{IndexEntry, IssueId, IssueKey, World};

/// How many fields `ORDER BY` may name on Cloud.
const MAX_SORT_FIELDS: usize = 7;

/// Where a page ended: what the index held of its last row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Flat", into = "Flat")]
pub(crate) struct Position {
    entry: IndexEntry,
    id: IssueId,
}

/// `updated` and `created` in seconds, project key, key number, issue id.
type Flat = (Option<i64>, Option<i64>, String, u32, IssueId);

impl From<Flat> for Position {
    fn from((updated, created, project, number, id): Flat) -> Self {
        Self { entry: IndexEntry { key: IssueKey::new(&project, number), updated, created }, id }
    }
}

impl From<Position> for Flat {
    fn from(Position { entry, id }: Position) -> Self {
        (entry.updated, entry.created, entry.key.project.to_string(), entry.key.number, id)
    }
}

impl Position {
    /// The indexed second, beyond all others where there is none.
    pub(super) fn updated(&self) -> i64 {
        self.entry.updated.unwrap_or(i64::MAX)
    }

    /// Whether an entry sorts behind this.
    pub(super) fn is_before(&self, sort: &Sort, entry: &IndexEntry, id: IssueId) -> bool {
        sort.compare((entry, id), (&self.entry, self.id)).is_gt()
    }
}

/// One page of a search that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Followed {
    /// The rows, ghosts included.
    pub(crate) ids: Vec<IssueId>,
    /// Where the next page begins; `None` when there is none.
    pub(crate) next: Option<Position>,
}

/// Runs a query from a position on. `start` is not looked at.
///
/// # Errors
/// When the query is malformed, unbounded, or names what does not exist.
pub(crate) fn search_after(
    world: &World,
    jql: &str,
    options: &SearchOptions,
    after: Option<&Position>,
) -> Result<Followed, QueryError> {
    let query = parse::parse(jql)?;
    check(&query)?;
    let filter = resolve::resolve(world, &query, options)?;
    let sort = order::resolve(&query.order, options)?;
    let (ids, more) = eval::follow(world, &filter, &sort, options, after);
    let last = ids.last().filter(|_| more);
    let next = last.and_then(|id| {
        let entry = world.index_entry(*id)?.clone();
        Some(Position { entry, id: *id })
    });
    Ok(Followed { ids, next })
}

/// Whether Cloud would run the query at all.
///
/// # Errors
/// When it is malformed, or restricts nothing.
pub(crate) fn check_bounded(jql: &str) -> Result<(), QueryError> {
    check(&parse::parse(jql)?)
}

fn check(query: &Query) -> Result<(), QueryError> {
    if query.filter.is_none() {
        return Err(QueryError::one(
            "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.",
        ));
    }
    if query.order.len() > MAX_SORT_FIELDS {
        return Err(QueryError::one(format!(
            "The ORDER BY clause cannot contain more than {MAX_SORT_FIELDS} fields."
        )));
    }
    Ok(())
}
