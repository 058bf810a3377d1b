//! Problem documents: how every refusal and failure is told (RFC 9457), with who can mend it and
//! how. Which failure becomes which problem is decided where it happens and in `refusals`.

use axum::http::header::{ALLOW, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{FailureCategory, RunId};

/// The media type of problem documents.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// Makes the table of kinds: `Kind => (status, name, title, category)`.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident => ($status:ident, $name:literal, $title:literal, $category:ident)),+ $(,)?) => {
        /// What went wrong, by what a client can do about it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Kind { $($(#[$doc])* $kind),+ }

        impl Kind {
            /// Every kind.
            #[cfg(test)]
            pub(super) const ALL: &[Self] = &[$(Self::$kind),+];

            /// The status it is answered with.
            pub(super) fn status(self) -> StatusCode {
                match self { $(Self::$kind => StatusCode::$status),+ }
            }

            /// The problem's type: stable, and not an address.
            pub(super) fn uri(self) -> &'static str {
                match self { $(Self::$kind => concat!("urn:extractor:problem:", $name)),+ }
            }

            /// The same for every problem of the kind.
            pub(super) fn title(self) -> &'static str {
                match self { $(Self::$kind => $title),+ }
            }

            /// Who can usually mend it.
            pub(super) fn category(self) -> FailureCategory {
                match self { $(Self::$kind => FailureCategory::$category),+ }
            }
        }
    };
}

kinds! {
    /// A query parameter or a part of the path is not what it should be.
    InvalidParameter => (BAD_REQUEST, "invalid-parameter", "A parameter is not valid", UserFixable),
    /// The body is not JSON.
    InvalidJson => (BAD_REQUEST, "invalid-json", "The body is not JSON", UserFixable),
    /// Any other request that cannot be understood.
    BadRequest => (BAD_REQUEST, "bad-request", "The request cannot be understood", UserFixable),
    /// No token, or the wrong one.
    Unauthorized => (UNAUTHORIZED, "unauthorized", "A token is needed", UserFixable),
    /// A web page of another site may have sent this.
    CrossSite => (FORBIDDEN, "cross-site", "Requests from other sites are refused", UserFixable),
    /// The `Host` is not a name of this machine.
    ForeignHost => (FORBIDDEN, "foreign-host", "This host name is not served", UserFixable),
    /// Nothing is served at this path.
    NotFound => (NOT_FOUND, "not-found", "Nothing is served here", UserFixable),
    /// There is no such run of this site.
    RunNotFound => (NOT_FOUND, "run-not-found", "There is no such run", UserFixable),
    /// The path exists, the method does not.
    MethodNotAllowed => (METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed here", UserFixable),
    /// The client did not send its request in time.
    RequestTimeout => (REQUEST_TIMEOUT, "request-timeout", "The request did not arrive in time", UserFixable),
    /// The project has a run that is not over.
    RunActive => (CONFLICT, "run-active", "The project already has a run", Temporary),
    /// The run is over, so it cannot be cancelled.
    RunEnded => (CONFLICT, "run-ended", "The run is already over", UserFixable),
    /// The run is in a state that allows no retry.
    NotRetryable => (CONFLICT, "run-not-retryable", "The run cannot be retried", UserFixable),
    /// The run was retried as often as one may.
    RetriesExhausted => (CONFLICT, "retries-exhausted", "The run was retried too often", AdminRequired),
    /// A newer run of the project has taken its place.
    RunSuperseded => (CONFLICT, "run-superseded", "A newer run has taken its place", UserFixable),
    /// The body is larger than is read.
    TooLarge => (PAYLOAD_TOO_LARGE, "too-large", "The body is too large", UserFixable),
    /// The body is not declared to be JSON.
    UnsupportedMediaType => (UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body must be JSON", UserFixable),
    /// The body is JSON, but not the right one.
    InvalidBody => (UNPROCESSABLE_ENTITY, "invalid-body", "The body does not say what it should", UserFixable),
    /// The project is not among those that are followed.
    NotFollowed => (UNPROCESSABLE_ENTITY, "project-not-followed", "The project is not followed", UserFixable),
    /// Something was asked that does not go with this kind of run.
    MisplacedOverride => (UNPROCESSABLE_ENTITY, "not-for-this-kind", "This does not go with this kind of run", UserFixable),
    /// A defect of the program.
    Internal => (INTERNAL_SERVER_ERROR, "internal", "The server failed", AdminRequired),
    /// More is asked at once than is served.
    Overloaded => (SERVICE_UNAVAILABLE, "overloaded", "Too much is asked at once", Temporary),
    /// The answer took too long.
    TimedOut => (SERVICE_UNAVAILABLE, "timed-out", "The answer took too long", Temporary),
    /// The service does not know enough yet.
    Starting => (SERVICE_UNAVAILABLE, "starting", "The service is still starting", Temporary),
    /// Postgres does not answer.
    DatabaseUnavailable => (SERVICE_UNAVAILABLE, "database-unavailable", "The database is not available", Temporary),
    /// Postgres answers, but refuses what the program needs.
    DatabaseRefuses => (SERVICE_UNAVAILABLE, "database-refuses", "The database refuses", AdminRequired),
}

/// A refusal or a failure, as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// What went wrong.
    pub(super) kind: Kind,
    /// What happened this time, in one sentence without secrets or issue text.
    pub(super) detail: String,
    /// What to do, the best first.
    pub(super) recovery: Vec<String>,
    /// The run that stands in the way, or that is meant.
    pub(super) run: Option<RunId>,
    /// When it makes sense to ask again, in seconds.
    pub(super) retry_after_secs: Option<u32>,
}

/// How a problem is written (RFC 9457, with members of its own).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemDocument {
    /// What went wrong, as a stable name: `urn:extractor:problem:…`.
    #[serde(rename = "type")]
    #[schema(example = "urn:extractor:problem:run-active")]
    kind: &'static str,
    /// The same for every problem of this type.
    #[schema(example = "The project already has a run")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 409, minimum = 400, maximum = 599)]
    status: u16,
    /// What happened this time.
    detail: String,
    /// Who can do something about it.
    #[schema(value_type = super::api::CategoryName)]
    category: FailureCategory,
    /// What to do, the best first.
    recovery: Vec<String>,
    /// The run that stands in the way, or that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>, nullable = false)]
    run_id: Option<RunId>,
}

