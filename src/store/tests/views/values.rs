//! Values become columns, or are counted as what does not. Nothing fails.

use rstest::rstest;

use super::*;

/// What a function makes of a value, as text; the session's zone is not UTC.
async fn made(store: &Store, function: &str, value: &str) -> Option<String> {
    let value = value.replace('\'', "''");
    store.value(&format!("SELECT (jira_views.{function}('{value}'::jsonb))::text")).await
}

#[tokio::test]
async fn every_form_in_the_wild_is_read() {
    let store = store().await;
    let utc = |text: &str| Some(format!("{text}+00"));
    let sprint =
        r#"["com.x.Sprint@1f[id=7,state=CLOSED,name=A [b], c,goal=<null>]","S@2[name=z,id=9]"]"#;
    let cases: Vec<(&str, &str, Option<String>)> = vec![
        ("as_instant", r#""2024-01-02T03:04:05.678+0000""#, utc("2024-01-02 03:04:05.678")),
        ("as_instant", r#""2024-01-02T03:04:05.678-0730""#, utc("2024-01-02 10:34:05.678")),
        ("as_instant", r#""2024-01-02T03:04:05+02:00""#, utc("2024-01-02 01:04:05")),
        ("as_instant", r#""2024-01-02T03:04:05Z""#, utc("2024-01-02 03:04:05")),
        ("as_instant", r#""2010-02-04 16:45:37.824""#, utc("2010-02-04 16:45:37.824")),
        ("as_instant", r#""Fri Aug 26 16:05:52 UTC 2022""#, utc("2022-08-26 16:05:52")),
        ("as_instant", r#""14/May/18 11:54 PM""#, None),
        ("as_instant", r#""2024-02-30T00:00:00Z""#, None),
        ("as_date", r#""2016-10-10""#, Some("2016-10-10".into())),
        ("as_date", r#""2023-02-29""#, None),
        ("as_number", "3.0", Some("3.0".into())),
        ("as_number", r#""1.10""#, Some("1.10".into())),
        (
            "as_number",
            "12345678901234567890.000000001",
            Some("12345678901234567890.000000001".into()),
        ),
        ("as_number", r#""about three""#, None),
        ("as_count", r#"{"votes":3,"hasVoted":false}"#, Some("3".into())),
        ("as_count", r#"{"watchCount":4}"#, Some("4".into())),
        ("as_name", r#"{"id":"1","value":"Red"}"#, Some("Red".into())),
        ("as_name", r#"{"id":"1","name":"1.0"}"#, Some("1.0".into())),
        ("as_names", r#"[{"value":"a"},{"name":"b, c"},"d"]"#, Some(r#"{a,"b, c",d}"#.into())),
        ("as_names", "[]", Some("{}".into())),
        ("as_names", "null", None),
        ("as_user", r#"{"accountId":"5:x","name":"n"}"#, Some("5:x".into())),
        ("as_user", r#"{"key":"JIRAUSER1","name":"ann"}"#, Some("JIRAUSER1".into())),
        ("as_user", r#"{"key":"","name":"ann"}"#, Some("ann".into())),
        ("as_users", r#"[{"name":"ann"},{"name":"bob"}]"#, Some("{ann,bob}".into())),
        ("as_cascade", r#"{"value":"EU","child":{"value":"DE"}}"#, Some("EU / DE".into())),
        ("as_cascade", r#"{"value":"EU"}"#, Some("EU".into())),
        ("as_sprint_ids", sprint, Some("{7,9}".into())),
        ("as_sprint_ids", r#"[{"id":4,"name":"q","state":"active"}]"#, Some("{4}".into())),
        ("as_text", r#""it's""#, Some("it's".into())),
        ("as_text", r#"{"a":1}"#, Some(r#"{"a": 1}"#.into())),
        (
            "as_text",
            r#"{"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"a "},
               {"type":"mention","attrs":{"text":"@Ann"}},{"type":"hardBreak"},{"type":"text","text":"b"}]},
               {"type":"bulletList","content":[{"type":"listItem","content":[{"type":"paragraph",
               "content":[{"type":"text","text":"c"}]}]}]}]}"#,
            Some("a @Ann\nb\nc".into()),
        ),
    ];
    for (function, value, expected) in cases {
        assert_eq!(made(&store, function, value).await, expected, "{function} of {value}");
    }
}

#[rstest]
#[case::numbers("as_number")]
#[case::counts("as_count")]
#[case::dates("as_date")]
#[case::instants("as_instant")]
#[case::texts("as_text")]
#[case::name("as_name")]
#[case::names("as_names")]
#[case::user("as_user")]
#[case::users("as_users")]
#[case::cascade("as_cascade")]
#[case::sprints("as_sprint_ids")]
#[tokio::test]
async fn no_value_makes_a_function_fail(#[case] function: &str) {
    let store = store().await;
    // Every text below alone, in a list, and in every member that the functions look at; and cut
    // short after each character, or with a character in place of another.
    let sql = format!(
        "WITH seed(t) AS (VALUES ('2024-02-29T23:59:59.999999999+1830'), ('2010-02-04 16:45:37.8'),
             ('0000-00-00'), ('9999-12-31T23:59:59-1830'), ('0001-01-01T00:00:00+1859'),
             ('Fri Aug 26 16:05:52 UTC 2022'), ('1e999'), ('-.5E-999'), ('+1.'), ('٣٤'), (E'\\u00a0'),
             ('S@1f[id=999999999999999999,state=x]'), ('id=99999999999999999999'), ('9223372036854775808'),
             ('NaN'), ('Infinity'), ('infinity'), ('now'), ('epoch'), ('today'), ('{{')),
         cut(t) AS (SELECT left(t, n) FROM seed, generate_series(0, length(t)) AS n
             UNION SELECT overlay(t PLACING c FROM n) FROM seed, generate_series(1, length(t)) AS n,
                 unnest('{{9,0,-,+,:,T,.,Z,e}}'::text[]) AS c),
         one(v) AS (SELECT to_jsonb(t) FROM cut UNION ALL SELECT to_jsonb(n) FROM unnest(
                 '{{0,-1,1e300,1e-300,123456789012345678901234567890}}'::numeric[]) AS n
             UNION ALL SELECT j::jsonb FROM unnest(ARRAY['null', 'true', '[]', '{{}}', '[[]]', '[null]',
                 '[[[1]]]', '{{\"type\":\"doc\"}}', '{{\"type\":\"doc\",\"content\":3}}', '{{\"content\":[1,null]}}']) AS j),
         v AS (SELECT v FROM one UNION ALL SELECT jsonb_build_array(v, v) FROM one
             UNION ALL SELECT jsonb_build_object('id', v, 'value', v, 'name', v, 'key', v, 'accountId', v,
                 'child', jsonb_build_object('value', v), 'votes', v, 'type', v, 'content', v) FROM one
             UNION ALL SELECT jsonb_build_object('type', 'doc', 'content', jsonb_build_array(v)) FROM one)
         SELECT count(*) || ' ' || count(jira_views.{function}(v))
             || ' ' || count(*) FILTER (WHERE jira_views.is_readable('names', v)) FROM v"
    );
    let counts = store.value(&sql).await.unwrap();
    let total: i64 = counts.split(' ').next().unwrap().parse().unwrap();
    assert!(total > 5_000, "{counts}");
}

#[tokio::test]
async fn what_does_not_parse_is_counted_and_so_is_what_has_no_column() {
    let store = store().await;
    let time = r#"{"type":"datetime"}"#;
    refreshed(&store, &[("customfield_1", "Points", NUMBER), ("customfield_2", "When", time)])
        .await;
    put(&store, "P", 1, r#"{"customfield_1": 3, "customfield_2": "2024-01-02 03:04:05.6"}"#).await;
    put(&store, "P", 2, r#"{"customfield_1": "three", "customfield_9": {"a": 1}}"#).await;
    put(&store, "P", 3, r#"{"customfield_1": null, "customfield_2": "2024-01-02T03:04:05+0100"}"#)
        .await;
    let found =
        "SELECT string_agg(concat_ws(' ', field_id, coalesce(column_name, '-'), filled, unread,
        zoneless), ', ' ORDER BY field_id) FROM jira_views.field_coverage WHERE project_key = 'P'";
    let expected =
        "customfield_1 points 2 1 0, customfield_2 when_field 2 0 1, customfield_9 - 1 1 0";
    assert_eq!(store.value(found).await.as_deref(), Some(expected));
}

#[tokio::test]
async fn a_sprint_field_names_its_sprints_in_both_forms() {
    let store = store().await;
    let sprint =
        r#"{"type":"array","items":"string","custom":"com.pyxis.greenhopper.jira:gh-sprint"}"#;
    refreshed(&store, &[("customfield_1", "Sprint", sprint)]).await;
    store.run_sql("INSERT INTO jira.sprints (site, id, name, seen_at) VALUES ('jira.example', 7, 'Seven, [x]', now())").await;
    put(&store, "P", 1, r#"{"customfield_1": ["S@1[id=7,state=CLOSED,name=Seven, [x]]", {"id": 8, "state": "active", "name": "?"}]}"#).await;
    put(&store, "P", 2, r#"{"customfield_1": null}"#).await;
    let names = "SELECT string_agg(coalesce(array_to_string(sprint, '; '), '-'), ' | ' ORDER BY id) FROM jira_views.p";
    assert_eq!(store.value(names).await.as_deref(), Some("Seven, [x]; 8 | -"));
}

#[tokio::test]
async fn words_that_postgres_reserves_name_no_column() {
    let store = store().await;
    let words = store
        .value("SELECT string_agg(word, ' ') FROM pg_get_keywords() WHERE catcode IN ('R', 'T')")
        .await
        .unwrap();
    let fields: Vec<(String, &str)> = words
        .split(' ')
        .zip(1..)
        .map(|(word, n): (_, u32)| (format!("customfield_{n}"), word))
        .collect();
    let all: Vec<Field<'_>> = fields.iter().map(|(id, word)| (&**id, *word, TEXT)).collect();
    refreshed(&store, &all).await;
    let quoted = "SELECT string_agg(column_name, ' ') FROM extractor.view_columns
        WHERE quote_ident(column_name) <> column_name
          AND column_name IN (SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T'))";
    assert_eq!(store.value(quoted).await, None);
    let unquoted = store
        .value("SELECT string_agg(column_name, ', ') FROM extractor.view_columns")
        .await
        .unwrap();
    store.run_sql(&format!("SELECT {unquoted} FROM jira_views.p")).await;
}
