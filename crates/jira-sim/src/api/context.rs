//! What an answer is made from, whichever flavour gives it.

use std::borrow::Cow;

use serde_json::Value;

use super::auth::Caller;
use super::params::Params;
use crate::config::SimConfig;
use crate::faults::{Action, Hit, TokenFault};
use crate::requests::Seen;
use crate::world::{Issue, IssueId, Selection, World};

/// A request and everything around it.
pub(crate) struct Context<'a> {
    pub(crate) world: &'a World,
    pub(crate) config: &'a SimConfig,
    /// The address the request was sent to, with its prefix.
    pub(crate) base_url: &'a str,
    /// The address of a Cloud site, where the request may have come by the gateway.
    pub(crate) site_url: &'a str,
    pub(crate) seen: &'a Seen,
    pub(crate) params: &'a Params,
    /// The body, if it was JSON.
    pub(crate) body: Option<&'a Value>,
    pub(crate) who: Caller,
    pub(crate) logged_in: bool,
    /// Counts the requests.
    pub(crate) number: usize,
    /// The fault that takes part in making the answer, if any.
    pub(crate) hit: Option<&'a Hit>,
}

impl Context<'_> {
    /// Whether a fault keeps this issue out of the answer.
    pub(crate) fn omits(&self, id: IssueId) -> bool {
        match self.hit.map(|hit| &hit.action) {
            Some(Action::OmitIssues(ids)) => ids.contains(&id),
            _ => false,
        }
    }

    /// The field that a fault keeps from loading, of this issue.
    pub(crate) fn broken_field(&self, id: IssueId) -> Option<&str> {
        match self.hit {
            Some(Hit { action: Action::OmitField(name), issue }) => {
                issue.is_none_or(|only| only == id).then_some(name.as_str())
            }
            _ => None,
        }
    }

    /// What of an issue is shown, given what was asked for.
    pub(crate) fn shown<'a>(&self, issue: &Issue, asked: &'a Selection) -> Cow<'a, Selection> {
        match self.broken_field(issue.id()) {
            None => Cow::Borrowed(asked),
            Some(name) => Cow::Owned(asked.clone().without(name)),
        }
    }

    /// What goes wrong with this page's token.
    pub(crate) fn token_fault(&self) -> Option<TokenFault> {
        match self.hit.map(|hit| &hit.action) {
            Some(Action::Token(fault)) => Some(*fault),
            _ => None,
        }
    }
}
