//! `extractor demo`
use super::args::DemoArgs;
use super::console::Outcome;
use super::failure::Failure;
use super::Context;
use crate::config::Overrides;
pub(super) async fn run(_args: DemoArgs, _o: Overrides, _context: &Context) -> Result<Outcome, Failure> {
    Err(Failure::NoProjects)
}
