//! Views for analysts in the schema `jira_views`, generated from the field catalogue: one for each
//! project, and one of all issues. `typing` decides what a field becomes, `naming` what its column
//! is called, `render` writes the statements, all three pure; `apply` carries them out.
//!
//! What people build on a view must not break: a column, once given, keeps its name, its type and
//! its place, whatever becomes of its field.

mod apply;
mod naming;
mod render;
mod typing;

use super::StoreError;

/// The view of all issues.
const ALL_ISSUES: &str = "all_issues";

/// What became of the views.
#[derive(Debug, Default)]
pub struct ViewsRefreshed {
    /// Made, or replaced because something had changed.
    pub written: Vec<String>,
    /// As they should be.
    pub unchanged: Vec<String>,
    /// Left as they were, and why.
    pub failed: Vec<(String, StoreError)>,
    /// Whether the role `extractor_reader` is there and was granted what it may read, where that was
    /// asked for.
    pub reader: Option<Result<bool, StoreError>>,
}
