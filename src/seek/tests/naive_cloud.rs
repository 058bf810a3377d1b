//! The same naive Jira as a Cloud: no totals, and pages that follow each other by tokens, each of
//! which names a place in one query's order. What can go wrong with tokens is scripted.

use super::naive_jira::{Issue, NaiveJira, Outcome, place, row};
use crate::model::{Checkpoint, ListingPage, PageStart, PageToken};
use crate::seek::{Request, Scan, ScanError, ScanPlan, Step};

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Its token is refused.
    Refuse,
    /// All tokens so far are refused from now on.
    Expire,
    /// The page's token is the one that was asked for.
    Repeat,
    /// The page's token leads back to the query's second page.
    Circle,
    /// No rows, and a token to the same place.
    Empty,
    /// More is to come, but the page has no token.
    EndTooEarly,
    /// Too slow, or too large.
    TooHeavy,
}

impl Fault {
    /// Whether a query has to begin again because of it.
    pub(super) fn breaks(self) -> bool {
        match self {
            Self::Refuse | Self::Expire | Self::Repeat | Self::Circle => true,
            Self::Empty | Self::EndTooEarly | Self::TooHeavy => false,
        }
    }
}

/// A token that was given out.
#[derive(Debug, Clone)]
struct Issued {
    query: String,
    max_results: u32,
    /// The last place before its page.
    after: (Option<i64>, u64),
}

#[derive(Debug, Clone)]
pub(super) struct NaiveCloud {
    pub(super) jira: NaiveJira,
    issued: Vec<Issued>,
    expired: usize,
    /// Whether a query was ended before its end since this was last looked at.
    pub(super) cut: bool,
}

enum Reply {
    Page(ListingPage),
    Refused(String),
    TooHeavy,
}

impl NaiveCloud {
    pub(super) fn new(jira: NaiveJira) -> Self {
        Self { jira, issued: Vec::new(), expired: 0, cut: false }
    }

    fn search(&mut self, request: &Request, fault: Option<Fault>) -> Reply {
        if fault == Some(Fault::TooHeavy) && request.max_results > 1 {
            return Reply::TooHeavy;
        }
        if fault == Some(Fault::Expire) {
            self.expired = self.issued.len();
        }
        let after = match self.place_of(request, fault == Some(Fault::Refuse)) {
            Ok(after) => after,
            Err(message) => return Reply::Refused(message),
        };
        let found: Vec<(i64, Issue)> = self
            .jira
            .matching(&request.query)
            .expect("tokens need no anchors")
            .into_iter()
            .filter(|(_, issue)| {
                after.is_none_or(|after| after < place(request.query.order, issue))
            })
            .map(|(id, issue)| (id, issue.clone()))
            .collect();
        let fits = match fault {
            Some(Fault::Empty) => 0,
            _ => self.jira.page_cap.min(request.max_results as usize).min(found.len()),
        };
        let last = found[..fits].last().map(|(_, issue)| place(request.query.order, issue));
        let next = (fits < found.len()).then(|| last.or(after).unwrap_or_default());
        let rows = found[..fits].iter().map(|(id, issue)| row((*id, issue))).collect();
        let next = self.token(request, next, fault);
        Reply::Page(ListingPage { rows, total: None, max_results: None, next })
    }

    /// `None`: before everything. A token is good for its own query and page size only.
    fn place_of(
        &self,
        request: &Request,
        refuse: bool,
    ) -> Result<Option<(Option<i64>, u64)>, String> {
        let PageStart::Token(PageToken(token)) = &request.start else {
            assert_eq!(request.start, PageStart::FIRST);
            return Ok(None);
        };
        let number: usize = token.parse().unwrap();
        let issued = &self.issued[number];
        let theirs = (issued.query.as_str(), issued.max_results);
        let fits = theirs == (request.query.to_string().as_str(), request.max_results);
        assert!(fits, "a token of another query: {theirs:?}, {request:?}");
        if refuse || number < self.expired {
            return Err("The provided nextPageToken is invalid.".to_owned());
        }
        Ok(Some(issued.after))
    }

    fn token(
        &mut self,
        request: &Request,
        next: Option<(Option<i64>, u64)>,
        fault: Option<Fault>,
    ) -> Option<PageToken> {
        let after = next?;
        let (query, max_results) = (request.query.to_string(), request.max_results);
        let same = |issued: &Issued| issued.query == query && issued.max_results == max_results;
        match (fault, &request.start) {
            (Some(Fault::EndTooEarly), _) => {
                self.cut = true;
                return None;
            }
            (Some(Fault::Repeat), PageStart::Token(asked)) => return Some(asked.clone()),
            (Some(Fault::Circle), PageStart::Token(_)) => {
                let second = self.issued.iter().position(same).expect("the token asked for");
                return Some(PageToken(second.to_string()));
            }
            _ => {}
        }
        self.issued.push(Issued { query, max_results, after });
        Some(PageToken((self.issued.len() - 1).to_string()))
    }
}

/// Runs a scan to its end; `between` is called before every request with the number of requests so
/// far, and answers with what befalls it, and whether the process dies before it (and resumes from
/// its last checkpoint).
pub(super) fn run(
    cloud: &mut NaiveCloud,
    plan: &ScanPlan,
    mut between: impl FnMut(&mut NaiveJira, usize) -> (Option<Fault>, bool),
) -> Result<Outcome, ScanError> {
    let mut outcome = Outcome::default();
    let mut stored = Checkpoint::default();
    let mut scan = Scan::new(plan.clone(), &stored);
    cloud.cut = false;
    loop {
        let (fault, dies) = between(&mut cloud.jira, outcome.requests.len());
        if dies {
            scan = Scan::new(plan.clone(), &stored);
        }
        let request = match scan.poll() {
            Step::Finished(summary) => {
                outcome.summary = summary;
                return Ok(outcome);
            }
            Step::VerifyAnchor(key) => panic!("an anchor without an over-full second: {key}"),
            Step::List(request) => request,
        };
        outcome.requests.push(request.clone());
        match cloud.search(&request, fault) {
            Reply::Refused(message) => scan.handle_refused(&message)?,
            Reply::TooHeavy => scan.handle_too_heavy()?,
            Reply::Page(page) => {
                let accepted = scan.handle_page(page)?;
                outcome.listed.extend(accepted.rows.iter().map(|row| row.id.0));
                outcome.rows += accepted.rows.len();
                assert!(stored.frontier <= accepted.checkpoint.frontier, "frontier fell");
                stored = accepted.checkpoint;
            }
        }
    }
}

/// Nothing happens.
pub(super) fn calm(_: &mut NaiveJira, _: usize) -> (Option<Fault>, bool) {
    (None, false)
}
