//! The changelogs of many issues: on Cloud at once, page by page, each page with entries of several
//! issues; on Server one after another.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use serde_json::value::RawValue;

use super::JiraClient;
use super::error::JiraError;
use super::flavor::{Flavor, cloud};
use super::repair::repair;
use super::send::Answer;
use super::shape::{Came, object};
use super::wire::{self, ChangelogsPage, Completed, History, IssueChangelog, People};
use crate::model::{Change, IssueId, PageToken, PartialList};

/// The most pages read of the changelogs of one request's issues.
const MAX_PAGES: usize = 2_000;

impl JiraClient {
    /// The changelogs of several issues, oldest entry first. An issue that is gone is not among
    /// them. Cloud does not say how many entries there should be: who knows it from the issues
    /// compares. Where reading had to end early, the lists are not complete.
    ///
    /// # Errors
    /// Any [`JiraError`].
    pub async fn fetch_changelogs(
        &self,
        ids: &[IssueId],
    ) -> Result<Vec<(IssueId, Completed<Change>)>, JiraError> {
        let mut all = Vec::with_capacity(ids.len());
        match self.flavor() {
            Flavor::Cloud => {
                for ids in ids.chunks(cloud::MOST_CHANGELOGS) {
                    all.extend(self.fetch_changelogs_at_once(ids).await?);
                }
            }
            Flavor::Server => {
                for &id in ids {
                    match self.fetch_own_changelog(id).await {
                        Ok(changelog) => all.push((id, changelog)),
                        Err(JiraError::NotFound { .. }) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(all)
    }

    async fn fetch_changelogs_at_once(
        &self,
        ids: &[IssueId],
    ) -> Result<Vec<(IssueId, Completed<Change>)>, JiraError> {
        let mut gathered = Gathered::default();
        let (mut token, mut page_size) = (None, cloud::MOST_HISTORIES);
        let mut tokens_seen = HashSet::new();
        for _ in 0..MAX_PAGES {
            let call = cloud::changelogs(ids, token.as_ref(), page_size);
            let page = match self.sender().send(&call, read_page).await {
                Ok(page) => page,
                Err(JiraError::Timeout { .. } | JiraError::TooLarge { .. })
                    if page_size > cloud::FEWEST_HISTORIES =>
                {
                    page_size = (page_size / 4).max(cloud::FEWEST_HISTORIES);
                    continue;
                }
                Err(error) => return Err(error),
            };
            gathered.take_in(page.issues);
            token = page.next;
            match &token {
                None => return Ok(gathered.into_lists(true)),
                // It would be the same page again.
                Some(token) if !tokens_seen.insert(token.clone()) => break,
                Some(_) => {}
            }
        }
        tracing::warn!(issues = ids.len(), "changelogs not read to their end");
        Ok(gathered.into_lists(false))
    }
}

struct Page {
    issues: Vec<(IssueId, OfOneIssue)>,
    next: Option<PageToken>,
}

/// What one page, or all together, hold of an issue.
#[derive(Default)]
struct OfOneIssue {
    entries: HashSet<i64>,
    changes: Vec<Change>,
    people: People,
    text_repaired: bool,
}

fn read_page(answer: &Answer) -> Result<Page, Came> {
    let page: ChangelogsPage<'_> = answer.object()?;
    let issues = page.issue_change_logs.into_iter().map(read_part).collect::<Result<_, _>>()?;
    let next = page.next_page_token.filter(|token| !token.is_empty()).map(PageToken);
    Ok(Page { issues, next })
}

fn read_part(raw: &RawValue) -> Result<(IssueId, OfOneIssue), Came> {
    let json = repair(raw.get());
    let changelog: IssueChangelog = object(json.as_bytes(), None)?;
    let mut people = People::default();
    let entries = changelog.change_histories.iter().map(History::id).collect();
    let changes = wire::read_histories(changelog.change_histories, &mut people)
        .map_err(|unreadable| Came::wrong_shape(unreadable.to_string()))?;
    let text_repaired = matches!(json, Cow::Owned(_));
    Ok((IssueId(changelog.issue_id.into()), OfOneIssue { entries, changes, people, text_repaired }))
}

#[derive(Default)]
struct Gathered(BTreeMap<IssueId, OfOneIssue>);

impl Gathered {
    /// Adds a page. An entry that was on an earlier one is not taken twice.
    fn take_in(&mut self, issues: Vec<(IssueId, OfOneIssue)>) {
        for (id, part) in issues {
            let all = self.0.entry(id).or_default();
            let known = &all.entries;
            all.changes.extend(
                part.changes.into_iter().filter(|change| !known.contains(&change.history_id)),
            );
            all.entries.extend(part.entries);
            part.people.into_users().into_iter().for_each(|user| all.people.note_user(user));
            all.text_repaired |= part.text_repaired;
        }
    }

    fn into_lists(self, whole: bool) -> Vec<(IssueId, Completed<Change>)> {
        let list = |(id, part): (IssueId, OfOneIssue)| {
            let held = part.entries.len() as u64;
            let expected = if whole { held } else { held + 1 };
            let list = PartialList::of(part.changes, held, Some(expected));
            let users = part.people.into_users();
            (id, Completed { list, users, text_repaired: part.text_repaired })
        };
        self.0.into_iter().map(list).collect()
    }
}
