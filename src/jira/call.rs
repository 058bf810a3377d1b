//! One request to Jira as data: what the flavours build and the send path sends.

use reqwest::Method;
use serde_json::Value;

use super::endpoint::Endpoint;
use super::retry::Weight;
use super::scope::Scope;

/// A request, relative to the base URL.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) endpoint: Endpoint,
    /// Path segments below the base URL.
    pub(super) path: Vec<String>,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
    pub(super) weight: Weight,
    pub(super) patience: Patience,
}

/// How long an answer is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// As long as any request: `jira.timeout`.
    Usual,
    /// As long as one heavy issue may take: `jira.hub_timeout`.
    Long,
}

impl Call {
    /// A small GET of `api` and `segments`.
    pub(super) fn get(endpoint: Endpoint, api: &[&str], segments: &[&str]) -> Self {
        Self {
            method: Method::GET,
            endpoint,
            path: api.iter().chain(segments).map(|&segment| segment.to_owned()).collect(),
            query: Vec::new(),
            body: None,
            weight: Weight::Light,
            patience: Patience::Usual,
        }
    }

    /// A POST of `body`.
    pub(super) fn post(endpoint: Endpoint, api: &[&str], segments: &[&str], body: Value) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(endpoint, api, segments) }
    }

    /// With a query parameter.
    pub(super) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// Without a query parameter.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.query.retain(|(known, _)| *known != name);
        self
    }

    /// What a limit of this one endpoint is for.
    pub(super) fn scope(&self) -> Scope {
        Scope::endpoint(&self.method, self.endpoint)
    }

    /// A request whose time-out is the caller's to deal with.
    pub(super) fn heavy(mut self) -> Self {
        self.weight = Weight::Heavy;
        self
    }

    /// The same, for whole issues.
    pub(super) fn whole(mut self) -> Self {
        self.weight = Weight::Whole;
        self
    }

    /// A request for one issue that is known to take long.
    pub(super) fn patient(mut self) -> Self {
        self.patience = Patience::Long;
        self
    }
}
