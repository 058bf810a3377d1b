//! The catalogues of an instance and of one project: what fields, statuses and so on are called.

/// One entry of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueEntry {
    /// Jira's id: numeric text, except for fields (`summary`, `customfield_10010`).
    pub id: String,
    /// The name.
    pub name: String,
    /// The entry as JSON text, as Jira gave it except for text that Postgres cannot hold.
    pub raw: String,
}

/// Every catalogue that a project's issues refer to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// System and custom fields.
    pub fields: Vec<CatalogueEntry>,
    /// The project itself.
    pub projects: Vec<CatalogueEntry>,
    /// Statuses of the instance.
    pub statuses: Vec<CatalogueEntry>,
    /// Issue types of the instance.
    pub issue_types: Vec<CatalogueEntry>,
    /// Priorities of the instance.
    pub priorities: Vec<CatalogueEntry>,
    /// Resolutions of the instance.
    pub resolutions: Vec<CatalogueEntry>,
    /// Issue link types of the instance.
    pub link_types: Vec<CatalogueEntry>,
    /// Versions of the project.
    pub versions: Vec<CatalogueEntry>,
    /// Components of the project.
    pub components: Vec<CatalogueEntry>,
}
