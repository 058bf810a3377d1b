//! What `ORDER BY` sorts on.

use std::cmp::Ordering;

use super::ast::OrderBy;
use super::{QueryError, SearchOptions};
use crate::random::mix;
use crate::world::{IndexEntry, IssueId};

/// Sort fields that carry an order; others leave it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Updated,
    Created,
    Key,
}

/// The resolved order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sort {
    /// Sort fields with whether they descend.
    pub(crate) by: Vec<(By, bool)>,
    /// Seeds the order of ties.
    pub(crate) tie_seed: u64,
}

impl Sort {
    /// Whether this is the order in which the index of one project is kept.
    pub(crate) fn is_index_order(&self) -> bool {
        self.by == [(By::Updated, false), (By::Key, false)]
    }

    /// Which of two entries comes first. Entries without a time come last.
    pub(crate) fn compare(
        &self,
        (left, a): (&IndexEntry, IssueId),
        (right, b): (&IndexEntry, IssueId),
    ) -> Ordering {
        for (by, descending) in &self.by {
            let ordering = match by {
                By::Updated => missing_last(left.updated, right.updated),
                By::Created => missing_last(left.created, right.created),
                By::Key => left.key.cmp(&right.key),
            };
            let ordering = if *descending { ordering.reverse() } else { ordering };
            if ordering.is_ne() {
                return ordering;
            }
        }
        mix(a ^ self.tie_seed).cmp(&mix(b ^ self.tie_seed))
    }
}

/// Looks the sort fields up; without any, Jira sorts by key, newest first.
pub(crate) fn resolve(order: &[OrderBy], options: &SearchOptions) -> Result<Sort, QueryError> {
    let mut by = Vec::new();
    for OrderBy { field, descending } in order {
        match field.to_ascii_lowercase().as_str() {
            "updated" | "updateddate" => by.push((By::Updated, *descending)),
            "created" | "createddate" => by.push((By::Created, *descending)),
            "key" | "id" | "issue" | "issuekey" => by.push((By::Key, *descending)),
            "project" | "status" | "priority" | "assignee" | "reporter" | "resolution"
            | "summary" | "issuetype" | "type" | "duedate" | "due" | "rank" | "resolved"
            | "resolutiondate" => {}
            _ => {
                return Err(QueryError::one(format!("Not able to sort using field '{field}'.")));
            }
        }
    }
    if order.is_empty() {
        by.push((By::Key, true));
    }
    Ok(Sort { by, tie_seed: options.tie_seed })
}

fn missing_last(left: Option<i64>, right: Option<i64>) -> Ordering {
    left.unwrap_or(i64::MAX).cmp(&right.unwrap_or(i64::MAX))
}
