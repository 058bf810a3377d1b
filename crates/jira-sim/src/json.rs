//! JSON kept as the text it came as: numbers, escapes and key order survive verbatim.
//! Owns the text type and the few splitters needed; it never re-serialises what it is given.

use std::fmt;
use std::sync::{Arc, LazyLock};

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

static NULL: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from("null"));

/// A JSON value as text, cheap to clone and shared between issues.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Json(Arc<str>);

impl Json {
    /// The text of a value built in code.
    pub fn from_value(value: &Value) -> Self {
        if value.is_null() { Self::null() } else { Self(Arc::from(value.to_string())) }
    }

    /// Takes text that must be one JSON value, verbatim.
    ///
    /// # Errors
    /// When the text is not JSON. Lone surrogate escapes and `\u0000` are accepted.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let raw: &RawValue = serde_json::from_str(text)?;
        Ok(Self(Arc::from(raw.get())))
    }

    /// `null`, shared.
    pub fn null() -> Self {
        Self(Arc::clone(&NULL))
    }

    /// A JSON string.
    pub fn string(text: &str) -> Self {
        Self(Arc::from(quote(text)))
    }

    /// Text the caller has just built and knows to be JSON.
    pub(crate) fn built(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    pub(crate) fn raw(raw: &RawValue) -> Self {
        if raw.get() == "null" { Self::null() } else { Self(Arc::from(raw.get())) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        &*self.0 == "null"
    }

    /// The parsed value; `None` for text that serde cannot hold (lone surrogates).
    pub fn to_value(&self) -> Option<Value> {
        serde_json::from_str(&self.0).ok()
    }

    /// The text of a string member, or of the value itself if it is a string.
    pub(crate) fn text(&self) -> Option<String> {
        serde_json::from_str(&self.0).ok()
    }

    /// One member of an object, parsed as a string.
    pub(crate) fn member(&self, name: &str) -> Option<String> {
        let members = entries(&self.0).ok()?;
        let raw = members.into_iter().find(|(key, _)| key == name)?.1;
        serde_json::from_str(raw.get()).ok()
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A string as a JSON string literal.
pub(crate) fn quote(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// Appends a string as a JSON string literal.
pub(crate) fn push_quoted(out: &mut String, text: &str) {
    if text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\') {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&quote(text));
    }
}

/// The members of an object in their order, values as raw text.
pub(crate) fn entries(text: &str) -> Result<Vec<(String, &RawValue)>, serde_json::Error> {
    struct Members;
    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
                members.push(member);
            }
            Ok(members)
        }
    }
    serde_json::Deserializer::from_str(text).deserialize_map(Members)
}

/// The elements of an array as raw text.
pub(crate) fn elements(text: &str) -> Result<Vec<&RawValue>, serde_json::Error> {
    serde_json::from_str(text)
}

/// Joins values into an array.
pub(crate) fn push_array<'a>(out: &mut String, items: impl Iterator<Item = &'a Json>) {
    out.push('[');
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(item.as_str());
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives_verbatim() {
        for text in [
            r#"{"a":1.0,"b":[1E5,"\u0000"]}"#,
            r#""\ud800 lone""#,
            "9223372036854775807000",
            "null",
        ] {
            assert_eq!(Json::parse(text).unwrap().as_str(), text);
        }
        assert!(Json::parse("{").is_err());
    }

    #[test]
    fn members_keep_their_order() {
        let names: Vec<String> = entries(r#"{"z":1,"a":{"x":2},"m":null}"#)
            .unwrap()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["z", "a", "m"]);
    }
}
