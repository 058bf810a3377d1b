//! Scripted faults: which requests they hit, and what happens to those.

mod gate;
pub(crate) mod response;

use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::time::Duration;

pub use gate::Gate;

use crate::random::Random;
use crate::requests::{Seen, lock};
use crate::world::IssueId;

/// Which requests a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// All.
    Any,
    /// Every search.
    Search,
    /// Searches that do not ask for `*all`.
    SearchListing,
    /// Searches and bulk fetches that ask for `*all`.
    SearchHydrate,
    /// Searches that go on from a page token.
    NextPage,
    /// `GET issue/{key}` itself.
    Issue,
    /// Whole issues, by search, by bulk fetch or one at a time.
    WholeIssues,
    /// What hangs below an issue: comments, worklogs, changelog, remote links, watchers, votes,
    /// properties; and the changelogs of many issues.
    Children,
    /// Requests for exactly these fields, by search or of one issue: `issuelinks`, `*all,-comment`.
    Fields(String),
    /// What follows `/rest/api/2/` or `/rest/api/3/` begins with this.
    Prefix(String),
}

impl Endpoint {
    /// Whether a request is one of these.
    pub fn matches(&self, seen: &Seen) -> bool {
        match self {
            Self::Any => true,
            Self::Search => seen.is_search(),
            Self::SearchListing => seen.is_search() && !seen.wants_whole_issues(),
            Self::SearchHydrate => {
                seen.wants_whole_issues() && (seen.is_search() || seen.is_bulk_fetch())
            }
            Self::NextPage => seen.is_search() && seen.page_token.is_some(),
            Self::Children => seen.is_children(),
            Self::Issue => seen.is_issue(),
            Self::WholeIssues => seen.wants_whole_issues(),
            Self::Fields(fields) => seen.fields.join(",") == *fields,
            Self::Prefix(prefix) => seen.resource().starts_with(prefix.as_str()),
        }
    }
}

/// Which of the matching requests are hit. Counting begins at 1 when the rule is added.
#[derive(Debug, Clone, PartialEq)]
pub enum When {
    /// Every one.
    Always,
    /// Only this one.
    Nth(u64),
    /// These.
    Range(RangeInclusive<u64>),
    /// Each with this probability, from a seed.
    Chance {
        /// Between 0 and 1.
        probability: f64,
        /// Of the rule's own generator.
        seed: u64,
    },
}

/// The form of a `Retry-After` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// None.
    Absent,
    /// A number of seconds.
    Seconds(u64),
    /// A date this far ahead of the instance's clock, which is also that of the answer's `Date`.
    Date(Duration),
}

/// What happens to a request that is hit.
#[derive(Debug, Clone)]
pub enum Action {
    /// 429.
    TooManyRequests(RetryAfter),
    /// This status with an HTML body, before anything was done.
    Fail(u16),
    /// This status with a `Retry-After`.
    FailRetryAfter(u16, RetryAfter),
    /// This status with these words in an error of Jira's own form.
    Refuse(u16, String),
    /// This status, after the answer was computed.
    FailAfterEffect(u16),
    /// The connection is reset instead of an answer.
    Reset,
    /// The head and this many bytes of the body come, then the connection is cut.
    Truncate(usize),
    /// The answer comes this much later.
    Stall(Duration),
    /// The answer comes when the gate is released.
    StallUntil(Gate),
    /// 200 with an HTML log-in form.
    LoginPage,
    /// 302 to this address.
    Redirect(String),
    /// 200 with the answer cut in the middle, as complete content.
    MalformedJson,
    /// 200 with JSON of another form.
    WrongShape,
    /// Answered as an anonymous request: 200 and no rows for searches.
    Anonymous,
    /// 200 without this field of the issues (of the rule's issue, if it names one). Who asks with
    /// `failFast=true` gets a 500.
    OmitField(String),
    /// 200 without these issues, though they exist.
    OmitIssues(Vec<IssueId>),
    /// Cloud's search errs with its page token.
    Token(TokenFault),
}

/// What goes wrong with the page token of Cloud's search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFault {
    /// There is none, though more rows follow.
    Dropped,
    /// The token that was sent comes back; of a first page, one for that page.
    Repeated,
    /// The token that was sent is refused as none of ours. First pages are answered.
    Refused,
    /// The token that was sent is refused as too old. First pages are answered.
    Expired,
    /// No rows, and a token for the same place.
    EmptyPage,
    /// The rows of the page before, and another token for the same place.
    RowsAgain,
}

