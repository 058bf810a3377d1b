//! How many issues to ask for at once, and in how many requests: up while Jira answers quickly,
//! down when it strains. Additive increase, multiplicative decrease, inside the profile's bounds.

use std::time::Duration;

/// A batch that takes longer than this is not enlarged; one that takes twice as long is reduced.
const COMFORTABLE: Duration = Duration::from_secs(3);
/// Answers of full size and in comfort that double the smallest batch once.
const STEPS_TO_FULL: f64 = 8.0;

/// The pace at one instant; feed it what happens, ask it what is allowed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pace {
    batch: f64,
    in_flight: f64,
    most_batch: f64,
    most_in_flight: f64,
}

impl Pace {
    /// Begins at half of what the profile allows.
    pub(super) fn new(most_batch: u32, most_in_flight: usize) -> Self {
        let most_batch = f64::from(most_batch.max(1));
        let most_in_flight = u32::try_from(most_in_flight).map_or(1_000.0, f64::from).max(1.0);
        Self {
            batch: (most_batch / 2.0).max(1.0),
            in_flight: (most_in_flight / 2.0).max(1.0),
            most_batch,
            most_in_flight,
        }
    }

    /// Issues to ask for in one request.
    pub(super) fn batch(&self) -> u32 {
        whole(self.batch)
    }

    /// Batches that may be under way at once.
    pub(super) fn in_flight(&self) -> usize {
        whole(self.in_flight) as usize
    }

    /// Jira answered a batch of `asked` issues after `elapsed`.
    pub(super) fn note_answer(&mut self, asked: usize, elapsed: Duration) {
        if elapsed > 2 * COMFORTABLE {
            self.batch = (self.batch * 0.75).max(1.0);
        } else if elapsed <= COMFORTABLE {
            self.in_flight = (self.in_flight + 0.5).min(self.most_in_flight);
            if asked >= self.batch() as usize {
                let step = (self.most_batch / STEPS_TO_FULL).max(1.0);
                self.batch = (self.batch + step).min(self.most_batch);
            }
        }
    }

    /// Jira timed out, failed or limited us.
    pub(super) fn note_strain(&mut self) {
        self.batch = (self.batch / 2.0).max(1.0);
        self.in_flight = (self.in_flight / 2.0).max(1.0);
    }

    /// Jira delivers no more than `issues` at once, whatever is asked.
    pub(super) fn note_cap(&mut self, issues: usize) {
        let cap = u32::try_from(issues).map_or(self.most_batch, f64::from).max(1.0);
        self.most_batch = self.most_batch.min(cap);
        self.batch = self.batch.min(self.most_batch);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounded to 1..=u32::MAX by construction"
)]
fn whole(value: f64) -> u32 {
    value.max(1.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_millis(100);

    #[test]
    fn quick_answers_lead_to_the_profile_and_not_beyond() {
        let mut pace = Pace::new(100, 8);
        for _ in 0..100 {
            pace.note_answer(pace.batch() as usize, QUICK);
        }
        assert_eq!((pace.batch(), pace.in_flight()), (100, 8));
    }

    #[test]
    fn strain_halves_and_never_stops() {
        let mut pace = Pace::new(100, 8);
        pace.note_strain();
        assert_eq!((pace.batch(), pace.in_flight()), (25, 2));
        for _ in 0..50 {
            pace.note_strain();
        }
        assert_eq!((pace.batch(), pace.in_flight()), (1, 1));
    }

    #[test]
    fn slow_answers_reduce_the_batch_and_small_ones_do_not_enlarge_it() {
        let mut pace = Pace::new(100, 8);
        pace.note_answer(50, Duration::from_secs(7));
        assert_eq!(pace.batch(), 37);
        pace.note_answer(3, QUICK);
        assert_eq!(pace.batch(), 37);
        pace.note_answer(37, Duration::from_secs(4));
        assert_eq!(pace.batch(), 37);
    }

    #[test]
    fn a_cap_of_the_instance_is_remembered() {
        let mut pace = Pace::new(100, 8);
        pace.note_cap(20);
        for _ in 0..50 {
            pace.note_answer(20, QUICK);
        }
        assert_eq!(pace.batch(), 20);
    }
}
