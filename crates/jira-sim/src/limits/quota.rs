//! Cloud's quota of points in fixed windows. Pure: the time is an argument.

use std::time::Duration;

use super::settings::QuotaLimit;

/// What is used of the window. Times count from the start of the server.
#[derive(Debug)]
pub(super) struct Quota {
    limit: QuotaLimit,
    began: Duration,
    used: u64,
}

impl Quota {
    /// A window that begins now, with nothing used.
    pub(super) fn new(limit: QuotaLimit, at: Duration) -> Self {
        Self { limit, began: at, used: 0 }
    }

    pub(super) fn limit(&self) -> QuotaLimit {
        self.limit
    }

    /// Takes the point of a request, or says how long there will be none.
    pub(super) fn take(&mut self, at: Duration) -> Result<(), Duration> {
        let (left, until_reset) = self.standing(at);
        if left == 0 {
            return Err(until_reset);
        }
        self.used = self.used.saturating_add(1);
        Ok(())
    }

    /// Takes the points of what an answer brings, if need be more than there are.
    pub(super) fn charge(&mut self, issues: usize) {
        let cost = self.limit.per_issue.saturating_mul(issues as u64);
        self.used = self.used.saturating_add(cost);
    }

    /// The points left, and how long until all are back.
    pub(super) fn standing(&mut self, at: Duration) -> (u64, Duration) {
        let per = self.limit.per;
        if at.saturating_sub(self.began) >= per {
            *self = Self::new(self.limit, at);
        }
        let until_reset = self.began.saturating_add(per).saturating_sub(at);
        (self.limit.points.saturating_sub(self.used), until_reset)
    }

    /// Whether less than a fifth is left.
    pub(super) fn is_near(limit: QuotaLimit, left: u64) -> bool {
        left.saturating_mul(5) < limit.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn points_run_out_and_come_back_with_the_window() {
        let limit = QuotaLimit { per_issue: 2, ..QuotaLimit::new(10, ms(1_000)) };
        let mut quota = Quota::new(limit, ms(500));
        quota.take(ms(600)).unwrap();
        quota.charge(4);
        assert_eq!(quota.standing(ms(700)), (1, ms(800)));
        quota.take(ms(700)).unwrap();
        assert_eq!(quota.take(ms(1_400)), Err(ms(100)));
        quota.take(ms(1_500)).unwrap();
        assert_eq!(quota.standing(ms(1_500)), (9, ms(1_000)));
    }

    #[test]
    fn near_is_less_than_a_fifth() {
        let limit = QuotaLimit::new(100, ms(1));
        assert!(!Quota::is_near(limit, 20));
        assert!(Quota::is_near(limit, 19) && Quota::is_near(limit, 0));
    }
}
