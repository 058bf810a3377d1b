//! Fetching the catalogues: what fields, statuses, versions and so on are called.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::JiraClient;
use super::call::Call;
use super::endpoint::Endpoint;
use super::error::JiraError;
use super::flavor::{Flavor, both, cloud};
use super::repair::repair;
use super::send::Answer;
use super::shape::{Came, object};
use super::wire::Named;
use crate::model::{Catalogue, CatalogueEntry, ProjectKey};

/// What is said of a project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(expecting = "a project")]
pub struct ProjectInfo {
    /// Jira's id, as text.
    pub id: String,
    /// The current key; another than was asked for if the project was renamed.
    pub key: String,
    /// The name.
    pub name: String,
    /// Archived projects are in no search result.
    #[serde(default)]
    pub archived: bool,
}

/// Cloud's answer to a search for projects.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a page of projects")]
struct ProjectsPage {
    values: Vec<ProjectInfo>,
    total: Option<u64>,
    is_last: Option<bool>,
}

/// The most pages of projects that are read.
const MAX_PROJECT_PAGES: usize = 1_000;

impl JiraClient {
    /// Every catalogue that the issues of `project` refer to, in nine requests at once. Also
    /// learns which custom fields hold sprints: fetch it before issues.
    ///
    /// # Errors
    /// Any [`JiraError`]; [`JiraError::NotFound`] if the project is not there.
    pub async fn fetch_catalogue(&self, project: &ProjectKey) -> Result<Catalogue, JiraError> {
        let flavor = self.flavor();
        let the_project = both::project(flavor, project);
        let link_types = both::catalogue(flavor, Endpoint::LinkTypes);
        let (
            fields,
            project,
            link_types,
            statuses,
            issue_types,
            priorities,
            resolutions,
            versions,
            components,
        ) = Box::pin(async {
            futures::try_join!(
                self.fetch_fields(),
                self.sender().send(&the_project, one_entry),
                self.sender().send(&link_types, links),
                self.entries(Endpoint::Statuses),
                self.entries(Endpoint::IssueTypes),
                self.entries(Endpoint::Priorities),
                self.entries(Endpoint::Resolutions),
                self.entries_of(both::versions(flavor, project)),
                self.entries_of(both::components(flavor, project)),
            )
        })
        .await?;
        Ok(Catalogue {
            fields,
            projects: vec![project],
            statuses,
            issue_types,
            priorities,
            resolutions,
            link_types,
            versions,
            components,
        })
    }

    /// Learns which custom fields hold sprints, for a process that fetches issues but no catalogue.
    ///
    /// # Errors
    /// Any [`JiraError`].
    pub async fn learn_sprint_fields(&self) -> Result<(), JiraError> {
        self.fetch_fields().await.map(drop)
    }

    /// Every project this account sees; on Cloud by key and without archived ones.
    ///
    /// # Errors
    /// Any [`JiraError`].
    pub async fn projects(&self) -> Result<Vec<ProjectInfo>, JiraError> {
        match self.flavor() {
            Flavor::Server => {
                let call = both::catalogue(Flavor::Server, Endpoint::Projects);
                self.sender().send(&call, |answer| answer.list()).await
            }
            Flavor::Cloud => self.search_projects().await,
        }
    }

    /// Page by page. One that comes twice, because others came or went meanwhile, is taken once.
    async fn search_projects(&self) -> Result<Vec<ProjectInfo>, JiraError> {
        let mut projects: Vec<ProjectInfo> = Vec::new();
        let (mut ids, mut start_at) = (HashSet::new(), 0);
        for _ in 0..MAX_PROJECT_PAGES {
            let call = cloud::projects(start_at);
            let page: ProjectsPage = self.sender().send(&call, |answer| answer.object()).await?;
            let entries = page.values.len() as u64;
            start_at += entries;
            projects.extend(page.values.into_iter().filter(|p| ids.insert(p.id.clone())));
            let all = match page.total {
                Some(total) => start_at >= total,
                None => page.is_last == Some(true),
            };
            if all || entries == 0 {
                break;
            }
        }
        Ok(projects)
    }

    async fn fetch_fields(&self) -> Result<Vec<CatalogueEntry>, JiraError> {
        let fields = self.entries(Endpoint::Fields).await?;
        fields.iter().filter(|field| holds_sprints(field)).for_each(|field| {
            self.0.sprint_fields.learn(&field.id);
        });
        Ok(fields)
    }

    async fn entries(&self, endpoint: Endpoint) -> Result<Vec<CatalogueEntry>, JiraError> {
        self.entries_of(both::catalogue(self.flavor(), endpoint)).await
    }

    async fn entries_of(&self, call: Call) -> Result<Vec<CatalogueEntry>, JiraError> {
        self.sender().send(&call, |answer| answer.list::<&RawValue>().and_then(entries)).await
    }
}

fn entries(raws: Vec<&RawValue>) -> Result<Vec<CatalogueEntry>, Came> {
    raws.into_iter().map(entry).collect()
}

fn one_entry(answer: &Answer) -> Result<CatalogueEntry, Came> {
    entry(answer.object()?)
}

fn links(answer: &Answer) -> Result<Vec<CatalogueEntry>, Came> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", expecting = "the issue link types")]
    struct LinkTypes<'a> {
        #[serde(borrow)]
        issue_link_types: Vec<&'a RawValue>,
    }
    entries(answer.object::<LinkTypes<'_>>()?.issue_link_types)
}

fn entry(raw: &RawValue) -> Result<CatalogueEntry, Came> {
    let raw = repair(raw.get());
    let named: Named = object(raw.as_bytes(), None)?;
    Ok(CatalogueEntry { id: named.id.0, name: named.name.0, raw: raw.into_owned() })
}

/// Jira Software's sprint field, by the type of its schema.
fn holds_sprints(field: &CatalogueEntry) -> bool {
    #[derive(Deserialize)]
    struct Field {
        schema: Option<Schema>,
    }
    #[derive(Deserialize)]
    struct Schema {
        custom: Option<String>,
    }
    serde_json::from_str::<Field>(&field.raw)
        .ok()
        .and_then(|field| field.schema?.custom)
        .is_some_and(|custom| custom.ends_with(":gh-sprint"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sprint_field_is_known_by_its_schema() {
        let field = |raw: &str| {
            holds_sprints(&CatalogueEntry {
                id: String::new(),
                name: String::new(),
                raw: raw.to_owned(),
            })
        };
        assert!(field(r#"{"schema":{"custom":"com.pyxis.greenhopper.jira:gh-sprint"}}"#));
        assert!(!field(r#"{"schema":{"custom":"com.pyxis.greenhopper.jira:gh-lexo-rank"}}"#));
        assert!(!field(r#"{"schema":{"type":"string","system":"summary"}}"#));
        assert!(!field(r#"{"id":"thumbnail"}"#));
    }
}
