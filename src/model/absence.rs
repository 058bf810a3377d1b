//! Why an issue that is stored is no longer among what Jira shows in the followed projects.

use serde::{Deserialize, Serialize};

use super::run::text_enum;

/// The reason of a tombstone, as `jira.issues.deleted_reason` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// Jira says that there is no such issue for this account: deleted, or hidden from it. Jira
    /// does not say which.
    NotFound,
    /// Archived: no search shows it, and only its own resource still answers.
    Archived,
    /// Moved to a project that is not followed.
    Moved,
    /// Not found, and its whole project is not there any more, or not for this account.
    ProjectGone,
    /// Its whole project is archived.
    ProjectArchived,
}

text_enum!(Absence {
    NotFound => "not_found",
    Archived => "archived",
    Moved => "moved",
    ProjectGone => "project_gone",
    ProjectArchived => "project_archived",
});

impl Absence {
    /// Every reason, in the order in which they are shown.
    pub const ALL: [Self; 5] =
        [Self::NotFound, Self::Archived, Self::Moved, Self::ProjectGone, Self::ProjectArchived];

    /// The same in words, after a number of issues.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotFound => "deleted or hidden",
            Self::Archived => "archived",
            Self::Moved => "moved to a project that is not followed",
            Self::ProjectGone => "not found, and neither is their project",
            Self::ProjectArchived => "archived with their project",
        }
    }
}
