//! Keeps the log lines of runs in the database, for the status page and the run API: in batches, a
//! moment later, and without anybody waiting for it. A database that is away is waited for as long as
//! the lines fit in here; then the oldest are let go.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use crate::admin::Tally;
use crate::model::{EventLevel, RunId};
use crate::store::{RunEvent, Store, StoreError};
use crate::telemetry::{RunLine, RunLines};

/// Lines that are written at once, at the most.
const BATCH: usize = 200;
/// Lines that wait for a database, at the most.
const LONGEST_QUEUE: usize = 5_000;
/// How long lines are gathered before they are written.
const GATHERING: Duration = Duration::from_millis(500);
/// How long the last lines may take to be written at the end.
const LAST_WRITE: Duration = Duration::from_secs(3);

/// The task that keeps the lines.
#[derive(Debug)]
pub struct RunLog {
    task: JoinHandle<RunLines>,
    stop: CancellationToken,
}

impl RunLog {
    /// Begins to keep what `lines` brings in the store that is open, whichever that is. After `hurry`
    /// each line is written as it comes: the store is about to be closed.
    pub fn start(
        lines: RunLines,
        store: watch::Receiver<Option<Store>>,
        tally: Tally,
        hurry: CancellationToken,
    ) -> Self {
        let stop = CancellationToken::new();
        let waiting = Waiting::default();
        let keeper = Keeper { lines, store, tally, hurry, waiting, failures: 0 };
        Self { task: tokio::spawn(keeper.run(stop.clone())), stop }
    }

    /// Writes what has come so far, if the database takes it soon, and ends. Answers where further
    /// lines come from; `None` if the task crashed.
    pub async fn close(self) -> Option<RunLines> {
        self.stop.cancel();
        self.task.await.ok()
    }
}

/// Lines that are not written yet.
#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<(RunId, RunEvent)>,
    lost: u64,
}

impl Waiting {
    fn add(&mut self, lines: impl IntoIterator<Item = RunLine>) {
        self.lines.extend(lines.into_iter().filter_map(event));
        let excess = self.lines.len().saturating_sub(LONGEST_QUEUE);
        self.lines.drain(..excess);
        self.lost += excess as u64;
    }

    fn first_batch(&mut self) -> &[(RunId, RunEvent)] {
        let all = self.lines.make_contiguous();
        &all[..all.len().min(BATCH)]
    }

    fn drop_batch(&mut self, length: usize) {
        self.lines.drain(..length.min(self.lines.len()));
    }
}

/// A line as the store keeps it; `None` when its run has no proper name.
fn event(line: RunLine) -> Option<(RunId, RunEvent)> {
    let run = RunId(line.run.parse().ok()?);
    let level = match line.level {
        tracing::Level::ERROR => EventLevel::Error,
        tracing::Level::WARN => EventLevel::Warn,
        _ => EventLevel::Info,
    };
    let RunLine { at, message, fields, .. } = line;
    Some((run, RunEvent { at, level, message, fields: fields.into() }))
}

struct Keeper {
    lines: RunLines,
    store: watch::Receiver<Option<Store>>,
    /// Where lost lines are counted.
    tally: Tally,
    hurry: CancellationToken,
    waiting: Waiting,
    failures: u32,
}

impl Keeper {
    async fn run(mut self, stop: CancellationToken) -> RunLines {
        loop {
            let more = tokio::select! {
                more = self.gather() => more,
                () = stop.cancelled() => break,
            };
            let written = tokio::select! {
                written = self.write() => written,
                () = stop.cancelled() => break,
            };
            if !more && written {
                break;
            }
        }
        let mut last = Vec::new();
        self.lines.take_ready(&mut last);
        self.waiting.add(last);
        // Lines that nobody can take now are gone; the log on standard error has them.
        let _ = tokio::time::timeout(LAST_WRITE, self.write_all()).await;
        self.say_what_is_lost();
        self.lines
    }

