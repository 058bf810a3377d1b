//! The OpenAPI document: what the routes declare of themselves, and the answers that any of them may
//! give, which no route need repeat.

use std::sync::OnceLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use utoipa::ToSchema as _;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::admin::auth::COOKIE_NAME;
use crate::admin::health;
use crate::admin::office::AppState;
use crate::admin::problem::{PROBLEM_JSON, ProblemDocument};

const ABOUT: &str = "\
Starts, watches, cancels and retries runs of `extractor`, and tells how the service stands. \
Nothing that issues hold is served here, but for the keys of those that failed.

Where `http.token` is set, every request carries it as a bearer token; a browser that has logged in \
at `/login` sends a cookie instead. Without the bearer token, a POST must have the header \
`Content-Type: application/json` or `X-Requested-With`, so that no page of another site can send it.

Errors are problem documents (RFC 9457): `type` is a stable name, `category` says who can mend it, \
`recovery` how.";

/// The answers that every guarded operation may give, by status.
const ANY: [(&str, &str); 4] =
    [("401", "Unauthorized"), ("403", "Forbidden"), ("500", "Failed"), ("503", "Unavailable")];
/// Those of an operation with parameters.
const WITH_PARAMETERS: [(&str, &str); 1] = [("400", "BadRequest")];
/// Those of an operation that changes something.
const CHANGING: [(&str, &str); 1] = [("413", "TooLarge")];
/// Those of an operation with a body.
const WITH_BODY: [(&str, &str); 3] =
    [("400", "BadRequest"), ("408", "Timeout"), ("415", "UnsupportedMediaType")];

/// The route of the document itself.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show))
}

/// This description, as OpenAPI 3.1.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "service", operation_id = "show_openapi",
    responses((status = 200, description = "The description.", content_type = "application/json",
        body = std::collections::BTreeMap<String, serde_json::Value>)))]
async fn show() -> Response {
    static WRITTEN: OnceLock<String> = OnceLock::new();
    let text = WRITTEN.get_or_init(|| document().to_string());
    ([(CONTENT_TYPE, "application/json")], text.as_str()).into_response()
}

/// The whole document.
pub(super) fn document() -> Value {
    let declared = super::families().merge(health::described()).into_openapi();
    // What utoipa declares always serializes.
    let mut document = serde_json::to_value(declared).unwrap_or_default();
    if let Some(components) = document["components"].as_object_mut() {
        components.insert("responses".to_owned(), common_answers());
    }
    for operation in operations(&mut document) {
        add_common_answers(operation);
    }
    document
}

/// What the document begins with.
pub(super) fn opening() -> OpenApi {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let session = ApiKey::Cookie(ApiKeyValue::new(COOKIE_NAME));
    let components = ComponentsBuilder::new()
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .security_scheme("session", SecurityScheme::ApiKey(session))
        .schema(ProblemDocument::name(), <ProblemDocument as utoipa::PartialSchema>::schema());
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("extractor")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(ABOUT)),
        )
        .components(Some(components.build()))
        .security(Some(
            ["bearer", "session"].map(|scheme| SecurityRequirement::new(scheme, [""; 0])),
        ))
        .build()
}

fn operations(document: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    paths
        .filter_map(Value::as_object_mut)
        .flat_map(Map::values_mut)
        .filter_map(Value::as_object_mut)
}

fn add_common_answers(operation: &mut Map<String, Value>) {
    let is_open = operation.get("security").is_some();
    let takes_body = operation.contains_key("requestBody");
    let takes_parameters = operation.contains_key("parameters");
    let changes = operation
        .get("operationId")
        .and_then(Value::as_str)
        .is_some_and(|id| ["start_", "cancel_", "retry_"].iter().any(|verb| id.starts_with(verb)));
    let Some(answers) = operation.get_mut("responses").and_then(Value::as_object_mut) else {
        return;
    };
    for answer in answers.values_mut() {
        add_header(answer, "X-Request-Id", &request_id_header());
    }
    let sets: [(bool, &[(&str, &str)]); 4] = [
        (!is_open, &ANY),
        (takes_parameters, &WITH_PARAMETERS),
        (changes, &CHANGING),
        (takes_body, &WITH_BODY),
    ];
    for (_, set) in sets.into_iter().filter(|(applies, _)| *applies) {
        for (status, name) in set {
            let reference = json!({"$ref": format!("#/components/responses/{name}")});
            answers.entry((*status).to_owned()).or_insert(reference);
        }
    }
}

fn common_answers() -> Value {
    let mut answers = json!({
        "BadRequest": problem("A parameter or the body cannot be read."),
        "Unauthorized": problem("The token is missing or wrong."),
        "Forbidden": problem("A page of another site may have sent this, or the host is not served."),
        "Timeout": problem("The body did not arrive in time."),
        "TooLarge": problem("The body is larger than 64 KiB."),
        "UnsupportedMediaType": problem("The body is not declared to be JSON."),
        "Failed": problem("A defect of the server; its log says more."),
        "Unavailable": problem("The database does not answer, or too much is asked at once."),
    });
    add_header(
        &mut answers["Unauthorized"],
        "WWW-Authenticate",
        &json!({"description": "How to show who one is.", "schema": {"type": "string"}}),
    );
    add_header(
        &mut answers["Unavailable"],
        "Retry-After",
        &json!({"description": "Seconds after which to ask again.",
            "schema": {"type": "integer", "minimum": 1}}),
    );
    answers
}

fn problem(description: &str) -> Value {
    json!({
        "description": description,
        "headers": {"X-Request-Id": request_id_header()},
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    })
}

fn request_id_header() -> Value {
    json!({"description": "The id of the request in the log.", "schema": {"type": "string"}})
}

fn add_header(answer: &mut Value, name: &str, header: &Value) {
    if let Some(answer) = answer.as_object_mut() {
        let headers = answer.entry("headers").or_insert_with(|| json!({}));
        headers[name] = header.clone();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match value.as_str().filter(|_| name == "$ref") {
                        Some(reference) => {
                            found.insert(reference.to_owned());
                        }
                        None => references(value, found),
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.contains("#/components/schemas/Problem"));
        for reference in found {
            let at = reference.trim_start_matches('#');
            assert!(document.pointer(at).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_operation_says_what_may_go_wrong() {
        let mut document = document();
        assert_eq!(document["openapi"], "3.1.0");
        let mut seen = 0;
        for operation in operations(&mut document) {
            let answers = operation["responses"].as_object().unwrap();
            let id = operation["operationId"].as_str().unwrap();
            if operation.contains_key("security") {
                assert!(["healthz", "readyz"].contains(&id), "{id} is open to everybody");
            } else {
                for (status, _) in ANY {
                    assert!(answers.contains_key(status), "{id} {status}");
                }
            }
            let has = |member: &str| operation.contains_key(member);
            assert_eq!(answers.contains_key("415"), has("requestBody"), "{id}");
            let takes = has("requestBody") || has("parameters");
            assert_eq!(answers.contains_key("400"), takes, "{id}");
            seen += 1;
        }
        assert_eq!(seen, 12);
    }
}
