//! Loading the catalogues: small tables of one shape, rewritten only where they differ.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::rows::parse;
use super::{Store, StoreError, people};
use crate::model::{Catalogue, CatalogueEntry, ProjectKey, Site};

/// A catalogue's entries as the statements take them, each id once and in order.
struct Columns<'a> {
    ids: Vec<&'a str>,
    names: Vec<&'a str>,
    raws: Vec<&'a str>,
}

impl<'a> Columns<'a> {
    fn of(entries: &'a [CatalogueEntry]) -> Self {
        let by_id: BTreeMap<&str, &CatalogueEntry> =
            entries.iter().map(|entry| (entry.id.as_str(), entry)).collect();
        Self {
            ids: by_id.keys().copied().collect(),
            names: by_id.values().map(|entry| entry.name.as_str()).collect(),
            raws: by_id.values().map(|entry| entry.raw.as_str()).collect(),
        }
    }
}

/// The upsert of one catalogue. `seen_at` is kept to the hour, so that frequent runs write nothing.
macro_rules! upsert {
    ($table:literal, $constraint:literal, $connection:expr, $site:expr, $entries:expr) => {{
        let columns = Columns::of($entries);
        sqlx::query!(
            "INSERT INTO jira."
                + $table
                + " AS t (site, id, name, raw, seen_at)
             SELECT $1, n.id, n.name, n.raw::jsonb, clock_timestamp()
             FROM unnest($2::text[], $3::text[], $4::text[]) AS n(id, name, raw)
             ON CONFLICT ON CONSTRAINT "
                + $constraint
                + " DO UPDATE
             SET name = excluded.name, raw = excluded.raw, seen_at = excluded.seen_at
             WHERE (t.name, t.raw) IS DISTINCT FROM (excluded.name, excluded.raw)
                OR t.seen_at < excluded.seen_at - interval '1 hour'",
            $site.as_str(),
            &columns.ids as _,
            &columns.names as _,
            &columns.raws as _,
        )
        .execute(&mut *$connection)
        .await?;
    }};
}

/// As `upsert!`, for the catalogues of one project.
macro_rules! upsert_of_project {
    ($table:literal, $constraint:literal, $connection:expr, $site:expr, $project:expr, $entries:expr) => {{
        let columns = Columns::of($entries);
        sqlx::query!(
            "INSERT INTO jira."
                + $table
                + " AS t (site, id, project_key, name, raw, seen_at)
             SELECT $1, n.id, $5, n.name, n.raw::jsonb, clock_timestamp()
             FROM unnest($2::text[], $3::text[], $4::text[]) AS n(id, name, raw)
             ON CONFLICT ON CONSTRAINT "
                + $constraint
                + " DO UPDATE
             SET project_key = excluded.project_key, name = excluded.name, raw = excluded.raw,
                 seen_at = excluded.seen_at
             WHERE (t.project_key, t.name, t.raw)
                     IS DISTINCT FROM (excluded.project_key, excluded.name, excluded.raw)
                OR t.seen_at < excluded.seen_at - interval '1 hour'",
            $site.as_str(),
            &columns.ids as _,
            &columns.names as _,
            &columns.raws as _,
            $project.as_str(),
        )
        .execute(&mut *$connection)
        .await?;
    }};
}

impl Store {
    /// Stores the catalogues; `project` is whose versions and components they hold. Entries that
    /// Jira no longer has are kept: stored issues may still name them. `erasures` is the newest
    /// erasure of a person that they were transformed in the knowledge of.
    ///
    /// # Errors
    /// [`StoreError::DataRejected`] when an entry's JSON cannot be stored;
    /// [`StoreError::ErasedMeanwhile`].
    pub async fn upsert_catalogue(
        &self,
        site: &Site,
        project: &ProjectKey,
        catalogue: &Catalogue,
        erasures: i64,
    ) -> Result<(), StoreError> {
        self.tx("upsert_catalogue", |tx| {
            Box::pin(async move {
                people::guard(tx, site, erasures).await?;
                upsert_shared(tx, site, catalogue).await?;
                upsert_projects(tx, site, project, catalogue).await
            })
        })
        .await
    }

    /// The other key under which a project is followed, if it was renamed since its catalogue was
    /// stored last.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn followed_as(
        &self,
        site: &Site,
        project_id: &str,
        key: &ProjectKey,
    ) -> Result<Option<ProjectKey>, StoreError> {
        let other = sqlx::query_scalar!(
            r#"SELECT p.key AS "key!" FROM jira.projects p
               JOIN extractor.cursors c ON c.site = p.site AND c.project_key = p.key
               WHERE p.site = $1 AND p.id = $2 AND p.key <> $3"#,
            site.as_str(),
            project_id,
            key.as_str(),
        )
        .fetch_optional(&self.pool)
        .await?;
        other.map(|key| parse("project key", &key)).transpose()
    }
}

async fn upsert_shared(
    tx: &mut PgConnection,
    site: &Site,
    catalogue: &Catalogue,
) -> Result<(), StoreError> {
    upsert!("fields", "fields_pk", tx, site, &catalogue.fields);
    upsert!("projects", "projects_pk", tx, site, &catalogue.projects);
    upsert!("statuses", "statuses_pk", tx, site, &catalogue.statuses);
    upsert!("issue_types", "issue_types_pk", tx, site, &catalogue.issue_types);
    upsert!("priorities", "priorities_pk", tx, site, &catalogue.priorities);
    upsert!("resolutions", "resolutions_pk", tx, site, &catalogue.resolutions);
    upsert!("link_types", "link_types_pk", tx, site, &catalogue.link_types);
    Ok(())
}

async fn upsert_projects(
    tx: &mut PgConnection,
    site: &Site,
    project: &ProjectKey,
    catalogue: &Catalogue,
) -> Result<(), StoreError> {
    upsert_of_project!("versions", "versions_pk", tx, site, project, &catalogue.versions);
    upsert_of_project!("components", "components_pk", tx, site, project, &catalogue.components);
    Ok(())
}
