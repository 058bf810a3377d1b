//! What the database says of itself: the schemas, their tables, views and functions with comments.

use super::{Store, StoreError};

/// A database's own description.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemaFacts {
    /// The schemas, in the order in which people read them.
    pub schemas: Vec<SchemaFact>,
}

/// A schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemaFact {
    /// Its name.
    pub name: String,
    /// What it is.
    pub comment: String,
    /// Its tables and views, by name.
    pub relations: Vec<RelationFact>,
    /// Its functions, by name.
    pub functions: Vec<FunctionFact>,
}

/// A table or view.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RelationFact {
    /// Its name, without its schema.
    pub name: String,
    /// Whether it is a view.
    pub is_view: bool,
    /// What it holds.
    pub comment: String,
    /// Its columns, in their order.
    pub columns: Vec<ColumnFact>,
    /// The columns of its primary key.
    pub key: Vec<String>,
}

/// A column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnFact {
    /// Its name.
    pub name: String,
    /// Its type, as Postgres writes it.
    pub data_type: String,
    /// Whether it is known never to be null.
    pub not_null: bool,
    /// What it holds.
    pub comment: String,
}

/// A function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FunctionFact {
    /// Its name and what it takes.
    pub signature: String,
    /// What it gives.
    pub returns: String,
    /// What it does.
    pub comment: String,
}

/// The schemas that are ours, in the order in which people read them.
const SCHEMAS: [&str; 3] = ["jira", "jira_views", "extractor"];

impl Store {
    /// What the database says of the schemas `jira`, `jira_views` and `extractor`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn load_schema_facts(&self) -> Result<SchemaFacts, StoreError> {
        let names: Vec<String> = SCHEMAS.map(str::to_owned).to_vec();
        let schemas = sqlx::query!(
            r#"SELECT nspname::text AS "name!", coalesce(obj_description(oid, 'pg_namespace'), '') AS "comment!"
             FROM pg_namespace WHERE nspname = ANY ($1::text[])
             ORDER BY array_position($1::text[], nspname::text)"#,
            &names,
        )
        .fetch_all(&self.pool)
        .await?;
        let mut facts: Vec<SchemaFact> = schemas
            .into_iter()
            .map(|row| SchemaFact { name: row.name, comment: row.comment, ..SchemaFact::default() })
            .collect();
        self.add_relations(&names, &mut facts).await?;
        self.add_functions(&names, &mut facts).await?;
        Ok(SchemaFacts { schemas: facts })
    }

    async fn add_relations(
        &self,
        names: &[String],
        facts: &mut [SchemaFact],
    ) -> Result<(), StoreError> {
        let columns = sqlx::query!(
            r#"SELECT n.nspname::text AS "schema!", c.relname::text AS "relation!",
                 c.relkind = 'v' AS "is_view!",
                 coalesce(obj_description(c.oid, 'pg_class'), '') AS "about!",
                 a.attname::text AS "name!", format_type(a.atttypid, a.atttypmod) AS "data_type!",
                 a.attnotnull AS "not_null!",
                 coalesce(col_description(c.oid, a.attnum), '') AS "comment!",
                 EXISTS (SELECT FROM pg_index AS x WHERE x.indrelid = c.oid AND x.indisprimary
                     AND a.attnum = ANY (x.indkey::int2[])) AS "in_key!"
             FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
             JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             WHERE n.nspname = ANY ($1::text[]) AND c.relkind IN ('r', 'v', 'm', 'p')
             ORDER BY n.nspname, c.relname COLLATE "C", a.attnum"#,
            names,
        )
        .fetch_all(&self.pool)
        .await?;
        for row in columns {
            let Some(schema) = facts.iter_mut().find(|fact| fact.name == row.schema) else {
                continue;
            };
            if schema.relations.last().is_none_or(|last| last.name != row.relation) {
                schema.relations.push(RelationFact {
                    name: row.relation,
                    is_view: row.is_view,
                    comment: row.about,
                    ..RelationFact::default()
                });
            }
            let Some(relation) = schema.relations.last_mut() else { continue };
            if row.in_key {
                relation.key.push(row.name.clone());
            }
            relation.columns.push(ColumnFact {
                name: row.name,
                data_type: row.data_type,
                not_null: row.not_null,
                comment: row.comment,
            });
        }
        Ok(())
    }

    async fn add_functions(
        &self,
        names: &[String],
        facts: &mut [SchemaFact],
    ) -> Result<(), StoreError> {
        let functions = sqlx::query!(
            r#"SELECT n.nspname::text AS "schema!",
                 p.proname || '(' || pg_get_function_arguments(p.oid) || ')' AS "signature!",
                 pg_get_function_result(p.oid) AS "returns!",
                 coalesce(obj_description(p.oid, 'pg_proc'), '') AS "comment!"
             FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
             WHERE n.nspname = ANY ($1::text[]) AND p.prokind = 'f'
             ORDER BY n.nspname, p.proname COLLATE "C", 2"#,
            names,
        )
        .fetch_all(&self.pool)
        .await?;
        for row in functions {
            let Some(schema) = facts.iter_mut().find(|fact| fact.name == row.schema) else {
                continue;
            };
            schema.functions.push(FunctionFact {
                signature: row.signature,
                returns: row.returns,
                comment: row.comment,
            });
        }
        Ok(())
    }
}
