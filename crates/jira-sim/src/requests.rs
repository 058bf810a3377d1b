//! The log of every request, and waiting for requests without sleeping.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::limits::Notice;
use crate::world::IssueId;

/// A request as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `GET`, `POST`.
    pub method: String,
    /// The path without the context path and without the query.
    pub path: String,
    /// The query, for searches.
    pub jql: Option<String>,
    /// As asked, for paged requests.
    pub start_at: Option<i64>,
    /// As asked, for paged requests.
    pub max_results: Option<i64>,
    /// The field names asked for.
    pub fields: Vec<String>,
    /// The expansions asked for.
    pub expand: Vec<String>,
    /// As asked; Jira's default is true.
    pub validate_query: bool,
    /// Cloud's page token, where one was sent.
    pub page_token: Option<String>,
    /// Ids and keys that a bulk fetch asks for.
    pub wanted: Vec<String>,
    /// Whether one field that cannot be loaded is to fail the request.
    pub fail_fast: bool,
    /// Whether it came by the gateway's path.
    pub via_gateway: bool,
}

/// What the REST resources begin with, of every version.
const APIS: [&str; 3] = ["/rest/api/2/", "/rest/api/3/", "/rest/api/latest/"];
/// What below an issue are its children.
const CHILDREN: [&str; 7] =
    ["comment", "worklog", "changelog", "remotelink", "watchers", "votes", "properties"];

impl Seen {
    /// Whether this is a search for rows. Cloud's count is not one.
    pub fn is_search(&self) -> bool {
        matches!(self.resource(), "search" | "search/jql")
    }

    /// Whether this is Cloud's `issue/bulkfetch`.
    pub fn is_bulk_fetch(&self) -> bool {
        self.resource() == "issue/bulkfetch"
    }

    /// Whether whole issues are asked for: a search or bulk fetch with `*all`, or an issue with it
    /// or by default.
    pub fn wants_whole_issues(&self) -> bool {
        let all = self.fields.iter().any(|field| field == "*all");
        all || (self.is_issue() && !self.fields.iter().any(|field| !field.starts_with('-')))
    }

    /// Whether this is `GET issue/{key}` itself.
    pub fn is_issue(&self) -> bool {
        self.resource()
            .strip_prefix("issue/")
            .is_some_and(|rest| !rest.is_empty() && !rest.contains('/') && !self.is_bulk_fetch())
    }

    /// Whether this asks for what hangs below an issue, or for the changelogs of many.
    pub fn is_children(&self) -> bool {
        let mut parts = self.resource().split('/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("issue"), Some(_), Some(list)) => CHILDREN.contains(&list),
            (Some("changelog"), Some("bulkfetch"), None) => true,
            _ => false,
        }
    }

    /// What follows `/rest/api/2/` or `/rest/api/3/`.
    pub fn resource(&self) -> &str {
        APIS.iter().find_map(|api| self.path.strip_prefix(api)).unwrap_or("")
    }
}

/// A request and what became of it.
#[derive(Debug, Clone)]
pub struct RequestRecord {
    /// Counts from 0 in the order of arrival.
    pub number: usize,
    /// The request.
    pub seen: Seen,
    /// When it arrived, since the server started (real time).
    pub arrived: Duration,
    /// How many requests were in flight then, this one included.
    pub in_flight: usize,
    /// How long the answer took; `None` while it is being answered, or if the client went away.
    pub took: Option<Duration>,
    /// The HTTP status; `None` while it is being answered, and for connections cut without one.
    pub status: Option<u16>,
    /// Size of the body before compression.
    pub bytes: usize,
    /// Ids of the issues in the answer, in their order.
    pub issues: Vec<IssueId>,
    /// Issue links in the answer.
    pub links: usize,
    /// What fault was applied or what limit refused it, if any.
    pub fault: Option<&'static str>,
}

impl RequestRecord {
    /// How many issues the answer carried.
    pub fn rows(&self) -> usize {
        self.issues.len()
    }
}

/// Every request since the start or the last [`RequestLog::clear`].
#[derive(Debug)]
pub struct RequestLog {
    started: Instant,
    /// The number of the next request, and the requests.
    records: Mutex<(usize, Vec<RequestRecord>)>,
    in_flight: Mutex<usize>,
    arrivals: watch::Sender<u64>,
    pub(crate) notices: Mutex<Vec<Notice>>,
}

/// What an answer was, for the log.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) status: Option<u16>,
    pub(crate) bytes: usize,
    pub(crate) issues: Vec<IssueId>,
    pub(crate) links: usize,
    pub(crate) fault: Option<&'static str>,
    pub(crate) notice: Option<Notice>,
}

