//! What every handler is given: the service's desk, the token that callers must know, the clock,
//! and a sign that the server is closing.

use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::Desk;
use crate::clock::Clock;

/// The state of the router.
pub(super) type AppState = Arc<Office>;

/// What every handler is given.
pub struct Office {
    /// What the service lays open.
    pub(super) desk: Desk,
    /// The token that callers must know; none: whoever reaches the address may ask.
    pub(super) token: Option<SecretString>,
    /// The time.
    pub(super) clock: Arc<dyn Clock>,
    /// Cancelled when the server begins to close: streams that never end by themselves end then.
    pub(super) closing: CancellationToken,
}

impl Office {
    /// An office at this desk. Without a `token` it is to be reached over loopback only.
    pub fn new(desk: Desk, token: Option<SecretString>, clock: Arc<dyn Clock>) -> Self {
        Self { desk, token, clock, closing: CancellationToken::new() }
    }
}

impl fmt::Debug for Office {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Office")
            .field("site", &self.desk.site)
            .field("token", &self.token.as_ref().map(|_| "set"))
            .finish_non_exhaustive()
    }
}