impl Problem {
    /// A problem of this kind, with the first thing to do about it.
    pub(super) fn new(kind: Kind, detail: impl Into<String>, recovery: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            recovery: vec![recovery.into()],
            run: None,
            retry_after_secs: None,
        }
    }

    /// With another thing to do.
    pub(super) fn or(mut self, recovery: impl Into<String>) -> Self {
        self.recovery.push(recovery.into());
        self
    }

    /// About this run.
    pub(super) fn about(mut self, run: RunId) -> Self {
        self.run = Some(run);
        self
    }

    /// With the time after which to ask again.
    pub(super) fn retry_after(mut self, secs: u32) -> Self {
        self.retry_after_secs = Some(secs);
        self
    }

    /// What is told for a bare status that somebody else answered with.
    pub(super) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::not_found(),
            StatusCode::METHOD_NOT_ALLOWED => Self::new(
                Kind::MethodNotAllowed,
                "this path is served, but not with this method",
                "use a method that the Allow header names",
            ),
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(
                Kind::TooLarge,
                "the body is larger than this server reads",
                "send a smaller body",
            ),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::new(
                Kind::UnsupportedMediaType,
                "the body is not declared to be JSON",
                "send the header Content-Type: application/json",
            ),
            StatusCode::REQUEST_TIMEOUT => Self::request_timeout(),
            status if status.is_client_error() => Self::new(
                Kind::BadRequest,
                "the request cannot be understood",
                "compare it with /api/v1/openapi.json",
            ),
            _ => Self::internal(),
        }
    }

    /// Nothing is served here.
    pub(super) fn not_found() -> Self {
        Self::new(
            Kind::NotFound,
            "nothing is served at this path",
            "look up the paths in /api/v1/openapi.json",
        )
    }

    /// The request did not arrive in time.
    pub(super) fn request_timeout() -> Self {
        Self::new(
            Kind::RequestTimeout,
            "the request did not arrive in time",
            "send it again, over a better connection",
        )
    }

    /// A defect of the program; the log says more.
    pub(super) fn internal() -> Self {
        Self::new(
            Kind::Internal,
            "the server failed in a way that it does not know",
            "look for the request's id in the log, and report what it says",
        )
    }

    /// As it is written.
    pub(super) fn document(&self) -> ProblemDocument {
        ProblemDocument {
            kind: self.kind.uri(),
            title: self.kind.title(),
            status: self.kind.status().as_u16(),
            detail: self.detail.clone(),
            category: self.kind.category(),
            recovery: self.recovery.clone(),
            run_id: self.run,
        }
    }

    /// As an answer that keeps the `Allow` header of the one that it stands for.
    pub(super) fn in_place_of(&self, answer: &Response) -> Response {
        let mut response = self.clone().into_response();
        if let Some(allow) = answer.headers().get(ALLOW) {
            response.headers_mut().insert(ALLOW, allow.clone());
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // A struct of texts and numbers always serializes.
        let body = serde_json::to_vec(&self.document()).unwrap_or_default();
        let mut response = (self.kind.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(secs) = self.retry_after_secs {
            headers.insert(RETRY_AFTER, HeaderValue::from(secs));
        }
        if let (Kind::RunActive, Some(run)) = (self.kind, self.run)
            && let Ok(location) = HeaderValue::from_str(&format!("/api/v1/runs/{run}"))
        {
            headers.insert(LOCATION, location);
        }
        if self.kind == Kind::Unauthorized {
            headers
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"extractor\""));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_is_an_error_with_a_name_of_its_own() {
        let names: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.uri()).collect();
        assert_eq!(names.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            let status = kind.status();
            assert!(status.is_client_error() || status.is_server_error(), "{kind:?}");
            assert!(!kind.title().ends_with('.'), "{kind:?}");
        }
    }

    #[test]
    fn a_problem_is_written_with_what_to_do() {
        let id = RunId(uuid::Uuid::nil());
        let problem = Problem::new(Kind::RunActive, "PROJ has a run", "wait for it")
            .or("cancel it")
            .about(id)
            .retry_after(5);
        let written = serde_json::to_value(problem.document()).unwrap();
        assert_eq!(
            written,
            serde_json::json!({
                "type": "urn:extractor:problem:run-active",
                "title": "The project already has a run",
                "status": 409,
                "detail": "PROJ has a run",
                "category": "temporary",
                "recovery": ["wait for it", "cancel it"],
                "run_id": "00000000-0000-0000-0000-000000000000",
            })
        );
        let response = problem.into_response();
        assert_eq!(response.status(), StatusCode::CONFLICT);
        assert_eq!(response.headers()[CONTENT_TYPE], PROBLEM_JSON);
        assert_eq!(response.headers()[RETRY_AFTER], "5");
    }

    #[test]
    fn who_is_asked_for_a_token_is_told_which_kind() {
        let response = Problem::new(Kind::Unauthorized, "no token", "send one").into_response();
        assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer realm=\"extractor\"");
    }

    #[test]
    fn a_bare_status_becomes_a_problem_of_that_class() {
        for status in [400, 404, 405, 408, 413, 415, 418, 500, 502] {
            let status = StatusCode::from_u16(status).unwrap();
            let problem = Problem::of_status(status);
            assert_eq!(problem.kind.status().is_client_error(), status.is_client_error());
        }
        let answer = (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET")]).into_response();
        let dressed = Problem::of_status(answer.status()).in_place_of(&answer);
        assert_eq!(dressed.headers()[ALLOW], "GET");
    }
}
