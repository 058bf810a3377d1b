//! The statements that make a view, from what its columns are. A view that is there already keeps
//! its columns, in their order and of their types, so that nothing that stands on it breaks: what is
//! new is put behind them. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::naming::Column;
use super::typing::{Field, Kind, Place, place};

/// Columns that a view has at most; Postgres allows 1,600 for a relation.
pub(super) const MOST_COLUMNS: usize = 1_500;
/// Names of columns without room that a view's comment lists.
const MOST_NAMED: usize = 100;

/// A column of `jira.issues`, or one that a view has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableColumn {
    pub(super) name: String,
    /// As `format_type` writes it.
    pub(super) sql_type: String,
    pub(super) comment: String,
}

/// Which issues a view shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    /// Those of every project of every instance.
    All,
    /// Those of one project.
    Project {
        /// The instance.
        site: String,
        /// The project's key.
        key: String,
    },
}

/// What a view is made of.
#[derive(Debug)]
pub(super) struct Blueprint<'a> {
    pub(super) name: &'a str,
    pub(super) scope: &'a Scope,
    /// The columns of `jira.issues` that views show.
    pub(super) fixed: &'a [TableColumn],
    /// The columns of fields, of every instance.
    pub(super) columns: &'a [Column],
    /// The fields as they are now.
    pub(super) fields: &'a [Field],
    /// The columns that the view has, if it is there.
    pub(super) existing: &'a [TableColumn],
    /// Whether the role `extractor_reader` is there.
    pub(super) reader: bool,
}

/// A view to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rendered {
    /// The statements, with a semicolon after each.
    pub(super) statements: String,
    /// Columns that there was no room for.
    pub(super) left_out: Vec<String>,
}

/// A column as it stands in the view.
struct Shown {
    name: String,
    sql_type: String,
    expression: String,
    comment: String,
}

/// The statements that make the view.
pub(super) fn render(plan: &Blueprint<'_>) -> Rendered {
    let mut known = known(plan);
    let place_of = |name: &str, sql_type: &str, known: &[Shown]| {
        known.iter().position(|shown| shown.name == name && shown.sql_type == sql_type)
    };
    let mut shown = Vec::with_capacity(known.len());
    for column in plan.existing {
        shown.push(match place_of(&column.name, &column.sql_type, &known) {
            Some(at) => known.remove(at),
            None => nothing_left(column),
        });
    }
    let room = MOST_COLUMNS.saturating_sub(shown.len());
    let there: BTreeSet<String> = shown.iter().map(|column| column.name.clone()).collect();
    known.retain(|column| !there.contains(&column.name));
    let left_out: Vec<String> =
        known.split_off(room.min(known.len())).into_iter().map(|column| column.name).collect();
    shown.extend(known);
    Rendered { statements: statements(plan, &shown, &left_out), left_out }
}

/// Every column that the view could have, in the order of a new one.
fn known(plan: &Blueprint<'_>) -> Vec<Shown> {
    let of_fields: Vec<&Column> = plan.columns.iter().filter(|c| plan.scope.has(&c.site)).collect();
    let names: BTreeSet<&str> = plan.columns.iter().map(|column| column.name.as_str()).collect();
    let mut known: Vec<Shown> = plan
        .fixed
        .iter()
        .map(|column| Shown {
            // A field that has the name got it when jira.issues had no such column.
            name: match names.contains(column.name.as_str()) {
                true => format!("issue_{}", column.name),
                false => column.name.clone(),
            },
            sql_type: column.sql_type.clone(),
            expression: format!("i.{}", identifier(&column.name)),
            comment: column.comment.clone(),
        })
        .collect();
    let mut at: BTreeMap<&str, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<&Column>> = Vec::new();
    for column in of_fields {
        match at.get(column.name.as_str()) {
            Some(group) => groups[*group].push(column),
            None => {
                at.insert(&column.name, groups.len());
                groups.push(vec![column]);
            }
        }
    }
    // Another instance may use the same id for something else.
    let alone = plan.columns.windows(2).all(|pair| pair[0].site == pair[1].site);
    let guarded = *plan.scope == Scope::All && !alone;
    known.extend(groups.iter().filter_map(|group| field_column(group, plan.fields, guarded)));
    known
}

