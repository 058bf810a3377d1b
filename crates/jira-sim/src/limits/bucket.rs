//! Data Center's token bucket. Pure: the time is an argument.

use std::time::Duration;

use super::settings::BucketLimit;

/// How full the bucket is. Times count from the start of the server.
#[derive(Debug)]
pub(super) struct Bucket {
    limit: BucketLimit,
    tokens: u32,
    filled: Duration,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn new(limit: BucketLimit, at: Duration) -> Self {
        Self { limit, tokens: limit.size, filled: at }
    }

    pub(super) fn limit(&self) -> BucketLimit {
        self.limit
    }

    /// Takes a token, or says how long there will be none.
    pub(super) fn take(&mut self, at: Duration) -> Result<(), Duration> {
        self.fill_up(at);
        match self.tokens.checked_sub(1) {
            Some(left) => {
                self.tokens = left;
                Ok(())
            }
            None => Err(self.until_filled(at)),
        }
    }

    /// The tokens left, and how long until there are some: nothing while there are.
    pub(super) fn standing(&mut self, at: Duration) -> (u32, Duration) {
        self.fill_up(at);
        let wait = if self.tokens > 0 { Duration::ZERO } else { self.until_filled(at) };
        (self.tokens, wait)
    }

    fn fill_up(&mut self, at: Duration) {
        let interval = self.interval();
        let passed = at.saturating_sub(self.filled).as_nanos() / interval.as_nanos();
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        let more = self.limit.fill.saturating_mul(passed);
        self.tokens = self.tokens.saturating_add(more).min(self.limit.size);
        self.filled = self.filled.saturating_add(interval.saturating_mul(passed));
    }

    fn until_filled(&self, at: Duration) -> Duration {
        self.filled.saturating_add(self.interval()).saturating_sub(at)
    }

    fn interval(&self) -> Duration {
        self.limit.interval.max(Duration::from_millis(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: BucketLimit =
        BucketLimit { size: 3, fill: 2, interval: Duration::from_millis(500) };

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_bucket_empties_and_is_filled_by_the_interval() {
        let mut bucket = Bucket::new(LIMIT, ms(100));
        for left in [2, 1, 0] {
            bucket.take(ms(150)).unwrap();
            assert_eq!(bucket.standing(ms(150)).0, left);
        }
        assert_eq!(bucket.take(ms(200)), Err(ms(400)));
        assert_eq!(bucket.take(ms(599)), Err(ms(1)));
        assert_eq!(bucket.standing(ms(600)), (2, Duration::ZERO));
        assert_eq!(bucket.standing(ms(60_000)), (3, Duration::ZERO));
    }

    #[test]
    fn no_interval_and_no_time_breaks_it() {
        let mut bucket = Bucket::new(BucketLimit { interval: Duration::ZERO, ..LIMIT }, ms(5));
        assert_eq!(bucket.standing(Duration::ZERO).0, 3);
        bucket.take(Duration::MAX).unwrap();
    }
}
