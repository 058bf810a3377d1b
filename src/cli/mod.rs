//! The command line: what may be asked for, and how the program ends.
//! Each command is carried out in a file of its own; reading the line is `args`.

pub mod args;
pub mod exit;
mod help;

pub use args::{Command, Invocation, parse};
pub use exit::ExitCode;
