//! A log line as one flat JSON object: the time, the level, the text, then the fields of the line and
//! of the spans it was logged within, all at the top, under the names they have in the code.

use std::fmt;

use serde_json::{Map, Value};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use super::fields::{Fields, MESSAGE};

/// What libraries that log by the crate `log` have under this prefix.
const OF_LOG: &str = "log.";

/// Writes one object a line.
pub(super) struct FlatJson;

impl<S> FormatEvent<S, JsonFields> for FlatJson
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.take_message();
        let target = match fields.take("log.target") {
            Some(target) => target,
            None => event.metadata().target().into(),
        };
        fields.without(OF_LOG);
        // From the innermost span outwards: what is nearer to the line stands.
        for span in context.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            let written = extensions.get::<FormattedFields<JsonFields>>();
            let of_span = written.and_then(|written| serde_json::from_str(&written.fields).ok());
            for (name, value) in of_span.unwrap_or_else(Map::new) {
                fields.add(&name, value);
            }
        }

        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let head = [
            ("timestamp".to_owned(), Value::String(time)),
            ("level".to_owned(), event.metadata().level().as_str().into()),
            (MESSAGE.to_owned(), Value::String(message)),
        ];
        writer.write_char('{')?;
        for (place, (name, value)) in
            head.into_iter().chain(fields).chain([("target".to_owned(), target)]).enumerate()
        {
            let comma = if place == 0 { "" } else { "," };
            write!(writer, "{comma}{}:{value}", Value::String(name))?;
        }
        writeln!(writer, "}}")
    }
}
