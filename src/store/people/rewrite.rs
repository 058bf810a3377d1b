//! What stored issues say of people, a page of issues at a time: read, handed to the caller's
//! transform, and put back where that changed something, all in one transaction in which nobody else
//! writes issues.

use sqlx::PgConnection;

use super::find::pattern;
use super::{read, save, shut_out_writers};
use crate::model::{Change, Comment, ProjectKey, Property, RemoteLink, Site, User, Worklog};
use crate::store::{Store, StoreError};

/// Issues in one transaction: writers wait for it.
const ISSUES: i64 = 200;
/// The same where each is read with all its versions.
const ISSUES_WITH_VERSIONS: i64 = 20;

/// Which issues, and which rows of theirs.
#[derive(Debug, Clone)]
pub enum PeopleScope {
    /// What may mention one person, whose erasure this is.
    Person {
        /// The pseudonym; where it is registered, how far this has got is put down with it.
        pseudonym: String,
        /// What is searched for.
        user: User,
    },
    /// A project's tombstones that are stored under another treatment: Jira has them no more, so they
    /// cannot be fetched again.
    Tombstones {
        /// The project.
        project: ProjectKey,
        /// The treatment to put down.
        fingerprint: String,
    },
    /// The same of the versions of a project's issues.
    Versions {
        /// The project.
        project: ProjectKey,
        /// The treatment to put down.
        fingerprint: String,
    },
}

/// A row with the issue it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Of<T> {
    /// `jira.issues.id`
    pub issue: i64,
    /// The row.
    pub row: T,
}

/// What `jira.issues` says of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalIssue {
    /// `assignee_id`
    pub assignee_id: Option<String>,
    /// `reporter_id`
    pub reporter_id: Option<String>,
    /// `creator_id`
    pub creator_id: Option<String>,
    /// `labels`
    pub labels: Vec<String>,
    /// `fields`, as JSON text.
    pub fields: String,
}

/// What a page of issues says of people.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PersonalRows {
    /// `jira.issues`
    pub issues: Vec<Of<PersonalIssue>>,
    /// `jira.issue_versions`: the version's number, and what it says.
    pub versions: Vec<Of<(i32, PersonalIssue)>>,
    /// `jira.changes`
    pub changes: Vec<Of<Change>>,
    /// `jira.comments`
    pub comments: Vec<Of<Comment>>,
    /// `jira.worklogs`
    pub worklogs: Vec<Of<Worklog>>,
    /// `jira.attachments`: the attachment and its author.
    pub attachments: Vec<Of<(i64, Option<String>)>>,
    /// `jira.remote_links`
    pub remote_links: Vec<Of<RemoteLink>>,
    /// `jira.issue_properties`
    pub properties: Vec<Of<Property>>,
    /// `jira.watchers`
    pub watchers: Vec<Of<String>>,
    /// `jira.voters`
    pub voters: Vec<Of<String>>,
}

/// What became of a page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// The last issue that was looked at; `None` at the end.
    pub until: Option<i64>,
    /// Rows that changed, or would.
    pub rows: save::RewrittenRows,
}

/// What rows are searched for; nothing where all of them are wanted.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// Ids, as columns hold them.
    pub(super) ids: Option<Vec<String>>,
    /// For `LIKE`: ids and names inside lists.
    pub(super) lists: Option<Vec<String>>,
    /// For `LIKE`: mentions.
    pub(super) typed: Option<Vec<String>>,
    /// For `LIKE`: values and mentions in JSON.
    pub(super) json: Option<Vec<String>>,
}

