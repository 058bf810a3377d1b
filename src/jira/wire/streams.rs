//! The optional streams as Jira writes them: remote links, watchers, votes, entity properties.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::complete::{Completed, note_users};
use super::hash;
use super::people::{People, Person};
use super::scalar::{Id, Text, text};
use super::{Unreadable, read};
use crate::model::{IssueDocument, PartialList, Property, RemoteLink, Stream};

/// What one stream brought.
#[derive(Debug, Clone, PartialEq)]
pub enum FetchedStream {
    /// `issue/{id}/remotelink`.
    RemoteLinks(Completed<RemoteLink>),
    /// `issue/{id}/watchers`, as [`User::id`](crate::model::User::id).
    Watchers(Completed<String>),
    /// `issue/{id}/votes`, as [`User::id`](crate::model::User::id).
    Voters(Completed<String>),
    /// `issue/{id}/properties`, and each of them.
    Properties(Completed<Property>),
}

impl FetchedStream {
    /// Whether Jira counts more than it shows: from an account that may not view watchers and
    /// voters it keeps the people.
    pub fn is_cut_short(&self) -> bool {
        match self {
            Self::RemoteLinks(stream) => !stream.list.complete,
            Self::Watchers(stream) | Self::Voters(stream) => !stream.list.complete,
            Self::Properties(stream) => !stream.list.complete,
        }
    }
}

/// The document with what a stream brought, in its content hash too.
#[must_use]
pub fn complete_stream(mut document: IssueDocument, stream: FetchedStream) -> IssueDocument {
    let issue = &mut document;
    match stream {
        FetchedStream::RemoteLinks(more) => {
            let list = note(issue, Stream::RemoteLinks, more, |link| [&link.raw, ""]);
            issue.children.remote_links = Some(list);
        }
        FetchedStream::Watchers(more) => {
            let list = note(issue, Stream::Watchers, more, |id| [id, ""]);
            issue.children.watchers = Some(list);
        }
        FetchedStream::Voters(more) => {
            let list = note(issue, Stream::Voters, more, |id| [id, ""]);
            issue.children.voters = Some(list);
        }
        FetchedStream::Properties(more) => {
            let list = note(issue, Stream::Properties, more, |p| [&p.key, &p.value]);
            issue.children.properties = Some(list);
        }
    }
    document
}

/// Takes a stream into everything of the document but its own list.
fn note<T>(
    document: &mut IssueDocument,
    stream: Stream,
    more: Completed<T>,
    texts: impl Fn(&T) -> [&str; 2],
) -> PartialList<T> {
    let Completed { list, users, text_repaired } = more;
    let before = hash::of_users(&document.users);
    note_users(document, users);
    document.text_repaired |= text_repaired;
    let after = hash::of_users(&document.users);
    let of_stream = hash::of_stream(stream, &list, texts);
    document.content_hash =
        [before, after, of_stream].into_iter().fold(document.content_hash, hash::join);
    list
}

/// A remote link; everything but the id may be missing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a remote link")]
struct WireRemoteLink {
    id: Id,
    global_id: Option<String>,
    relationship: Option<String>,
    application: Option<Application>,
    object: Option<RemoteObject>,
}

