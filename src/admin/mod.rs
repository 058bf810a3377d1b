//! What an operator asks of the service over HTTP: is it well (`health`), how is it doing
//! (`metrics`, `page`), and run this (`api`). It reads the store and what the service lays on its
//! [`Desk`], and writes requests into the store; it decides nothing about runs, and never serves
//! what issues hold.

pub mod desk;
// mod metrics;
mod office;
// mod page;
mod server;

pub use desk::Desk;
pub use office::Office;
pub use server::{router, serve};
