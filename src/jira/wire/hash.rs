//! The content hash of a document: equal for equal content, however it came. Jira gives the same
//! list inline and from its own endpoint, newest or oldest first, so lists that Jira cuts short are
//! hashed by what they hold and not by their text. The parts are joined by exclusive or, so that a
//! list which is completed later takes the place of the one cut short.

use chrono::{DateTime, Utc};

use super::fields::Fields;
use crate::model::{Change, Comment, PartialList, Stream, User, Worklog};

/// A hash, as short as it is stored.
pub(super) type Hash = [u8; 16];

/// Both, whichever came first; joining the same twice takes it out again.
pub(super) fn join(one: Hash, other: Hash) -> Hash {
    std::array::from_fn(|at| one[at] ^ other[at])
}

/// Of what an issue says outside the lists that Jira cuts short, which are in `lists`.
pub(super) fn of_fields(key: &str, fields: &Fields<'_>, lists: &[&str]) -> Hash {
    let mut digest = Digest::of("issue");
    digest.text(key);
    for (name, json) in fields.all().filter(|(name, _)| !lists.contains(name)) {
        digest.text(name);
        digest.text(json);
    }
    digest.short()
}

/// Of a list; nothing of one that the document does not have.
pub(super) fn of_list<T: Hashed>(list: Option<&PartialList<T>>) -> Hash {
    let Some(list) = list else { return Hash::default() };
    let mut digest = Digest::of(T::KIND);
    digest.number(if list.complete { -1 } else { list.expected.cast_signed() });
    let mut items: Vec<&T> = list.items.iter().collect();
    items.sort_unstable_by_key(|item| item.place());
    items.into_iter().for_each(|item| item.feed(&mut digest));
    digest.short()
}

/// Of a list that was asked for apart, by the texts of its items, which come in an order of ours.
pub(super) fn of_stream<T>(
    stream: Stream,
    list: &PartialList<T>,
    texts: impl Fn(&T) -> [&str; 2],
) -> Hash {
    let mut digest = Digest::of(stream.as_str());
    digest.number(if list.complete { -1 } else { list.expected.cast_signed() });
    list.items.iter().flat_map(texts).for_each(|text| digest.text(text));
    digest.short()
}

/// Of the people that a document mentions, ordered by id. What they hide from some is left out.
pub(super) fn of_users(users: &[User]) -> Hash {
    let mut digest = Digest::of("users");
    for user in users {
        digest.text(&user.id);
        digest.maybe(user.name.as_deref());
        digest.maybe(user.display_name.as_deref());
        digest.number(user.active.map_or(-1, i64::from));
    }
    digest.short()
}

/// An item of a list that Jira may cut short.
pub(super) trait Hashed {
    /// Keeps lists of different kinds apart.
    const KIND: &'static str;

    /// What lists are ordered by.
    fn place(&self) -> (i64, i32);

    /// Everything that is stored of it.
    fn feed(&self, digest: &mut Digest);
}

impl Hashed for Change {
    const KIND: &'static str = "changes";

    fn place(&self) -> (i64, i32) {
        (self.history_id, self.item)
    }

    fn feed(&self, digest: &mut Digest) {
        digest.number(self.history_id);
        digest.number(self.item.into());
        digest.maybe(self.author_id.as_deref());
        digest.time(Some(self.at));
        digest.text(&self.field);
        for text in [&self.field_id, &self.from_id, &self.from_text, &self.to_id, &self.to_text] {
            digest.maybe(text.as_deref());
        }
    }
}

impl Hashed for Comment {
    const KIND: &'static str = "comments";

    fn place(&self) -> (i64, i32) {
        (self.comment_id, 0)
    }

    fn feed(&self, digest: &mut Digest) {
        digest.number(self.comment_id);
        digest.time(self.created);
        digest.time(self.updated);
        digest.text(&self.body);
        for text in [&self.author_id, &self.update_author_id, &self.body_adf, &self.visibility] {
            digest.maybe(text.as_deref());
        }
    }
}

impl Hashed for Worklog {
    const KIND: &'static str = "worklogs";

    fn place(&self) -> (i64, i32) {
        (self.worklog_id, 0)
    }

    fn feed(&self, digest: &mut Digest) {
        digest.number(self.worklog_id);
        for time in [self.created, self.updated, self.started] {
            digest.time(time);
        }
        digest.maybe(self.time_spent_secs.map(|secs| secs.to_string()).as_deref());
        for text in [&self.author_id, &self.update_author_id, &self.comment, &self.comment_adf] {
            digest.maybe(text.as_deref());
        }
    }
}

/// What is to be hashed, in one piece: hashing many small ones takes several times as long. Texts
/// go in with their length, so that none runs into the next.
pub(super) struct Digest(Vec<u8>);

impl Digest {
    fn of(kind: &str) -> Self {
        let mut digest = Self(Vec::new());
        digest.text(kind);
        digest
    }

    fn number(&mut self, number: i64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.0.extend_from_slice(&(text.len() as u64).to_le_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn maybe(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.number(-1),
        }
    }

    fn time(&mut self, time: Option<DateTime<Utc>>) {
        self.number(time.map_or(i64::MIN, |time| time.timestamp_millis()));
    }

    fn short(&self) -> Hash {
        let mut short = Hash::default();
        short.copy_from_slice(&blake3::hash(&self.0).as_bytes()[..16]);
        short
    }
}
