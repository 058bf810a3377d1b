//! An answer before it becomes HTTP.

use axum::http::StatusCode;

use crate::faults::RetryAfter;
use crate::json::quote;
use crate::world::IssueId;

/// Status, body, and what the log and the faults need to know.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    pub(crate) retry_after: RetryAfter,
    /// Issues in the body, in their order.
    pub(crate) issues: Vec<IssueId>,
    /// Issue links in the body.
    pub(crate) links: usize,
    /// Send only this many bytes of the body.
    pub(crate) cut_after: Option<usize>,
    /// Cut the connection instead of answering.
    pub(crate) reset: bool,
    /// Comes from something in front of Jira, so it lacks Jira's headers.
    pub(crate) foreign: bool,
}

impl Answer {
    pub(crate) fn json(status: StatusCode, body: String) -> Self {
        Self {
            status,
            content_type: "application/json;charset=UTF-8",
            headers: Vec::new(),
            retry_after: RetryAfter::Absent,
            body,
            issues: Vec::new(),
            links: 0,
            cut_after: None,
            reset: false,
            foreign: false,
        }
    }

    pub(crate) fn ok(body: impl Into<String>) -> Self {
        Self::json(StatusCode::OK, body.into())
    }

    pub(crate) fn html(status: StatusCode, body: &str) -> Self {
        Self { content_type: "text/html;charset=UTF-8", ..Self::json(status, body.to_owned()) }
    }

    /// Jira's own errors.
    pub(crate) fn errors(status: StatusCode, messages: &[String]) -> Self {
        let messages: Vec<String> = messages.iter().map(|message| quote(message)).collect();
        Self::json(status, format!(r#"{{"errorMessages":[{}],"errors":{{}}}}"#, messages.join(",")))
    }

    pub(crate) fn not_found(message: &str) -> Self {
        Self::errors(StatusCode::NOT_FOUND, &[message.to_owned()])
    }

    /// What the REST framework says of a path it does not know.
    pub(crate) fn no_such_route(path: &str) -> Self {
        let body = format!(
            r#"{{"message":{},"status-code":404}}"#,
            quote(&format!("null for uri: {path}"))
        );
        Self::json(StatusCode::NOT_FOUND, body)
    }

    /// A caller without the permission that a resource needs.
    pub(crate) fn forbidden() -> Self {
        let text = "You do not have permission to perform this operation.".to_owned();
        Self::errors(StatusCode::FORBIDDEN, &[text])
    }

    /// A client that is not logged in where it must be.
    pub(crate) fn unauthorized() -> Self {
        Self::html(
            StatusCode::UNAUTHORIZED,
            "<html><head><title>Unauthorized (401)</title></head><body><h1>Unauthorized (401)</h1><p>Encountered a \"401 - Unauthorized\" error while loading this page.</p></body></html>\n",
        )
    }
}
