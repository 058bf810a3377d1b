//! One issue, asked for as richly as a rung of the ladder says: with its size and its time. Which
//! rung comes next is the pipeline's business.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::call::Call;
use super::error::JiraError;
use super::flavor::{Flavor, both};
use super::send::Answer;
use super::shape::Came;
use super::wire::{self, Context};
use super::{JiraClient, found};
use crate::model::{IssueDocument, IssueId, IssueKey, Tier};

/// The fields of the lowest rung: those with a column of their own, each small and made without
/// looking at another issue but the parent.
const MINIMAL_FIELDS: &str = "summary,status,issuetype,priority,resolution,resolutiondate,project,\
                              created,updated,duedate,assignee,reporter,creator,labels,parent";

/// How an issue is asked for, alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rung {
    /// Every field and the changelog, within `jira.timeout`.
    Full,
    /// Every field but the links, and the changelog, within `jira.hub_timeout`.
    Hub,
    /// The links alone, within `jira.hub_timeout`: what completes [`Rung::Hub`].
    Links,
    /// A small set of fields, within `jira.timeout`.
    Minimal,
}

impl Rung {
    /// Every rung, from the top.
    pub const ALL: [Self; 4] = [Self::Full, Self::Hub, Self::Links, Self::Minimal];

    /// The rung's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Hub => "hub",
            Self::Links => "links",
            Self::Minimal => "minimal",
        }
    }

    fn tier(self) -> Tier {
        match self {
            Self::Full => Tier::Full,
            Self::Hub | Self::Links => Tier::Hub,
            Self::Minimal => Tier::Minimal,
        }
    }

    fn call(self, flavor: Flavor, id: IssueId) -> Call {
        match self {
            Self::Full => both::issue_with_changelog(flavor, id, "*all"),
            Self::Hub => both::issue_with_changelog(flavor, id, "*all,-issuelinks").patient(),
            Self::Links => both::issue(flavor, id, "issuelinks").patient(),
            Self::Minimal => both::issue(flavor, id, MINIMAL_FIELDS),
        }
    }

    /// The same, but that a field which does not load may be missing.
    pub(super) fn lenient_call(self, flavor: Flavor, id: IssueId) -> Call {
        self.call(flavor, id).without("failFast")
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one rung brought.
#[derive(Debug)]
pub struct FetchedRung {
    /// The issue as far as the rung goes: of [`Rung::Links`] only the links mean something, for
    /// [`join_links`].
    pub document: IssueDocument,
    /// Size of the answer, in bytes after decompression.
    pub bytes: u64,
    /// From sending to the last byte.
    pub elapsed: Duration,
}

impl JiraClient {
    /// One issue as `rung` asks for it; `None` if Jira says that it is not there, or not for this
    /// account.
    ///
    /// # Errors
    /// Any other [`JiraError`]; a time-out is not retried.
    pub async fn fetch_rung(
        &self,
        id: IssueId,
        rung: Rung,
    ) -> Result<Option<FetchedRung>, JiraError> {
        let fetched = self.fetch_by(&rung.call(self.flavor(), id), rung).await?;
        if let (Flavor::Cloud, Rung::Full, Some(fetched)) = (self.flavor(), rung, &fetched) {
            self.0.vetting.note_whole(&fetched.document);
        }
        Ok(fetched)
    }

    pub(super) async fn fetch_by(
        &self,
        call: &Call,
        rung: Rung,
    ) -> Result<Option<FetchedRung>, JiraError> {
        let read = |answer: &Answer| {
            let raw: &RawValue = answer.object()?;
            let context = Context {
                extracted_at: answer.jira_time,
                tier: rung.tier(),
                sprint_fields: &self.0.sprint_fields,
            };
            let mut document = wire::read_issue(raw, &context)
                .map_err(|unreadable| Came::wrong_shape(unreadable.to_string()))?;
            if rung == Rung::Hub {
                document.lacking.push(IssueDocument::LACKS_LINKS);
            }
            let bytes = answer.body.len() as u64;
            Ok(FetchedRung { document, bytes, elapsed: answer.elapsed })
        };
        found(self.sender().send(call, read).await)
    }

    /// The id and the present key of the issue that has this key, or had it once.
    ///
    /// # Errors
    /// Any [`JiraError`] other than that the issue is not there.
    pub async fn find_issue(
        &self,
        key: &IssueKey,
    ) -> Result<Option<(IssueId, IssueKey)>, JiraError> {
        #[derive(Deserialize)]
        #[serde(expecting = "an issue")]
        struct Head {
            id: String,
            key: String,
        }
        let read = |answer: &Answer| {
            let head: Head = answer.object()?;
            let id = head.id.parse().map(IssueId).ok();
            id.zip(head.key.parse().ok())
                .ok_or_else(|| Came::wrong_shape("its id or its key is none"))
        };
        found(self.sender().send(&both::anchor(self.flavor(), key), read).await)
    }

    /// The longest that an ordinary request may take: `jira.timeout`.
    pub fn fuse(&self) -> Duration {
        self.sender().limit(super::call::Patience::Usual)
    }
}

/// The document of [`Rung::Hub`] with the links of [`Rung::Links`], as if it had come whole.
#[must_use]
pub fn join_links(mut rest: IssueDocument, links: IssueDocument) -> IssueDocument {
    // As hashes of parts are joined everywhere: a list that is completed later takes its place.
    rest.content_hash = std::array::from_fn(|at| rest.content_hash[at] ^ links.content_hash[at]);
    rest.fields = join_objects(&rest.fields, &links.fields);
    rest.text_repaired |= links.text_repaired;
    rest.children.links = links.children.links;
    rest.lacking.retain(|list| *list != IssueDocument::LACKS_LINKS);
    rest
}

/// The members of two JSON objects in one, every token as it came.
fn join_objects(one: &str, other: &str) -> String {
    let mut joined = String::with_capacity(one.len() + other.len());
    joined.push('{');
    for members in [members(one), members(other)] {
        if joined.len() > 1 && !members.is_empty() {
            joined.push(',');
        }
        joined.push_str(members);
    }
    joined.push('}');
    joined
}

fn members(object: &str) -> &str {
    let object = object.trim();
    let inner = object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    inner.unwrap_or("").trim()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"a":1}"#, r#"{"issuelinks":[{"id":"7"}]}"#, r#"{"a":1,"issuelinks":[{"id":"7"}]}"#)]
    #[case(" { \"a\" : {} }\n", "{}", "{\"a\" : {}}")]
    #[case("{}", "{\"b\":\"}\"}", "{\"b\":\"}\"}")]
    #[case("{}", "{}", "{}")]
    fn two_objects_become_one(#[case] one: &str, #[case] other: &str, #[case] joined: &str) {
        assert_eq!(join_objects(one, other), joined);
    }

    #[test]
    fn every_column_of_an_issue_comes_on_the_lowest_rung() {
        let fields: Vec<&str> = MINIMAL_FIELDS.split(',').collect();
        for field in ["summary", "status", "resolutiondate", "duedate", "labels", "parent"] {
            assert!(fields.contains(&field), "{field}");
        }
        assert!(fields.iter().all(|field| field.chars().all(|c| c.is_ascii_lowercase())));
    }
}
