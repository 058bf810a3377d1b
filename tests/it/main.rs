//! The integration tests: one binary, against real Postgres and the simulated Jira.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on panics"
)]

mod app;
#[path = "../../src/store/testing/cluster.rs"]
mod cluster;
mod compare;
mod kill;
mod reproduction;
mod simulation;
mod sync_backfill;
mod tidy;
