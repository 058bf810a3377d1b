//! The optional streams of what was fetched: asked for issue by issue, after the issue itself.
//! Jira may keep a stream from the account or have it switched off; that is told once and is no
//! failure of an issue. What goes wrong for the moment leaves the issue lacking that stream.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::jira::{JiraClient, JiraError, complete_stream};
use crate::model::{IssueDocument, ProjectKey, Stream, Tier};

/// Issues of one batch whose streams are asked for at once. Every issue asks for one at a time.
const AT_ONCE: usize = 4;

/// What is asked for beside the issues themselves, and what Jira was found to keep back.
#[derive(Debug, Default)]
pub(super) struct Streams {
    wanted: Vec<Stream>,
    /// Not asked for again.
    refused: Mutex<BTreeSet<(ProjectKey, Stream)>>,
    told: Mutex<BTreeSet<(ProjectKey, Stream, Gap)>>,
}

/// A document with the streams that came.
#[derive(Debug)]
pub(super) struct Streamed {
    pub(super) document: IssueDocument,
    /// Why a stream that should be there did not come.
    pub(super) lacking: Option<JiraError>,
}

/// Why a stream is left out, or is not all there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    Forbidden,
    NotThere,
    CutShort,
}

/// What an error of a stream means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// Nothing is wrong with the issue.
    LeftOut(Gap),
    /// It may come another time.
    Lacking,
    /// It has nothing to do with this stream: the run cannot go on.
    Abort,
}

fn meaning(error: &JiraError) -> Meaning {
    match error {
        // A web server's 403 has no message of Jira's in it, and may be gone in a moment.
        JiraError::Forbidden { messages, .. } if messages.is_empty() => Meaning::Lacking,
        JiraError::Forbidden { .. } => Meaning::LeftOut(Gap::Forbidden),
        JiraError::NotFound { .. } | JiraError::NoEndpoint { .. } => {
            Meaning::LeftOut(Gap::NotThere)
        }
        JiraError::Timeout { .. }
        | JiraError::TooLarge { .. }
        | JiraError::Unavailable { .. }
        | JiraError::Refused { .. }
        | JiraError::BadData { .. } => Meaning::Lacking,
        JiraError::Settings { .. }
        | JiraError::Unreachable { .. }
        | JiraError::Tls { .. }
        | JiraError::RateLimited { .. }
        | JiraError::Unauthorized { .. }
        | JiraError::NotLoggedIn { .. }
        | JiraError::Redirected { .. }
        | JiraError::Unsupported { .. } => Meaning::Abort,
    }
}

impl Streams {
    pub(super) fn new(wanted: Vec<Stream>) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// The documents with their streams, in the same order. An issue on the minimal tier has none.
    ///
    /// # Errors
    /// A [`JiraError`] that has nothing to do with these issues.
    pub(super) async fn fetch(
        &self,
        jira: &JiraClient,
        documents: Vec<IssueDocument>,
    ) -> Result<Vec<Streamed>, JiraError> {
        stream::iter(documents)
            .map(|document| self.fetch_of(jira, document))
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn fetch_of(
        &self,
        jira: &JiraClient,
        mut document: IssueDocument,
    ) -> Result<Streamed, JiraError> {
        let mut lacking = None;
        if document.tier == Tier::Minimal {
            return Ok(Streamed { document, lacking });
        }
        document.streams.clone_from(&self.wanted);
        let project = document.key.project().clone();
        for &stream in &self.wanted {
            if self.is_refused(&project, stream) {
                continue;
            }
            match jira.fetch_stream(stream, &document).await {
                Ok(fetched) => {
                    if fetched.is_cut_short() {
                        self.note(&project, stream, Gap::CutShort);
                    }
                    document = complete_stream(document, fetched);
                }
                Err(error) => match meaning(&error) {
                    Meaning::LeftOut(gap) => self.note(&project, stream, gap),
                    Meaning::Lacking => {
                        tracing::debug!(issue.id = %document.id, %stream, %error, "stream lacking");
                        document.lacking.push(stream.as_str());
                        lacking = Some(error);
                    }
                    Meaning::Abort => return Err(error),
                },
            }
        }
        Ok(Streamed { document, lacking })
    }

    fn is_refused(&self, project: &ProjectKey, stream: Stream) -> bool {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.contains(&(project.clone(), stream))
    }

    /// Says once what is not to be had. What is forbidden in a project is not asked for again; what
    /// is not there may be there for the next issue.
    fn note(&self, project: &ProjectKey, stream: Stream, gap: Gap) {
        if gap == Gap::Forbidden {
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            refused.insert((project.clone(), stream));
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if !told.insert((project.clone(), stream, gap)) {
            return;
        }
        match gap {
            Gap::Forbidden => tracing::warn!(
                project.key = %project, %stream, "the account may not view this stream, left out"
            ),
            Gap::NotThere => tracing::warn!(
                project.key = %project, %stream, "jira does not have this stream, left out"
            ),
            Gap::CutShort => tracing::warn!(
                project.key = %project, %stream, "jira shows less of this stream than it counts"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::jira::{Endpoint, Messages};

    const ENDPOINT: Endpoint = Endpoint::Watchers;

    fn said(message: &str) -> Messages {
        Messages(vec![message.to_owned()])
    }

    #[rstest]
    #[case::forbidden(
        JiraError::Forbidden { endpoint: ENDPOINT, messages: said("no permission") },
        Meaning::LeftOut(Gap::Forbidden)
    )]
    #[case::forbidden_by_somebody_else(
        JiraError::Forbidden { endpoint: ENDPOINT, messages: Messages::default() },
        Meaning::Lacking
    )]
    #[case::switched_off(
        JiraError::NotFound { endpoint: ENDPOINT, messages: said("voting is off") },
        Meaning::LeftOut(Gap::NotThere)
    )]
    #[case::a_server_error(
        JiraError::Unavailable {
            host: "h".into(), endpoint: ENDPOINT, status: 500, messages: Messages::default(),
        },
        Meaning::Lacking
    )]
    #[case::logged_out(
        JiraError::NotLoggedIn { host: "h".into(), sign: "s".into() },
        Meaning::Abort
    )]
    #[case::a_limit(JiraError::RateLimited { host: "h".into(), until: None }, Meaning::Abort)]
    fn an_error_of_a_stream_is_no_failure_of_its_issue(
        #[case] error: JiraError,
        #[case] expected: Meaning,
    ) {
        assert_eq!(meaning(&error), expected);
    }

    #[test]
    fn only_what_is_forbidden_is_not_asked_for_again_and_in_its_project_only() {
        let streams = Streams::new(vec![Stream::Watchers, Stream::Voters]);
        let [here, there]: [ProjectKey; 2] = ["P", "Q"].map(|key| key.parse().unwrap());
        streams.note(&here, Stream::Watchers, Gap::Forbidden);
        streams.note(&here, Stream::Voters, Gap::NotThere);
        assert!(streams.is_refused(&here, Stream::Watchers));
        assert!(!streams.is_refused(&here, Stream::Voters));
        assert!(!streams.is_refused(&there, Stream::Watchers));
    }
}
