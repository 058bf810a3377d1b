//! The section `[shutdown]`: how the service ends.

use std::time::Duration;

use serde::Deserialize;

/// The section `[shutdown]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShutdownConfig {
    /// How long batches in flight may take to be finished once the service was told to end.
    #[serde(with = "humantime_serde")]
    pub grace: Duration,
}
