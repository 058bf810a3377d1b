//! Cloud's burst limit, for each endpoint and method apart. Pure: the time is an argument.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::settings::BurstLimit;
use super::whole_seconds;

/// What has gone to each endpoint. Times count from the start of the server.
#[derive(Debug, Default)]
pub(super) struct Bursts(HashMap<String, Lane>);

#[derive(Debug, Default)]
struct Lane {
    accepted: VecDeque<Duration>,
    /// Who comes before was told to come later.
    closed_until: Duration,
}

impl Bursts {
    /// Lets a request through, or says for how many whole seconds its endpoint is closed. Who asks
    /// again before is told to wait as long again, or longer.
    pub(super) fn admit(
        &mut self,
        limit: BurstLimit,
        scope: &str,
        at: Duration,
    ) -> Result<(), Duration> {
        let lane = self.0.entry(scope.to_owned()).or_default();
        lane.accepted.retain(|before| at.saturating_sub(*before) < limit.per);
        let full = lane.accepted.len() >= limit.requests;
        let oldest = lane.accepted.front().copied().unwrap_or(at);
        let free_at = if full { oldest.saturating_add(limit.per) } else { at };
        let wait = free_at.max(lane.closed_until).saturating_sub(at);
        if wait.is_zero() {
            lane.accepted.push_back(at);
            return Ok(());
        }
        let wait = whole_seconds(wait);
        lane.closed_until = at.saturating_add(wait);
        Err(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn one_endpoint_is_closed_and_the_others_are_not() {
        let mut bursts = Bursts::default();
        let limit = BurstLimit { requests: 2, per: ms(300) };
        assert_eq!(bursts.admit(limit, "GET a", ms(0)), Ok(()));
        assert_eq!(bursts.admit(limit, "GET a", ms(299)), Ok(()));
        assert_eq!(bursts.admit(limit, "GET a", ms(299)), Err(ms(1000)));
        assert_eq!(bursts.admit(limit, "POST a", ms(299)), Ok(()));
        assert_eq!(bursts.admit(limit, "GET a", ms(1299)), Ok(()));
    }

    #[test]
    fn who_does_not_wait_waits_longer() {
        let mut bursts = Bursts::default();
        let limit = BurstLimit { requests: 1, per: ms(300) };
        bursts.admit(limit, "GET a", ms(0)).unwrap();
        assert_eq!(bursts.admit(limit, "GET a", ms(100)), Err(ms(1000)));
        assert_eq!(bursts.admit(limit, "GET a", ms(900)), Err(ms(1000)));
        assert_eq!(bursts.admit(limit, "GET a", ms(1800)), Err(ms(1000)));
        assert_eq!(bursts.admit(limit, "GET a", ms(2800)), Ok(()));
    }
}
