//! Whether a failed attempt is followed by another, and after which pause. Pure: the random
//! number is an argument. `Retry-After` is not decided here; every attempt waits at the gate.

use std::time::Duration;

/// How often an answer that is not JSON, or breaks off, is asked for again.
const MAX_GARBLED_RETRIES: u32 = 2;

/// What one attempt came to, as far as trying again is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// 429.
    Throttled,
    /// 5xx.
    ServerError,
    /// No connection, or it broke before the answer's headers.
    Broken,
    /// A success whose body breaks off or is not JSON.
    Garbled,
    /// No answer in time.
    TimedOut,
    /// 504: something before Jira did not wait any longer.
    GatewayTimedOut,
    /// Trying again would bring the same.
    Final,
}

/// Who deals with a request that takes too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// A small request: it is simply tried again.
    Light,
    /// The same request would take as long again: the caller asks for less instead.
    Heavy,
    /// The same of whole issues, where a gateway's time-out is the issues' fault more likely than
    /// Jira's: asking six times costs six times that time-out.
    Whole,
}

/// The bounds of trying again.
#[derive(Debug, Clone, Copy)]
pub(super) struct RetryPolicy {
    pub(super) max_attempts: u32,
    pub(super) backoff_base: Duration,
    pub(super) backoff_cap: Duration,
}

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Try again after this pause (and not before the gate opens).
    Retry { after: Duration },
    /// Report the failure.
    GiveUp,
}

/// Decides what follows the `attempt`th attempt (from 1). `random` lies in 0..1.
pub(super) fn decide(
    failure: Failure,
    weight: Weight,
    attempt: u32,
    policy: &RetryPolicy,
    random: f64,
) -> Decision {
    let allowed = match (failure, weight) {
        (Failure::Throttled | Failure::ServerError | Failure::Broken, _)
        | (Failure::TimedOut, Weight::Light)
        | (Failure::GatewayTimedOut, Weight::Light | Weight::Heavy) => policy.max_attempts,
        (Failure::Garbled, _) => policy.max_attempts.min(1 + MAX_GARBLED_RETRIES),
        (Failure::TimedOut, Weight::Heavy | Weight::Whole)
        | (Failure::GatewayTimedOut, Weight::Whole)
        | (Failure::Final, _) => 1,
    };
    if attempt >= allowed {
        return Decision::GiveUp;
    }
    Decision::Retry { after: pause(attempt, policy, random) }
}

/// Exponential backoff with full jitter: anything between nothing and the doubled base.
fn pause(attempt: u32, policy: &RetryPolicy, random: f64) -> Duration {
    let doublings = attempt.saturating_sub(1).min(30);
    let ceiling = policy.backoff_base.saturating_mul(1 << doublings).min(policy.backoff_cap);
    ceiling.mul_f64(random.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        max_attempts: 5,
        backoff_base: Duration::from_secs(1),
        backoff_cap: Duration::from_secs(6),
    };

    fn attempts(failure: Failure, weight: Weight) -> u32 {
        (1..).find(|&n| decide(failure, weight, n, &POLICY, 0.5) == Decision::GiveUp).unwrap()
    }

    #[rstest]
    #[case(Failure::Throttled, 5, 5, 5)]
    #[case(Failure::ServerError, 5, 5, 5)]
    #[case(Failure::Broken, 5, 5, 5)]
    #[case(Failure::Garbled, 3, 3, 3)]
    #[case(Failure::TimedOut, 5, 1, 1)]
    #[case(Failure::GatewayTimedOut, 5, 5, 1)]
    #[case(Failure::Final, 1, 1, 1)]
    fn every_failure_has_its_number_of_attempts(
        #[case] failure: Failure,
        #[case] light: u32,
        #[case] heavy: u32,
        #[case] whole: u32,
    ) {
        assert_eq!(attempts(failure, Weight::Light), light);
        assert_eq!(attempts(failure, Weight::Heavy), heavy);
        assert_eq!(attempts(failure, Weight::Whole), whole);
    }

    #[rstest]
    #[case(1, 1.0, 1000)]
    #[case(2, 1.0, 2000)]
    #[case(3, 1.0, 4000)]
    #[case(4, 1.0, 6000)]
    #[case(4, 0.5, 3000)]
    #[case(1, 0.0, 0)]
    fn pauses_double_up_to_the_cap(
        #[case] attempt: u32,
        #[case] random: f64,
        #[case] expected_ms: u64,
    ) {
        let decision = decide(Failure::Broken, Weight::Light, attempt, &POLICY, random);
        assert_eq!(decision, Decision::Retry { after: Duration::from_millis(expected_ms) });
    }

    #[test]
    fn no_attempt_number_overflows() {
        let policy = RetryPolicy { max_attempts: u32::MAX, ..POLICY };
        let decision = decide(Failure::Broken, Weight::Light, u32::MAX - 1, &policy, 1.0);
        assert_eq!(decision, Decision::Retry { after: POLICY.backoff_cap });
    }
}
