//! What an operator asks of the service over HTTP: is it well (`health`), how is it doing
//! (`metrics`, `page`), and run this (`api`). It reads the store and what the service lays on its
//! [`Desk`], and writes requests into the store; it decides nothing about runs, and never serves
//! what issues hold.

mod api;
mod attempts;
mod auth;
mod cache;
pub mod desk;
mod estimate;
mod health;
mod login;
mod metrics;
mod office;
mod origin;
mod page;
mod problem;
mod refusals;
mod routes;
mod server;
mod tally;

pub use desk::Desk;
pub use office::Office;
pub use routes::router;
pub use server::serve;
pub use tally::{Following, Tally};
