//! The catalogue changes, and what stands on the views goes on.

use super::*;
use crate::store::testing::settings_of;

#[tokio::test]
async fn views_come_with_a_typed_column_for_each_field_and_nothing_is_done_twice() {
    let store = store().await;
    let fields = [
        ("customfield_1", "Story Points", NUMBER),
        ("customfield_2", "Note", TEXT),
        ("fixVersions", "Fix Version/s", r#"{"type":"array","items":"version"}"#),
        ("summary", "Summary", r#"{"type":"string"}"#),
        ("customfield_3", "Odd", r#"{"type":"any","custom":"x:scripted"}"#),
    ];
    assert_eq!(refreshed(&store, &fields).await, ["p", "all_issues"]);
    let expected = "fix_versions text[], story_points numeric, note text, odd jsonb";
    assert_eq!(columns(&store, "p").await, expected);
    assert_eq!(columns(&store, "all_issues").await, expected);
    assert_eq!(
        comment(&store, "odd").await,
        "Odd (customfield_3, any, x:scripted): as JSON, because Jira gives its type as any."
    );
    let silent = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'jira_views.p'::regclass
        AND attnum > 0 AND coalesce(col_description(attrelid, attnum), '') = ''";
    assert_eq!(store.value(silent).await.as_deref(), Some("0"));
    let again = refresh(&store, &fields).await;
    assert_eq!((again.written.len(), again.unchanged.len()), (0, 2));
    put(&store, "P", 1, r#"{"customfield_1": 3.0, "fixVersions": [{"name": "1.0"}]}"#).await;
    put(&store, "Q", 2, r#"{"customfield_1": 5}"#).await;
    let sum = |view: &str| format!("SELECT sum(story_points) FROM jira_views.{view}");
    assert_eq!(store.value(&sum("p")).await.as_deref(), Some("3.0"));
    assert_eq!(store.value(&sum("all_issues")).await.as_deref(), Some("8.0"));
    let deleted =
        "UPDATE jira.issues SET deleted_at = now(), deleted_reason = 'not_found' WHERE id = 1";
    store.run_sql(deleted).await;
    assert_eq!(store.value(&sum("p")).await, None);
}

#[tokio::test]
async fn a_view_on_top_works_through_every_change_of_the_catalogue() {
    let store = store().await;
    let one = ("customfield_1", "Points", NUMBER);
    refreshed(&store, &[one, ("customfield_2", "Note", TEXT)]).await;
    put(&store, "P", 1, r#"{"customfield_1": 3, "customfield_2": "x", "customfield_0": "new"}"#)
        .await;
    store.run_sql("CREATE VIEW mine AS SELECT * FROM jira_views.p").await;
    let mine = "SELECT points || note FROM mine";
    assert_eq!(store.value(mine).await.as_deref(), Some("3x"));
    let before = columns(&store, "p").await;

    // A field comes that would stand first; one is renamed; one is not there any more.
    refreshed(&store, &[("customfield_0", "A New One", TEXT), ("customfield_1", "Size", NUMBER)])
        .await;
    assert_eq!(store.value(mine).await.as_deref(), Some("3x"));
    assert_eq!(columns(&store, "p").await, format!("{before}, a_new_one text"));
    assert!(comment(&store, "points").await.contains("Size (customfield_1"), "the present name");
    assert!(comment(&store, "points").await.contains("named for \"Points\""));

    // One becomes text: the old column stays what it is, a second one has the values.
    refreshed(&store, &[("customfield_1", "Size", TEXT)]).await;
    let expected = format!("{before}, a_new_one text, size text");
    assert_eq!(columns(&store, "p").await, expected);
    store.run_sql(r#"UPDATE jira.issues SET fields = fields || '{"customfield_1": "XL"}'"#).await;
    assert_eq!(store.value("SELECT size FROM jira_views.p").await.as_deref(), Some("XL"));
    assert_eq!(store.value("SELECT points FROM mine").await, None);
    let unread = "SELECT sum(unread) FROM jira_views.field_coverage WHERE column_name = 'points'";
    assert_eq!(store.value(unread).await.as_deref(), Some("1"));

    // It becomes a number again: that column it has.
    refreshed(&store, &[one]).await;
    assert_eq!(columns(&store, "p").await, expected);
    store.run_sql("ALTER TABLE jira.issues ADD COLUMN later text").await;
    refreshed(&store, &[one]).await;
    assert_eq!(columns(&store, "p").await, expected);
    let last = "SELECT attname FROM pg_attribute WHERE attrelid = 'jira_views.p'::regclass ORDER BY attnum DESC LIMIT 1";
    assert_eq!(store.value(last).await.as_deref(), Some("later"));
    store.value("SELECT count(*) FROM mine").await.unwrap();
}

#[tokio::test]
async fn a_view_that_somebody_dropped_is_made_again_and_a_foreign_one_is_left_alone() {
    let store = store().await;
    store.run_sql("CREATE VIEW jira_views.p AS SELECT 1 AS mine").await;
    assert_eq!(refreshed(&store, &[]).await, ["jira_example_p", "all_issues"]);
    assert_eq!(store.value("SELECT mine FROM jira_views.p").await.as_deref(), Some("1"));
    store.run_sql("DROP VIEW jira_views.jira_example_p").await;
    assert_eq!(refreshed(&store, &[]).await, ["jira_example_p"]);
}

#[tokio::test]
async fn instances_that_share_a_database_share_columns_and_not_issues() {
    let store = store().await;
    refreshed(&store, &[("customfield_1", "Team", TEXT), ("customfield_2", "Points", NUMBER)])
        .await;
    let other = Site::new("b");
    let fields = [("customfield_9", "Team", TEXT), ("customfield_2", "Points", TEXT)];
    let refreshed = refresh_of(&store, &other, &project(), &fields).await;
    assert!(refreshed.failed.is_empty(), "{:?}", refreshed.failed);
    put(&store, "P", 1, r#"{"customfield_1": "red", "customfield_2": 1}"#).await;
    put(&store, "P", 2, r#"{"customfield_9": "blue", "customfield_2": "two"}"#).await;
    store.run_sql("UPDATE jira.issues SET site = 'b' WHERE id = 2").await;
    let all = "SELECT string_agg(concat_ws(' ', team, points, points_2), ', ' ORDER BY id) FROM jira_views.all_issues";
    assert_eq!(store.value(all).await.as_deref(), Some("red 1, blue two"));
    assert_eq!(
        store.value("SELECT string_agg(team, ',') FROM jira_views.p").await.as_deref(),
        Some("red")
    );
    assert_eq!(
        store.value("SELECT string_agg(team, ',') FROM jira_views.b_p").await.as_deref(),
        Some("blue")
    );
}

#[tokio::test]
async fn processes_that_come_at_once_agree() {
    let store = store().await;
    let fields: Vec<(String, String)> =
        (0..40).map(|n| (format!("customfield_{n}"), format!("Field {}", n % 7))).collect();
    let all: Vec<Field<'_>> = fields.iter().map(|(id, name)| (&**id, &**name, TEXT)).collect();
    let (half, _) = all.split_at(20);
    let (a, b, c) =
        tokio::join!(refresh(&store, half), refresh(&store, &all), refresh(&store, half));
    assert!(a.failed.is_empty() && b.failed.is_empty() && c.failed.is_empty(), "{a:?} {b:?} {c:?}");
    refreshed(&store, &all).await;
    assert_eq!(columns(&store, "p").await.split(", ").count(), 40);
    let again = refresh(&store, &all).await;
    assert!(again.written.is_empty(), "{again:?}");
}

#[tokio::test]
async fn a_thousand_fields_and_more_fit_as_far_as_there_is_room() {
    let store = store().await;
    let fields: Vec<(String, String)> = (0..1_700)
        .map(|n| (format!("customfield_{n}"), format!("Very Custom Field {n}")))
        .collect();
    let all: Vec<Field<'_>> = fields.iter().map(|(id, name)| (&**id, &**name, NUMBER)).collect();
    refreshed(&store, &all).await;
    put(&store, "P", 1, r#"{"customfield_700": 7}"#).await;
    assert_eq!(
        store.value("SELECT very_custom_field_700 FROM jira_views.p").await.as_deref(),
        Some("7")
    );
    let width = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'jira_views.p'::regclass AND attnum > 0";
    assert_eq!(store.value(width).await.as_deref(), Some("1500"));
    let said = store.value("SELECT obj_description('jira_views.p'::regclass)").await.unwrap();
    assert!(
        said.contains("There is no room for") && said.contains("very_custom_field_1"),
        "{said}"
    );
    let left_out =
        store.value("SELECT cardinality(left_out) FROM extractor.views WHERE view_name = 'p'");
    assert!(left_out.await.unwrap().parse::<i32>().unwrap() > 200);
}

#[tokio::test]
async fn who_reads_a_view_for_long_holds_up_nobody() {
    let store = store().await;
    refreshed(&store, &[]).await;
    let name = store.value("SELECT current_database()").await.unwrap();
    let reader = Store::connect(&settings_of(&name)).await.unwrap();
    let mut reading = reader.pool.lend().await.unwrap();
    sqlx::query("BEGIN").execute(&mut *reading).await.unwrap();
    sqlx::query("SELECT count(*) FROM jira_views.p").execute(&mut *reading).await.unwrap();
    let refreshed = refresh(&store, &[("customfield_1", "Points", NUMBER)]).await;
    assert_eq!(refreshed.written, ["all_issues"]);
    assert!(
        matches!(refreshed.failed.as_slice(), [(view, StoreError::Contended(_))] if view == "p"),
        "{refreshed:?}"
    );
    sqlx::query("ROLLBACK").execute(&mut *reading).await.unwrap();
    let again = store.refresh_views(&site(), &project()).await.unwrap();
    assert_eq!(again.written, ["p"]);
}
