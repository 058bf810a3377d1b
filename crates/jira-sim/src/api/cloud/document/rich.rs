//! Rich documents: every word of the source text stands in one, in order, and nothing else does,
//! but in lists, tables, panels, code and mentions, as a seed says.

use super::adf::{Blocks, is_blank, lines, push_text};
use super::people::account_id;
use crate::random::Random;

/// Lines that one block takes at most.
const BLOCK: usize = 4;
const LOCAL_ID: &str = r#""localId":"00000000-0000-4000-8000-000000000001""#;

/// Appends a rich document of a JSON string literal.
pub(super) fn push_rich(out: &mut String, literal: &str, random: &mut Random) {
    let lines: Vec<&str> = lines(literal).into_iter().filter(|line| !is_blank(line)).collect();
    let mut rest = lines.as_slice();
    let mut blocks = Blocks::open(out);
    while !rest.is_empty() {
        let (block, after) = rest.split_at((1 + random.below(BLOCK)).min(rest.len()));
        rest = after;
        push_block(blocks.next(), block, random);
        if random.chance(0.2) {
            push_without_text(blocks.next(), random);
        }
    }
    blocks.close();
}

fn push_block(out: &mut String, lines: &[&str], random: &mut Random) {
    let kind = random.below(10);
    let wrapped = |out: &mut String, open: &str, random: &mut Random, close: &str| {
        out.push_str(open);
        push_paragraph(out, lines, random);
        out.push_str(close);
    };
    match kind {
        0 => push_list(out, "bulletList", lines, random),
        1 => push_list(out, "orderedList", lines, random),
        2 => push_code(out, lines),
        3 => {
            let open = r#"{"type":"panel","attrs":{"panelType":"info"},"content":["#;
            wrapped(out, open, random, "]}");
        }
        4 => wrapped(out, r#"{"type":"blockquote","content":["#, random, "]}"),
        5 => push_table(out, lines, random),
        6 => push_tasks(out, lines, random),
        7 => {
            let open = r#"{"type":"expand","attrs":{"title":""},"content":["#;
            wrapped(out, open, random, "]}");
        }
        8 => {
            out.push_str(r#"{"type":"heading","attrs":{"level":3},"content":["#);
            push_lines(out, lines, random);
            out.push_str("]}");
        }
        _ => push_paragraph(out, lines, random),
    }
}

/// A rule, a picture, or a node that only some app understands.
fn push_without_text(out: &mut String, random: &mut Random) {
    out.push_str(match random.below(3) {
        0 => r#"{"type":"rule"}"#,
        1 => {
            r#"{"type":"mediaSingle","attrs":{"layout":"center"},"content":[{"type":"media","attrs":{"id":"7f1c2f6c-0000-4000-8000-0000000000aa","type":"file","collection":"","height":183,"width":200}}]}"#
        }
        _ => {
            r#"{"type":"extension","attrs":{"extensionType":"com.example.macro","extensionKey":"toc","parameters":{"depth":2}}}"#
        }
    });
}

fn push_paragraph(out: &mut String, lines: &[&str], random: &mut Random) {
    out.push_str(r#"{"type":"paragraph","content":["#);
    push_lines(out, lines, random);
    out.push_str("]}");
}

/// A list in which every other item is nested in the one before.
fn push_list(out: &mut String, kind: &str, lines: &[&str], random: &mut Random) {
    out.push_str(&format!(r#"{{"type":"{kind}","content":["#));
    for (at, pair) in lines.chunks(2).enumerate() {
        let (item, nested) = pair.split_at(1);
        out.push_str(if at > 0 { "," } else { "" });
        out.push_str(r#"{"type":"listItem","content":["#);
        push_paragraph(out, item, random);
        if !nested.is_empty() {
            out.push_str(r#",{"type":"bulletList","content":[{"type":"listItem","content":["#);
            push_paragraph(out, nested, random);
            out.push_str("]}]}");
        }
        out.push_str("]}");
    }
    out.push_str("]}");
}

fn push_code(out: &mut String, lines: &[&str]) {
    out.push_str(r#"{"type":"codeBlock","attrs":{"language":"java"},"content":["#);
    push_text(out, &lines.join(r"\n"), "");
    out.push_str("]}");
}

/// A row for each line, the first a header, cells split in the middle of the words.
fn push_table(out: &mut String, lines: &[&str], random: &mut Random) {
    out.push_str(
        r#"{"type":"table","attrs":{"isNumberColumnEnabled":false,"layout":"default"},"content":["#,
    );
    for (at, line) in lines.iter().enumerate() {
        let cell = if at == 0 { "tableHeader" } else { "tableCell" };
        out.push_str(if at > 0 { "," } else { "" });
        out.push_str(r#"{"type":"tableRow","content":["#);
        let words: Vec<&str> = line.split(' ').collect();
        let (left, right) = words.split_at(words.len() / 2);
        for (at, words) in [left, right].into_iter().enumerate() {
            let text = words.join(" ");
            out.push_str(if at > 0 { "," } else { "" });
            out.push_str(&format!(r#"{{"type":"{cell}","attrs":{{}},"content":["#));
            let lines = Some(text.as_str()).filter(|text| !text.is_empty());
            push_paragraph(out, lines.as_slice(), random);
            out.push_str("]}");
        }
        out.push_str("]}");
    }
    out.push_str("]}");
}

fn push_tasks(out: &mut String, lines: &[&str], random: &mut Random) {
    out.push_str(&format!(r#"{{"type":"taskList","attrs":{{{LOCAL_ID}}},"content":["#));
    for (at, line) in lines.iter().enumerate() {
        let state = if random.chance(0.5) { "TODO" } else { "DONE" };
        out.push_str(if at > 0 { "," } else { "" });
        out.push_str(&format!(
            r#"{{"type":"taskItem","attrs":{{{LOCAL_ID},"state":"{state}"}},"content":["#
        ));
        push_lines(out, &[line], random);
        out.push_str("]}");
    }
    out.push_str("]}");
}

fn push_lines(out: &mut String, lines: &[&str], random: &mut Random) {
    for (at, line) in lines.iter().enumerate() {
        if at > 0 {
            out.push_str(r#",{"type":"hardBreak"},"#);
        }
        push_inline(out, line, random);
    }
}

/// A line, one word of which may be more than text.
fn push_inline(out: &mut String, line: &str, random: &mut Random) {
    let words: Vec<&str> = line.split(' ').collect();
    let chosen = random.below(words.len());
    let Some(word) = words.get(chosen).copied().filter(|word| !word.is_empty()) else {
        push_text(out, line, "");
        return;
    };
    let start = words.iter().take(chosen).map(|word| word.len() + 1).sum();
    let (before, after) = (line.get(..start), line.get(start + word.len()..));
    if let Some(before) = before.filter(|text| !text.is_empty()) {
        push_text(out, before, "");
        out.push(',');
    }
    push_word(out, word, random);
    if let Some(after) = after.filter(|text| !text.is_empty()) {
        out.push(',');
        push_text(out, after, "");
    }
}

fn push_word(out: &mut String, word: &str, random: &mut Random) {
    match random.below(8) {
        0 => out.push_str(&format!(
            r#"{{"type":"mention","attrs":{{"id":"{}","text":"{word}","accessLevel":""}}}}"#,
            account_id(word)
        )),
        1 => out.push_str(&format!(
            r#"{{"type":"emoji","attrs":{{"shortName":":slight_smile:","id":"1f642","text":"{word}"}}}}"#
        )),
        2 => out.push_str(&format!(
            r#"{{"type":"status","attrs":{{"text":"{word}","color":"yellow",{LOCAL_ID}}}}}"#
        )),
        3 => push_text(out, word, r#"[{"type":"strong"},{"type":"em"}]"#),
        4 => push_text(out, word, r#"[{"type":"code"}]"#),
        5 => {
            let link = r#"[{"type":"link","attrs":{"href":"https://example.invalid/?a=1"}}]"#;
            push_text(out, word, link);
        }
        _ => push_text(out, word, ""),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::Value;

    use super::*;

    /// All text of a document, naively.
    fn shown(node: &Value, kinds: &mut HashSet<String>, out: &mut String) {
        kinds.insert(node["type"].as_str().unwrap().to_owned());
        let inline = matches!(node["type"].as_str(), Some("text" | "mention" | "emoji" | "status"));
        out.push_str(if inline { "" } else { " " });
        for text in [&node["text"], &node["attrs"]["text"]] {
            out.push_str(text.as_str().unwrap_or(""));
        }
        for child in node["content"].as_array().into_iter().flatten() {
            shown(child, kinds, out);
        }
    }

    #[test]
    fn rich_documents_hold_the_words_of_the_source_and_every_kind_of_node() {
        let lines: Vec<String> = (0..40).map(|n| format!("line {n} has  some words")).collect();
        let source = lines.join("\n\n");
        let literal = Value::String(source.clone()).to_string();
        let mut kinds = HashSet::new();
        for seed in 0..40 {
            let mut out = String::new();
            push_rich(&mut out, &literal, &mut Random::new(seed));
            let document: Value =
                serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e} {out}"));
            let mut text = String::new();
            shown(&document, &mut kinds, &mut text);
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words(&text), words(&source), "seed {seed}");
        }
        for kind in [
            "mention",
            "emoji",
            "status",
            "bulletList",
            "orderedList",
            "listItem",
            "table",
            "codeBlock",
            "panel",
            "blockquote",
            "heading",
            "taskList",
            "expand",
            "rule",
            "mediaSingle",
            "extension",
            "hardBreak",
        ] {
            assert!(kinds.contains(kind), "{kind}");
        }
    }
}
