//! The markup: what `view` says, as pages and as the parts of them that change. All text goes
//! through maud, which escapes it; there is no script and no style in it.

mod layout;
mod overview;
mod parts;
mod project;
mod run;
mod tables;

pub(super) use layout::{Page, document};
pub(super) use overview::overview;
pub(super) use project::{failures, instead, project};
pub(super) use run::run;
