//! Names as people would choose them, and what holds of any names.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn field(id: &str, name: &str) -> Field {
    Field { site: "a".into(), id: id.into(), name: name.into(), ..Field::default() }
}

fn names(fields: &[Field], held: &[Column]) -> Vec<String> {
    let fixed = BTreeSet::from(["status".to_owned(), "key".to_owned()]);
    let wanted: Vec<(&Field, Kind)> = fields.iter().map(|field| (field, Kind::Text)).collect();
    allot(&wanted, held, &fixed).into_iter().map(|column| column.name).collect()
}

#[rstest]
#[case("customfield_7", "Story Points", "story_points")]
#[case("customfield_7", "[CHART] Date of First Response", "chart_date_of_first_response")]
#[case("customfield_7", "Größe & Gewicht", "grosse_and_gewicht")]
#[case("customfield_7", "# of Sprints", "number_of_sprints")]
#[case("customfield_7", "3rd party?", "_3rd_party")]
#[case("customfield_7", "order", "order_field")]
#[case("customfield_7", "User", "user_field")]
#[case("customfield_7", "Status", "status_7")]
#[case("customfield_7", "", "customfield_7")]
#[case("customfield_7", "🚀", "customfield_7")]
#[case("customfield_7", "優先度", "customfield_7")]
#[case("customfield_7", "優先度 Prio", "prio")]
#[case("customfield_7", "Robert'); DROP TABLE--", "robert_drop_table")]
#[case("fixVersions", "Lösungsversion", "fix_versions")]
#[case("aggregatetimespent", "Σ Time Spent", "sum_time_spent_secs")]
#[case("customfield_7", "Σ Time", "sum_time")]
#[case("statusCategoryThing", "x", "status_category_thing")]
fn a_column_is_named_as_a_person_would(#[case] id: &str, #[case] name: &str, #[case] column: &str) {
    assert_eq!(names(&[field(id, name)], &[]), [column]);
}

#[test]
fn cloud_s_untranslated_name_is_preferred() {
    let german =
        Field { untranslated: Some("Team".into()), ..field("customfield_1", "Mannschaft") };
    assert_eq!(names(&[german], &[]), ["team"]);
}

#[test]
fn equal_names_are_told_apart_by_their_numbers() {
    let fields = [
        field("customfield_20", "story-points"),
        field("customfield_3", "Story Points"),
        field("customfield_10", "STORY POINTS!"),
    ];
    assert_eq!(names(&fields, &[]), ["story_points", "story_points_10", "story_points_20"]);
}

#[test]
fn a_long_name_is_cut_and_keeps_its_number() {
    let long = "very ".repeat(40);
    let names = names(&[field("customfield_1", &long), field("customfield_12345", &long)], &[]);
    assert!(names.iter().all(|name| name.len() <= LONGEST), "{names:?}");
    assert!(names[1].ends_with("_12345"), "{names:?}");
}

#[test]
fn a_field_that_changes_its_kind_gets_another_column() {
    let points = field("customfield_1", "Points");
    let held = allot(&[(&points, Kind::Number)], &[], &BTreeSet::new());
    let later = allot(&[(&points, Kind::Text)], &held, &BTreeSet::new());
    assert_eq!(later[0].name, "points_text");
    let both: Vec<Column> = held.into_iter().chain(later).collect();
    assert!(
        allot(&[(&points, Kind::Number), (&points, Kind::Text)], &both, &BTreeSet::new())
            .is_empty()
    );
}

#[test]
fn a_renamed_field_keeps_its_column() {
    let fixed = BTreeSet::new();
    let held = allot(&[(&field("customfield_1", "Old"), Kind::Text)], &[], &fixed);
    assert!(allot(&[(&field("customfield_1", "New"), Kind::Text)], &held, &fixed).is_empty());
}

#[test]
fn instances_share_a_column_where_name_and_type_agree() {
    let here = field("customfield_1", "Team");
    let there = Field { site: "b".into(), ..field("customfield_9", "Team") };
    let fixed = BTreeSet::new();
    let names = |kind| -> Vec<String> {
        let columns = allot(&[(&here, Kind::Text), (&there, kind)], &[], &fixed);
        columns.into_iter().map(|column| column.name).collect()
    };
    assert_eq!(names(Kind::Name), ["team", "team"], "both are text");
    assert_eq!(names(Kind::Number), ["team", "team_9"]);
}

