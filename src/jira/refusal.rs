//! What Jira says when it refuses: the several forms of its error bodies. Pure.

use std::fmt;

use serde_json::Value;

/// How many messages an error text repeats, and how many characters of each.
const MAX_MESSAGES: usize = 5;
const MAX_CHARS: usize = 300;

/// Jira's own words, shortened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Messages(pub Vec<String>);

impl Messages {
    /// Whether Jira said nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the messages of an error body: `errorMessages` and `errors`, alone or in an array.
    /// Anything else, such as a web server's page, has none.
    pub(super) fn parse(body: &[u8]) -> Self {
        let mut messages = Vec::new();
        if let Ok(value) = serde_json::from_slice(body) {
            collect(&value, &mut messages);
        }
        messages.truncate(MAX_MESSAGES);
        Self(messages)
    }
}

fn collect(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        Value::String(text) => into.push(shorten(text)),
        Value::Object(object) => {
            if let Some(messages) = object.get("errorMessages") {
                collect(messages, into);
            }
            if let Some(Value::Object(errors)) = object.get("errors") {
                into.extend(
                    errors
                        .iter()
                        .filter_map(|(field, text)| Some((field, text.as_str()?)))
                        .map(|(field, text)| shorten(&format!("{field}: {text}"))),
                );
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl fmt::Display for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, message) in self.0.iter().enumerate() {
            write!(f, "{}{message}", if i == 0 { ": " } else { "; " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"errorMessages":["a","b"],"errors":{}}"#, &["a", "b"])]
    #[case(r#"{"errorMessages":[],"errors":{"jql":"bad"}}"#, &["jql: bad"])]
    #[case(r#"{"errorMessages":"alone"}"#, &["alone"])]
    #[case(r#"[{"errorMessages":["a"]},"b"]"#, &["a", "b"])]
    #[case(r#"{"message":"null for uri: http://x/changelog","status-code":404}"#, &[])]
    #[case("<html>404</html>", &[])]
    #[case("", &[])]
    fn every_form_of_error_body_is_read(#[case] body: &str, #[case] expected: &[&str]) {
        assert_eq!(Messages::parse(body.as_bytes()).0, expected);
    }

    #[test]
    fn long_messages_are_cut_at_a_character() {
        let body = serde_json::json!({"errorMessages": vec!["é".repeat(1000); 9]}).to_string();
        let messages = Messages::parse(body.as_bytes());
        assert_eq!(messages.0.len(), MAX_MESSAGES);
        assert_eq!(messages.0[0].chars().count(), MAX_CHARS + 1);
    }
}
