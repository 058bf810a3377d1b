//! Documents as text, by examples, by the real ones at hand, and by any that can be made up.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;

fn text_of(content: Value) -> String {
    plain_text(&json!({"type": "doc", "version": 1, "content": content}).to_string())
}

fn paragraph(text: &str) -> Value {
    json!({"type": "paragraph", "content": [{"type": "text", "text": text}]})
}

fn item(content: Value) -> Value {
    json!({"type": "listItem", "content": content})
}

#[test]
fn blocks_are_parted_by_an_empty_line_and_breaks_by_none() {
    let broken = json!({"type": "paragraph", "content": [
        {"type": "text", "text": "one"}, {"type": "hardBreak"}, {"type": "text", "text": "two"},
        {"type": "hardBreak"},
    ]});
    assert_eq!(text_of(json!([broken, paragraph("three")])), "one\ntwo\n\nthree");
}

#[test]
fn lists_keep_their_marks_and_depth() {
    let inner = json!({"type": "orderedList", "attrs": {"order": 9},
        "content": [item(json!([paragraph("c")])), item(json!([paragraph("d")]))]});
    let outer = json!({"type": "bulletList", "content": [
        item(json!([paragraph("a")])), item(json!([paragraph("b"), inner]))]});
    assert_eq!(text_of(json!([outer])), "- a\n- b\n  9. c\n  10. d");
    let tasks = json!({"type": "taskList", "content": [
        {"type": "taskItem", "attrs": {"state": "DONE"},
         "content": [{"type": "text", "text": "x"}]},
        {"type": "taskList", "content": [{"type": "taskItem", "attrs": {"state": "TODO"},
         "content": [{"type": "text", "text": "y"}]}]},
    ]});
    assert_eq!(text_of(json!([tasks])), "[x] x\n  [ ] y");
}

#[test]
fn a_table_has_a_line_for_each_row() {
    let row = |cells: &[&str]| {
        let cells: Vec<Value> = cells
            .iter()
            .map(|cell| json!({"type": "tableCell", "content": [paragraph(cell)]}))
            .collect();
        json!({"type": "tableRow", "content": cells})
    };
    let table = json!({"type": "table", "content": [row(&["a", "b"]), row(&["c", ""])]});
    assert_eq!(text_of(json!([table, paragraph("after")])), "a | b\nc | \n\nafter");
}

#[rstest]
#[case(json!({"type": "mention", "attrs": {"id": "7", "text": "@Ann"}}), "@Ann")]
#[case(json!({"type": "mention", "attrs": {"id": "7"}}), "@7")]
#[case(json!({"type": "emoji", "attrs": {"shortName": ":x:", "text": "😀"}}), "😀")]
#[case(json!({"type": "emoji", "attrs": {"shortName": ":x:"}}), ":x:")]
#[case(json!({"type": "date", "attrs": {"timestamp": "1704164645678"}}), "2024-01-02")]
#[case(json!({"type": "date", "attrs": {"timestamp": 1704164645678_i64}}), "2024-01-02")]
#[case(json!({"type": "date", "attrs": {"timestamp": "soon"}}), "soon")]
#[case(json!({"type": "status", "attrs": {"text": "DONE"}}), "DONE")]
#[case(json!({"type": "inlineCard", "attrs": {"url": "https://x.invalid/"}}), "https://x.invalid/")]
#[case(json!({"type": "text", "text": "a", "marks": [{"type": "strong"}]}), "a")]
#[case(
    json!({"type": "text", "text": "a", "marks": [{"type": "link", "attrs": {"href": "h"}}]}),
    "a (h)"
)]
#[case(
    json!({"type": "text", "text": "h", "marks": [{"type": "link", "attrs": {"href": "h"}}]}),
    "h"
)]
#[case(json!({"type": "novelty", "text": "kept"}), "kept")]
#[case(json!({"type": "novelty", "attrs": {"title": "t"}, "content": [paragraph("kept")]}), "t\nkept")]
#[case(json!({"type": "expand", "attrs": {"title": "more"}, "content": [paragraph("x")]}), "more\nx")]
#[case(json!({"type": "blockCard", "attrs": {"url": "u"}}), "u")]
#[case(json!({"type": "media", "attrs": {"alt": "picture.png", "id": "7"}}), "picture.png")]
#[case(json!({"type": "rule"}), "----")]
#[case(json!({"text": 7, "type": []}), "")]
#[case(json!([[paragraph("odd")]]), "odd")]
#[case(json!({"type": "codeBlock", "content": [{"type": "text", "text": "a\n\n  b\n"}]}), "a\n\n  b")]
fn every_node_says_what_it_holds(#[case] node: Value, #[case] expected: &str) {
    assert_eq!(text_of(json!([node])), expected);
}

