//! What requests carry, read strictly: whatever is not what it should be becomes a problem.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{BytesRejection, JsonRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::admin::office::AppState;
use crate::admin::problem::{Kind, Problem};
use crate::model::RunId;

/// How long a client may take over the body of a request.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// Where the right form can be looked up.
const DOCUMENT: &str = "compare the request with /api/v1/openapi.json";

/// Query parameters.
pub(super) struct Parameters<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<AppState> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => {
                Err(Problem::new(Kind::InvalidParameter, rejection.body_text(), DOCUMENT))
            }
        }
    }
}

/// The run that a path names.
pub(super) struct NamedRun(pub(super) RunId);

impl FromRequestParts<AppState> for NamedRun {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let named: Option<Path<Uuid>> = Path::from_request_parts(parts, state).await.ok();
        named.map(|Path(id)| Self(RunId(id))).ok_or_else(|| {
            Problem::new(
                Kind::InvalidParameter,
                "the path does not name a run: its id is a UUID",
                "look up the runs with GET /api/v1/runs",
            )
        })
    }
}

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<AppState> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let reading = Json::from_request(request, state);
        match tokio::time::timeout(BODY_WITHIN, reading).await {
            Ok(Ok(Json(body))) => Ok(Self(body)),
            Ok(Err(rejection)) => Err(of_rejection(&rejection)),
            Err(_) => Err(Problem::request_timeout()),
        }
    }
}

fn of_rejection(rejection: &JsonRejection) -> Problem {
    match rejection {
        JsonRejection::JsonDataError(error) => {
            Problem::new(Kind::InvalidBody, error.body_text(), DOCUMENT)
        }
        JsonRejection::JsonSyntaxError(error) => {
            Problem::new(Kind::InvalidJson, error.body_text(), "send JSON in UTF-8").or(DOCUMENT)
        }
        JsonRejection::MissingJsonContentType(_) => {
            Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        }
        JsonRejection::BytesRejection(BytesRejection::FailedToBufferBody(error)) => {
            Problem::of_status(error.status())
        }
        other => Problem::of_status(other.status()),
    }
}
