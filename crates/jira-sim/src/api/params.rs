//! What a request asks for, from its query or its JSON body.

use serde_json::Value;

use crate::requests::Seen;

/// Query parameters in their order; names may repeat.
pub(crate) type Params = Vec<(String, String)>;

/// The value of a parameter.
pub(crate) fn param<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    params.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
}

/// Reads a query string.
pub(crate) fn parse_query(query: &str) -> Params {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// A segment of a path without its percent signs. (A form has other separators, which are saved.)
pub(crate) fn decoded(segment: &str) -> String {
    let form = segment.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    parse_query(&form).into_iter().map(|(text, _)| text).collect()
}

/// Reads the request. A body that is not a JSON object counts as empty here.
pub(crate) fn seen(method: &str, path: &str, params: &Params, body: Option<&Value>) -> Seen {
    let text = |name: &str| {
        let posted =
            body.and_then(|body| body.get(name)).and_then(Value::as_str).map(str::to_owned);
        posted.or_else(|| param(params, name).map(str::to_owned))
    };
    let number = |name: &str| {
        let posted = body.and_then(|body| body.get(name)).and_then(Value::as_i64);
        posted.or_else(|| param(params, name).and_then(|value| value.parse().ok()))
    };
    let validate = match body.and_then(|body| body.get("validateQuery")) {
        Some(Value::Bool(validate)) => *validate,
        Some(Value::String(validate)) => is_true(validate),
        _ => param(params, "validateQuery").is_none_or(is_true),
    };
    Seen {
        method: method.to_owned(),
        path: path.to_owned(),
        jql: text("jql"),
        start_at: number("startAt"),
        max_results: number("maxResults"),
        fields: names("fields", params, body),
        expand: names("expand", params, body),
        validate_query: validate,
        page_token: text("nextPageToken"),
        wanted: names("issueIdsOrKeys", params, body),
        fail_fast: param(params, "failFast") == Some("true"),
        via_gateway: false,
    }
}

/// A string, or a number as text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn is_true(value: &str) -> bool {
    !matches!(value.to_ascii_lowercase().as_str(), "false" | "none" | "warn")
}

fn names(name: &str, params: &Params, body: Option<&Value>) -> Vec<String> {
    let given: Vec<String> = match body.and_then(|body| body.get(name)) {
        Some(Value::Array(items)) => items.iter().filter_map(scalar).collect(),
        Some(Value::String(text)) => vec![text.clone()],
        _ => {
            params.iter().filter(|(have, _)| have == name).map(|(_, value)| value.clone()).collect()
        }
    };
    given
        .iter()
        .flat_map(|text| text.split(','))
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .collect()
}