    /// Waits for lines and gathers some more, or waits a while when there are some that could not be
    /// written; false when no more can come.
    async fn gather(&mut self) -> bool {
        let mut taken = Vec::new();
        let mut more = true;
        let pause = if self.waiting.lines.is_empty() {
            more = self.lines.take(&mut taken, LONGEST_QUEUE).await > 0;
            GATHERING
        } else {
            Backoff::of_peer().wait(self.failures.max(1), 1.0)
        };
        self.waiting.add(taken);
        if more {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.hurry.cancelled(), if self.failures == 0 => {}
            }
        }
        let mut ready = Vec::new();
        self.lines.take_ready(&mut ready);
        self.waiting.add(ready);
        more
    }

    /// Writes batches until none is left or the database does not take one; whether none is left.
    async fn write(&mut self) -> bool {
        match self.write_all().await {
            Ok(()) if self.waiting.lines.is_empty() => {
                self.failures = 0;
                self.say_what_is_lost();
                true
            }
            Ok(()) => {
                self.failures = self.failures.saturating_add(1);
                false
            }
            Err(error) => {
                if self.failures == 0 {
                    tracing::debug!(error = %error, "the log of runs waits for the database");
                }
                self.failures = self.failures.saturating_add(1);
                false
            }
        }
    }

    /// As many as the open store takes; nothing while none is open.
    async fn write_all(&mut self) -> Result<(), StoreError> {
        while !self.waiting.lines.is_empty() {
            let store = self.store.borrow().clone();
            let Some(store) = store else { return Ok(()) };
            let batch = self.waiting.first_batch();
            let length = batch.len();
            match store.record_events(batch).await {
                Ok(()) => {}
                Err(error) if may_come_right(&error) => return Err(error),
                // A run that is gone, for one: these lines will never be taken.
                Err(error) => {
                    tracing::debug!(error = %error, lines = length, "lines of runs are left out");
                    self.waiting.lost += length as u64;
                }
            }
            self.waiting.drop_batch(length);
        }
        Ok(())
    }

    fn say_what_is_lost(&mut self) {
        let lost = std::mem::take(&mut self.waiting.lost) + self.lines.take_dropped();
        if lost > 0 {
            self.tally.note_lost_lines(lost);
            tracing::warn!(lines = lost, "some lines are missing in the log of runs");
        }
    }
}

/// Whether the same lines may be taken later.
fn may_come_right(error: &StoreError) -> bool {
    match error {
        StoreError::Unreachable { .. }
        | StoreError::Tls { .. }
        | StoreError::Unavailable(_)
        | StoreError::DiskFull(_)
        | StoreError::TimedOut(_)
        | StoreError::Contended(_)
        | StoreError::AuthenticationFailed { .. }
        | StoreError::NotPermitted(_) => true,
        StoreError::InvalidUrl(_)
        | StoreError::DatabaseMissing { .. }
        | StoreError::ServerTooOld { .. }
        | StoreError::SchemaNewer { .. }
        | StoreError::SchemaOutdated { .. }
        | StoreError::SchemaDirty { .. }
        | StoreError::SchemaModified { .. }
        | StoreError::SchemaForeign { .. }
        | StoreError::LeaseLost { .. }
        | StoreError::ErasedMeanwhile
        | StoreError::ProjectHeld(_)
        | StoreError::RunNotOpen { .. }
        | StoreError::DataRejected(_)
        | StoreError::Unreadable { .. }
        | StoreError::Failed(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(run: &str, number: usize) -> RunLine {
        RunLine {
            run: run.to_owned(),
            at: chrono::DateTime::UNIX_EPOCH,
            level: tracing::Level::WARN,
            message: "page listed".to_owned(),
            fields: serde_json::json!({ "number": number }).as_object().unwrap().clone(),
        }
    }

    const RUN: &str = "0192f5c6-7b3a-7def-8123-456789abcdef";

    #[test]
    fn a_line_is_kept_as_an_event_of_its_run() {
        let (run, event) = event(line(RUN, 3)).unwrap();
        assert_eq!(run.to_string(), RUN);
        assert_eq!((event.level, event.message.as_str()), (EventLevel::Warn, "page listed"));
        assert_eq!(event.fields, serde_json::json!({ "number": 3 }));
        assert_eq!(super::event(line("no run", 1)), None);
    }

    #[test]
    fn while_the_database_is_away_the_newest_lines_stay() {
        let mut waiting = Waiting::default();
        waiting.add((0..LONGEST_QUEUE + 30).map(|number| line(RUN, number)));
        assert_eq!((waiting.lines.len(), waiting.lost), (LONGEST_QUEUE, 30));
        let batch = waiting.first_batch();
        assert_eq!((batch.len(), &batch[0].1.fields["number"]), (BATCH, &30.into()));
        waiting.drop_batch(BATCH);
        assert_eq!(waiting.first_batch()[0].1.fields["number"], 30 + BATCH);
    }
}