impl Scope {
    fn has(&self, site: &str) -> bool {
        match self {
            Self::All => true,
            Self::Project { site: own, .. } => own == site,
        }
    }
}

/// The column that the fields of one or several instances share; `guarded` where there are issues of
/// several.
fn field_column(group: &[&Column], fields: &[Field], guarded: bool) -> Option<Shown> {
    let first = group.first()?;
    let expression = match group {
        [only] if !guarded => expression(only),
        several => {
            let cases: Vec<String> = several
                .iter()
                .map(|column| format!("WHEN {} THEN {}", literal(&column.site), expression(column)))
                .collect();
            format!("CASE i.site {} END", cases.join(" "))
        }
    };
    let comments: Vec<String> = group.iter().map(|column| comment(column, fields)).collect();
    let comment = match comments.as_slice() {
        [only] => only.clone(),
        several => {
            let of_site = |(column, text): (&&Column, &String)| format!("{}: {text}", column.site);
            group.iter().zip(several).map(of_site).collect::<Vec<_>>().join(" ")
        }
    };
    Some(Shown {
        name: first.name.clone(),
        sql_type: first.kind.sql_type().to_owned(),
        expression,
        comment,
    })
}

/// The value of a field as its column shows it.
fn expression(column: &Column) -> String {
    let value = format!("f.v -> {}", literal(&column.field_id));
    let unless_null = format!("NULLIF({value}, 'null'::jsonb)");
    match column.kind {
        Kind::Number => format!("jira_views.as_number({value})"),
        Kind::Count => format!("jira_views.as_count({value})"),
        Kind::Date => format!("jira_views.as_date({value})"),
        Kind::Instant => format!("jira_views.as_instant({value})"),
        Kind::Text => format!("jira_views.as_text({value})"),
        Kind::Name => format!("jira_views.as_name({value})"),
        Kind::User => format!("jira_views.as_user({value})"),
        Kind::Cascade => format!("jira_views.as_cascade({value})"),
        Kind::Names => format!("jira_views.as_names({unless_null})"),
        Kind::Users => format!("jira_views.as_users({unless_null})"),
        Kind::Json => unless_null,
        Kind::Sprints => format!(
            "CASE WHEN jsonb_typeof({value}) = 'array' THEN ARRAY(\
             SELECT coalesce(s.name, n.id::text) \
             FROM unnest(jira_views.as_sprint_ids({value})) WITH ORDINALITY AS n(id, at) \
             LEFT JOIN jira.sprints AS s ON s.site = i.site AND s.id = n.id ORDER BY n.at) END"
        ),
    }
}

/// What a column is, for `\d+`.
fn comment(column: &Column, fields: &[Field]) -> String {
    let field =
        fields.iter().find(|field| field.site == column.site && field.id == column.field_id);
    let Some(field) = field else {
        return format!(
            "{} ({}): not in Jira's catalogue any more.",
            column.named_for, column.field_id
        );
    };
    let mut text = format!("{} ({}{})", field.name, field.id, type_of(field));
    let place = place(field);
    match (&place, place.kind() == Some(column.kind)) {
        (_, false) => text.push_str(&format!(
            ": what it held as {}, before its type changed; another column has it now.",
            column.kind.as_str()
        )),
        (Place::Untyped(why), true) => text.push_str(&format!(": as JSON, because {why}.")),
        (Place::Column(_) | Place::Elsewhere, true) => {
            text.push_str(&format!(": {}.", meaning(column.kind)));
        }
    }
    if field.name != column.named_for {
        text.push_str(&format!(
            " The column is named for \"{}\", as it was called before.",
            column.named_for
        ));
    }
    text
}

