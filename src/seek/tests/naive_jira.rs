//! A naive model of one Jira project and its search index, in virtual time. It evaluates queries
//! by filtering and sorting everything, reads literals from their text, and knows nothing of how
//! the machine under test works.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

use crate::jql::{Boundary, Order, Query, Span, TimeGrid};
use crate::model::{Checkpoint, IssueId, IssueKey, ListedIssue, ListingPage, ProjectKey};
use crate::seek::{Method, Request, Scan, ScanError, ScanPlan, Step, Summary};

#[derive(Clone)]
pub(super) struct Issue {
    pub(super) number: u64,
    pub(super) exists: bool,
    pub(super) moved_away: bool,
    pub(super) hidden: bool,
    /// The document's `updated`, in milliseconds.
    pub(super) document: Option<i64>,
    /// The index entry's `updated`, in seconds; `None`: without one.
    pub(super) index: Option<i64>,
    /// In seconds.
    pub(super) created: i64,
    pub(super) indexed: bool,
    /// An index entry that arrives at this instant (seconds).
    pub(super) arrives: Option<i64>,
    pub(super) touched: bool,
    /// Deleted, moved or hidden at some time, even if it came back.
    pub(super) was_away: bool,
}

impl std::fmt::Debug for Issue {
    /// One line an issue, so that a failing world can be read.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { number, document, index, .. } = self;
        let document = document.map(|ms| ms / 1000);
        write!(f, "P-{number} document {document:?} index {index:?}")?;
        let marks = [
            (!self.exists, "deleted"),
            (self.moved_away, "moved"),
            (self.hidden, "hidden"),
            (!self.indexed, "not indexed"),
            (self.touched, "touched"),
        ];
        marks.iter().filter(|(is, _)| *is).try_for_each(|(_, mark)| write!(f, " {mark}"))
    }
}

impl Issue {
    pub(super) fn listable(&self) -> bool {
        self.exists && !self.moved_away && !self.hidden && self.indexed
    }
}

#[derive(Debug, Clone)]
pub(super) struct NaiveJira {
    /// By id, which is not the order of keys.
    pub(super) issues: BTreeMap<i64, Issue>,
    /// Milliseconds.
    pub(super) now: i64,
    pub(super) page_cap: usize,
    pub(super) grid: TimeGrid,
    pub(super) result_window: u64,
    /// Indexed and counted, but their issues cannot be loaded.
    pub(super) ghosts: BTreeSet<i64>,
}

#[derive(Debug, Clone)]
pub(super) enum Op {
    Edit { nth: usize, lag_secs: i64 },
    BulkEdit { first: usize, many: usize },
    Create,
    Delete { nth: usize },
    MoveAway { nth: usize },
    Hide { nth: usize },
    Unhide { nth: usize },
    ReindexToDocuments,
    ReindexToNow { first: usize, many: usize },
    Wait { secs: i64 },
}

impl NaiveJira {
    pub(super) fn new(grid: TimeGrid, page_cap: usize, start_secs: i64) -> Self {
        Self {
            issues: BTreeMap::new(),
            now: start_secs * 1000,
            page_cap,
            grid,
            result_window: 10_000,
            ghosts: BTreeSet::new(),
        }
    }

    pub(super) fn now_secs(&self) -> i64 {
        self.now / 1000
    }

    pub(super) fn add(&mut self, id: i64, number: u64, document_secs: i64, index_secs: i64) {
        let issue = Issue {
            number,
            exists: true,
            moved_away: false,
            hidden: false,
            document: Some(document_secs * 1000),
            index: Some(index_secs),
            created: document_secs.min(index_secs),
            indexed: true,
            arrives: None,
            touched: false,
            was_away: false,
        };
        self.issues.insert(id, issue);
    }

    pub(super) fn begin_watching(&mut self) {
        for issue in self.issues.values_mut() {
            (issue.touched, issue.was_away) = (false, false);
        }
    }

    pub(super) fn listable_ids(&self) -> BTreeSet<i64> {
        let listable = |(id, issue): &(&i64, &Issue)| issue.listable() && !self.ghosts.contains(id);
        self.issues.iter().filter(listable).map(|(id, _)| *id).collect()
    }

