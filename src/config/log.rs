//! The section `[log]`: how much is said, and in which form.

use serde::Deserialize;

use crate::telemetry::LogFormat;

/// The section `[log]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// Lines to read, or JSON.
    pub format: LogFormat,
    /// A level, or filters as `tracing_subscriber` reads them.
    pub level: String,
}
