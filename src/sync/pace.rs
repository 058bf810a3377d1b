//! How many issues to ask for at once, and in how many requests: up while Jira answers quickly,
//! down when it strains. Additive increase, multiplicative decrease, inside the profile's bounds.
//! That one issue is slow is no strain; what the pieces of a failed batch show is decided here too.

use std::time::Duration;

use super::policy::Fault;

/// A batch that takes longer than this is not enlarged; batches that take twice as long, one after
/// the other, are reduced.
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
    /// Slow answers since the last that was not.
    slow_in_a_row: u32,
    /// Reductions so far.
    reductions: u64,
    /// Answers with 429 that were taken into account.
    throttled: u64,
}

/// When a request began, in the pace's own time. What began before a reduction says nothing about
/// the pace after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Began(u64);

/// What the failure of a batch says about Jira, once its pieces were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Burden {
    /// Nothing: some issues of the batch are at fault.
    Issues,
    /// The batch was too large, and its pieces were not.
    TooMuch,
    /// Jira as a whole strains.
    Strain,
}

/// Decides by what became of the `pieces` of a batch that failed with `fault`.
pub(super) fn burden(fault: Fault, pieces: usize, failed: usize) -> Burden {
    match fault {
        Fault::Large if failed == 0 => Burden::TooMuch,
        Fault::Large | Fault::Unusable => Burden::Issues,
        Fault::Slow | Fault::Broken if failed == 0 || failed * 2 > pieces => Burden::Strain,
        Fault::Slow | Fault::Broken => Burden::Issues,
    }
}