#[test]
fn depth_beyond_any_bound_costs_the_layout_and_not_the_text() {
    for depth in [10, 60, 500, 200_000] {
        let open = r#"{"type":"blockquote","content":["#.repeat(depth);
        let inside = r#"{"content":[{"text":"deep \"x\"","type":"text"}],"type":"paragraph"}"#;
        let json = format!("{open}{inside}{}", "]}".repeat(depth));
        assert_eq!(plain_text(&json), "deep \"x\"", "{depth}");
    }
}

#[test]
fn real_documents_keep_every_word() {
    let folder = std::env::var_os("EXTRACTOR_PAYLOADS").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        std::path::PathBuf::from,
    );
    for file in ["adf/jira_cli_document.json", "adf/jiraps_document.json"] {
        let Ok(json) = std::fs::read_to_string(folder.join(file)) else {
            println!("skipped: no {file}");
            continue;
        };
        // Marks part a word into several texts.
        let text: String = plain_text(&json).split_whitespace().collect();
        let said: Vec<String> = loose_text(&json).split_whitespace().map(str::to_owned).collect();
        let mut rest = text.as_str();
        for word in &said {
            let Some((_, after)) = rest.split_once(word.as_str()) else {
                panic!("{file} lacks {word:?} in {rest:?}");
            };
            rest = after;
        }
        assert!(said.len() > 50);
    }
}

/// Any JSON, with the names that documents have.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "doc",
            "paragraph",
            "text",
            "hardBreak",
            "bulletList",
            "orderedList",
            "taskList",
            "listItem",
            "table",
            "tableRow",
            "tableCell",
            "mention",
            "emoji",
            "date",
            "rule",
        ])
        .prop_map(Value::from),
    ];
    let names = prop::sample::select(vec!["type", "text", "content", "attrs", "marks", "order"]);
    leaf.prop_recursive(8, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..6).prop_map(|members| {
                Value::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
            }),
        ]
    })
}

/// A document of known nodes around texts, with those texts in reading order.
fn document() -> impl Strategy<Value = (Value, Vec<String>)> {
    let leaf = "[a-z]{1,6}".prop_map(|text| (paragraph(&text), vec![text]));
    leaf.prop_recursive(6, 48, 4, |inner| {
        let kinds = vec!["panel", "blockquote", "bulletList", "orderedList", "novelty", "table"];
        (prop::sample::select(kinds), prop::collection::vec(inner, 1..4)).prop_map(
            |(kind, parts)| {
                let (nodes, texts): (Vec<Value>, Vec<Vec<String>>) = parts.into_iter().unzip();
                let content: Vec<Value> = match kind {
                    "bulletList" | "orderedList" => {
                        nodes.into_iter().map(|node| item(json!([node]))).collect()
                    }
                    "table" => nodes
                        .into_iter()
                        .map(|node| {
                            json!({"type": "tableRow",
                                   "content": [{"type": "tableCell", "content": [node]}]})
                        })
                        .collect(),
                    _ => nodes,
                };
                (json!({"type": kind, "content": content}), texts.concat())
            },
        )
    })
}

proptest! {
    #[test]
    fn no_json_makes_it_panic_or_grow(value in any_json()) {
        let json = value.to_string();
        let text = plain_text(&json);
        // A mark or an empty line for each node, and blanks before its lines at each level.
        prop_assert!(text.len() <= 40 * json.len(), "{} from {}", text.len(), json.len());
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,30}|([\\[\\]{}:,\"\\\\]|text){0,30}") {
        let _ = plain_text(&text);
        let _ = loose_text(&text);
    }

    #[test]
    fn every_text_comes_through_in_order((node, texts) in document()) {
        let text = text_of(json!([node]));
        let words: Vec<&str> = text.split_whitespace().filter(|word| {
            word.bytes().all(|byte| byte.is_ascii_lowercase())
        }).collect();
        prop_assert_eq!(words, texts);
    }
}
