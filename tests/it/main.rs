//! The integration tests: one binary, against real Postgres and the simulated Jira.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skipped"
)]

mod analysts;
mod app;
mod binary;
mod cli_commands;
mod cli_configuration;
mod cli_demo;
mod cli_failures;
mod cli_private;
mod cli_probe;
mod cli_processes;
mod cli_reconcile;
mod cli_situations;
mod cloud_check;
mod cloud_client;
mod cloud_faults;
mod cloud_kept_back;
mod cloud_listing;
mod cloud_rows;
mod cloud_whole;
#[path = "../../src/store/testing/cluster.rs"]
mod cluster;
mod compare;
mod container_postgres;
mod history;
mod http;
mod kill;
mod lifecycle;
mod memory;
mod metrics;
mod packaging_deploy;
mod packaging_help;
mod page;
mod payloads;
mod privacy;
mod reconcile;
mod reproduction;
mod service;
mod simulation;
mod sync_backfill;
mod sync_failures;
mod sync_fields;
mod sync_filter;
mod sync_hubs;
mod sync_index;
mod sync_listing;
mod sync_live;
mod sync_login;
mod sync_many;
mod sync_matrix;
mod sync_pacing;
mod sync_rate;
mod sync_reindex;
mod sync_sharing;
mod sync_streams;
mod sync_zones;
mod tidy;
mod vanished;
