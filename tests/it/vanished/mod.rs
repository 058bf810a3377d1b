//! A Postgres host that vanishes without closing anything: everything that waits for it is given up
//! within a bound, and goes on when there is a way again. Nothing is lost, and nothing is done twice.

mod black_hole;
mod service;
mod store;
