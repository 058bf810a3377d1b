//! The queries themselves, as data; their text is made here and nowhere else.

use std::fmt;

use super::{Boundary, UserFilter};
use crate::model::{IssueKey, ProjectKey};

/// Which part of a project's issues, by *indexed* `updated`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// Every issue.
    All,
    /// From `from` (the beginning if `None`) up to but without `to` (no bound if `None`).
    Updated {
        /// First instant that belongs to it.
        from: Option<Boundary>,
        /// First instant that does not.
        to: Option<Boundary>,
    },
    /// Issues that have no `updated` at all: they exist, and match no comparison.
    Undated,
}

/// How the answer is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By indexed `updated`, ties by key.
    UpdatedThenKey,
    /// By `created`, which never changes, ties by key.
    CreatedThenKey,
    /// By project key, then key number.
    Key,
    /// No order asked for: counts.
    None,
}

/// One JQL query over one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The project.
    pub project: ProjectKey,
    /// Extra JQL, already parenthesised.
    pub filter: Option<UserFilter>,
    /// The part of the project.
    pub span: Span,
    /// Only keys after this one. Jira looks the anchor up first, so it must still stand.
    pub key_after: Option<IssueKey>,
    /// Only issues created before this instant.
    pub created_before: Option<Boundary>,
    /// The order.
    pub order: Order,
}

impl Query {
    /// Everything in `project`.
    pub fn project(project: ProjectKey, filter: Option<UserFilter>) -> Self {
        Self {
            project,
            filter,
            span: Span::All,
            key_after: None,
            created_before: None,
            order: Order::None,
        }
    }

    /// The same query over `span`, in `order`.
    #[must_use]
    pub fn over(mut self, span: Span, order: Order) -> Self {
        self.span = span;
        self.order = order;
        self
    }

    /// The same query, only keys after `anchor`.
    #[must_use]
    pub fn after_key(mut self, anchor: Option<IssueKey>) -> Self {
        self.key_after = anchor;
        self
    }

    /// The same query, only issues created before `instant`.
    #[must_use]
    pub fn created_before(mut self, instant: Boundary) -> Self {
        self.created_before = Some(instant);
        self
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Quoted: a project key may be a reserved word of JQL, such as ORDER.
        write!(f, "project = \"{}\"", self.project)?;
        match &self.span {
            Span::All => {}
            Span::Undated => f.write_str(" AND updated is EMPTY")?,
            Span::Updated { from, to } => {
                match from {
                    Some(from) => write!(f, " AND updated >= {}", from.literal())?,
                    None => f.write_str(" AND updated is not EMPTY")?,
                }
                if let Some(to) = to {
                    write!(f, " AND updated < {}", to.literal())?;
                }
            }
        }
        if let Some(anchor) = &self.key_after {
            write!(f, " AND key > \"{anchor}\"")?;
        }
        if let Some(instant) = &self.created_before {
            write!(f, " AND created < {}", instant.literal())?;
        }
        if let Some(filter) = &self.filter {
            write!(f, " AND {filter}")?;
        }
        match self.order {
            Order::UpdatedThenKey => f.write_str(" ORDER BY updated ASC, key ASC"),
            Order::CreatedThenKey => f.write_str(" ORDER BY created ASC, key ASC"),
            Order::Key => f.write_str(" ORDER BY key ASC"),
            Order::None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jql::TimeGrid;
    use crate::model::EpochSecond;

    fn query() -> Query {
        Query::project("ORDER".parse().unwrap(), None)
    }

    #[test]
    fn the_listing_asks_from_a_second_on_and_orders_by_updated_then_key() {
        let from = TimeGrid::Seconds.floor(EpochSecond(1_700_000_000));
        let text =
            query().over(Span::Updated { from, to: None }, Order::UpdatedThenKey).to_string();
        assert_eq!(
            text,
            "project = \"ORDER\" AND updated >= 1700000000000 ORDER BY updated ASC, key ASC"
        );
    }

    #[test]
    fn a_stretch_has_both_ends_an_anchor_and_the_filter_in_parentheses() {
        let from = TimeGrid::Seconds.floor(EpochSecond(10));
        let to = TimeGrid::Seconds.floor(EpochSecond(11));
        let mut query = query()
            .over(Span::Updated { from, to }, Order::Key)
            .after_key(Some("ORDER-7".parse().unwrap()));
        query.filter = Some(UserFilter::parse("a = 1 OR b = 2").unwrap());
        assert_eq!(
            query.to_string(),
            "project = \"ORDER\" AND updated >= 10000 AND updated < 11000 AND key > \"ORDER-7\" \
             AND (a = 1 OR b = 2) ORDER BY key ASC"
        );
    }

    #[test]
    fn the_census_asks_for_what_was_created_before_an_instant_in_that_order() {
        let census = query().over(Span::All, Order::CreatedThenKey);
        let census = census.created_before(TimeGrid::Seconds.floor(EpochSecond(20)).unwrap());
        assert_eq!(
            census.to_string(),
            "project = \"ORDER\" AND created < 20000 ORDER BY created ASC, key ASC"
        );
    }

    #[test]
    fn the_beginning_and_the_undated_have_their_own_clauses() {
        let whole = Span::Updated { from: None, to: None };
        assert_eq!(
            query().over(whole, Order::None).to_string(),
            "project = \"ORDER\" AND updated is not EMPTY"
        );
        assert_eq!(
            query().over(Span::Undated, Order::Key).to_string(),
            "project = \"ORDER\" AND updated is EMPTY ORDER BY key ASC"
        );
    }
}
