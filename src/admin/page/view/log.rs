//! A run's log of decisions as lines to read. Pure.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::Tone;
use crate::admin::page::words::sentence;
use crate::model::EventLevel;
use crate::store::StoredEvent;

/// Fields that say in each line what the page says already.
const KNOWN: [&str; 4] = ["run.id", "project.key", "site", "run.kind"];
/// The most characters of a value that are shown.
const LONGEST: usize = 200;

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::admin::page) struct LogLine {
    /// Its number in the run's log.
    pub(in crate::admin::page) number: i64,
    /// When it was written.
    pub(in crate::admin::page) at: DateTime<Utc>,
    /// How it is meant.
    pub(in crate::admin::page) tone: Tone,
    /// How it is meant in a word, if it is not merely told.
    pub(in crate::admin::page) level: Option<&'static str>,
    /// What happened.
    pub(in crate::admin::page) message: String,
    /// Its particulars: names and values.
    pub(in crate::admin::page) fields: Vec<(String, String)>,
}

/// The lines, in their order.
pub(in crate::admin::page) fn lines(events: &[StoredEvent]) -> Vec<LogLine> {
    events.iter().map(line).collect()
}

fn line(stored: &StoredEvent) -> LogLine {
    let event = &stored.event;
    let (tone, level) = match event.level {
        EventLevel::Info => (Tone::Quiet, None),
        EventLevel::Warn => (Tone::Warn, Some("Warning:")),
        EventLevel::Error => (Tone::Bad, Some("Error:")),
    };
    let fields = event.fields.as_object().into_iter().flatten();
    LogLine {
        number: stored.seq,
        at: event.at,
        tone,
        level,
        message: sentence(&event.message),
        fields: fields
            .filter(|(name, _)| !KNOWN.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), shortened(&text(value))))
            .collect(),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::RunEvent;

    #[test]
    fn a_line_leaves_out_what_its_page_says() {
        let event = RunEvent {
            at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
            level: EventLevel::Warn,
            message: "listing distrusts a jump".to_owned(),
            fields: json!({"run.id": "x", "page.rows": 40, "why": null, "error": "é".repeat(300)}),
        };
        let line = line(&StoredEvent { seq: 7, event });
        assert_eq!(
            (line.level, line.message.as_str()),
            (Some("Warning:"), "Listing distrusts a jump")
        );
        let names: Vec<_> = line.fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["error", "page.rows", "why"]);
        assert_eq!(line.fields[0].1.chars().count(), LONGEST + 1);
        assert_eq!(line.fields[1].1, "40");
    }
}
