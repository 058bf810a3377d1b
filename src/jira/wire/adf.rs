//! Atlassian documents (ADF), which Cloud has for bodies, as plain text: every word and address in
//! reading order, without marks and colours. The document itself is kept elsewhere, as it came.
//! Nodes that are not known keep their text. Pure.

use chrono::DateTime;
use serde_json::Value;

/// The plain text of a document, given as JSON. Blocks are parted by an empty line, list items and
/// table rows by a line break.
pub fn plain_text(json: &str) -> String {
    // What the parser refuses to follow is nested beyond its bound, which bounds what follows here.
    let understood = serde_json::from_str::<Value>(json)
        .map(|document| lines(std::slice::from_ref(&document), Gap::Line).join("\n"));
    understood.ok().filter(|text| !text.is_empty()).unwrap_or_else(|| loose_text(json))
}

/// What stands between two blocks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// A line break.
    None,
    /// An empty line.
    Line,
}

/// The lines of a sequence of nodes; what is inline runs on in one line.
fn lines(nodes: &[Value], gap: Gap) -> Vec<String> {
    let mut all = Vec::new();
    let mut run = String::new();
    for node in nodes {
        if let Some(text) = inline(node) {
            run.push_str(&text);
        } else {
            append(&mut all, split(&run), gap);
            run.clear();
            append(&mut all, block(node), gap);
        }
    }
    append(&mut all, split(&run), gap);
    all
}

fn append(all: &mut Vec<String>, more: Vec<String>, gap: Gap) {
    if !all.is_empty() && !more.is_empty() && gap == Gap::Line {
        all.push(String::new());
    }
    all.extend(more);
}

/// The lines of inline text, without empty ones at its end.
fn split(run: &str) -> Vec<String> {
    let run = run.trim_end_matches('\n');
    if run.is_empty() { Vec::new() } else { run.split('\n').map(str::to_owned).collect() }
}

/// The text of a node that stands within a line; `None` for a block.
fn inline(node: &Value) -> Option<String> {
    let text = match kind(node) {
        "text" => linked(node),
        "hardBreak" => "\n".to_owned(),
        "mention" => attribute(node, &["text"])
            .unwrap_or_else(|| format!("@{}", attribute(node, &["id"]).unwrap_or_default())),
        "emoji" => attribute(node, &["text", "shortName"]).unwrap_or_default(),
        "date" => attribute(node, &["timestamp"]).map(date).unwrap_or_default(),
        "status" | "placeholder" | "mediaInline" | "inlineExtension" | "inlineCard" => {
            own_text(node)
        }
        _ => return unknown_inline(node),
    };
    Some(text)
}

/// A leaf of a kind that is not known, if there is text in it.
fn unknown_inline(node: &Value) -> Option<String> {
    node["text"].as_str().filter(|_| node["content"].is_null()).map(str::to_owned)
}

fn block(node: &Value) -> Vec<String> {
    let content = node["content"].as_array().map_or(&[][..], Vec::as_slice);
    match kind(node) {
        "rule" => vec!["----".to_owned()],
        "bulletList" | "decisionList" => items(content, |_, _| "- ".to_owned()),
        "orderedList" => {
            let first = node["attrs"]["order"].as_u64().unwrap_or(1);
            items(content, |position, _| format!("{}. ", first.saturating_add(position)))
        }
        "taskList" => items(content, |_, item| {
            let done = item["attrs"]["state"] == "DONE";
            (if done { "[x] " } else { "[ ] " }).to_owned()
        }),
        "listItem" | "taskItem" | "decisionItem" | "paragraph" | "heading" | "codeBlock" => {
            lines(content, Gap::None)
        }
        "table" => content.iter().map(row).collect(),
        _ => {
            let mut all = split(node["text"].as_str().unwrap_or(&own_text(node)));
            append(&mut all, lines(content, Gap::Line), Gap::None);
            all
        }
    }
}

/// The items of a list: what marks each stands before its first line, and blanks before the rest.
fn items(content: &[Value], mark: impl Fn(u64, &Value) -> String) -> Vec<String> {
    let mut all = Vec::new();
    for (item, position) in content.iter().zip(0..) {
        // A list among the items is one level further in.
        let is_list = kind(item).ends_with("List");
        let mark = if is_list { "  ".to_owned() } else { mark(position, item) };
        let rest = " ".repeat(mark.len());
        let inside = lines(std::slice::from_ref(item), Gap::None);
        for (line, number) in inside.into_iter().zip(0..) {
            all.push(format!("{}{line}", if number == 0 { &mark } else { &rest }));
        }
    }
    all
}

/// A table's row, in one line.
fn row(row: &Value) -> String {
    let cells = row["content"].as_array().map_or(&[][..], Vec::as_slice);
    let cell = |cell: &Value| {
        let content = cell["content"].as_array().map_or(&[][..], Vec::as_slice);
        lines(content, Gap::None).join(" ")
    };
    cells.iter().map(cell).collect::<Vec<_>>().join(" | ")
}

fn kind(node: &Value) -> &str {
    node["type"].as_str().unwrap_or_default()
}

/// The text, and where it leads if it is a link and does not say so itself.
fn linked(node: &Value) -> String {
    let text = node["text"].as_str().unwrap_or_default();
    let marks = node["marks"].as_array().map_or(&[][..], Vec::as_slice);
    let target = marks.iter().filter(|mark| kind(mark) == "link");
    match target.filter_map(|mark| attribute(mark, &["href"])).next() {
        Some(target) if target != text => format!("{text} ({target})"),
        Some(_) | None => text.to_owned(),
    }
}

/// What a node that is no text says of itself: its text, title or picture's name, else its address.
fn own_text(node: &Value) -> String {
    attribute(node, &["text", "title", "alt", "url"]).unwrap_or_default()
}

/// The first of a node's attributes that has something in it.
fn attribute(node: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match &node["attrs"][name] {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    })
}

/// The day of a timestamp in milliseconds.
fn date(timestamp: String) -> String {
    let instant = timestamp.parse().ok().and_then(DateTime::from_timestamp_millis);
    instant.map_or(timestamp, |instant| instant.format("%Y-%m-%d").to_string())
}

/// Every string under the name `text`, a line each: all that is said of a document that makes no
/// sense as one. Reads the JSON once, from string to string.
fn loose_text(json: &str) -> String {
    let mut all = Vec::new();
    let (mut rest, mut named_text) = (json, false);
    while let Some(begin) = rest.find('"') {
        let string = &rest[begin..];
        let Some(end) = end_of_string(string) else { break };
        rest = &string[end..];
        let string = &string[..end];
        if rest.trim_start().starts_with(':') {
            named_text = string == r#""text""#;
        } else {
            let text = serde_json::from_str(string).ok().filter(|_| named_text);
            all.extend(text.iter().flat_map(|text: &String| split(text)));
            named_text = false;
        }
    }
    all.join("\n")
}

/// How long the JSON string at the beginning of `json` is, its quotes included.
fn end_of_string(json: &str) -> Option<usize> {
    let mut bytes = json.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Some(at + 1),
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests;