#[derive(Deserialize)]
struct Application {
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct RemoteObject {
    url: Option<String>,
    title: Option<Text>,
    summary: Option<Text>,
    status: Option<RemoteStatus>,
}

#[derive(Deserialize)]
struct RemoteStatus {
    resolved: Option<bool>,
}

/// Reads the remote links of an issue, ordered by id. Jira never cuts them short.
pub(in crate::jira) fn read_remote_links(
    links: &[&RawValue],
) -> Result<PartialList<RemoteLink>, Unreadable> {
    let links = links.iter().map(|raw| {
        let link: WireRemoteLink = read(raw, "remotelink")?;
        let (application_type, application_name) =
            link.application.map_or((None, None), |a| (a.kind, a.name));
        let object = link.object;
        let resolved = object.as_ref().and_then(|object| object.status.as_ref()?.resolved);
        let (url, title, summary) =
            object.map_or((None, None, None), |o| (o.url, text(o.title), text(o.summary)));
        Ok(RemoteLink {
            remote_link_id: link.id.0,
            global_id: link.global_id,
            relationship: link.relationship,
            application_type,
            application_name,
            url,
            title,
            summary,
            resolved,
            raw: raw.get().to_owned(),
        })
    });
    let mut items: Vec<RemoteLink> = links.collect::<Result<_, _>>()?;
    items.sort_by_key(|link| link.remote_link_id);
    Ok(PartialList::whole(items))
}

/// The people of an issue, with how many there are. To an account without the permission to view
/// them Jira tells the number alone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a list of people")]
pub(in crate::jira) struct WirePeople {
    #[serde(alias = "watchCount", alias = "votes")]
    count: Option<u64>,
    #[serde(alias = "watchers", alias = "voters", default)]
    people: Vec<Option<Person>>,
}

/// Reads watchers or voters, as ids in order. Deleted people have none, and are no gap.
pub(in crate::jira) fn read_people(page: WirePeople, people: &mut People) -> PartialList<String> {
    let held = page.people.len() as u64;
    let ids = page.people.into_iter().filter_map(|person| people.note(person));
    let mut ids: Vec<String> = ids.collect();
    ids.sort_unstable();
    PartialList::of(ids, held, page.count)
}

/// The keys of an issue's properties.
#[derive(Deserialize)]
#[serde(expecting = "the keys of properties")]
pub(in crate::jira) struct WirePropertyKeys {
    keys: Vec<WirePropertyKey>,
}

#[derive(Deserialize)]
struct WirePropertyKey {
    key: String,
}

impl WirePropertyKeys {
    /// The keys, in Jira's order.
    pub(in crate::jira) fn into_keys(self) -> Vec<String> {
        self.keys.into_iter().map(|key| key.key).collect()
    }
}

/// One property.
#[derive(Deserialize)]
#[serde(expecting = "a property")]
pub(in crate::jira) struct WireProperty<'a> {
    key: String,
    #[serde(borrow)]
    value: &'a RawValue,
}

impl From<WireProperty<'_>> for Property {
    fn from(wire: WireProperty<'_>) -> Self {
        Self { key: wire.key, value: wire.value.get().to_owned() }
    }
}

