//! Typed JQL: what the pipeline asks Jira, built from parts and quoted in one place.
//! Owns the text of every query and how an instant becomes a literal; asks nothing itself.

mod filter;
mod grid;
mod query;

pub use filter::{InvalidFilter, UserFilter};
pub use grid::{Boundary, TimeGrid};
pub use query::{Order, Query, Span};
