//! What stored issues say of people, a page of issues at a time: read, handed to the caller's
//! transform, and put back where that changed something, all in one transaction in which nobody else
//! writes issues.

use sqlx::PgConnection;

use super::find::pattern;
use super::{save, shut_out_writers};
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
struct Search {
    /// Ids, as columns hold them.
    ids: Option<Vec<String>>,
    /// For `LIKE`: ids and names inside lists.
    lists: Option<Vec<String>>,
    /// For `LIKE`: mentions.
    typed: Option<Vec<String>>,
    /// For `LIKE`: values and mentions in JSON.
    json: Option<Vec<String>>,
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
                        load(tx, site, &ids, search).await?
                    }
                    PeopleScope::Versions { .. } => PersonalRows {
                        versions: load_versions(tx, site, &ids, search).await?,
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

async fn load(
    tx: &mut PgConnection,
    site: &Site,
    ids: &[i64],
    search: &Search,
) -> Result<PersonalRows, StoreError> {
    Ok(PersonalRows {
        issues: load_issues(tx, site, ids, search).await?,
        // After the issues: who copies one into a version holds it.
        versions: load_versions(tx, site, ids, search).await?,
        changes: load_changes(tx, site, ids, search).await?,
        comments: load_comments(tx, site, ids, search).await?,
        worklogs: load_worklogs(tx, site, ids, search).await?,
        attachments: load_attachments(tx, site, ids, search).await?,
        remote_links: load_remote_links(tx, site, ids, search).await?,
        properties: load_properties(tx, site, ids, search).await?,
        watchers: load_watchers(tx, site, ids, search).await?,
        voters: load_voters(tx, site, ids, search).await?,
    })
}

async fn load_issues(
    tx: &mut PgConnection,
    site: &Site,
    ids: &[i64],
    search: &Search,
) -> Result<Vec<Of<PersonalIssue>>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT id, assignee_id, reporter_id, creator_id, labels, fields::text AS "fields!"
           FROM jira.issues
           WHERE site = $1 AND id = ANY($2)
             AND ($3::text[] IS NULL OR assignee_id = ANY($3) OR reporter_id = ANY($3)
                  OR creator_id = ANY($3) OR labels && $3 OR fields::text LIKE ANY($4::text[]))
           ORDER BY id FOR UPDATE"#,
        site.as_str(),
        ids,
        search.ids.as_deref(),
        search.json.as_deref(),
    )
    .fetch_all(tx)
    .await?;
    let of = rows.into_iter().map(|row| Of {
        issue: row.id,
        row: PersonalIssue {
            assignee_id: row.assignee_id,
            reporter_id: row.reporter_id,
            creator_id: row.creator_id,
            labels: row.labels,
            fields: row.fields,
        },
    });
    Ok(of.collect())
}

async fn load_versions(
    tx: &mut PgConnection,
    site: &Site,
    ids: &[i64],
    search: &Search,
) -> Result<Vec<Of<(i32, PersonalIssue)>>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT issue_id, version, assignee_id, reporter_id, creator_id, labels,
             fields::text AS "fields!"
           FROM jira.issue_versions
           WHERE site = $1 AND issue_id = ANY($2)
             AND ($3::text[] IS NULL OR assignee_id = ANY($3) OR reporter_id = ANY($3)
                  OR creator_id = ANY($3) OR labels && $3 OR fields::text LIKE ANY($4::text[]))
           ORDER BY issue_id, version FOR UPDATE"#,
        site.as_str(),
        ids,
        search.ids.as_deref(),
        search.json.as_deref(),
    )
    .fetch_all(tx)
    .await?;
    let of = rows.into_iter().map(|row| {
        let personal = PersonalIssue {
            assignee_id: row.assignee_id,
            reporter_id: row.reporter_id,
            creator_id: row.creator_id,
            labels: row.labels,
            fields: row.fields,
        };
        Of { issue: row.issue_id, row: (row.version, personal) }
    });
    Ok(of.collect())
}

