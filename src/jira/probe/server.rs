//! What a Server or Data Center can do: found out by counting, which it does exactly.

use chrono_tz::Tz;

use super::{Abilities, clause, time_grid};
use crate::jira::JiraClient;
use crate::jira::error::JiraError;
use crate::jira::flavor::{Flavor, both};
use crate::jql::TimeGrid;
use crate::model::{EpochSecond, IssueId, ListingPage, PageStart};

/// The page size asked for to learn what the instance allows.
const LARGEST_PAGE: u32 = 1000;

/// How often counts are compared again because issues changed in between.
const COUNT_ATTEMPTS: usize = 3;

impl JiraClient {
    /// The newest issues, as many as a page has.
    pub(super) async fn newest(&self, scope: &str) -> Result<ListingPage, JiraError> {
        let jql = format!("{scope} ORDER BY updated DESC");
        self.list(jql.trim_start(), &PageStart::FIRST, LARGEST_PAGE).await
    }

    /// The experiments, given the newest issues of `scope`.
    pub(super) async fn probe_server(
        &self,
        scope: &str,
        newest: &ListingPage,
        zone: Option<Tz>,
    ) -> Result<Abilities, JiraError> {
        let (honoured, changelog_endpoint) = futures::try_join!(
            self.honours_epoch_millis(scope, newest, zone),
            self.probe_changelog(newest)
        )?;
        Ok(Abilities {
            time_grid: time_grid(honoured, zone)?,
            page_cap: page_cap(newest),
            batch_cap: page_cap(newest),
            changelog_endpoint,
        })
    }

    /// Whether unquoted epoch milliseconds select what the same minute's literal selects; or,
    /// where our zone is not known, whether they divide the issues as an instant does. `None`
    /// without an issue to try it with.
    async fn honours_epoch_millis(
        &self,
        scope: &str,
        newest: &ListingPage,
        zone: Option<Tz>,
    ) -> Result<Option<bool>, JiraError> {
        let newest = newest.rows.iter().find_map(|row| row.updated).map(EpochSecond::floor);
        let Some(newest) = newest else { return Ok(None) };
        let Some(minute) = TimeGrid::Minutes(zone.unwrap_or(Tz::UTC)).floor(newest) else {
            return Ok(Some(false));
        };
        let millis = minute.second().millis().to_string();
        let by_millis = || self.split(scope, &millis);
        let by_literal = || self.split_by_literal(scope, minute.literal(), zone);
        let (first, expected) = futures::try_join!(by_millis(), by_literal())?;
        let Some(mut first) = first else { return Ok(Some(false)) };
        if first.from > 0 && expected.is_some_and(|expected| expected.of(first) == first) {
            return Ok(Some(true));
        }
        for _ in 0..COUNT_ATTEMPTS {
            let expected = by_literal().await?;
            let Some(again) = by_millis().await? else { return Ok(Some(false)) };
            if first.from > 0
                && expected.is_some_and(|expected| expected.of(first).lies_between(first, again))
            {
                return Ok(Some(true));
            }
            first = again;
        }
        Ok(Some(false))
    }

    /// How many issues lie from `literal` on and before it; `None` where the literal is refused.
    async fn split(&self, scope: &str, literal: &str) -> Result<Option<Split>, JiraError> {
        let (from, before) = (format!("updated >= {literal}"), format!("updated < {literal}"));
        let (from, before) = (clause(scope, &from), clause(scope, &before));
        let (from, before) =
            futures::try_join!(self.count_if_understood(&from), self.count_if_understood(&before))?;
        Ok(from.zip(before).map(|(from, before)| Split { from, before }))
    }

    async fn split_by_literal(
        &self,
        scope: &str,
        literal: &str,
        zone: Option<Tz>,
    ) -> Result<Option<Expected>, JiraError> {
        match zone {
            Some(_) => Ok(self.split(scope, literal).await?.map(Expected::Split)),
            None => {
                let dated = clause(scope, "updated is not EMPTY");
                Ok(self.count_if_understood(&dated).await?.map(Expected::InAll))
            }
        }
    }

    async fn count_if_understood(&self, jql: &str) -> Result<Option<u64>, JiraError> {
        match self.count(jql).await {
            Ok(count) => Ok(Some(count)),
            Err(JiraError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether issues have a changelog of their own, by the first of these.
    async fn probe_changelog(&self, newest: &ListingPage) -> Result<Option<bool>, JiraError> {
        match newest.rows.first() {
            Some(row) => self.probe_changelog_of(row.id).await,
            None => Ok(None),
        }
    }

    async fn probe_changelog_of(&self, id: IssueId) -> Result<Option<bool>, JiraError> {
        match self.sender().send(&both::changelog(Flavor::Server, id, 0), |_| Ok(())).await {
            Ok(()) => Ok(Some(true)),
            Err(JiraError::NoEndpoint { .. }) => {
                self.note_no_changelog_endpoint();
                Ok(Some(false))
            }
            Err(
                JiraError::NotFound { .. }
                | JiraError::Refused { .. }
                | JiraError::Forbidden { .. }
                | JiraError::Timeout { .. }
                | JiraError::TooLarge { .. },
            ) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// How the issues divide at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Split {
    from: u64,
    before: u64,
}

/// What milliseconds are compared with.
#[derive(Debug, Clone, Copy)]
enum Expected {
    /// How the issues divide at the same instant.
    Split(Split),
    /// How many there are, on whichever side.
    InAll(u64),
}

impl Expected {
    /// How the issues should divide, where milliseconds divide them like `found`.
    fn of(self, found: Split) -> Split {
        match self {
            Self::Split(split) => split,
            Self::InAll(all) => Split { from: found.from, before: all.saturating_sub(found.from) },
        }
    }
}

impl Split {
    /// Whether this is what was there between two looks. An instance in use changes all the time,
    /// but only so much from one look to the next.
    fn lies_between(self, one: Self, other: Self) -> bool {
        let within = |of: fn(Self) -> u64| {
            let (low, high) = (of(one).min(of(other)), of(one).max(of(other)));
            (low..=high).contains(&of(self))
        };
        within(|split| split.from) && within(|split| split.before)
    }
}

/// The page size the instance used; fewer rows than that, with more to come, is a silent cap.
fn page_cap(page: &ListingPage) -> u32 {
    let rows = u32::try_from(page.rows.len()).unwrap_or(u32::MAX);
    let echoed = page.max_results.unwrap_or(LARGEST_PAGE).clamp(1, LARGEST_PAGE);
    let more_to_come = page.total.is_some_and(|total| total > u64::from(rows));
    if more_to_come && rows > 0 { echoed.min(rows) } else { echoed }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::model::ListedIssue;

    fn page(rows: usize, total: u64, echoed: Option<u32>) -> ListingPage {
        let row = ListedIssue { id: IssueId(1), key: "P-1".parse().unwrap(), updated: None };
        ListingPage { rows: vec![row; rows], total: Some(total), max_results: echoed, next: None }
    }

    #[rstest]
    #[case(1000, 5000, Some(1000), 1000)]
    #[case(100, 5000, Some(100), 100)]
    #[case(100, 5000, Some(1000), 100)]
    #[case(100, 5000, None, 100)]
    #[case(3, 3, Some(1000), 1000)]
    #[case(0, 7, Some(500), 500)]
    #[case(0, 0, Some(0), 1)]
    fn the_page_cap_is_what_was_echoed_or_delivered(
        #[case] rows: usize,
        #[case] total: u64,
        #[case] echoed: Option<u32>,
        #[case] expected: u32,
    ) {
        assert_eq!(page_cap(&page(rows, total, echoed)), expected);
    }
}