/// Counts a request as in flight until it is dropped.
pub(crate) struct InFlight<'a> {
    log: &'a RequestLog,
    pub(crate) number: usize,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut in_flight = lock(&self.log.in_flight);
        *in_flight = in_flight.saturating_sub(1);
    }
}

impl InFlight<'_> {
    /// Writes down what became of it.
    pub(crate) fn finish(&self, outcome: Outcome) {
        let now = self.log.started.elapsed();
        let mut records = lock(&self.log.records);
        let found = records.1.iter_mut().rev().find(|record| record.number == self.number);
        if let Some(record) = found {
            record.took = Some(now.saturating_sub(record.arrived));
            record.status = outcome.status;
            record.bytes = outcome.bytes;
            record.issues = outcome.issues;
            record.links = outcome.links;
            record.fault = outcome.fault;
        }
        drop(records);
        lock(&self.log.notices).extend(outcome.notice);
        self.log.arrivals.send_modify(|version| *version += 1);
    }
}

impl RequestLog {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            records: Mutex::new((0, Vec::new())),
            in_flight: Mutex::new(0),
            arrivals: watch::Sender::new(0),
            notices: Mutex::new(Vec::new()),
        }
    }

    /// Real time since the server started.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// All requests so far, in the order of arrival.
    pub fn all(&self) -> Vec<RequestRecord> {
        lock(&self.records).1.clone()
    }

    /// Those for which `matches` holds.
    pub fn matching(&self, matches: impl Fn(&RequestRecord) -> bool) -> Vec<RequestRecord> {
        lock(&self.records).1.iter().filter(|record| matches(record)).cloned().collect()
    }

    /// How many requests there were for which `matches` holds.
    pub fn count(&self, matches: impl Fn(&RequestRecord) -> bool) -> usize {
        lock(&self.records).1.iter().filter(|record| matches(record)).count()
    }

    /// Searches that asked for little: the listing.
    pub fn listings(&self) -> Vec<RequestRecord> {
        self.matching(|record| record.seen.is_search() && !record.seen.wants_whole_issues())
    }

    /// Searches and bulk fetches that asked for whole issues.
    pub fn hydrations(&self) -> Vec<RequestRecord> {
        self.matching(|record| record.seen.wants_whole_issues() && !record.seen.is_issue())
    }

    /// How often each issue was served whole with status 200.
    pub fn times_hydrated(&self, id: IssueId) -> usize {
        self.count(|record| {
            record.seen.wants_whole_issues()
                && record.status == Some(200)
                && record.issues.contains(&id)
        })
    }

    /// Requests that are being answered now.
    pub fn in_flight(&self) -> usize {
        *lock(&self.in_flight)
    }

    /// Forgets what was logged, and who was asked to wait.
    pub fn clear(&self) {
        lock(&self.notices).clear();
        lock(&self.records).1.clear();
    }

    /// Prepares to wait until `n` more matching requests have arrived. Register before the act.
    pub fn expect(
        &self,
        n: usize,
        matches: impl Fn(&Seen) -> bool + Send + 'static,
    ) -> Expectation<'_> {
        let from = lock(&self.records).0;
        Expectation {
            log: self,
            arrivals: self.arrivals.subscribe(),
            from,
            n,
            matches: Box::new(matches),
        }
    }

    pub(crate) fn begin(&self, seen: Seen) -> InFlight<'_> {
        let mut in_flight = lock(&self.in_flight);
        *in_flight += 1;
        let now_in_flight = *in_flight;
        drop(in_flight);
        let mut records = lock(&self.records);
        let number = records.0;
        records.0 += 1;
        let arrived = self.started.elapsed();
        records.1.push(RequestRecord {
            number,
            seen,
            arrived,
            in_flight: now_in_flight,
            took: None,
            status: None,
            bytes: 0,
            issues: Vec::new(),
            links: 0,
            fault: None,
        });
        drop(records);
        self.arrivals.send_modify(|version| *version += 1);
        InFlight { log: self, number }
    }
}

/// A wait that was registered before the act.
pub struct Expectation<'a> {
    log: &'a RequestLog,
    arrivals: watch::Receiver<u64>,
    from: usize,
    n: usize,
    matches: Box<dyn Fn(&Seen) -> bool + Send>,
}

impl Expectation<'_> {
    /// Waits until the requests have arrived (not: have been answered).
    pub async fn wait(mut self) {
        while !self.is_met() {
            // The sender lives in the log, which is borrowed, so this cannot fail.
            if self.arrivals.changed().await.is_err() {
                return;
            }
        }
    }

    fn is_met(&self) -> bool {
        let records = lock(&self.log.records);
        let seen = records
            .1
            .iter()
            .filter(|record| record.number >= self.from && (self.matches)(&record.seen));
        seen.count() >= self.n
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