async fn load_changes(
    tx: &mut PgConnection,
    site: &Site,
    ids: &[i64],
    search: &Search,
) -> Result<Vec<Of<Change>>, StoreError> {
    let rows = sqlx::query!(
        "SELECT issue_id, history_id, item, author_id, at, field, field_id, from_id, from_text,
             to_id, to_text
         FROM jira.changes
         WHERE site = $1 AND issue_id = ANY($2)
           AND ($3::text[] IS NULL OR author_id = ANY($3) OR from_id LIKE ANY($4::text[])
                OR to_id LIKE ANY($4) OR from_text LIKE ANY($4) OR to_text LIKE ANY($4)
                OR from_text LIKE ANY($5::text[]) OR to_text LIKE ANY($5))
         ORDER BY issue_id, history_id, item FOR UPDATE",
        site.as_str(),
        ids,
        search.ids.as_deref(),
        search.lists.as_deref(),
        search.typed.as_deref(),
    )
    .fetch_all(tx)
    .await?;
    let of = rows.into_iter().map(|row| Of {
        issue: row.issue_id,
        row: Change {
            history_id: row.history_id,
            item: row.item,
            author_id: row.author_id,
            at: row.at,
            field: row.field,
            field_id: row.field_id,
            from_id: row.from_id,
            from_text: row.from_text,
            to_id: row.to_id,
            to_text: row.to_text,
        },
    });
    Ok(of.collect())
}

async fn load_comments(
    tx: &mut PgConnection,
    site: &Site,
    ids: &[i64],
    search: &Search,
) -> Result<Vec<Of<Comment>>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT issue_id, comment_id, author_id, update_author_id, created, updated, body,
             body_adf::text AS body_adf, visibility
           FROM jira.comments
           WHERE site = $1 AND issue_id = ANY($2)
             AND ($3::text[] IS NULL OR author_id = ANY($3) OR update_author_id = ANY($3)
                  OR body LIKE ANY($4::text[]) OR body_adf::text LIKE ANY($5::text[]))
           ORDER BY issue_id, comment_id FOR UPDATE"#,
        site.as_str(),
        ids,
        search.ids.as_deref(),
        search.typed.as_deref(),
        search.json.as_deref(),
    )
    .fetch_all(tx)
    .await?;
    let of = rows.into_iter().map(|row| Of {
        issue: row.issue_id,
        row: Comment {
            comment_id: row.comment_id,
            author_id: row.author_id,
            update_author_id: row.update_author_id,
            created: row.created,
            updated: row.updated,
            body: row.body,
            body_adf: row.body_adf,
            visibility: row.visibility,
        },
    });
    Ok(of.collect())
}

async fn load_worklogs(
    tx: &mut PgConnection,
    site: &Site,
    ids: &[i64],
    search: &Search,
) -> Result<Vec<Of<Worklog>>, StoreError> {
    let rows = sqlx::query!(
        "SELECT issue_id, worklog_id, author_id, update_author_id, created, updated, started,
             time_spent_secs, comment, comment_adf::text AS comment_adf
         FROM jira.worklogs
         WHERE site = $1 AND issue_id = ANY($2)
           AND ($3::text[] IS NULL OR author_id = ANY($3) OR update_author_id = ANY($3)
                OR comment LIKE ANY($4::text[]) OR comment_adf::text LIKE ANY($5::text[]))
         ORDER BY issue_id, worklog_id FOR UPDATE",
        site.as_str(),
        ids,
        search.ids.as_deref(),
        search.typed.as_deref(),
        search.json.as_deref(),
    )
    .fetch_all(tx)
    .await?;
    let of = rows.into_iter().map(|row| Of {
        issue: row.issue_id,
        row: Worklog {
            worklog_id: row.worklog_id,
            author_id: row.author_id,
            update_author_id: row.update_author_id,
            created: row.created,
            updated: row.updated,
            started: row.started,
            time_spent_secs: row.time_spent_secs,
            comment: row.comment,
            comment_adf: row.comment_adf,
        },
    });
    Ok(of.collect())
}