    pub(super) fn apply(&mut self, op: &Op) {
        self.now += 137;
        match *op {
            Op::Edit { nth, lag_secs } => self.edit(nth, lag_secs),
            Op::BulkEdit { first, many } => (first..first + many).for_each(|nth| self.edit(nth, 0)),
            Op::Create => self.create(),
            Op::Delete { nth } => self.change(nth, |issue| issue.exists = false),
            Op::MoveAway { nth } => self.change(nth, |issue| issue.moved_away = true),
            Op::Hide { nth } => self.change(nth, |issue| issue.hidden = true),
            Op::Unhide { nth } => self.change(nth, |issue| issue.hidden = false),
            Op::ReindexToDocuments => {
                (0..self.issues.len()).for_each(|nth| self.reindex(nth, None));
            }
            Op::ReindexToNow { first, many } => {
                let now = self.now_secs();
                (first..first + many).for_each(|nth| self.reindex(nth, Some(now)));
            }
            Op::Wait { secs } => self.now += secs * 1000,
        }
        self.deliver_arrivals();
    }

    fn change(&mut self, nth: usize, change: impl FnOnce(&mut Issue)) {
        let count = self.issues.len().max(1);
        if let Some(issue) = self.issues.values_mut().nth(nth % count) {
            change(issue);
            issue.touched = true;
            issue.was_away |= !issue.listable();
        }
    }

    fn edit(&mut self, nth: usize, lag_secs: i64) {
        let now = self.now;
        self.change(nth, |issue| {
            issue.document = Some(now);
            if lag_secs == 0 {
                issue.index = Some(now / 1000);
                issue.indexed = true;
                issue.arrives = None;
            } else {
                issue.arrives = Some(now / 1000 + lag_secs);
            }
        });
    }

    fn create(&mut self) {
        let id = self.issues.keys().last().copied().unwrap_or(0) + 1;
        let number = self.issues.values().map(|issue| issue.number).max().unwrap_or(0) + 1;
        let now = self.now_secs();
        self.add(id, number, now, now);
        if let Some(issue) = self.issues.get_mut(&id) {
            issue.touched = true;
        }
    }

    fn reindex(&mut self, nth: usize, to: Option<i64>) {
        let count = self.issues.len().max(1);
        if let Some(issue) = self.issues.values_mut().nth(nth % count) {
            let target = to.or(issue.document.map(|ms| ms / 1000));
            if issue.index != target || !issue.indexed {
                issue.index = target;
                issue.indexed = true;
                issue.arrives = None;
                issue.touched = true;
            }
        }
    }

    pub(super) fn deliver_arrivals(&mut self) {
        let now = self.now_secs();
        for issue in self.issues.values_mut() {
            if issue.arrives.is_some_and(|arrives| arrives <= now) {
                issue.arrives = None;
                issue.index = issue.document.map(|ms| ms / 1000);
                issue.indexed = true;
                issue.touched = true;
            }
        }
    }

    /// Answers a page, or refuses it with a 400.
    pub(super) fn search(&self, request: &Request) -> Result<ListingPage, String> {
        let found = self.matching(&request.query)?;
        let total = (found.len() as u64).min(self.result_window);
        let rows = found
            .into_iter()
            .skip(usize::try_from(request.start.offset()).unwrap())
            .take(self.page_cap.min(request.max_results as usize))
            .filter(|(id, _)| !self.ghosts.contains(id))
            .map(row)
            .collect();
        Ok(page(rows, total))
    }

    /// All that a query matches, in its order.
    pub(super) fn matching(&self, query: &Query) -> Result<Vec<(i64, &Issue)>, String> {
        let after = match &query.key_after {
            None => 0,
            Some(anchor) => match self.anchor(anchor)? {
                Some(number) => number,
                None => return Ok(Vec::new()),
            },
        };
        let before = query.created_before.as_ref().map(|boundary| self.read(boundary));
        let mut found: Vec<(i64, &Issue)> = self
            .issues
            .iter()
            .map(|(id, issue)| (*id, issue))
            .filter(|(_, issue)| issue.listable() && issue.number > after)
            .filter(|(_, issue)| before.is_none_or(|before| issue.created < before))
            .filter(|(_, issue)| self.in_span(issue, &query.span))
            .collect();
        found.sort_by_key(|(_, issue)| place(query.order, issue));
        Ok(found)
    }

    /// `Ok(None)`: the anchor is there but hidden from us, so nothing matches.
    fn anchor(&self, key: &IssueKey) -> Result<Option<u64>, String> {
        let issue = self.issues.values().find(|issue| issue.number == key.number());
        match issue {
            Some(issue) if issue.exists && !issue.moved_away => {
                Ok((!issue.hidden).then_some(issue.number))
            }
            _ => Err(format!("An issue with key '{key}' does not exist for field 'key'.")),
        }
    }

