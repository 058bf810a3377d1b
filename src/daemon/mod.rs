//! The running program: which parts there are, in which order they start, and in which they end.
//! What a command does with them is `cli`'s business.

pub mod advice;
pub mod backoff;
pub mod clock_watch;
pub mod companions;
pub mod heartbeat;
pub mod jitter;
pub mod reload;
pub mod run_log;
pub mod service;
pub mod systemd;
pub mod wiring;
