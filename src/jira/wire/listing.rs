//! A page of a listing: `id`, `key` and `updated` of each row.

use serde::Deserialize;

use super::Unreadable;
use super::scalar::{Id, time};
use crate::jira::send::Answer;
use crate::jira::shape::Came;
use crate::model::{IssueId, ListedIssue, ListingPage, PageToken};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a search page")]
struct Page {
    issues: Vec<Row>,
    total: Option<u64>,
    max_results: Option<u32>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(expecting = "an issue")]
struct Row {
    id: Id,
    key: String,
    fields: Option<RowFields>,
}

#[derive(Deserialize)]
struct RowFields {
    updated: Option<String>,
}

/// Reads a page of a listing. A row that cannot be read fails the page: nothing is skipped.
pub(in crate::jira) fn listing_page(answer: &Answer) -> Result<ListingPage, Came> {
    let page: Page = answer.object()?;
    let rows = page.issues.into_iter().map(row).collect::<Result<_, _>>();
    let rows = rows.map_err(|unreadable| Came::wrong_shape(unreadable.to_string()))?;
    let next = page.next_page_token.filter(|token| !token.is_empty()).map(PageToken);
    Ok(ListingPage { rows, total: page.total, max_results: page.max_results, next })
}

fn row(row: Row) -> Result<ListedIssue, Unreadable> {
    let key = row.key.parse().map_err(|_| Unreadable::new("key", "it is not an issue key"))?;
    let updated = row.fields.and_then(|fields| fields.updated);
    Ok(ListedIssue {
        id: IssueId(row.id.0),
        key,
        updated: time(updated.as_deref(), "fields.updated")?,
    })
}

#[derive(Deserialize)]
#[serde(expecting = "a search page")]
struct Count {
    total: u64,
}

#[derive(Deserialize)]
#[serde(expecting = "an approximate count")]
struct Estimate {
    count: u64,
}

/// About how many issues a query matches.
pub(in crate::jira) fn approximate_count(answer: &Answer) -> Result<u64, Came> {
    answer.object::<Estimate>().map(|estimate| estimate.count)
}

/// How many issues a query matched.
pub(in crate::jira) fn total(answer: &Answer) -> Result<u64, Came> {
    answer.object::<Count>().map(|count| count.total)
}