async fn load_attachments(
    tx: &mut PgConnection,
    site: &Site,
    ids: &[i64],
    search: &Search,
) -> Result<Vec<Of<(i64, Option<String>)>>, StoreError> {
    let rows = sqlx::query!(
        "SELECT issue_id, attachment_id, author_id FROM jira.attachments
         WHERE site = $1 AND issue_id = ANY($2)
           AND ($3::text[] IS NULL OR author_id = ANY($3))
         ORDER BY issue_id, attachment_id FOR UPDATE",
        site.as_str(),
        ids,
        search.ids.as_deref(),
    )
    .fetch_all(tx)
    .await?;
    let of = rows.into_iter();
    Ok(of.map(|row| Of { issue: row.issue_id, row: (row.attachment_id, row.author_id) }).collect())
}

async fn load_remote_links(
    tx: &mut PgConnection,
    site: &Site,
    ids: &[i64],
    search: &Search,
) -> Result<Vec<Of<RemoteLink>>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT issue_id, remote_link_id, global_id, relationship, application_type,
             application_name, url, title, summary, resolved, raw::text AS "raw!"
           FROM jira.remote_links
           WHERE site = $1 AND issue_id = ANY($2)
             AND ($3::text[] IS NULL OR raw::text LIKE ANY($3))
           ORDER BY issue_id, remote_link_id FOR UPDATE"#,
        site.as_str(),
        ids,
        search.json.as_deref(),
    )
    .fetch_all(tx)
    .await?;
    let of = rows.into_iter().map(|row| Of {
        issue: row.issue_id,
        row: RemoteLink {
            remote_link_id: row.remote_link_id,
            global_id: row.global_id,
            relationship: row.relationship,
            application_type: row.application_type,
            application_name: row.application_name,
            url: row.url,
            title: row.title,
            summary: row.summary,
            resolved: row.resolved,
            raw: row.raw,
        },
    });
    Ok(of.collect())
}

async fn load_properties(
    tx: &mut PgConnection,
    site: &Site,
    ids: &[i64],
    search: &Search,
) -> Result<Vec<Of<Property>>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT issue_id, key, value::text AS "value!" FROM jira.issue_properties
           WHERE site = $1 AND issue_id = ANY($2)
             AND ($3::text[] IS NULL OR value::text LIKE ANY($3))
           ORDER BY issue_id, key FOR UPDATE"#,
        site.as_str(),
        ids,
        search.json.as_deref(),
    )
    .fetch_all(tx)
    .await?;
    let of = rows.into_iter();
    Ok(of
        .map(|row| Of { issue: row.issue_id, row: Property { key: row.key, value: row.value } })
        .collect())
}

// Two tables of people that differ in their names only.
macro_rules! load_people_of {
    ($name:ident, $table:literal) => {
        async fn $name(
            tx: &mut PgConnection,
            site: &Site,
            ids: &[i64],
            search: &Search,
        ) -> Result<Vec<Of<String>>, StoreError> {
            let rows = sqlx::query!(
                "SELECT issue_id, user_id FROM "
                    + $table
                    + " WHERE site = $1 AND issue_id = ANY($2)
                         AND ($3::text[] IS NULL OR user_id = ANY($3))
                       ORDER BY issue_id, user_id FOR UPDATE",
                site.as_str(),
                ids,
                search.ids.as_deref(),
            )
            .fetch_all(tx)
            .await?;
            Ok(rows.into_iter().map(|row| Of { issue: row.issue_id, row: row.user_id }).collect())
        }
    };
}

load_people_of!(load_watchers, "jira.watchers");
load_people_of!(load_voters, "jira.voters");
