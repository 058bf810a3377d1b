//! The simulator from outside: its library surface, and HTTP on a free port.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "these tests are a client of their own")]

mod api;
mod cloud_documents;
mod cloud_faults;
mod cloud_issues;
mod cloud_search;
mod cloud_site;
mod faults;
mod feeds;
mod index;
mod jql;
mod lifecycle;
mod limits;
mod site;
mod streams;
mod worlds;
