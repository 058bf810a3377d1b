//! What was read a moment ago, for those who can do with something a little older: however many ask
//! at once, the database is asked once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::StoreError;
use crate::model::Site;

/// Something that was read, and how long ago.
#[derive(Debug)]
pub struct Recent<T> {
    /// What was read.
    pub value: Arc<T>,
    /// How long ago.
    pub age: Duration,
}

/// What was read last of one site, for all clones of a store.
#[derive(Debug)]
pub(super) struct LastRead<T>(Mutex<Option<(Site, Instant, Arc<T>)>>);

impl<T> Default for LastRead<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> LastRead<T> {
    /// What was read of `site` no longer than `max_age` ago, or else what `read` says now.
    pub(super) async fn or_read(
        &self,
        site: &Site,
        max_age: Duration,
        read: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<Recent<T>, StoreError> {
        let mut last = self.0.lock().await;
        if let Some((_, at, value)) = last.as_ref().filter(|(of, ..)| of == site) {
            let age = at.elapsed();
            if age <= max_age {
                return Ok(Recent { value: Arc::clone(value), age });
            }
        }
        let at = Instant::now();
        let value = Arc::new(read.await?);
        *last = Some((site.clone(), at, Arc::clone(&value)));
        Ok(Recent { value, age: at.elapsed() })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn what_is_recent_enough_is_not_read_again() {
        let last = LastRead::default();
        let reads = AtomicU32::new(0);
        let read = async || Ok(reads.fetch_add(1, Ordering::Relaxed) + 1);
        let (one, other) = (Site::new("one"), Site::new("other"));
        let hour = Duration::from_hours(1);
        for (site, max_age, expected) in [
            (&one, hour, 1),
            (&one, hour, 1),
            (&one, Duration::ZERO, 2),
            (&one, hour, 2),
            (&other, hour, 3),
        ] {
            let recent = last.or_read(site, max_age, read()).await.unwrap();
            assert_eq!(*recent.value, expected);
        }
        let failed = last.or_read(&one, hour, async { Err(StoreError::LeaseLost { what: "x" }) });
        assert!(failed.await.is_err());
        assert_eq!(*last.or_read(&other, hour, read()).await.unwrap().value, 3);
    }
}
