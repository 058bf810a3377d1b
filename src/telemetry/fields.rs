//! The fields of a log line as JSON values, in the order they were written.

use std::fmt;

use serde_json::Value;
use tracing::field::{Field, Visit};

/// What the text of a line is called among its fields.
pub(super) const MESSAGE: &str = "message";

/// Fields by name; the first of a name stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(Vec<(String, Value)>);

impl Fields {
    /// Takes the text of the line out.
    pub(super) fn take_message(&mut self) -> String {
        match self.take(MESSAGE) {
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }

    /// Takes a field out.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        let place = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(place).1)
    }

    /// Adds a field, unless there is one of that name.
    pub(super) fn add(&mut self, name: &str, value: Value) {
        if !self.0.iter().any(|(known, _)| known == name) {
            self.0.push((name.to_owned(), value));
        }
    }

    /// Leaves out the fields whose names begin with `prefix`.
    pub(super) fn without(&mut self, prefix: &str) {
        self.0.retain(|(name, _)| !name.starts_with(prefix));
    }
}

impl IntoIterator for Fields {
    type Item = (String, Value);
    type IntoIter = std::vec::IntoIter<(String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field.name(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field.name(), format!("{value:?}").into());
    }
}