/// How many watchers or voters an issue has by its own fields, which spares asking for none.
pub(in crate::jira) fn counted_people(fields: &str, stream: Stream) -> Option<u64> {
    #[derive(Deserialize)]
    struct Fields {
        watches: Option<Watches>,
        votes: Option<Votes>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Watches {
        watch_count: Option<u64>,
    }
    #[derive(Deserialize)]
    struct Votes {
        votes: Option<u64>,
    }
    let fields: Fields = serde_json::from_str(fields).ok()?;
    match stream {
        Stream::Watchers => fields.watches?.watch_count,
        Stream::Voters => fields.votes?.votes,
        Stream::RemoteLinks | Stream::Properties => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::jira::wire::{Context, SprintFields, read_issue};
    use crate::model::Tier;

    fn remote_link(json: &str) -> Result<RemoteLink, Unreadable> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        read_remote_links(&[raw]).map(|mut list| list.items.remove(0))
    }

    #[test]
    fn a_remote_link_is_read_with_all_it_has() {
        let json = r#"{"id":10000,"self":"x","globalId":"system=1&id=2","application":{"type":
            "com.acme","name":"Acme"},"relationship":"causes","object":{"url":"http://e/1","title":
            "T-1","summary":"fails","icon":{},"status":{"resolved":true,"icon":{}}}}"#;
        let link = remote_link(json).unwrap();
        assert_eq!(link.remote_link_id, 10_000);
        assert_eq!(link.global_id.as_deref(), Some("system=1&id=2"));
        assert_eq!(link.application_type.as_deref(), Some("com.acme"));
        assert_eq!(link.application_name.as_deref(), Some("Acme"));
        assert_eq!(link.relationship.as_deref(), Some("causes"));
        assert_eq!(link.url.as_deref(), Some("http://e/1"));
        assert_eq!((link.title.as_deref(), link.summary.as_deref()), (Some("T-1"), Some("fails")));
        assert_eq!(link.resolved, Some(true));
        assert_eq!(link.raw, json);
    }

    #[test]
    fn a_remote_link_may_have_little_more_than_an_id() {
        let link = remote_link(r#"{"id":"7","application":{},"object":{"status":{}}}"#).unwrap();
        assert_eq!((link.remote_link_id, link.url, link.resolved), (7, None, None));
        assert_eq!(remote_link(r#"{"id":7}"#).unwrap().title, None);
        let unreadable = remote_link(r#"{"globalId":"x"}"#).unwrap_err();
        assert!(unreadable.to_string().contains("remotelink"), "{unreadable}");
    }

    #[rstest]
    #[case::watchers(r#"{"watchCount":2,"watchers":[{"name":"ann"},{"accountId":"b"}]}"#, 2, true)]
    #[case::voters(r#"{"votes":1,"hasVoted":false,"voters":[{"key":"ann"}]}"#, 1, true)]
    #[case::hidden(r#"{"watchCount":3,"watchers":[]}"#, 0, false)]
    #[case::nobody(r#"{"votes":0,"voters":[]}"#, 0, true)]
    #[case::deleted_people_are_no_gap(r#"{"watchCount":1,"watchers":[{}]}"#, 0, true)]
    fn people_are_counted_against_what_jira_says(
        #[case] json: &str,
        #[case] ids: usize,
        #[case] whole: bool,
    ) {
        let mut people = People::default();
        let list = read_people(serde_json::from_str(json).unwrap(), &mut people);
        assert_eq!((list.items.len(), list.complete), (ids, whole));
        assert_eq!(people.into_users().len(), ids);
    }

    #[test]
    fn a_property_keeps_its_value_as_it_came() {
        let wire: WireProperty<'_> =
            serde_json::from_str(r#"{"key":"a.b","value":{"n": 1.10}}"#).unwrap();
        let property = Property::from(wire);
        assert_eq!((property.key.as_str(), property.value.as_str()), ("a.b", r#"{"n": 1.10}"#));
        let keys: WirePropertyKeys =
            serde_json::from_str(r#"{"keys":[{"self":"x","key":"a"},{"key":"b"}]}"#).unwrap();
        assert_eq!(keys.into_keys(), ["a", "b"]);
    }

    fn issue() -> IssueDocument {
        let raw: &RawValue =
            serde_json::from_str(r#"{"id":1,"key":"P-1","fields":{"summary":"S"}}"#).unwrap();
        let context = Context {
            extracted_at: chrono::DateTime::UNIX_EPOCH,
            tier: Tier::Full,
            sprint_fields: &SprintFields::default(),
        };
        read_issue(raw, &context).unwrap()
    }

    #[test]
    fn every_stream_is_in_the_content_hash() {
        let completed = |ids: &[&str]| Completed {
            list: PartialList::whole(ids.iter().map(|&id| id.to_owned()).collect()),
            users: Vec::new(),
            text_repaired: false,
        };
        let property = |key: &str, value: &str| Completed {
            list: PartialList::whole(vec![Property { key: key.into(), value: value.into() }]),
            ..Completed::default()
        };
        let streams = [
            FetchedStream::Watchers(completed(&[])),
            FetchedStream::Watchers(completed(&["ann"])),
            FetchedStream::Watchers(completed(&["ann", "bob"])),
            FetchedStream::Voters(completed(&["ann"])),
            FetchedStream::Properties(property("a", "bc")),
            FetchedStream::Properties(property("ab", "c")),
            FetchedStream::RemoteLinks(Completed {
                list: PartialList::whole(vec![remote_link(r#"{"id":7}"#).unwrap()]),
                ..Completed::default()
            }),
        ];
        let document = issue();
        let mut hashes = vec![document.content_hash];
        for stream in streams {
            hashes.push(complete_stream(document.clone(), stream.clone()).content_hash);
            let again = complete_stream(document.clone(), stream).content_hash;
            assert_eq!(hashes.last(), Some(&again));
        }
        let different: std::collections::BTreeSet<_> = hashes.iter().collect();
        assert_eq!(different.len(), hashes.len());
    }

    #[rstest]
    #[case(r#"{"watches":{"watchCount":0},"votes":{"votes":3}}"#, Some(0), Some(3))]
    #[case(r#"{"watches":null,"summary":"x"}"#, None, None)]
    #[case(r#"{"votes":"many"}"#, None, None)]
    fn the_issue_itself_says_how_many_people(
        #[case] fields: &str,
        #[case] watchers: Option<u64>,
        #[case] voters: Option<u64>,
    ) {
        assert_eq!(counted_people(fields, Stream::Watchers), watchers);
        assert_eq!(counted_people(fields, Stream::Voters), voters);
        assert_eq!(counted_people(fields, Stream::RemoteLinks), None);
    }
}