    pub(super) fn anchor_stands(&self, key: &IssueKey) -> bool {
        matches!(self.anchor(key), Ok(Some(_)))
    }

    fn in_span(&self, issue: &Issue, span: &Span) -> bool {
        match (span, issue.index) {
            (Span::All, _) | (Span::Undated, None) => true,
            (Span::Undated, Some(_)) | (Span::Updated { .. }, None) => false,
            (Span::Updated { from, to }, Some(index)) => {
                from.as_ref().is_none_or(|from| self.read(from) <= index)
                    && to.as_ref().is_none_or(|to| index < self.read(to))
            }
        }
    }

    /// Reads the literal's text as Jira would.
    fn read(&self, boundary: &Boundary) -> i64 {
        match self.grid {
            TimeGrid::Seconds => boundary.literal().parse::<i64>().unwrap() / 1000,
            TimeGrid::Minutes(zone) => read_minutes(zone, boundary.literal()),
        }
    }
}

fn read_minutes(zone: Tz, literal: &str) -> i64 {
    let local = NaiveDateTime::parse_from_str(literal, "\"%Y-%m-%d %H:%M\"").unwrap();
    zone.from_local_datetime(&local).latest().expect("a minute that exists").timestamp()
}

/// Where an issue stands in an order. Nothing stands in none, which only counts ask for.
pub(super) fn place(order: Order, issue: &Issue) -> (Option<i64>, u64) {
    match order {
        Order::UpdatedThenKey => (issue.index, issue.number),
        Order::CreatedThenKey => (Some(issue.created), issue.number),
        Order::Key => (None, issue.number),
        Order::None => (None, 0),
    }
}

pub(super) fn row((id, issue): (i64, &Issue)) -> ListedIssue {
    ListedIssue {
        id: IssueId(id),
        key: IssueKey::new(project(), issue.number),
        updated: issue.document.and_then(DateTime::from_timestamp_millis),
    }
}

fn page(rows: Vec<ListedIssue>, total: u64) -> ListingPage {
    ListingPage { rows, total: Some(total), max_results: None, next: None }
}

pub(super) fn project() -> ProjectKey {
    "P".parse().unwrap()
}

pub(super) fn instant(secs: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(secs, 0).unwrap()
}

pub(super) fn plan(jira: &NaiveJira) -> ScanPlan {
    ScanPlan {
        project: project(),
        filter: None,
        grid: jira.grid,
        page_rows: 1_000,
        from: None,
        horizon: instant(jira.now_secs()),
        settled: instant(jira.now_secs()),
        result_window: jira.result_window,
        method: Method::Forward,
        undated: true,
    }
}

/// What a scan did.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) listed: BTreeSet<i64>,
    /// Rows that were to be stored, those that came again included.
    pub(super) rows: usize,
    pub(super) requests: Vec<Request>,
    pub(super) summary: Summary,
}

/// Runs a scan to its end; `between` is called before every request with the number of requests
/// so far, and answers whether the process dies there (and resumes from its last checkpoint).
pub(super) fn run(
    jira: &mut NaiveJira,
    plan: &ScanPlan,
    mut between: impl FnMut(&mut NaiveJira, usize) -> bool,
) -> Result<Outcome, ScanError> {
    let mut outcome = Outcome::default();
    let mut stored = Checkpoint::default();
    let mut scan = Scan::new(plan.clone(), &stored);
    loop {
        if between(jira, outcome.requests.len()) {
            scan = Scan::new(plan.clone(), &stored);
        }
        match scan.poll() {
            Step::Finished(summary) => {
                outcome.summary = summary;
                return Ok(outcome);
            }
            Step::VerifyAnchor(key) => stored = scan.handle_anchor(jira.anchor_stands(&key))?,
            Step::List(request) => {
                outcome.requests.push(request.clone());
                match jira.search(&request) {
                    Err(message) => scan.handle_refused(&message)?,
                    Ok(page) => {
                        let accepted = scan.handle_page(page)?;
                        outcome.listed.extend(accepted.rows.iter().map(|row| row.id.0));
                        outcome.rows += accepted.rows.len();
                        assert!(stored.frontier <= accepted.checkpoint.frontier, "frontier fell");
                        stored = accepted.checkpoint;
                    }
                }
            }
        }
    }
}

pub(super) fn undisturbed(_: &mut NaiveJira, _: usize) -> bool {
    false
}
