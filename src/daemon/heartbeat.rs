//! Whether the service's loop still makes turns. A watcher asks, the loop answers between two of its
//! turns: a loop that hangs answers nothing, however well everything else of the process runs.

use tokio::sync::watch;

/// The loop's side: it answers.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    asked: watch::Receiver<u64>,
    answered: watch::Sender<u64>,
}

/// The watcher's side: it asks.
#[derive(Debug)]
pub struct Pulse {
    asking: watch::Sender<u64>,
    answers: watch::Receiver<u64>,
}

/// Both sides of one loop's heartbeat.
pub fn heartbeat() -> (Heartbeat, Pulse) {
    let (asking, asked) = watch::channel(0);
    let (answered, answers) = watch::channel(0);
    (Heartbeat { asked, answered }, Pulse { asking, answers })
}

impl Heartbeat {
    /// Waits until the watcher asks and [`Heartbeat::beat`] has not answered yet: a branch of the
    /// loop's `select!`. Losing the wait loses no question; without a watcher it never ends.
    pub async fn asked(&mut self) {
        let answered = *self.answered.borrow();
        if self.asked.wait_for(|asked| *asked > answered).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Says that the loop makes a turn.
    pub fn beat(&self) {
        let asked = *self.asked.borrow();
        self.answered.send_if_modified(|answered| {
            let news = *answered < asked;
            *answered = asked;
            news
        });
    }

    /// Does one long thing that the loop has to wait for, and beats meanwhile. For work that has a
    /// bound of its own.
    pub async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = self.asked() => self.beat(),
            }
        }
    }
}

impl Pulse {
    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// When the loop has ended.
    pub async fn feel(&mut self) -> Result<(), LoopEnded> {
        let question = *self.asking.borrow() + 1;
        self.asking.send_replace(question);
        self.answers.wait_for(|answer| *answer >= question).await.map_err(|_| LoopEnded)?;
        Ok(())
    }
}

/// Nobody answers any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the loop has ended")]
pub struct LoopEnded;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const AGES: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_makes_turns_answers() {
        let (mut heart, mut pulse) = heartbeat();
        let turning = tokio::spawn(async move {
            for _ in 0..3 {
                heart.asked().await;
                heart.beat();
            }
        });
        for _ in 0..3 {
            assert_eq!(pulse.feel().await, Ok(()));
        }
        turning.await.unwrap();
        assert_eq!(pulse.feel().await, Err(LoopEnded));
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_hangs_does_not() {
        let (heart, mut pulse) = heartbeat();
        assert!(tokio::time::timeout(AGES, pulse.feel()).await.is_err());
        // It answers late, which is an answer to the next question only if it is asked again.
        heart.beat();
        assert!(tokio::time::timeout(AGES, pulse.feel()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn beats_that_nobody_asked_for_are_no_answers_to_come() {
        let (heart, mut pulse) = heartbeat();
        for _ in 0..9 {
            heart.beat();
        }
        assert!(tokio::time::timeout(AGES, pulse.feel()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_wait_can_be_made_beating() {
        let (mut heart, mut pulse) = heartbeat();
        let (done, wait) = tokio::sync::oneshot::channel();
        let waiting = tokio::spawn(async move { heart.during(wait).await });
        for _ in 0..3 {
            assert_eq!(pulse.feel().await, Ok(()));
        }
        done.send(7).unwrap();
        assert_eq!(waiting.await.unwrap(), Ok(7));
    }
}
