//! The simulator from outside: its library surface, and HTTP on a free port.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod api;
mod faults;
mod index;
mod jql;
mod site;
mod worlds;
