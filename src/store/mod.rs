//! The only place that speaks SQL.

pub mod private_postgres;
