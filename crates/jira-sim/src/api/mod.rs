//! HTTP around a world: one path for every request (`pipeline`), and the answers of each flavour
//! (`server`, `cloud`) made from the same [`Context`](context::Context).

mod answer;
mod auth;
mod cloud;
mod context;
mod expansions;
mod params;
mod pipeline;
mod server;
mod toll;

pub(crate) use answer::Answer;
pub use cloud::{CloudView, account_id};
#[cfg(test)]
pub(crate) use params::seen;
pub(crate) use pipeline::{Shared, handle};
