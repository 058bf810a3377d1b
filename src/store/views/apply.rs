//! Writes the views: reads what they are made of, gives columns and views their names, and replaces
//! what differs. One process at a time, by an advisory lock.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, PgConnection};

use super::naming::{Column, allot, view_name};
use super::render::{Blueprint, Rendered, Scope, TableColumn, render};
use super::typing::{Field, Kind, place};
use super::{ALL_ISSUES, ViewsRefreshed};
use crate::model::{ProjectKey, Site};
use crate::store::{Store, StoreError};

/// Columns of `jira.issues` that the views do not show.
const NOT_SHOWN: &[&str] =
    &["content_hash", "deleted_at", "deleted_by_run", "deleted_reason", "fields"];

/// A view that has its name.
#[derive(Debug, Clone)]
struct View {
    name: String,
    scope: Scope,
    fingerprint: Option<String>,
}

/// What all views are made of.
#[derive(Debug)]
struct Known {
    fields: Vec<Field>,
    columns: Vec<Column>,
    fixed: Vec<TableColumn>,
    /// Every column of `jira.issues`.
    reserved: BTreeSet<String>,
    views: Vec<View>,
    reader: bool,
}

impl Store {
    /// Brings the view of a project and the view of all issues in line with the catalogue. Where
    /// nothing has changed it only reads.
    ///
    /// # Errors
    /// [`StoreError`] when no view could be looked after; what goes wrong with one view is in the
    /// result.
    pub async fn refresh_views(
        &self,
        site: &Site,
        project: &ProjectKey,
    ) -> Result<ViewsRefreshed, StoreError> {
        let site = site.as_str().to_owned();
        let scope = Scope::Project { site, key: project.as_str().to_owned() };
        self.refresh(vec![scope, Scope::All]).await
    }

    /// The same for every project that is followed or has a view, and lets `extractor_reader` read
    /// whatever has come since the migrations.
    ///
    /// # Errors
    /// As [`Store::refresh_views`].
    pub async fn refresh_all_views(&self) -> Result<ViewsRefreshed, StoreError> {
        let reader = self
            .tx("grant_reader", |tx| {
                Box::pin(async move {
                    let granted =
                        sqlx::query_scalar!(r#"SELECT extractor.grant_reader() AS "granted!""#);
                    Ok(granted.fetch_one(&mut **tx).await?)
                })
            })
            .await;
        let rows = sqlx::query!(
            r#"SELECT site AS "site!", project_key AS "project_key!" FROM extractor.cursors
             UNION SELECT site, project_key FROM extractor.views WHERE site IS NOT NULL
             ORDER BY 1, 2"#
        )
        .fetch_all(&self.pool)
        .await?;
        let projects =
            rows.into_iter().map(|row| Scope::Project { site: row.site, key: row.project_key });
        let mut refreshed = self.refresh(projects.chain([Scope::All]).collect()).await?;
        refreshed.reader = Some(reader);
        Ok(refreshed)
    }

    async fn refresh(&self, scopes: Vec<Scope>) -> Result<ViewsRefreshed, StoreError> {
        let scopes = &scopes;
        let mut standing = self.check_views(scopes).await?;
        if standing.len() < scopes.len() {
            self.tx("name_views", |tx| Box::pin(async move { name_views(tx, scopes).await }))
                .await?;
            standing = self.check_views(scopes).await?;
        }
        let mut refreshed = ViewsRefreshed::default();
        for (view, is_due) in standing {
            if !is_due {
                refreshed.unchanged.push(view.name);
                continue;
            }
            let scope = &view.scope;
            let written =
                self.tx("write_view", |tx| Box::pin(async move { write(tx, scope).await })).await;
            match written {
                Ok(()) => refreshed.written.push(view.name),
                Err(error) => refreshed.failed.push((view.name, error)),
            }
        }
        Ok(refreshed)
    }

    /// The views of these scopes, and whether each is to be written; fewer than the scopes if some
    /// view or column has no name yet.
    async fn check_views(&self, scopes: &[Scope]) -> Result<Vec<(View, bool)>, StoreError> {
        self.tx("check_views", |tx| Box::pin(async move { check(tx, scopes).await })).await
    }
}

async fn check(tx: &mut PgConnection, scopes: &[Scope]) -> Result<Vec<(View, bool)>, StoreError> {
    let known = load(tx).await?;
    let mut standing = Vec::new();
    if known.new_columns().is_empty() {
        for view in scopes.iter().filter_map(|scope| known.view(scope)) {
            let is_due = due(tx, &known, view).await?.is_some();
            standing.push((view.clone(), is_due));
        }
    }
    Ok(standing)
}

impl Known {
    /// Columns for the fields that have none of their kind.
    fn new_columns(&self) -> Vec<Column> {
        let kinds = self.fields.iter().filter_map(|field| Some((field, place(field).kind()?)));
        allot(&kinds.collect::<Vec<_>>(), &self.columns, &self.reserved)
    }

