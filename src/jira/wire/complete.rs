//! Completing what Jira cut short: the whole list from its own endpoint, put into the document.

use super::Unreadable;
use super::hash::{self, Hashed};
use super::people::People;
use crate::model::{Change, Children, Comment, IssueDocument, PartialList, User, Worklog};

/// A child list fetched from its own endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Completed<T> {
    /// The list; still not complete if it changed while it was read.
    pub list: PartialList<T>,
    /// Everybody it mentions.
    pub users: Vec<User>,
    /// Text in it was replaced because Postgres cannot hold it.
    pub text_repaired: bool,
}

/// Nothing, and that is all there is.
impl<T> Default for Completed<T> {
    fn default() -> Self {
        Self { list: PartialList::whole(Vec::new()), users: Vec::new(), text_repaired: false }
    }
}

impl<T> Completed<T> {
    /// Reads a list with `read`, which notes the people it finds.
    pub(in crate::jira) fn read(
        text_repaired: bool,
        read: impl FnOnce(&mut People) -> Result<PartialList<T>, Unreadable>,
    ) -> Result<Self, Unreadable> {
        let mut people = People::default();
        let list = read(&mut people)?;
        Ok(Self { list, users: people.into_users(), text_repaired })
    }
}

/// The document with `more` as its worklogs.
#[must_use]
pub fn complete_worklogs(document: IssueDocument, more: Completed<Worklog>) -> IssueDocument {
    put(document, |children| &mut children.worklogs, more)
}

/// The document with `more` as its comments.
#[must_use]
pub fn complete_comments(document: IssueDocument, more: Completed<Comment>) -> IssueDocument {
    put(document, |children| &mut children.comments, more)
}

/// The document with `more` as its changes. Changes are never taken back, so fewer than the
/// document announces are not all of them, whatever the list says of itself: changelogs of many
/// issues at once say nothing.
#[must_use]
pub fn complete_changes(document: IssueDocument, mut more: Completed<Change>) -> IssueDocument {
    let announced = document.children.changes.as_ref().map_or(0, |list| list.expected);
    if more.list.held < announced {
        more.list = PartialList::of(more.list.items, more.list.held, Some(announced));
    }
    put(document, |children| &mut children.changes, more)
}

fn put<T: Hashed>(
    mut document: IssueDocument,
    place: fn(&mut Children) -> &mut Option<PartialList<T>>,
    more: Completed<T>,
) -> IssueDocument {
    let Completed { list, users, text_repaired } = more;
    let cut_short = place(&mut document.children).take();
    let before = of(cut_short.as_ref(), &document.users);
    note_users(&mut document, users);
    document.text_repaired |= text_repaired;
    let after = of(Some(&list), &document.users);
    document.content_hash = hash::join(document.content_hash, hash::join(before, after));
    *place(&mut document.children) = Some(list);
    document
}

/// Adds people to those that the document mentions.
pub(super) fn note_users(document: &mut IssueDocument, users: Vec<User>) {
    let mut people = People::default();
    document.users.drain(..).chain(users).for_each(|user| people.note_user(user));
    document.users = people.into_users();
}

/// The part of the hash that completing a list changes.
fn of<T: Hashed>(list: Option<&PartialList<T>>, users: &[User]) -> hash::Hash {
    hash::join(hash::of_list(list), hash::of_users(users))
}
