//! What the statements hold on to, and what they say.

use super::*;

fn table_column(name: &str, sql_type: &str) -> TableColumn {
    TableColumn { name: name.into(), sql_type: sql_type.into(), comment: format!("the {name}") }
}

fn column(site: &str, id: &str, kind: Kind, name: &str) -> Column {
    let named_for = name.to_owned();
    Column { site: site.into(), field_id: id.into(), kind, name: name.into(), named_for }
}

fn field(site: &str, id: &str, name: &str, data_type: &str) -> Field {
    Field {
        site: site.into(),
        id: id.into(),
        name: name.into(),
        data_type: Some(data_type.into()),
        ..Field::default()
    }
}

struct Given {
    scope: Scope,
    fixed: Vec<TableColumn>,
    columns: Vec<Column>,
    fields: Vec<Field>,
    existing: Vec<TableColumn>,
}

impl Given {
    fn new() -> Self {
        Self {
            scope: Scope::Project { site: "a".into(), key: "P".into() },
            fixed: vec![table_column("key", "text")],
            columns: vec![column("a", "c1", Kind::Number, "points")],
            fields: vec![field("a", "c1", "points", "number")],
            existing: Vec::new(),
        }
    }

    fn render(&self) -> Rendered {
        render(&Blueprint {
            name: "p",
            scope: &self.scope,
            fixed: &self.fixed,
            columns: &self.columns,
            fields: &self.fields,
            existing: &self.existing,
            reader: false,
        })
    }

    /// The names of the view's columns.
    fn names(&self) -> Vec<String> {
        let statements = self.render().statements;
        let (create, _) = statements.split_once("\nFROM").unwrap();
        let lines = create.lines().skip(2).filter_map(|line| line.rsplit_once(" AS "));
        lines.map(|(_, name)| name.trim_matches([',', '"']).to_owned()).collect()
    }
}

#[test]
fn what_is_there_stays_where_it_is_and_what_is_new_follows() {
    let mut given = Given::new();
    given.existing = vec![table_column("points", "numeric"), table_column("gone", "date")];
    given.fixed.push(table_column("later", "text"));
    given.columns.push(column("a", "c2", Kind::Text, "note"));
    assert_eq!(given.names(), ["points", "gone", "key", "later", "note"]);
    assert!(given.render().statements.contains("NULL::date AS \"gone\""));
}

#[test]
fn a_column_of_another_type_is_not_touched() {
    let mut given = Given::new();
    given.existing = vec![table_column("points", "text")];
    assert_eq!(given.names(), ["points", "key"]);
    assert!(given.render().statements.contains("NULL::text AS \"points\""));
}

#[test]
fn a_view_has_no_more_columns_than_postgres_allows_and_names_the_rest() {
    let mut given = Given::new();
    given.columns =
        (0..2_000).map(|n| column("a", &format!("c{n}"), Kind::Text, &format!("f{n}"))).collect();
    let rendered = given.render();
    assert_eq!(given.names().len(), MOST_COLUMNS);
    assert_eq!(rendered.left_out.len(), 501);
    assert!(rendered.statements.contains("no room for 501 more columns: f1499, f1500"));
}

#[test]
fn of_other_instances_a_project_shows_nothing_and_all_issues_everything() {
    let mut given = Given::new();
    given.columns.push(column("b", "c9", Kind::Number, "points"));
    given.columns.push(column("b", "c8", Kind::Text, "other"));
    assert_eq!(given.names(), ["key", "points"]);
    given.scope = Scope::All;
    assert_eq!(given.names(), ["key", "points", "other"]);
    let statements = given.render().statements;
    let guarded = "CASE i.site WHEN 'b' THEN jira_views.as_text(f.v -> 'c8') END AS \"other\"";
    assert!(statements.contains(guarded), "{statements}");
    assert!(
        statements.contains(
            "CASE i.site WHEN 'a' THEN jira_views.as_number(f.v -> 'c1') WHEN 'b' THEN \
         jira_views.as_number(f.v -> 'c9') END AS \"points\""
        ),
        "{statements}"
    );
}

#[test]
fn a_new_column_of_the_table_gives_way_to_a_field_that_had_its_name() {
    let mut given = Given::new();
    given.fixed.push(table_column("points", "text"));
    assert_eq!(given.names(), ["key", "issue_points", "points"]);
}

#[test]
fn comments_tell_the_present_name_and_why_something_is_json() {
    let mut given = Given::new();
    given.fields = vec![field("a", "c1", "It's \\new", "number")];
    let text = given.render().statements;
    let expected = "IS E'It''s \\\\new (c1, number): a number. The column is named for \"points\", as it was \
         called before.'";
    assert!(text.contains(expected), "{text}");
    given.columns.push(column("a", "c2", Kind::Json, "thing"));
    given.fields.push(field("a", "c2", "thing", "any"));
    let text = given.render().statements;
    assert!(
        text.contains("'thing (c2, any): as JSON, because Jira gives its type as any.'"),
        "{text}"
    );
    given.fields[0] = field("a", "c1", "points", "string");
    let text = given.render().statements;
    assert!(text.contains("what it held as number, before its type changed"), "{text}");
}

#[test]
fn names_and_texts_cannot_leave_their_quotes() {
    assert_eq!(identifier("a\"; DROP"), "\"a\"\"; DROP\"");
    assert_eq!(literal("it's"), "'it''s'");
    assert_eq!(literal("\\' x"), "E'\\\\'' x'");
}
