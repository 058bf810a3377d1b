//! Completing children that Jira cut short, through their own endpoints, page by page.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::JiraClient;
use super::call::Call;
use super::endpoint::Endpoint;
use super::error::JiraError;
use super::flavor::{Flavor, both};
use super::refusal::Messages;
use super::repair::repair;
use super::send::Answer;
use super::shape::{self, Came};
use super::wire::{self, ChildPage, Completed, History, People, Unreadable};
use crate::model::{Change, Comment, IssueId, PartialList, Worklog};

/// The most pages read of one issue's children: Jira itself allows 5,000 of each on Cloud, and a
/// Server instance answers with everything at once.
const MAX_PAGES: usize = 500;

impl JiraClient {
    /// Every worklog of an issue.
    ///
    /// # Errors
    /// Any [`JiraError`]; [`JiraError::NotFound`] if the issue is gone.
    pub async fn fetch_worklogs(&self, id: IssueId) -> Result<Completed<Worklog>, JiraError> {
        let page = |start_at| both::worklogs(self.flavor(), id, start_at);
        self.fetch_children(page, wire::read_worklogs, |worklog| worklog.worklog_id).await
    }

    /// Every comment of an issue.
    ///
    /// # Errors
    /// Any [`JiraError`]; [`JiraError::NotFound`] if the issue is gone.
    pub async fn fetch_comments(&self, id: IssueId) -> Result<Completed<Comment>, JiraError> {
        let page = |start_at| both::comments(self.flavor(), id, start_at);
        self.fetch_children(page, wire::read_comments, |comment| comment.comment_id).await
    }

    /// The whole changelog of an issue: from Cloud's endpoint for many, from its own endpoint where
    /// a Server has one, else from inside the issue.
    ///
    /// # Errors
    /// Any [`JiraError`]; [`JiraError::NotFound`] if the issue is gone.
    pub async fn fetch_changelog(&self, id: IssueId) -> Result<Completed<Change>, JiraError> {
        match self.flavor() {
            Flavor::Server => self.fetch_own_changelog(id).await,
            Flavor::Cloud => {
                let found = self.fetch_changelogs(&[id]).await?.into_iter().next();
                found.map(|(_, changelog)| changelog).ok_or_else(|| JiraError::NotFound {
                    endpoint: Endpoint::BulkChangelog,
                    messages: Messages::default(),
                })
            }
        }
    }

    /// From the issue's own endpoint, or from inside the issue.
    pub(super) async fn fetch_own_changelog(
        &self,
        id: IssueId,
    ) -> Result<Completed<Change>, JiraError> {
        if !self.has_no_changelog_endpoint() {
            let page = |start_at| both::changelog(self.flavor(), id, start_at);
            let position = |change: &Change| (change.history_id, change.item);
            match self.fetch_children(page, wire::read_changelog, position).await {
                Err(JiraError::NoEndpoint { .. }) => self.note_no_changelog_endpoint(),
                answer => return answer,
            }
        }
        let call = both::issue_with_changelog(self.flavor(), id, "updated");
        self.sender().send(&call, inline_changelog).await
    }

    /// Reads page after page until the total is reached, or a page brings nothing.
    async fn fetch_children<W: DeserializeOwned, T, K: PartialEq>(
        &self,
        call: impl Fn(usize) -> Call,
        read: fn(ChildPage<W>, &mut People) -> Result<PartialList<T>, Unreadable>,
        key: impl Fn(&T) -> K,
    ) -> Result<Completed<T>, JiraError> {
        let mut people = People::default();
        let mut items = Vec::new();
        let mut text_repaired = false;
        let (mut start_at, mut expected) = (0, u64::MAX);
        for _ in 0..MAX_PAGES {
            let page =
                self.sender().send(&call(start_at), |answer| read_page(answer, read)).await?;
            text_repaired |= page.completed.text_repaired;
            page.completed.users.into_iter().for_each(|user| people.note_user(user));
            append(&mut items, page.completed.list.items, &key);
            start_at += page.entries;
            let total = page.total.unwrap_or(start_at as u64);
            expected = total;
            if start_at as u64 >= total || page.entries == 0 {
                break;
            }
        }
        let list = PartialList::of(items, start_at as u64, Some(expected));
        Ok(Completed { list, users: people.into_users(), text_repaired })
    }
}

struct Page<T> {
    completed: Completed<T>,
    entries: usize,
    total: Option<u64>,
}

/// Appends what is not there yet: a list that grew at its front repeats the end of the last page.
fn append<T, K: PartialEq>(items: &mut Vec<T>, more: Vec<T>, key: impl Fn(&T) -> K) {
    let known = items.len();
    for item in more {
        if !items[..known].iter().any(|seen| key(seen) == key(&item)) {
            items.push(item);
        }
    }
}

fn read_page<W: DeserializeOwned, T>(
    answer: &Answer,
    read: fn(ChildPage<W>, &mut People) -> Result<PartialList<T>, Unreadable>,
) -> Result<Page<T>, Came> {
    let (page, text_repaired): (ChildPage<W>, bool) = repaired(answer)?;
    let (entries, total) = (page.len(), page.total());
    let completed = Completed::read(text_repaired, |people| read(page, people))
        .map_err(|unreadable| Came::wrong_shape(unreadable.to_string()))?;
    Ok(Page { completed, entries, total })
}

fn inline_changelog(answer: &Answer) -> Result<Completed<Change>, Came> {
    #[derive(Deserialize)]
    #[serde(expecting = "an issue")]
    struct Issue {
        changelog: ChildPage<History>,
    }
    let (issue, text_repaired): (Issue, bool) = repaired(answer)?;
    Completed::read(text_repaired, |people| wire::read_changelog(issue.changelog, people))
        .map_err(|unreadable| Came::wrong_shape(unreadable.to_string()))
}

/// The body as JSON after repair, and whether there was something to repair.
fn repaired<T: DeserializeOwned>(answer: &Answer) -> Result<(T, bool), Came> {
    let content_type = answer.content_type.as_deref();
    let Ok(text) = std::str::from_utf8(&answer.body) else {
        return Ok((shape::object(&answer.body, content_type)?, false));
    };
    let text = repair(text);
    let was_repaired = matches!(text, std::borrow::Cow::Owned(_));
    Ok((shape::object(text.as_bytes(), content_type)?, was_repaired))
}