    fn view(&self, scope: &Scope) -> Option<&View> {
        self.views.iter().find(|view| view.scope == *scope)
    }

    fn render(&self, view: &View, existing: &[TableColumn]) -> Rendered {
        render(&Blueprint {
            name: &view.name,
            scope: &view.scope,
            fixed: &self.fixed,
            columns: &self.columns,
            fields: &self.fields,
            existing,
            reader: self.reader,
        })
    }
}

/// The statements for a view that is not as it should be, and their fingerprint.
async fn due(
    connection: &mut PgConnection,
    known: &Known,
    view: &View,
) -> Result<Option<(Rendered, String)>, StoreError> {
    let existing = existing_columns(connection, &view.name).await?;
    let rendered = known.render(view, &existing);
    let fingerprint = blake3::hash(rendered.statements.as_bytes()).to_hex().to_string();
    let is_there = !existing.is_empty() && view.fingerprint.as_ref() == Some(&fingerprint);
    Ok((!is_there).then_some((rendered, fingerprint)))
}

/// Others may have been here since: everything is read again, with nobody else at it.
async fn write(tx: &mut PgConnection, scope: &Scope) -> Result<(), StoreError> {
    lock(tx).await?;
    let known = load(tx).await?;
    let Some(view) = known.view(scope) else { return Ok(()) };
    let Some((rendered, fingerprint)) = due(tx, &known, view).await? else { return Ok(()) };
    // Whoever reads the view for long is not waited for, because others would queue behind us.
    sqlx::query!("SET LOCAL lock_timeout = '500ms'").execute(&mut *tx).await?;
    sqlx::raw_sql(AssertSqlSafe(rendered.statements)).execute(&mut *tx).await?;
    sqlx::query!(
        "UPDATE extractor.views SET fingerprint = $2, left_out = $3, written_at = clock_timestamp()
         WHERE view_name = $1",
        view.name,
        fingerprint,
        &rendered.left_out,
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

async fn lock(tx: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('extractor.views', 0))")
        .execute(tx)
        .await?;
    Ok(())
}

/// Gives fields their columns and projects their views.
async fn name_views(tx: &mut PgConnection, scopes: &[Scope]) -> Result<(), StoreError> {
    lock(tx).await?;
    let known = load(tx).await?;
    let columns = known.new_columns();
    let of = |part: fn(&Column) -> &str| columns.iter().map(part).map(str::to_owned).collect();
    let (sites, ids): (Vec<String>, Vec<String>) = (of(|c| &c.site), of(|c| &c.field_id));
    let (kinds, names): (Vec<String>, Vec<String>) = (of(|c| c.kind.as_str()), of(|c| &c.name));
    let named_for: Vec<String> = of(|c| &c.named_for);
    sqlx::query!(
        "INSERT INTO extractor.view_columns (site, field_id, kind, column_name, named_for, added_at)
         SELECT n.*, clock_timestamp()
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS n",
        &sites,
        &ids,
        &kinds,
        &names,
        &named_for,
    )
    .execute(&mut *tx)
    .await?;
    for scope in scopes.iter().filter(|scope| known.view(scope).is_none()) {
        name_view(tx, scope).await?;
    }
    Ok(())
}

async fn name_view(tx: &mut PgConnection, scope: &Scope) -> Result<(), StoreError> {
    let taken = sqlx::query_scalar!(
        r#"SELECT relname::text AS "name!" FROM pg_class
         WHERE relnamespace = 'jira_views'::regnamespace
         UNION SELECT view_name FROM extractor.views"#
    );
    let mut taken: BTreeSet<String> = taken.fetch_all(&mut *tx).await?.into_iter().collect();
    taken.insert(ALL_ISSUES.to_owned());
    let (name, site, key) = match scope {
        Scope::All => (ALL_ISSUES.to_owned(), None, None),
        Scope::Project { site, key } => (view_name(site, key, &taken), Some(site), Some(key)),
    };
    sqlx::query!(
        "INSERT INTO extractor.views (view_name, site, project_key, written_at)
         VALUES ($1, $2, $3, clock_timestamp())",
        name,
        site,
        key,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn load(connection: &mut PgConnection) -> Result<Known, StoreError> {
    let fields = load_fields(connection).await?;
    let columns = load_columns(connection).await?;
    let all = sqlx::query!(
        r#"SELECT attname::text AS "name!", format_type(atttypid, atttypmod) AS "sql_type!",
             coalesce(col_description(attrelid, attnum), '') AS "comment!"
         FROM pg_attribute WHERE attrelid = 'jira.issues'::regclass AND attnum > 0
           AND NOT attisdropped ORDER BY attnum"#
    )
    .fetch_all(&mut *connection)
    .await?;
    let all: Vec<TableColumn> = all
        .into_iter()
        .map(|row| TableColumn { name: row.name, sql_type: row.sql_type, comment: row.comment })
        .collect();
    let views =
        sqlx::query!("SELECT view_name, site, project_key, fingerprint FROM extractor.views")
            .fetch_all(&mut *connection)
            .await?;
    let reader = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'extractor_reader') AS "there!""#
    )
    .fetch_one(connection)
    .await?;
    let scope = |site: Option<String>, key: Option<String>| match (site, key) {
        (Some(site), Some(key)) => Scope::Project { site, key },
        (Some(_) | None, _) => Scope::All,
    };
    let views = views.into_iter().map(|row| View {
        name: row.view_name,
        scope: scope(row.site, row.project_key),
        fingerprint: row.fingerprint,
    });
    Ok(Known {
        fields,
        columns,
        reserved: all.iter().map(|column| column.name.clone()).collect(),
        fixed: all.into_iter().filter(|c| !NOT_SHOWN.contains(&c.name.as_str())).collect(),
        views: views.collect(),
        reader,
    })
}

async fn load_fields(connection: &mut PgConnection) -> Result<Vec<Field>, StoreError> {
    let rows = sqlx::query!(
        "SELECT site, id, name, raw ->> 'untranslatedName' AS untranslated, schema_type,
             raw #>> '{schema,items}' AS items, raw #>> '{schema,custom}' AS custom_type
         FROM jira.fields ORDER BY site, id"
    )
    .fetch_all(connection)
    .await?;
    let field = rows.into_iter().map(|row| Field {
        site: row.site,
        id: row.id,
        name: row.name,
        untranslated: row.untranslated,
        data_type: row.schema_type,
        items: row.items,
        custom: row.custom_type,
    });
    Ok(field.collect())
}

/// In the order in which they were given, which is that of a new view.
async fn load_columns(connection: &mut PgConnection) -> Result<Vec<Column>, StoreError> {
    let rows = sqlx::query!(
        "SELECT site, field_id, kind, column_name, named_for FROM extractor.view_columns
         ORDER BY added_at, column_name, site, field_id"
    )
    .fetch_all(connection)
    .await?;
    let column = |row: (String, String, String, String, String)| {
        let (site, field_id, kind, name, named_for) = row;
        let unknown = || StoreError::Unreadable { what: "kind of column", value: kind.clone() };
        let kind = Kind::named(&kind).ok_or_else(unknown)?;
        Ok(Column { site, field_id, kind, name, named_for })
    };
    rows.into_iter()
        .map(|row| column((row.site, row.field_id, row.kind, row.column_name, row.named_for)))
        .collect()
}

/// The columns of a view; none if it is not there.
async fn existing_columns(
    connection: &mut PgConnection,
    view: &str,
) -> Result<Vec<TableColumn>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT a.attname::text AS "name!", format_type(a.atttypid, a.atttypmod) AS "sql_type!"
         FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
         WHERE c.relnamespace = 'jira_views'::regnamespace AND c.relname = $1 AND c.relkind = 'v'
           AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"#,
        view as _,
    )
    .fetch_all(connection)
    .await?;
    let column = rows.into_iter().map(|row| TableColumn {
        name: row.name,
        sql_type: row.sql_type,
        comment: String::new(),
    });
    Ok(column.collect())
}
