//! HTTP around a world: one path for every request (`pipeline`), and the answers of the Server
//! flavour (`server`). Another flavour would be a sibling of `server`.

mod answer;
mod auth;
mod params;
mod pipeline;
mod server;

pub(crate) use answer::Answer;
#[cfg(test)]
pub(crate) use params::seen;
pub(crate) use pipeline::{Shared, handle};
