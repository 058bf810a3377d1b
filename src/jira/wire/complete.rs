//! Completing what Jira cut short: the whole list from its own endpoint, put into the document.

use super::Unreadable;
use super::people::People;
use crate::model::{Change, Comment, IssueDocument, PartialList, User, Worklog};

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

/// The document with `more` as its worklogs. Complete lists in the same order each time: the
/// content hash goes through them.
#[must_use]
pub fn complete_worklogs(mut document: IssueDocument, more: Completed<Worklog>) -> IssueDocument {
    let list = note(&mut document, "worklogs", more);
    document.children.worklogs = Some(list);
    document
}

/// The document with `more` as its comments; see [`complete_worklogs`].
#[must_use]
pub fn complete_comments(mut document: IssueDocument, more: Completed<Comment>) -> IssueDocument {
    let list = note(&mut document, "comments", more);
    document.children.comments = Some(list);
    document
}

/// The document with `more` as its changes; see [`complete_worklogs`].
#[must_use]
pub fn complete_changes(mut document: IssueDocument, more: Completed<Change>) -> IssueDocument {
    let list = note(&mut document, "changes", more);
    document.children.changes = Some(list);
    document
}

/// Takes what was fetched apart into everything of the document but the list itself.
pub(super) fn note<T: std::fmt::Debug>(
    document: &mut IssueDocument,
    name: &str,
    more: Completed<T>,
) -> PartialList<T> {
    // The debug form is only hashed: should it ever change, issues are written once more.
    let items = format!("{:?}", more.list.items);
    let before = blake3::Hash::from_bytes(doubled(document.content_hash)).to_hex();
    document.content_hash = hash(&[&before, name, &items]);
    document.text_repaired |= more.text_repaired;
    let mut people = People::default();
    document.users.drain(..).chain(more.users).for_each(|user| people.note_user(user));
    document.users = people.into_users();
    more.list
}

fn doubled(half: [u8; 16]) -> [u8; 32] {
    let mut whole = [0; 32];
    whole[..16].copy_from_slice(&half);
    whole
}

/// A hash of `parts`, each with its length, cut to 16 bytes.
pub(super) fn hash(parts: &[&str]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut short = [0; 16];
    short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    short
}
