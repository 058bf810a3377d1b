//! The catalogues of a Jira instance: what fields, projects, statuses and the like it has.

/// One entry of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueEntry {
    /// Jira's id, as text: custom fields have textual ids.
    pub id: String,
    /// The name.
    pub name: String,
    /// The entry as Jira gave it, as JSON text.
    pub raw: String,
}

/// Every catalogue that a run loads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// Fields, system and custom.
    pub fields: Vec<CatalogueEntry>,
    /// Projects.
    pub projects: Vec<CatalogueEntry>,
    /// Statuses.
    pub statuses: Vec<CatalogueEntry>,
    /// Issue types.
    pub issue_types: Vec<CatalogueEntry>,
    /// Priorities.
    pub priorities: Vec<CatalogueEntry>,
    /// Resolutions.
    pub resolutions: Vec<CatalogueEntry>,
    /// Link types.
    pub link_types: Vec<CatalogueEntry>,
    /// Versions of the run's project.
    pub versions: Vec<CatalogueEntry>,
    /// Components of the run's project.
    pub components: Vec<CatalogueEntry>,
}
