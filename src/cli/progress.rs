//! Progress of a run on standard error: bars on a terminal, log lines elsewhere. It only reads the
//! engine's counters; the run does not know that it is watched.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use tracing_subscriber::fmt::MakeWriter;

use super::words;
use crate::sync::{Progress, Snapshot};

/// How often bars are redrawn.
const REDRAW: Duration = Duration::from_millis(100);
/// How often a log line is written where there are no bars.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// The bars of this process, and the way to write past them. Clones share the screen.
#[derive(Debug, Clone)]
pub(super) struct Bars {
    screen: MultiProgress,
    terminal: bool,
}

impl Bars {
    /// Bars on standard error if a person looks at it, else none.
    pub(super) fn on_stderr() -> Self {
        let terminal = io::stderr().is_terminal();
        let target =
            if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { screen: MultiProgress::with_draw_target(target), terminal }
    }

    /// Whether there are bars.
    pub(super) fn are_shown(&self) -> bool {
        self.terminal
    }

    /// Writes something while the bars are out of the way.
    pub(super) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.screen.suspend(write)
    }

    /// Shows, on a terminal, that `work` is under way and for how long.
    pub(super) async fn wait<T>(&self, label: &str, work: impl Future<Output = T>) -> T {
        let style = ProgressStyle::with_template("{msg:<8} {elapsed:>7} {spinner}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::new_spinner().with_style(style).with_message(label.to_owned());
        let bar = self.screen.add(bar);
        bar.enable_steady_tick(REDRAW);
        let done = work.await;
        bar.finish_and_clear();
        done
    }

    /// Shows `progress` for as long as `work` takes.
    pub(super) async fn watch<T>(
        &self,
        label: &str,
        progress: &Progress,
        work: impl Future<Output = T>,
    ) -> T {
        let mut view: Box<dyn View + Send> = if self.terminal {
            Box::new(Lines::new(&self.screen, label))
        } else {
            Box::new(Log { label: label.to_owned(), began: Instant::now() })
        };
        let every = if self.terminal { REDRAW } else { LOG_EVERY };
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = ticks.tick() => view.show(&progress.snapshot()),
            }
        }
    }
}

/// One way to show progress.
trait View {
    fn show(&mut self, now: &Snapshot);
}

/// Two bars, of the listing and of the fetching; they go when it ends.
struct Lines {
    listing: ProgressBar,
    fetching: ProgressBar,
}

impl Lines {
    fn new(screen: &MultiProgress, label: &str) -> Self {
        let bar = |template: &str, doing: &str| {
            let style = ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .with_key("speed", |state: &ProgressState, text: &mut dyn fmt::Write| {
                    let _ = write!(text, "{:.0}/s", state.per_sec());
                });
            screen
                .add(ProgressBar::new(0).with_style(style).with_message(format!("{label} {doing}")))
        };
        Self {
            listing: bar("{msg:>18} {bar:30} {human_pos} of {human_len} rows", "listing"),
            fetching: bar(
                "{msg:>18} {bar:30} {human_pos} of {human_len} issues, {speed}, {eta} left",
                "fetching",
            ),
        }
    }
}

impl View for Lines {
    fn show(&mut self, now: &Snapshot) {
        if expected_rows(now) == 0 {
            // A bar of nothing is drawn full.
            return;
        }
        self.listing.set_length(expected_rows(now));
        self.listing.set_position(now.listed);
        self.fetching.set_length(now.queued.max(now.hydrated));
        self.fetching.set_position(now.hydrated);
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.listing.finish_and_clear();
        self.fetching.finish_and_clear();
    }
}

/// A line in the log every so often.
struct Log {
    label: String,
    began: Instant,
}

impl View for Log {
    fn show(&mut self, now: &Snapshot) {
        let speed = Speed::of(now, self.began.elapsed());
        tracing::info!(
            project.key = self.label,
            listing.rows = now.listed,
            listing.expected = expected_rows(now),
            listing.done = now.listing_done,
            issues.fetched = now.hydrated,
            issues.queued = now.queued,
            issues.per_second = speed.per_second,
            time.left = speed.left.map_or_else(String::new, words::span),
            "progress"
        );
    }
}

/// What the listing will come to, as far as it is known.
fn expected_rows(now: &Snapshot) -> u64 {
    if now.listing_done { now.listed } else { now.expected.max(now.listed) }
}

/// How fast issues are fetched, and how long the rest of the queue takes at that speed.
#[derive(Debug, PartialEq)]
struct Speed {
    per_second: f64,
    left: Option<Duration>,
}

impl Speed {
    fn of(now: &Snapshot, elapsed: Duration) -> Self {
        let per_second = now.hydrated as f64 / elapsed.as_secs_f64().max(0.001);
        let rest = now.queued.saturating_sub(now.hydrated) as f64;
        let left = (now.listing_done && per_second > 0.0)
            .then(|| Duration::try_from_secs_f64(rest / per_second).ok())
            .flatten();
        Self { per_second: (per_second * 10.0).round() / 10.0, left }
    }
}

/// Writes log lines between the bars: each event as a whole, when it is complete.
#[derive(Debug)]
pub(super) struct BetweenBars {
    bars: Bars,
    line: Vec<u8>,
}

impl Write for BetweenBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for BetweenBars {
    fn drop(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.bars.suspend(|| {
            let _ = io::stderr().write_all(&line);
        });
    }
}

impl MakeWriter<'_> for Bars {
    type Writer = BetweenBars;

    fn make_writer(&self) -> BetweenBars {
        BetweenBars { bars: self.clone(), line: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALFWAY: Snapshot =
        Snapshot { expected: 90, listed: 100, queued: 40, hydrated: 10, listing_done: true };

    #[test]
    fn time_left_is_told_once_the_queue_is_final() {
        let speed = Speed::of(&HALFWAY, Duration::from_secs(5));
        assert_eq!(speed, Speed { per_second: 2.0, left: Some(Duration::from_secs(15)) });
        let listing = Snapshot { listing_done: false, ..HALFWAY };
        assert_eq!(Speed::of(&listing, Duration::from_secs(5)).left, None);
    }

    #[test]
    fn nothing_fetched_yet_is_no_division_by_zero() {
        let idle = Snapshot { hydrated: 0, ..HALFWAY };
        assert_eq!(Speed::of(&idle, Duration::ZERO), Speed { per_second: 0.0, left: None });
    }

    #[test]
    fn the_listing_never_expects_less_than_it_has() {
        assert_eq!(expected_rows(&HALFWAY), 100);
        assert_eq!(expected_rows(&Snapshot { listing_done: false, ..HALFWAY }), 100);
        let start = Snapshot { expected: 90, listed: 3, listing_done: false, ..HALFWAY };
        assert_eq!(expected_rows(&start), 90);
    }
}