impl Search {
    fn of(scope: &PeopleScope) -> Self {
        let user = match scope {
            PeopleScope::Tombstones { .. } | PeopleScope::Versions { .. } => {
                return Self::default();
            }
            PeopleScope::Person { user, .. } => user,
        };
        let ids: Vec<&str> = [Some(user.id.as_str()), user.name.as_deref(), user.email.as_deref()]
            .into_iter()
            .flatten()
            .collect();
        let mentioned = ids
            .iter()
            .flat_map(|id| [format!("[~{id}]"), format!("[~accountid:{id}]")])
            .map(|mention| pattern(&mention));
        let typed: Vec<String> = mentioned.collect();
        let quoted = ids.iter().map(|id| pattern(&serde_json::Value::from(*id).to_string()));
        let named = ids.iter().copied().chain(user.display_name.as_deref());
        Self {
            json: Some(typed.iter().cloned().chain(quoted).collect()),
            lists: Some(named.map(pattern).collect()),
            ids: Some(ids.iter().map(|id| (*id).to_owned()).collect()),
            typed: Some(typed),
        }
    }
}

impl Store {
    /// Has `rewrite` change what the next page of issues after `after` says of people, and puts it
    /// back unless `dry` is set.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like; the page is then as it was.
    pub async fn rewrite_people(
        &self,
        site: &Site,
        scope: &PeopleScope,
        after: i64,
        dry: bool,
        rewrite: &(dyn Fn(&mut PersonalRows) + Send + Sync),
    ) -> Result<Rewritten, StoreError> {
        let search = &Search::of(scope);
        self.tx("rewrite_people", |tx| {
            Box::pin(async move {
                if !dry {
                    shut_out_writers(tx).await?;
                }
                let ids = next_issues(tx, site, scope, after).await?;
                let Some(&until) = ids.last() else { return Ok(Rewritten::default()) };
                let stored = match scope {
                    PeopleScope::Person { .. } | PeopleScope::Tombstones { .. } => {
                        read::load(tx, site, &ids, search).await?
                    }
                    PeopleScope::Versions { .. } => PersonalRows {
                        versions: read::load_versions(tx, site, &ids, search).await?,
                        ..PersonalRows::default()
                    },
                };
                let mut new = stored.clone();
                rewrite(&mut new);
                let rows = save::count(&stored, &new);
                if !dry {
                    save::put(tx, site, &stored, &new).await?;
                    save::put_down(tx, site, scope, &ids).await?;
                }
                Ok(Rewritten { until: Some(until), rows })
            })
        })
        .await
    }
}

async fn next_issues(
    tx: &mut PgConnection,
    site: &Site,
    scope: &PeopleScope,
    after: i64,
) -> Result<Vec<i64>, StoreError> {
    let ids = match scope {
        PeopleScope::Person { .. } => {
            sqlx::query_scalar!(
                "SELECT id FROM jira.issues WHERE site = $1 AND id > $2 ORDER BY id LIMIT $3",
                site.as_str(),
                after,
                ISSUES,
            )
            .fetch_all(tx)
            .await?
        }
        PeopleScope::Tombstones { project, fingerprint } => {
            sqlx::query_scalar!(
                "SELECT id FROM jira.issues
                 WHERE site = $1 AND project_key = $2 AND deleted_at IS NOT NULL
                   AND privacy IS DISTINCT FROM $3 AND id > $4
                 ORDER BY id LIMIT $5",
                site.as_str(),
                project.as_str(),
                fingerprint,
                after,
                ISSUES,
            )
            .fetch_all(tx)
            .await?
        }
        PeopleScope::Versions { project, fingerprint } => {
            sqlx::query_scalar!(
                r#"SELECT DISTINCT i.id AS "id!" FROM jira.issues i
                   JOIN jira.issue_versions v ON v.site = i.site AND v.issue_id = i.id
                   WHERE i.site = $1 AND i.project_key = $2 AND v.privacy IS DISTINCT FROM $3
                     AND i.id > $4
                   ORDER BY 1 LIMIT $5"#,
                site.as_str(),
                project.as_str(),
                fingerprint,
                after,
                ISSUES_WITH_VERSIONS,
            )
            .fetch_all(tx)
            .await?
        }
    };
    Ok(ids)
}
