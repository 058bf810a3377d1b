//! The simulated Jira as a program.
fn main() {}
