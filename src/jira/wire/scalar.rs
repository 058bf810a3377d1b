//! Scalars that Jira writes in more than one way: ids as numbers or text, texts that may be
//! numbers, bodies that may be documents, timestamps.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde_json::value::RawValue;

use super::Unreadable;
use super::adf::plain_text;
use crate::model::parse_jira_time;

/// A numeric id, written as a number or as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::jira) struct Id(pub(super) i64);

impl From<Id> for i64 {
    fn from(id: Id) -> Self {
        id.0
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor)
    }
}

struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a numeric id")
    }

    fn visit_i64<E: de::Error>(self, id: i64) -> Result<Id, E> {
        Ok(Id(id))
    }

    fn visit_u64<E: de::Error>(self, id: u64) -> Result<Id, E> {
        i64::try_from(id).map(Id).map_err(|_| E::custom("an id too large"))
    }

    fn visit_str<E: de::Error>(self, id: &str) -> Result<Id, E> {
        id.parse().map(Id).map_err(|_| E::invalid_value(de::Unexpected::Str(id), &self))
    }
}

/// A text, where Jira may also write a number, a truth value, or any JSON: that is kept as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::jira) struct Text(pub(in crate::jira) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        unquoted(raw).map(Self).map_err(de::Error::custom)
    }
}

/// The inside of a JSON string; any other JSON as it stands.
fn unquoted(raw: &str) -> Result<String, serde_json::Error> {
    if raw.starts_with('"') { serde_json::from_str(raw) } else { Ok(raw.to_owned()) }
}

/// The text inside, if there is one.
pub(super) fn text(text: Option<Text>) -> Option<String> {
    text.map(|text| text.0)
}

/// A body: text on Server, a document on Cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Body {
    /// The text, or the document's.
    pub(super) text: String,
    /// The document as it came.
    pub(super) adf: Option<String>,
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        if raw.starts_with('{') {
            return Ok(Self { text: plain_text(raw), adf: Some(raw.to_owned()) });
        }
        Ok(Self { text: unquoted(raw).map_err(de::Error::custom)?, adf: None })
    }
}

/// An instant, written as Jira's timestamps are, or as milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instant(Text);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Text::deserialize(deserializer).map(Self)
    }
}

impl Instant {
    /// Reads it; it stands at `place`.
    pub(super) fn read(&self, place: &str) -> Result<DateTime<Utc>, Unreadable> {
        let Self(Text(text)) = self;
        match text.parse().ok().and_then(DateTime::from_timestamp_millis) {
            Some(instant) => Ok(instant),
            None => required_time(text, place),
        }
    }
}

/// Reads an optional timestamp, which stands at `place`.
pub(super) fn time(text: Option<&str>, place: &str) -> Result<Option<DateTime<Utc>>, Unreadable> {
    text.filter(|text| !text.is_empty()).map(|text| required_time(text, place)).transpose()
}

/// Reads a timestamp, which stands at `place`.
pub(super) fn required_time(text: &str, place: &str) -> Result<DateTime<Utc>, Unreadable> {
    parse_jira_time(text).map_err(|error| Unreadable::new(place, error.to_string()))
}

/// Reads an optional date, which stands at `place`.
pub(super) fn date(text: Option<&str>, place: &str) -> Result<Option<NaiveDate>, Unreadable> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        Ok(date) => Ok(Some(date)),
        Err(_) => Ok(Some(required_time(text, place)?.date_naive())),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("17", Some(17))]
    #[case("\"17\"", Some(17))]
    #[case("\"x\"", None)]
    #[case("18446744073709551615", None)]
    #[case("null", None)]
    #[case("1.5", None)]
    fn ids_are_numbers_or_numeric_text(#[case] json: &str, #[case] expected: Option<i64>) {
        assert_eq!(serde_json::from_str::<Id>(json).ok().map(|id| id.0), expected);
    }

    #[rstest]
    #[case("\"a\\nb\"", "a\nb")]
    #[case("17.50", "17.50")]
    #[case("{\"type\":\"doc\"}", "{\"type\":\"doc\"}")]
    fn texts_that_are_none_are_kept_as_json(#[case] json: &str, #[case] expected: &str) {
        assert_eq!(serde_json::from_str::<Text>(json).unwrap().0, expected);
    }

    #[rstest]
    #[case("\"2024-01-02T03:04:05.678+0000\"", Some("2024-01-02T03:04:05.678Z"))]
    #[case("1704164645678", Some("2024-01-02T03:04:05.678Z"))]
    #[case("\"1704164645678\"", Some("2024-01-02T03:04:05.678Z"))]
    #[case("true", None)]
    #[case("1e400", None)]
    fn an_instant_is_text_or_milliseconds(#[case] json: &str, #[case] expected: Option<&str>) {
        let instant = serde_json::from_str::<Instant>(json).unwrap().read("x");
        assert_eq!(instant.ok(), expected.map(|text| text.parse().unwrap()));
    }

    #[rstest]
    #[case("\"h1. wiki\"", "h1. wiki", None)]
    #[case("17", "17", None)]
    #[case(
        r#"{"type":"doc","content":[{"type":"text","text":"a"}]}"#,
        "a",
        Some(r#"{"type":"doc","content":[{"type":"text","text":"a"}]}"#)
    )]
    fn a_document_is_kept_beside_its_text(
        #[case] json: &str,
        #[case] text: &str,
        #[case] adf: Option<&str>,
    ) {
        let body: Body = serde_json::from_str(json).unwrap();
        assert_eq!((body.text.as_str(), body.adf.as_deref()), (text, adf));
    }

    #[test]
    fn a_null_text_is_absent() {
        assert_eq!(serde_json::from_str::<Option<Text>>("null").unwrap(), None);
    }
}
