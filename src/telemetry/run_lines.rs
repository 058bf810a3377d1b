//! The log lines of runs, passed on to whoever keeps them: those at info and above that this program
//! logs within a run's span. Nothing waits here: what does not fit is counted and left out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::fields::Fields;

/// The field that makes a span a run's.
const RUN_ID: &str = "run.id";
const PROJECT_KEY: &str = "project.key";
/// Lines that wait to be taken, at the most.
const CAPACITY: usize = 2048;

/// A line of a run's log.
#[derive(Debug, Clone, PartialEq)]
pub struct RunLine {
    /// The run, as its span names it.
    pub run: String,
    /// When it was logged.
    pub at: DateTime<Utc>,
    /// How much it matters: info, warn or error.
    pub level: Level,
    /// What happened, in constant words.
    pub message: String,
    /// The particulars, by name, but for the run and its project.
    pub fields: Map<String, Value>,
}

/// The receiving side.
#[derive(Debug)]
pub struct RunLines {
    lines: mpsc::Receiver<RunLine>,
    dropped: Arc<AtomicU64>,
}

impl RunLines {
    /// Lines that are handed in instead of logged; `capacity` of them wait at the most.
    pub fn by_hand(capacity: usize) -> (mpsc::Sender<RunLine>, Self) {
        let (sender, lines) = mpsc::channel(capacity);
        (sender, Self { lines, dropped: Arc::default() })
    }

    /// Waits for lines and takes up to `limit` of them into `into`; answers how many, and 0 when no
    /// more can come. Losing the wait loses no line.
    pub async fn take(&mut self, into: &mut Vec<RunLine>, limit: usize) -> usize {
        self.lines.recv_many(into, limit).await
    }

    /// Takes what is there already, without waiting.
    pub fn take_ready(&mut self, into: &mut Vec<RunLine>) {
        while let Ok(line) = self.lines.try_recv() {
            into.push(line);
        }
    }

    /// How many lines did not fit since this was asked last.
    pub fn take_dropped(&self) -> u64 {
        self.dropped.swap(0, Ordering::Relaxed)
    }
}

/// The layer that passes lines on, and what receives them. The time is `now`'s.
pub(super) fn run_lines<S>(now: fn() -> DateTime<Utc>) -> (impl Layer<S>, RunLines)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let (sender, lines) = RunLines::by_hand(CAPACITY);
    let passing = Passing { sender, dropped: Arc::clone(&lines.dropped), now };
    // Only our own lines: what libraries log may hold anything.
    let ours = Targets::new().with_target(env!("CARGO_PKG_NAME"), Level::INFO);
    (passing.with_filter(ours), lines)
}

struct Passing {
    sender: mpsc::Sender<RunLine>,
    dropped: Arc<AtomicU64>,
    now: fn() -> DateTime<Utc>,
}

/// The run that a span belongs to, once it is known.
#[derive(Default)]
struct RunOf(Option<String>);

impl Visit for RunOf {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == RUN_ID {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == RUN_ID {
            self.0 = Some(format!("{value:?}"));
        }
    }
}

impl<S> Layer<S> for Passing
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.metadata().fields().field(RUN_ID).is_none() {
            return;
        }
        let mut run = RunOf::default();
        attributes.record(&mut run);
        if let Some(span) = context.span(id) {
            span.extensions_mut().replace(run);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(run) = span.extensions_mut().get_mut::<RunOf>()
        {
            values.record(run);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let run = context
            .event_scope(event)
            .into_iter()
            .flatten()
            .find_map(|span| span.extensions().get::<RunOf>().and_then(|run| run.0.clone()));
        let Some(run) = run else { return };
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.take_message();
        let ours = |name: &str| name != RUN_ID && name != PROJECT_KEY;
        let line = RunLine {
            run,
            at: (self.now)(),
            level: *event.metadata().level(),
            message,
            fields: fields.into_iter().filter(|(name, _)| ours(name)).collect(),
        };
        if self.sender.try_send(line).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    fn passed(act: impl FnOnce()) -> (Vec<RunLine>, u64) {
        let (layer, mut lines) = run_lines(|| DateTime::UNIX_EPOCH);
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, act);
        let mut taken = Vec::new();
        lines.take_ready(&mut taken);
        (taken, lines.take_dropped())
    }

    fn run_span() -> tracing::Span {
        let empty = tracing::field::Empty;
        tracing::error_span!(target: "extractor::run", "run", run.id = empty, project.key = "PROJ")
    }

    #[test]
    fn lines_of_a_run_are_passed_on_with_their_particulars() {
        let (lines, dropped) = passed(|| {
            let span = run_span();
            span.record("run.id", tracing::field::display("r-1"));
            let _within = span.enter();
            let _deeper = tracing::error_span!(target: "extractor::run", "tx").entered();
            tracing::info!(page.rows = 40, whole = true, project.key = "PROJ", "page listed");
            tracing::warn!(error = %"broken", "it broke");
        });
        assert_eq!(dropped, 0);
        assert_eq!(lines.len(), 2);
        let first = RunLine {
            run: "r-1".to_owned(),
            at: DateTime::UNIX_EPOCH,
            level: Level::INFO,
            message: "page listed".to_owned(),
            fields: serde_json::json!({"page.rows": 40, "whole": true})
                .as_object()
                .unwrap()
                .clone(),
        };
        assert_eq!(lines[0], first);
        assert_eq!((lines[1].level, lines[1].message.as_str()), (Level::WARN, "it broke"));
        assert_eq!(lines[1].fields["error"], "broken");
    }

    #[test]
    fn what_is_no_decision_of_a_run_is_not() {
        let (lines, _) = passed(|| {
            tracing::info!("outside of any run");
            let span = run_span();
            let _within = span.enter();
            tracing::info!("before the run has a name");
            span.record("run.id", tracing::field::display("r-1"));
            tracing::debug!("too detailed");
            tracing::error!(target: "sqlx::query", "of a library");
        });
        assert_eq!(lines, []);
    }

    #[test]
    fn what_does_not_fit_is_counted_and_nothing_waits() {
        let (lines, dropped) = passed(|| {
            let span = run_span();
            span.record("run.id", tracing::field::display("r-1"));
            let _within = span.enter();
            for _ in 0..CAPACITY + 7 {
                tracing::info!("again");
            }
        });
        assert_eq!((lines.len(), dropped), (CAPACITY, 7));
    }
}
