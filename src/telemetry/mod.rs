//! Logs: one line an event on standard error, to read or as JSON; and the lines of runs once more, for
//! whoever keeps them (`run_lines`). What a line says is the business of the module that logs it;
//! progress bars are elsewhere.
//!
//! A run's lines are logged within a span with the target `extractor::run` and the fields `run.id` and
//! `project.key`, which every line within it shows.

mod fields;
mod json_lines;
pub mod metric_names;
mod run_lines;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, fmt, reload};

use json_lines::FlatJson;
pub use run_lines::{RunLine, RunLines};

/// Libraries that say at `info` what only their authors want to know. A filter for the same module
/// in `log.level` replaces these.
const QUIET: &str =
    "sqlx=warn,hyper=warn,hyper_util=warn,h2=warn,reqwest=warn,rustls=warn,tower=warn";
/// The span of a run is there whatever the level: lines need it to say whose they are.
const SPANS: &str = "extractor::run=error";

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

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogStyle {
    /// Their form; [`LogFormat::Auto`] is pretty.
    pub format: LogFormat,
    /// Whether pretty lines have colours.
    pub colours: bool,
}

/// Logging that is set up.
#[derive(Debug)]
pub struct Telemetry {
    /// Changes what is logged.
    pub level: LogLevel,
    /// The lines of runs, whatever the level.
    pub run_lines: RunLines,
}

/// What is logged, to be changed while the program runs.
#[derive(Debug, Clone)]
pub struct LogLevel(reload::Handle<EnvFilter, Registry>);

impl LogLevel {
    /// Logs by another filter from now on.
    ///
    /// # Errors
    /// [`TelemetryError::Filter`] when it is none.
    pub fn set(&self, filter: &str) -> Result<(), TelemetryError> {
        let parsed = parse(filter)?;
        // Fails only when logging is gone, and then there is nothing to change.
        let _ = self.0.reload(parsed);
        Ok(())
    }
}

/// Sets up logging for the whole process, once, to any writer: one that lifts the progress bars out of
/// the way, for example. The lines of runs bear the time that `now` tells.
///
/// # Errors
/// [`TelemetryError`] when `filter` is none, or logging is set up already.
pub fn init<W>(
    style: LogStyle,
    filter: &str,
    writer: W,
    now: fn() -> DateTime<Utc>,
) -> Result<Telemetry, TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let (subscriber, telemetry) = subscriber(style, filter, writer, now)?;
    subscriber.try_init().map_err(|_| TelemetryError::AlreadySet)?;
    Ok(telemetry)
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

fn parse(filter: &str) -> Result<EnvFilter, TelemetryError> {
    EnvFilter::builder()
        .parse(format!("{QUIET},{SPANS},{filter}"))
        .map_err(|_| TelemetryError::Filter(filter.to_owned()))
}

fn subscriber<W>(
    style: LogStyle,
    filter: &str,
    writer: W,
    now: fn() -> DateTime<Utc>,
) -> Result<(Box<dyn Subscriber + Send + Sync>, Telemetry), TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(parse(filter)?);
    let lines = fmt::layer().with_writer(writer).with_ansi(style.colours);
    let lines = match style.format {
        LogFormat::Json => lines.fmt_fields(JsonFields::new()).event_format(FlatJson).boxed(),
        LogFormat::Pretty | LogFormat::Auto => lines.with_target(false).boxed(),
    };
    let (passing, run_lines) = run_lines::run_lines(now);
    let subscriber = Registry::default().with(lines.with_filter(filter)).with(passing);
    Ok((Box::new(subscriber), Telemetry { level: LogLevel(handle), run_lines }))
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
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
        logged_by(format, filter, |_| act())
    }

    fn logged_by(format: LogFormat, filter: &str, act: impl FnOnce(&Telemetry)) -> String {
        let captured = Captured::default();
        let writer = captured.clone();
        let style = LogStyle { format, colours: false };
        let (subscriber, telemetry) =
            subscriber(style, filter, move || writer.clone(), || DateTime::UNIX_EPOCH).unwrap();
        tracing::subscriber::with_default(subscriber, || act(&telemetry));
        let bytes = captured.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn within_a_run(act: impl FnOnce()) {
        let empty = tracing::field::Empty;
        let span = tracing::error_span!(
            target: "extractor::run", "run", run.id = empty, project.key = "PROJ"
        );
        span.record("run.id", tracing::field::display("r-1"));
        span.in_scope(act);
    }

    #[rstest::rstest]
    #[case("info")]
    #[case("warn")]
    #[case("extractor=warn")]
    #[case("extractor::telemetry=debug")]
    fn every_json_line_of_a_run_says_whose_it_is(#[case] filter: &str) {
        let text = logged(LogFormat::Json, filter, || {
            within_a_run(|| tracing::warn!(page.rows = 3, r#"odd "text""#));
        });
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(line["run.id"], "r-1");
        assert_eq!(line["project.key"], "PROJ");
        assert_eq!(line["page.rows"], 3);
        assert_eq!(line["message"], r#"odd "text""#);
        assert!(line["target"].as_str().unwrap().starts_with("extractor::telemetry"));
    }

    #[test]
    fn what_is_nearer_to_the_line_stands_and_no_name_comes_twice() {
        let text = logged(LogFormat::Json, "info", || {
            within_a_run(|| tracing::info!(project.key = "OPS", "moved"));
        });
        assert_eq!(text.matches("project.key").count(), 1, "{text}");
        let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(line["project.key"], "OPS");
    }

    #[test]
    fn every_pretty_line_of_a_run_says_whose_it_is() {
        let text = logged(LogFormat::Pretty, "info", || {
            within_a_run(|| tracing::info!("page listed"));
        });
        assert!(text.contains("run.id=r-1") && text.contains("project.key=\"PROJ\""), "{text}");
    }

    #[test]
    fn the_level_can_be_changed_while_the_program_runs() {
        let text = logged_by(LogFormat::Pretty, "warn", |telemetry| {
            tracing::info!("not yet");
            telemetry.level.set("info").unwrap();
            tracing::info!("now");
            assert!(telemetry.level.set("extractor=loud").is_err());
            tracing::info!("still");
        });
        assert!(
            text.contains("now") && text.contains("still") && !text.contains("not yet"),
            "{text}"
        );
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
