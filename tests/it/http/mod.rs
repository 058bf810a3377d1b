//! The HTTP side of the service: who may ask, health, the run API, its description, its limits.

mod guard;
mod health;
mod limits;
mod lists;
mod refusals;
mod runs;
mod stage;
