//! How people are treated at present, shared by everything in this process that writes issues. It is
//! read at the start of each run. What was erased since is noticed by the store, which refuses what
//! does not know of it; then it is read again.

use std::sync::{Arc, Mutex, PoisonError};

use super::People;
use crate::model::{Privacy, Site, Treatment};
use crate::store::{Store, StoreError};

/// The treatment, as it was last read.
#[derive(Debug)]
pub(in crate::sync) struct Current {
    store: Store,
    site: Site,
    privacy: Privacy,
    read: Mutex<Option<Arc<People>>>,
}

impl Current {
    /// Nothing is read yet.
    pub(in crate::sync) fn new((store, site): (Store, Site), privacy: Privacy) -> Self {
        Self { store, site, privacy, read: Mutex::default() }
    }

    /// As it was last read.
    pub(in crate::sync) async fn now(&self) -> Result<Arc<People>, StoreError> {
        let known = self.read.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(people) => Ok(people),
            None => self.read_again().await,
        }
    }

    /// As it is.
    pub(in crate::sync) async fn read_again(&self) -> Result<Arc<People>, StoreError> {
        let mut known = self.store.load_people(&self.site).await?;
        if self.privacy.emails == Treatment::Drop && known.key.is_none() {
            // For ids that are addresses.
            known.key = Some(self.store.ensure_people_key(&self.site).await?);
        }
        let people = Arc::new(People::new(self.privacy.clone(), known));
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&people));
        Ok(people)
    }
}
