//! How much later than due a run may begin, so that projects of one period do not all begin at once.
//! Pure: chance is an argument.

use std::time::Duration;

/// No run is put off for longer.
const LONGEST: Duration = Duration::from_secs(30);
/// A run is put off by this part of its period at the most.
const PART: u32 = 10;

/// How long to put off a run that is due every `period`; `dice` is a number from 0 to 1.
pub fn put_off(period: Duration, dice: f64) -> Duration {
    let dice = if dice.is_finite() { dice.clamp(0.0, 1.0) } else { 0.0 };
    (period / PART).min(LONGEST).mul_f64(dice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(10, 0.0, 0)]
    #[case(10, 1.0, 1000)]
    #[case(10, 0.5, 500)]
    #[case(300, 1.0, 30_000)]
    #[case(86_400, 0.5, 15_000)]
    #[case(300, f64::NAN, 0)]
    #[case(300, 9.0, 30_000)]
    fn a_run_is_put_off_by_a_part_of_its_period(
        #[case] period_secs: u64,
        #[case] dice: f64,
        #[case] millis: u64,
    ) {
        let wait = put_off(Duration::from_secs(period_secs), dice);
        assert_eq!(wait, Duration::from_millis(millis));
    }
}
