//! A `sources.yml` for dbt: the schemas `jira` and `jira_views` with descriptions, types and
//! freshness. Pure. Strings are written as JSON writes them, which is YAML too.

use std::fmt::Write as _;

use crate::store::{RelationFact, SchemaFact, SchemaFacts};

/// The schemas that are for everybody.
const SOURCES: [&str; 2] = ["jira", "jira_views"];

/// What tells when a row came, and what dbt should think of it: catalogues are seen by every run,
/// issues change only when people work.
const FRESHNESS: [(&str, &str); 2] = [
    ("seen_at", "{warn_after: {count: 6, period: hour}, error_after: {count: 24, period: hour}}"),
    ("extracted_at", "{warn_after: {count: 7, period: day}}"),
];

/// Catalogues that every run looks at. The others' rows are old when nothing in them changes.
const SEEN_BY_EVERY_RUN: [&str; 4] = ["fields", "issue_types", "projects", "statuses"];

/// The file.
pub(super) fn sources(facts: &SchemaFacts) -> String {
    let mut text = String::from(
        "# Written by `extractor schema dbt`. Freshness: the catalogues are seen by every run, so they \
         tell\n# whether runs happen; issues are as old as the last change in Jira.\nversion: 2\n\nsources:\n",
    );
    for schema in facts.schemas.iter().filter(|schema| SOURCES.contains(&schema.name.as_str())) {
        source(&mut text, schema);
    }
    text
}

fn source(text: &mut String, schema: &SchemaFact) {
    let name = quoted(&schema.name);
    let about = quoted(&schema.comment);
    let _ = writeln!(
        text,
        "  - name: {name}\n    schema: {name}\n    description: {about}\n    tables:"
    );
    for relation in &schema.relations {
        table(text, relation);
    }
}

fn table(text: &mut String, relation: &RelationFact) {
    let _ = writeln!(text, "      - name: {}", quoted(&relation.name));
    let _ = writeln!(text, "        description: {}", quoted(&relation.comment));
    if let Some((column, freshness)) = freshness(relation) {
        let _ = writeln!(text, "        config:");
        let _ = writeln!(text, "          loaded_at_field: {column}");
        let _ = writeln!(text, "          freshness: {freshness}");
    }
    let _ = writeln!(text, "        columns:");
    for column in &relation.columns {
        let _ = writeln!(text, "          - name: {}", quoted(&column.name));
        let _ = writeln!(text, "            data_type: {}", quoted(&column.data_type));
        let _ = writeln!(text, "            description: {}", quoted(&column.comment));
    }
}

fn freshness(relation: &RelationFact) -> Option<(&'static str, &'static str)> {
    let has = |name: &str| relation.columns.iter().any(|column| column.name == name);
    let told =
        |name: &str| name != "seen_at" || SEEN_BY_EVERY_RUN.contains(&relation.name.as_str());
    FRESHNESS.into_iter().find(|(column, _)| has(column) && told(column))
}

/// A text in quotes. Jinja is not to see what looks like it.
fn quoted(text: &str) -> String {
    let text = text.replace("{{", "{ {").replace("{%", "{ %").replace("{#", "{ #");
    serde_json::Value::String(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ColumnFact;

    fn relation(name: &str, columns: &[&str]) -> RelationFact {
        let column = |name: &&str| ColumnFact {
            name: (*name).to_owned(),
            data_type: "text".to_owned(),
            comment: "it's \"quoted\": {{ x }}\n# no comment".to_owned(),
            ..ColumnFact::default()
        };
        let columns = columns.iter().map(column).collect();
        RelationFact { name: name.to_owned(), columns, ..RelationFact::default() }
    }

    #[test]
    fn texts_stay_in_their_quotes() {
        assert_eq!(quoted("a \"b\"\n# {{ c }}"), r##""a \"b\"\n# { { c }}""##);
    }

    #[test]
    fn issues_are_as_fresh_as_their_extraction_and_catalogues_as_the_last_run() {
        let column = |relation: RelationFact| freshness(&relation).map(|(column, _)| column);
        assert_eq!(column(relation("issues", &["id", "extracted_at"])), Some("extracted_at"));
        assert_eq!(column(relation("fields", &["id", "seen_at"])), Some("seen_at"));
        assert_eq!(column(relation("users", &["id", "seen_at"])), None);
        assert_eq!(column(relation("comments", &["id", "updated"])), None);
    }

    #[test]
    fn only_what_is_for_everybody_is_a_source() {
        let schema = |name: &str| SchemaFact {
            name: name.to_owned(),
            relations: vec![relation("t", &["a"])],
            ..SchemaFact::default()
        };
        let schemas = ["jira", "jira_views", "extractor"].map(schema).to_vec();
        let text = sources(&SchemaFacts { schemas });
        assert!(text.contains("schema: \"jira_views\"") && !text.contains("schema: \"extractor\""));
    }
}
