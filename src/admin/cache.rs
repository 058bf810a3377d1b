//! Answers that are kept for a moment, so that asking often costs little: one question at a time,
//! none longer than it may take, and a failure is kept as well.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::clock::Clock;

/// One answer, kept for a moment.
#[derive(Debug)]
pub(super) struct Cached<T> {
    kept: Mutex<Option<Kept<T>>>,
}

#[derive(Debug)]
struct Kept<T> {
    until: Instant,
    answer: T,
}

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self { kept: Mutex::new(None) }
    }
}

impl<T: Clone> Cached<T> {
    /// The kept answer, or else what `ask` answers, which is kept for `keep`, and for ten times as
    /// long as it took if that is more. Who asks meanwhile waits for the same answer.
    pub(super) async fn load(
        &self,
        clock: &dyn Clock,
        keep: Duration,
        ask: impl Future<Output = T>,
    ) -> T {
        let mut kept = self.kept.lock().await;
        let began = clock.instant();
        if let Some(kept) = kept.as_ref().filter(|kept| began < kept.until) {
            return kept.answer.clone();
        }
        let answer = ask.await;
        let now = clock.instant();
        let took = now.saturating_duration_since(began);
        *kept = Some(Kept { until: now + keep.max(took * 10), answer: answer.clone() });
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use chrono::DateTime;

    use super::*;
    use crate::clock::ManualClock;

    #[tokio::test]
    async fn an_answer_is_kept_for_a_moment_and_longer_if_it_was_dear() {
        let clock = ManualClock::new(DateTime::UNIX_EPOCH);
        let asked = AtomicU32::new(0);
        let cached = Cached::default();
        let second = Duration::from_secs(1);
        let ask = |takes: Duration| {
            let (clock, asked) = (&clock, &asked);
            async move {
                clock.advance(takes);
                asked.fetch_add(1, Ordering::Relaxed) + 1
            }
        };
        assert_eq!(cached.load(&clock, second, ask(Duration::ZERO)).await, 1);
        clock.advance(Duration::from_millis(999));
        assert_eq!(cached.load(&clock, second, ask(Duration::ZERO)).await, 1);
        clock.advance(Duration::from_millis(1));
        assert_eq!(cached.load(&clock, second, ask(second)).await, 2);
        clock.advance(Duration::from_millis(9_999));
        assert_eq!(cached.load(&clock, second, ask(second)).await, 2);
        clock.advance(Duration::from_millis(1));
        assert_eq!(cached.load(&clock, second, ask(second)).await, 3);
    }

    #[tokio::test]
    async fn those_who_ask_at_once_share_one_answer() {
        let clock = ManualClock::new(DateTime::UNIX_EPOCH);
        let asked = AtomicU32::new(0);
        let cached = Cached::default();
        let ask = || async {
            tokio::task::yield_now().await;
            asked.fetch_add(1, Ordering::Relaxed) + 1
        };
        let keep = Duration::from_secs(1);
        let loads = (0..5).map(|_| cached.load(&clock, keep, ask()));
        assert_eq!(futures::future::join_all(loads).await, [1; 5]);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}
