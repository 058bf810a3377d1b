//! The optional streams of an issue, asked for one by one; both flavours have them alike.
//! Whether a stream is wanted, and what a refusal means, is the caller's.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::JiraClient;
use super::call::Call;
use super::endpoint::Endpoint;
use super::error::JiraError;
use super::repair::repair;
use super::send::Answer;
use super::shape::{self, Came};
use super::wire::{self, Completed, FetchedStream, People};
use crate::model::{IssueDocument, IssueId, PartialList, Property, RemoteLink, Stream};

/// The most properties read of one issue; each is a request.
const MAX_PROPERTIES: usize = 200;

impl JiraClient {
    /// One stream of an issue. Nothing is asked where the document itself says that there are no
    /// watchers or voters.
    ///
    /// # Errors
    /// Any [`JiraError`]: [`JiraError::Forbidden`] if the account may not view it,
    /// [`JiraError::NotFound`] if the instance has switched it off or the issue is gone.
    pub async fn fetch_stream(
        &self,
        stream: Stream,
        document: &IssueDocument,
    ) -> Result<FetchedStream, JiraError> {
        let nobody = wire::counted_people(&document.fields, stream) == Some(0);
        let id = document.id;
        Ok(match stream {
            Stream::RemoteLinks => FetchedStream::RemoteLinks(self.fetch_remote_links(id).await?),
            Stream::Watchers if nobody => FetchedStream::Watchers(Completed::default()),
            Stream::Watchers => {
                let call = self.of_issue(Endpoint::Watchers, id, "watchers");
                FetchedStream::Watchers(self.fetch_people(&call).await?)
            }
            Stream::Voters if nobody => FetchedStream::Voters(Completed::default()),
            Stream::Voters => {
                let call = self.of_issue(Endpoint::Votes, id, "votes");
                FetchedStream::Voters(self.fetch_people(&call).await?)
            }
            Stream::Properties => FetchedStream::Properties(self.fetch_properties(id).await?),
        })
    }

    async fn fetch_remote_links(&self, id: IssueId) -> Result<Completed<RemoteLink>, JiraError> {
        let read = |answer: &Answer| {
            let (body, repaired) = storable(answer);
            let links: Vec<&RawValue> = shape::decode(&body, answer.content_type.as_deref())?;
            Completed::read(repaired, |_| wire::read_remote_links(&links))
                .map_err(|unreadable| Came::wrong_shape(unreadable.to_string()))
        };
        let call = self.of_issue(Endpoint::RemoteLinks, id, "remotelink");
        self.sender().send(&call, read).await
    }

    async fn fetch_people(&self, call: &Call) -> Result<Completed<String>, JiraError> {
        let read = |answer: &Answer| {
            let (body, text_repaired) = storable(answer);
            let page = shape::object(&body, answer.content_type.as_deref())?;
            let mut people = People::default();
            let list = wire::read_people(page, &mut people);
            Ok(Completed { list, users: people.into_users(), text_repaired })
        };
        self.sender().send(call, read).await
    }

    /// First the keys, then each property: Server answers `expand=properties` with null.
    async fn fetch_properties(&self, id: IssueId) -> Result<Completed<Property>, JiraError> {
        let call = self.of_issue(Endpoint::Properties, id, "properties");
        let read = |answer: &Answer| answer.object::<wire::WirePropertyKeys>();
        let mut keys = self.sender().send(&call, read).await?.into_keys();
        keys.sort_unstable();
        let expected = keys.len() as u64;
        let mut items = Vec::with_capacity(keys.len().min(MAX_PROPERTIES));
        let (mut text_repaired, mut removed) = (false, 0);
        for key in keys.iter().take(MAX_PROPERTIES) {
            match self.fetch_property(id, key).await {
                Ok((property, repaired)) => {
                    text_repaired |= repaired;
                    items.push(property);
                }
                Err(JiraError::NotFound { .. }) => removed += 1,
                Err(error) => return Err(error),
            }
        }
        let held = items.len() as u64 + removed;
        let list = PartialList::of(items, held, Some(expected));
        Ok(Completed { list, users: Vec::new(), text_repaired })
    }

    async fn fetch_property(&self, id: IssueId, key: &str) -> Result<(Property, bool), JiraError> {
        let mut call = self.of_issue(Endpoint::Property, id, "properties");
        call.path.push(key.to_owned());
        let read = |answer: &Answer| {
            let (body, repaired) = storable(answer);
            let property: wire::WireProperty<'_> =
                shape::object(&body, answer.content_type.as_deref())?;
            Ok((property.into(), repaired))
        };
        self.sender().send(&call, read).await
    }

    /// The request for what hangs on an issue under `name`.
    fn of_issue(&self, endpoint: Endpoint, id: IssueId, name: &str) -> Call {
        Call::get(endpoint, self.flavor().api(), &["issue", &id.to_string(), name])
    }
}

/// The body as Postgres can hold it, and whether something had to be replaced for that.
fn storable(answer: &Answer) -> (Cow<'_, [u8]>, bool) {
    match std::str::from_utf8(&answer.body).map(repair) {
        Ok(Cow::Owned(text)) => (Cow::Owned(text.into_bytes()), true),
        Ok(Cow::Borrowed(_)) | Err(_) => (Cow::Borrowed(&answer.body), false),
    }
}
