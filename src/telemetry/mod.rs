//! Logs: one line an event on standard error, to read or as JSON. What a line says is the business
//! of the module that logs it; progress bars are elsewhere.

pub mod metric_names;

use std::io::{self, IsTerminal};

use serde::Deserialize;
use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

/// Libraries that say at `info` what only their authors want to know. A filter for the same module
/// in `log.level` replaces these.
const QUIET: &str =
    "sqlx=warn,hyper=warn,hyper_util=warn,h2=warn,reqwest=warn,rustls=warn,tower=warn";

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// [`LogFormat::Pretty`] on a terminal, else [`LogFormat::Json`].
    Auto,
    /// A line to read, with colours on a terminal.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not one; the configuration refuses it before.
    #[error("{0:?} is not a log filter")]
    Filter(String),
    /// Something in this process has set up logging already.
    #[error("logging is already set up")]
    AlreadySet,
}

/// Sets up logging to standard error for the whole process, once.
///
/// # Errors
/// [`TelemetryError`] when `filter` is not one, or logging is set up already.
pub fn init(format: LogFormat, filter: &str) -> Result<(), TelemetryError> {
    let terminal = io::stderr().is_terminal();
    let colours = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    init_with(format.on(terminal), filter, colours, io::stderr)
}

/// As [`init`], but to any writer: one that lifts the progress bars out of the way, for example.
///
/// # Errors
/// As [`init`].
pub fn init_with<W>(
    format: LogFormat,
    filter: &str,
    colours: bool,
    writer: W,
) -> Result<(), TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    subscriber(format, filter, colours, writer)?.try_init().map_err(|_| TelemetryError::AlreadySet)
}

/// Whether a text is a level or a list of filters.
pub fn is_filter(text: &str) -> bool {
    // EnvFilter takes any bare word for a module's name, so a misspelt level would silence all.
    !text.trim().is_empty()
        && EnvFilter::builder().parse(text).is_ok()
        && text.split(',').map(str::trim).all(|part| {
            part.contains(['=', ':', '['])
                || part.parse::<tracing::Level>().is_ok()
                || part == "off"
        })
}

impl LogFormat {
    /// The form when standard error is, or is not, a terminal.
    pub fn on(self, terminal: bool) -> Self {
        match self {
            Self::Auto if terminal => Self::Pretty,
            Self::Auto => Self::Json,
            chosen => chosen,
        }
    }
}

fn subscriber<W>(
    format: LogFormat,
    filter: &str,
    colours: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder()
        .parse(format!("{QUIET},{filter}"))
        .map_err(|_| TelemetryError::Filter(filter.to_owned()))?;
    let lines = fmt().with_env_filter(filter).with_writer(writer).with_ansi(colours);
    Ok(match format {
        LogFormat::Json => {
            Box::new(lines.json().flatten_event(true).with_span_list(false).finish())
        }
        LogFormat::Pretty | LogFormat::Auto => Box::new(lines.with_target(false).finish()),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, filter: &str, act: impl FnOnce()) -> String {
        let captured = Captured::default();
        let writer = captured.clone();
        let subscriber = subscriber(format, filter, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, act);
        let bytes = captured.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_json_line_is_flat_and_keeps_dotted_fields() {
        let text = logged(LogFormat::Json, "info", || {
            tracing::info!(run.id = 7, page.rows = 1000, "page listed");
        });
        let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(line["message"], "page listed");
        assert_eq!(line["run.id"], 7);
        assert_eq!(line["page.rows"], 1000);
        assert_eq!(line["level"], "INFO");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn a_pretty_line_is_one_line() {
        let text = logged(LogFormat::Pretty, "info", || {
            tracing::warn!(project.key = "PROJ", "project is empty");
        });
        assert_eq!(text.lines().count(), 1);
        assert!(text.contains("WARN") && text.contains("project.key=\"PROJ\""), "{text}");
    }

    #[test]
    fn libraries_are_quiet_until_they_are_asked_for() {
        let act = || tracing::info!(target: "sqlx::query", "a statement");
        assert_eq!(logged(LogFormat::Pretty, "debug", act), "");
        assert_ne!(logged(LogFormat::Pretty, "info,sqlx=info", act), "");
    }

    #[rstest::rstest]
    #[case("info", true)]
    #[case("WARN", true)]
    #[case("off", true)]
    #[case("info,extractor::jira=debug", true)]
    #[case("inof", false)]
    #[case("", false)]
    #[case("extractor=loud", false)]
    fn a_misspelt_level_is_no_filter(#[case] text: &str, #[case] ok: bool) {
        assert_eq!(is_filter(text), ok);
    }

    #[test]
    fn auto_is_pretty_on_a_terminal_only() {
        assert_eq!(LogFormat::Auto.on(true), LogFormat::Pretty);
        assert_eq!(LogFormat::Auto.on(false), LogFormat::Json);
        assert_eq!(LogFormat::Json.on(true), LogFormat::Json);
    }
}