fn type_of(field: &Field) -> String {
    let data_type = match (&field.data_type, &field.items) {
        (Some(data_type), Some(items)) => format!(", {data_type} of {items}"),
        (Some(data_type), None) => format!(", {data_type}"),
        (None, _) => String::new(),
    };
    match &field.custom {
        Some(custom) => format!("{data_type}, {custom}"),
        None => data_type,
    }
}

/// What stands in a column of a kind.
fn meaning(kind: Kind) -> &'static str {
    match kind {
        Kind::Number => "a number",
        Kind::Count => "how many",
        Kind::Date => "a day",
        Kind::Instant => "an instant; one without a zone is taken as UTC",
        Kind::Text => "text",
        Kind::Name => "what it is called",
        Kind::Names => "what they are called, in Jira's order",
        Kind::User => "jira.users.id",
        Kind::Users => "jira.users.id of each",
        Kind::Cascade => "Parent / Child",
        Kind::Sprints => "names of sprints; jira.issue_sprints has their ids",
        Kind::Json => "as JSON",
    }
}

/// A column that the view has and that nothing fills any more.
fn nothing_left(column: &TableColumn) -> Shown {
    Shown {
        name: column.name.clone(),
        sql_type: column.sql_type.clone(),
        expression: format!("NULL::{}", column.sql_type),
        comment: "Not filled any more; kept for what stands on this view.".to_owned(),
    }
}

fn statements(plan: &Blueprint<'_>, shown: &[Shown], left_out: &[String]) -> String {
    let view = format!("jira_views.{}", identifier(plan.name));
    let columns: Vec<String> = shown
        .iter()
        .map(|column| format!("    {} AS {}", column.expression, identifier(&column.name)))
        .collect();
    // What is read of `fields` is unpacked once for each issue, and not once for each column.
    let mut text = format!(
        "CREATE OR REPLACE VIEW {view} AS\nSELECT\n{}\nFROM jira.issues AS i\n\
         CROSS JOIN LATERAL (SELECT i.fields || '{{}}'::jsonb AS v OFFSET 0) AS f\n\
         WHERE i.deleted_at IS NULL{};\n",
        columns.join(",\n"),
        match plan.scope {
            Scope::All => String::new(),
            Scope::Project { site, key } =>
                format!(" AND i.site = {} AND i.project_key = {}", literal(site), literal(key)),
        }
    );
    text.push_str(&format!(
        "COMMENT ON VIEW {view} IS {};\n",
        literal(&view_comment(plan.scope, left_out))
    ));
    for column in shown {
        text.push_str(&format!(
            "COMMENT ON COLUMN {view}.{} IS {};\n",
            identifier(&column.name),
            literal(&column.comment)
        ));
    }
    if plan.reader {
        text.push_str(&format!("GRANT SELECT ON {view} TO extractor_reader;\n"));
    }
    text
}

fn view_comment(scope: &Scope, left_out: &[String]) -> String {
    let of = match scope {
        Scope::All => "Every issue of every project".to_owned(),
        Scope::Project { site, key } => format!("The issues of project {key} of {site}"),
    };
    let mut text = format!(
        "{of} but those marked deleted, with a column for each field. Generated by extractor from \
         jira.fields; comments, worklogs, links and attachments are in tables of jira."
    );
    if !left_out.is_empty() {
        let named: Vec<&str> = left_out.iter().take(MOST_NAMED).map(String::as_str).collect();
        let more = if named.len() < left_out.len() { ", …" } else { "" };
        text.push_str(&format!(
            " There is no room for {} more columns: {}{more}.",
            left_out.len(),
            named.join(", ")
        ));
    }
    text
}

/// A name as SQL has it, whatever is in it.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL has it, whatever is in it and however the server reads backslashes.
pub(super) fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    match quoted.contains('\\') {
        true => format!("E'{}'", quoted.replace('\\', "\\\\")),
        false => format!("'{quoted}'"),
    }
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
