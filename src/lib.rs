//! `extractor` keeps a Postgres database equal to what Jira holds, and can prove it.
//!
//! One pipeline serves every kind of run: **list** (`seek` decides, `jira` asks), **diff** and
//! **hydrate** (`sync`), **certify** (`sync`), with `store` as the only place that speaks SQL.
//! `jira` and `store` never see each other: `sync` is where network and database meet.

pub mod admin;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod jira;
pub mod jql;
pub mod model;
pub mod seek;
pub mod shutdown;
pub mod store;
pub mod sync;
pub mod telemetry;