#[test]
fn views_are_named_by_project_unless_the_name_is_taken() {
    let taken = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(view_name("jira.example.com", "PROJ", &taken(&[])), "proj");
    assert_eq!(view_name("jira.example.com", "PROJ", &taken(&["proj"])), "jira_example_com_proj");
    let both = taken(&["proj", "jira_example_com_proj"]);
    assert_eq!(view_name("jira.example.com", "PROJ", &both), "proj_2");
    assert_eq!(view_name("s", "ALL_ISSUES", &taken(&["all_issues"])), "s_all_issues");
    assert_eq!(view_name("s", "TABLE", &taken(&[])), "table_project");
}

#[test]
fn lists_that_are_searched_are_sorted() {
    assert!(RESERVED.is_sorted());
    assert!(SYSTEM.is_sorted_by_key(|(id, _)| id));
}

fn is_valid(name: &str) -> bool {
    let mut chars = name.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_lowercase() || c == '_');
    let rest = chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    first && rest && name.len() <= LONGEST && RESERVED.binary_search(&name).is_err()
}

/// Fields whose names are alike, odd, or anything at all.
fn some_fields() -> impl Strategy<Value = Vec<Field>> {
    let name = prop_oneof![
        "[sS]tory[ _.-][pP]oints[!?]?",
        "(order|user|key|status|end|_|1|points 2|story points 12)",
        "\\PC{0,90}",
        "[🚀優先度éΣ ]{0,6}",
    ];
    let site = prop_oneof![Just("a"), Just("b")];
    let id = prop_oneof!["customfield_[0-9]{1,2}", "[a-z]{1,3}", "customfield_[a-zA-Z]{0,2}"];
    let kinds = prop_oneof![Just("number"), Just("string"), Just("user")];
    proptest::collection::vec((site, id, name, kinds), 0..40).prop_map(|rows| {
        rows.into_iter()
            .map(|(site, id, name, data_type)| Field {
                site: site.into(),
                id,
                name,
                data_type: Some(data_type.into()),
                ..Field::default()
            })
            .collect()
    })
}

fn kind(field: &Field) -> Kind {
    match field.data_type.as_deref() {
        Some("number") => Kind::Number,
        Some("user") => Kind::User,
        Some(_) | None => Kind::Text,
    }
}

proptest! {
    #[test]
    fn names_are_valid_unlike_each_other_and_kept_whatever_arrives_when(
        fields in some_fields(),
        splits in proptest::collection::vec(1_usize..6, 0..12),
    ) {
        let fixed = BTreeSet::from(["status".to_owned(), "key".to_owned()]);
        let mut held: Vec<Column> = Vec::new();
        let mut rest = fields.as_slice();
        for size in splits.into_iter().chain([usize::MAX]) {
            let (now, later) = rest.split_at(size.min(rest.len()));
            rest = later;
            let wanted: Vec<(&Field, Kind)> = now.iter().map(|field| (field, kind(field))).collect();
            let before = held.clone();
            held.extend(allot(&wanted, &before, &fixed));
            prop_assert_eq!(&held[..before.len()], &before[..]);
        }
        let mut of_site = BTreeSet::new();
        let mut types = BTreeMap::new();
        for column in &held {
            prop_assert!(is_valid(&column.name), "{:?}", column);
            prop_assert!(!fixed.contains(&column.name), "{:?}", column);
            prop_assert!(of_site.insert((&column.site, &column.name)), "{:?} twice", column);
            let sql_type = column.kind.sql_type();
            prop_assert_eq!(*types.entry(&column.name).or_insert(sql_type), sql_type);
        }
        for field in &fields {
            let columns = held.iter().filter(|c| {
                c.site == field.site && c.field_id == field.id && c.kind == kind(field)
            });
            prop_assert_eq!(columns.count(), 1);
        }
    }

    #[test]
    fn at_once_the_order_of_arrival_does_not_matter(fields in some_fields()) {
        let mut fields = fields;
        let mut seen = BTreeSet::new();
        fields.retain(|field| seen.insert((field.site.clone(), field.id.clone())));
        let name = |fields: &[Field]| {
            let wanted: Vec<(&Field, Kind)> = fields.iter().map(|f| (f, kind(f))).collect();
            allot(&wanted, &[], &BTreeSet::new())
        };
        let forwards = name(&fields);
        fields.reverse();
        prop_assert_eq!(forwards, name(&fields));
    }
}