impl Pace {
    /// Begins at half of what the profile allows. Jira has said 429 `throttled` times before.
    pub(super) fn new(most_batch: u32, most_in_flight: usize, throttled: u64) -> Self {
        let most_batch = f64::from(most_batch.max(1));
        let most_in_flight = u32::try_from(most_in_flight).map_or(1_000.0, f64::from).max(1.0);
        Self {
            batch: (most_batch / 2.0).max(1.0),
            in_flight: (most_in_flight / 2.0).max(1.0),
            most_batch,
            most_in_flight,
            slow_in_a_row: 0,
            reductions: 0,
            throttled,
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

    /// To be kept with a request that begins now.
    pub(super) fn begin(&self) -> Began {
        Began(self.reductions)
    }

    /// Jira answered a batch of `asked` issues after `elapsed`.
    pub(super) fn note_answer(&mut self, asked: usize, elapsed: Duration) {
        if elapsed <= COMFORTABLE {
            self.slow_in_a_row = 0;
            self.in_flight = (self.in_flight + self.step()).min(self.most_in_flight);
            if asked >= self.batch() as usize {
                let step = (self.most_batch / STEPS_TO_FULL).max(1.0);
                self.batch = (self.batch + step).min(self.most_batch);
            }
        } else if elapsed > 2 * COMFORTABLE {
            // One may have had a heavy issue in it.
            self.slow_in_a_row += 1;
            if self.slow_in_a_row > 1 {
                self.batch = (self.batch * 0.75).max(1.0);
            }
        }
    }

    /// Until Jira strains for the first time the pace doubles with every round of answers; after
    /// that it rises by one.
    fn step(&self) -> f64 {
        if self.reductions == 0 { 1.0 } else { 1.0 / self.in_flight }
    }

    /// What the pieces of a failed batch have shown.
    pub(super) fn note_burden(&mut self, burden: Burden, began: Began) {
        if began != self.begin() {
            return;
        }
        match burden {
            Burden::Issues => {}
            Burden::TooMuch => {
                self.reductions += 1;
                self.batch = (self.batch / 2.0).max(1.0);
            }
            Burden::Strain => self.reduce(),
        }
    }

    /// Jira has said 429 so often in all.
    pub(super) fn note_throttled(&mut self, in_all: u64, began: Began) {
        if in_all <= self.throttled {
            return;
        }
        self.throttled = in_all;
        self.note_burden(Burden::Strain, began);
    }

    fn reduce(&mut self) {
        self.reductions += 1;
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
    use rstest::rstest;

    use super::*;

    const QUICK: Duration = Duration::from_millis(100);
    const SLOW: Duration = Duration::from_secs(7);

    fn strain(pace: &mut Pace) {
        let began = pace.begin();
        pace.note_burden(Burden::Strain, began);
    }

    #[test]
    fn quick_answers_lead_to_the_profile_and_not_beyond() {
        let mut pace = Pace::new(100, 8, 0);
        for _ in 0..100 {
            pace.note_answer(pace.batch() as usize, QUICK);
        }
        assert_eq!((pace.batch(), pace.in_flight()), (100, 8));
    }

    /// With 200 ms a request, four in flight make twenty requests a second.
    #[rstest]
    #[case::fast(16, 20.0)]
    #[case::balanced(8, 10.0)]
    #[case::conservative(2, 5.0)]
    fn with_200_milliseconds_a_request_the_profiles_rate_is_the_limit(
        #[case] most_in_flight: usize,
        #[case] requests_per_second: f64,
    ) {
        let pace = Pace::new(100, most_in_flight, 0);
        assert!(pace.in_flight() as f64 / 0.2 >= requests_per_second, "{pace:?}");
    }

    #[test]
    fn strain_halves_and_never_stops() {
        let mut pace = Pace::new(100, 8, 0);
        strain(&mut pace);
        assert_eq!((pace.batch(), pace.in_flight()), (25, 2));
        for _ in 0..50 {
            strain(&mut pace);
        }
        assert_eq!((pace.batch(), pace.in_flight()), (1, 1));
    }

    #[test]
    fn one_time_of_strain_counts_once_however_many_requests_tell_of_it() {
        let mut pace = Pace::new(100, 8, 0);
        let began = pace.begin();
        for _ in 0..8 {
            pace.note_burden(Burden::Strain, began);
        }
        assert_eq!((pace.batch(), pace.in_flight()), (25, 2));
    }

    #[test]
    fn after_strain_the_pace_rises_by_one_a_round() {
        let mut pace = Pace::new(100, 16, 0);
        strain(&mut pace);
        assert_eq!(pace.in_flight(), 4);
        for _ in 0..5 {
            pace.note_answer(1, QUICK);
        }
        assert_eq!(pace.in_flight(), 5);
    }

    #[test]
    fn each_429_is_strain_once() {
        let mut pace = Pace::new(100, 8, 0);
        let began = pace.begin();
        pace.note_throttled(0, began);
        assert_eq!(pace.in_flight(), 4);
        pace.note_throttled(3, began);
        assert_eq!(pace.in_flight(), 2);
        let began = pace.begin();
        pace.note_throttled(3, began);
        assert_eq!(pace.in_flight(), 2);
        pace.note_throttled(4, began);
        assert_eq!(pace.in_flight(), 1);
    }

    #[test]
    fn slow_answers_in_a_row_reduce_the_batch_and_a_single_one_does_not() {
        let mut pace = Pace::new(100, 8, 0);
        pace.note_answer(50, SLOW);
        assert_eq!(pace.batch(), 50);
        pace.note_answer(3, QUICK);
        pace.note_answer(50, SLOW);
        assert_eq!(pace.batch(), 50);
        pace.note_answer(50, SLOW);
        assert_eq!(pace.batch(), 37);
        pace.note_answer(3, QUICK);
        assert_eq!(pace.batch(), 37, "a small answer does not enlarge it");
        pace.note_answer(37, Duration::from_secs(4));
        assert_eq!(pace.batch(), 37);
    }

    #[test]
    fn a_cap_of_the_instance_is_remembered() {
        let mut pace = Pace::new(100, 8, 0);
        pace.note_cap(20);
        for _ in 0..50 {
            pace.note_answer(20, QUICK);
        }
        assert_eq!(pace.batch(), 20);
    }

    #[rstest]
    #[case::a_hub(Fault::Slow, 8, 1, Burden::Issues)]
    #[case::three_hubs(Fault::Slow, 8, 3, Burden::Issues)]
    #[case::one_of_two(Fault::Slow, 2, 1, Burden::Issues)]
    #[case::most_pieces(Fault::Slow, 8, 5, Burden::Strain)]
    #[case::all_pieces(Fault::Broken, 8, 8, Burden::Strain)]
    #[case::all_came_in_pieces(Fault::Slow, 8, 0, Burden::Strain)]
    #[case::an_accident(Fault::Broken, 8, 0, Burden::Strain)]
    #[case::a_poisoned_issue(Fault::Broken, 8, 1, Burden::Issues)]
    #[case::too_large_together(Fault::Large, 8, 0, Burden::TooMuch)]
    #[case::one_too_large(Fault::Large, 8, 1, Burden::Issues)]
    #[case::garbage(Fault::Unusable, 8, 8, Burden::Issues)]
    fn the_pieces_tell_whose_fault_it_was(
        #[case] fault: Fault,
        #[case] pieces: usize,
        #[case] failed: usize,
        #[case] expected: Burden,
    ) {
        assert_eq!(burden(fault, pieces, failed), expected);
    }
}