impl Action {
    /// For the log.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::TooManyRequests(_) => "too_many_requests",
            Self::Fail(_) | Self::FailRetryAfter(..) => "fail",
            Self::Refuse(..) => "refuse",
            Self::FailAfterEffect(_) => "fail_after_effect",
            Self::Reset => "reset",
            Self::Truncate(_) => "truncate",
            Self::Stall(_) => "stall",
            Self::StallUntil(_) => "stall_until",
            Self::LoginPage => "login_page",
            Self::Redirect(_) => "redirect",
            Self::MalformedJson => "malformed_json",
            Self::WrongShape => "wrong_shape",
            Self::Anonymous => "anonymous",
            Self::OmitField(_) => "omit_field",
            Self::OmitIssues(_) => "omit_issues",
            Self::Token(_) => "token",
        }
    }

    /// Whether it takes part in making the answer, instead of replacing or spoiling one.
    pub(crate) fn shapes_answer(&self) -> bool {
        matches!(self, Self::OmitField(_) | Self::OmitIssues(_) | Self::Token(_))
    }
}

/// A scripted fault.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Which requests are counted.
    pub endpoint: Endpoint,
    /// Which of those are hit.
    pub when: When,
    /// Only answers that carry this issue are counted.
    pub issue: Option<IssueId>,
    /// What happens.
    pub action: Action,
}

/// A rule that hit a request.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    pub(crate) action: Action,
    /// The issue that the rule is about, if it is about one.
    pub(crate) issue: Option<IssueId>,
}

/// Names a rule that was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleId(usize);

struct Armed {
    id: RuleId,
    rule: Rule,
    random: Random,
    counted: u64,
    hits: u64,
}

/// The script. Rules are asked in the order in which they were added; the first that hits wins,
/// and the others still count the request.
#[derive(Default)]
pub struct Faults {
    rules: Mutex<(usize, Vec<Armed>)>,
}

impl Faults {
    /// Adds a rule.
    pub fn add(&self, rule: Rule) -> RuleId {
        let mut rules = lock(&self.rules);
        rules.0 += 1;
        let id = RuleId(rules.0);
        let seed = if let When::Chance { seed, .. } = rule.when { seed } else { 0 };
        rules.1.push(Armed { id, rule, random: Random::new(seed), counted: 0, hits: 0 });
        id
    }

    /// A rule for some requests of an endpoint.
    pub fn on(&self, endpoint: Endpoint, when: When, action: Action) -> RuleId {
        self.add(Rule { endpoint, when, issue: None, action })
    }

    /// Spoils every answer that carries this issue whole.
    pub fn poison(&self, issue: IssueId, action: Action) -> RuleId {
        self.add(Rule {
            endpoint: Endpoint::WholeIssues,
            when: When::Always,
            issue: Some(issue),
            action,
        })
    }

    /// Takes a rule out.
    pub fn remove(&self, id: RuleId) {
        lock(&self.rules).1.retain(|armed| armed.id != id);
    }

    /// Takes all rules out.
    pub fn clear(&self) {
        lock(&self.rules).1.clear();
    }

    /// How often a rule has hit; 0 once it is removed.
    pub fn hits(&self, id: RuleId) -> u64 {
        lock(&self.rules).1.iter().find(|armed| armed.id == id).map_or(0, |armed| armed.hits)
    }

    /// What befalls a request as it arrives.
    pub(crate) fn on_arrival(&self, seen: &Seen) -> Option<Hit> {
        self.decide(|rule| rule.issue.is_none() && rule.endpoint.matches(seen))
    }

    /// What befalls an answer that carries these issues.
    pub(crate) fn on_answer(&self, seen: &Seen, issues: &[IssueId]) -> Option<Hit> {
        self.decide(|rule| {
            rule.issue.is_some_and(|id| issues.contains(&id)) && rule.endpoint.matches(seen)
        })
    }

    fn decide(&self, applies: impl Fn(&Rule) -> bool) -> Option<Hit> {
        let mut chosen = None;
        for armed in lock(&self.rules).1.iter_mut().filter(|armed| applies(&armed.rule)) {
            armed.counted += 1;
            let hit = match &armed.rule.when {
                When::Always => true,
                When::Nth(n) => armed.counted == *n,
                When::Range(range) => range.contains(&armed.counted),
                When::Chance { probability, .. } => armed.random.chance(*probability),
            };
            if hit && chosen.is_none() {
                armed.hits += 1;
                let Rule { action, issue, .. } = &armed.rule;
                chosen = Some(Hit { action: action.clone(), issue: *issue });
            }
        }
        chosen
    }
}
