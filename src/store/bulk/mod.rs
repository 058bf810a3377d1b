//! The bulk statements on `jira.*`: many rows each, from arrays through `UNNEST`, which measured
//! within a fifth of plain `COPY` and needs no staging table. Whether to write is decided before.

mod children;
mod issues;
mod partial;
mod relations;
mod shared;
mod streams;

use std::collections::BTreeMap;

use sqlx::PgConnection;

pub(super) use issues::{
    insert_former_keys, load_stored, retire_keys, settle, upsert_issues, upsert_keys,
};
pub(super) use partial::join_stored_fields;
pub(super) use shared::{upsert_sprints, upsert_users};

use super::StoreError;
use crate::model::{Children, IssueDocument, IssueId, PartialList, Site};

/// Most issues of one statement.
const MAX_ISSUES: usize = 500;
/// Most bytes of `fields` in one statement, unless one issue alone has more.
const MAX_BYTES: usize = 8 << 20;
/// Most child rows of one statement.
const MAX_CHILDREN: usize = 5_000;

/// Cuts a batch into what one statement takes.
pub(super) fn chunks<'a, 'd>(
    documents: &'a [&'d IssueDocument],
) -> impl Iterator<Item = &'a [&'d IssueDocument]> {
    let mut rest = documents;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fitting = rest.iter().take(MAX_ISSUES).take_while(|document| {
            bytes += document.fields.len();
            bytes <= MAX_BYTES
        });
        let length = fitting.count().max(1).min(rest.len());
        let (chunk, after) = rest.split_at(length);
        rest = after;
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// Brings every child table in line with the documents. `known` says which issues were stored
/// before: only they can have rows to remove.
pub(super) async fn replace_children(
    tx: &mut PgConnection,
    site: &Site,
    documents: &[&IssueDocument],
    known: impl Fn(IssueId) -> bool + Copy,
) -> Result<(), StoreError> {
    children::replace_changes(tx, site, documents, known).await?;
    children::replace_comments(tx, site, documents, known).await?;
    children::replace_worklogs(tx, site, documents, known).await?;
    relations::replace_links(tx, site, documents, known).await?;
    relations::replace_attachments(tx, site, documents, known).await?;
    relations::replace_sprints(tx, site, documents, known).await?;
    streams::replace_remote_links(tx, site, documents, known).await?;
    streams::replace_watchers(tx, site, documents, known).await?;
    streams::replace_voters(tx, site, documents, known).await?;
    streams::replace_properties(tx, site, documents, known).await
}

/// One column of the rows, as a statement takes it.
fn column<'a, T, C>(rows: &'a [T], value: impl Fn(&'a T) -> C) -> Vec<C> {
    rows.iter().map(value).collect()
}

/// A child with its issue.
struct Child<'a, T> {
    issue: i64,
    of: &'a T,
}

/// The children of one kind in a batch.
struct ChildRows<'a, T> {
    /// Sorted by issue and key, each once.
    rows: Vec<Child<'a, T>>,
    /// The issues whose list is whole and that may have had other rows before.
    prunable: Vec<i64>,
}

impl<'a, T> ChildRows<'a, T> {
    fn of<K: Ord>(
        documents: &[&'a IssueDocument],
        known: impl Fn(IssueId) -> bool,
        list: impl Fn(&'a Children) -> &'a Option<PartialList<T>>,
        key: impl Fn(&'a T) -> K,
    ) -> Self {
        let mut rows = BTreeMap::new();
        let mut prunable = Vec::new();
        for document in documents {
            let Some(list) = list(&document.children) else { continue };
            if list.complete && known(document.id) {
                prunable.push(document.id.0);
            }
            for item in &list.items {
                rows.insert((document.id.0, key(item)), item);
            }
        }
        let rows = rows.into_iter().map(|((issue, _), of)| Child { issue, of }).collect();
        Self { rows, prunable }
    }

    /// The rows as statements take them.
    fn chunks(&self) -> impl Iterator<Item = &[Child<'a, T>]> {
        self.rows.chunks(MAX_CHILDREN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::document;

    fn lengths(documents: &[IssueDocument]) -> Vec<usize> {
        let documents: Vec<&IssueDocument> = documents.iter().collect();
        chunks(&documents).map(<[_]>::len).collect()
    }

    #[test]
    fn a_statement_takes_a_bounded_number_of_issues_and_bytes() {
        let small: Vec<_> = (1..=1201).map(document).collect();
        assert_eq!(lengths(&small), [500, 500, 201]);
        let mut large: Vec<_> = (1..=3).map(document).collect();
        for document in &mut large {
            document.fields = " ".repeat(MAX_BYTES / 2);
        }
        assert_eq!(lengths(&large), [2, 1]);
        large[1].fields = " ".repeat(MAX_BYTES * 2);
        assert_eq!(lengths(&large), [1, 1, 1]);
        assert_eq!(lengths(&[]), [0; 0]);
    }

    #[test]
    fn a_child_that_is_delivered_twice_is_one_row() {
        let mut document = document(1);
        let change = crate::store::testing::change(7);
        document.children.changes =
            Some(PartialList::whole(vec![change.clone(), change.clone(), change]));
        let rows = ChildRows::of(&[&document], |_| true, |c| &c.changes, |c| c.history_id);
        assert_eq!((rows.rows.len(), rows.prunable), (1, vec![1]));
    }
}
