//! Scalars that Jira writes in more than one way: ids as numbers or text, texts that may be
//! numbers, timestamps.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::Unreadable;
use crate::model::parse_jira_time;

/// A numeric id, written as a number or as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::jira) struct Id(pub(super) i64);

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
        let raw = <&serde_json::value::RawValue>::deserialize(deserializer)?.get();
        let text = if raw.starts_with('"') {
            serde_json::from_str(raw).map_err(de::Error::custom)?
        } else {
            raw.to_owned()
        };
        Ok(Self(text))
    }
}

/// The text inside, if there is one.
pub(super) fn text(text: Option<Text>) -> Option<String> {
    text.map(|text| text.0)
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

    #[test]
    fn a_null_text_is_absent() {
        assert_eq!(serde_json::from_str::<Option<Text>>("null").unwrap(), None);
    }
}
