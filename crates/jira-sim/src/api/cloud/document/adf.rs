//! Bodies as documents (ADF). Made from the source text as it stands in the JSON, so escapes that
//! no decoder takes (halves of surrogate pairs) come through. Plain ones only; `rich` does more.

/// Appends the document of a JSON string literal: a paragraph for each run of lines, hard breaks
/// between its lines.
pub(super) fn push_plain(out: &mut String, literal: &str) {
    let mut blocks = Blocks::open(out);
    let lines = lines(literal);
    for paragraph in lines.split(|line| is_blank(line)).filter(|lines| !lines.is_empty()) {
        let out = blocks.next();
        out.push_str(r#"{"type":"paragraph","content":["#);
        for (at, line) in paragraph.iter().enumerate() {
            if at > 0 {
                out.push_str(r#",{"type":"hardBreak"},"#);
            }
            push_text(out, line, "");
        }
        out.push_str("]}");
    }
    blocks.close();
}

/// A document under construction.
pub(super) struct Blocks<'a> {
    out: &'a mut String,
    first: bool,
}

impl<'a> Blocks<'a> {
    pub(super) fn open(out: &'a mut String) -> Self {
        out.push_str(r#"{"type":"doc","version":1,"content":["#);
        Self { out, first: true }
    }

    /// Where the next block goes.
    pub(super) fn next(&mut self) -> &mut String {
        if !self.first {
            self.out.push(',');
        }
        self.first = false;
        self.out
    }

    pub(super) fn close(self) {
        self.out.push_str("]}");
    }
}

/// Appends a text node of escaped text; `marks` is empty or an array.
pub(super) fn push_text(out: &mut String, escaped: &str, marks: &str) {
    out.push_str(r#"{"type":"text","text":""#);
    out.push_str(escaped);
    out.push('"');
    if !marks.is_empty() {
        out.push_str(r#","marks":"#);
        out.push_str(marks);
    }
    out.push('}');
}

/// Whether a line shows nothing.
pub(super) fn is_blank(line: &str) -> bool {
    line.replace(r"\t", " ").trim_matches(' ').is_empty()
}

/// The lines of a string literal, still escaped.
pub(super) fn lines(literal: &str) -> Vec<&str> {
    let inner = literal.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or("");
    let mut lines = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(next) = inner.get(at..).and_then(|rest| rest.find('\\')) {
        at += next;
        let rest = inner.get(at..).unwrap_or("");
        match line_break(rest) {
            0 => at += if rest.starts_with(r"\u") { 6 } else { 2 },
            width => {
                lines.push(inner.get(start..at).unwrap_or(""));
                at += width;
                start = at;
            }
        }
    }
    lines.push(inner.get(start..).unwrap_or(""));
    lines
}

/// How many bytes the line break at the start of `rest` takes; 0 if there is none.
fn line_break(rest: &str) -> usize {
    let one = |rest: &str, forms: [&str; 2]| {
        forms
            .into_iter()
            .find(|form| rest.get(..form.len()).is_some_and(|have| have.eq_ignore_ascii_case(form)))
            .map_or(0, str::len)
    };
    // `\N` is no escape in JSON, so ignoring case only matters within \u000a.
    let carriage = one(rest, [r"\r", r"\u000d"]);
    carriage + one(rest.get(carriage..).unwrap_or(""), [r"\n", r"\u000a"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_every_spelling_of_a_break() {
        for (literal, expected) in [
            (r#""""#, vec![""]),
            (r#""one""#, vec!["one"]),
            (r#""a\r\nb\nc\rd""#, vec!["a", "b", "c", "d"]),
            (r#""a\u000D\u000ab""#, vec!["a", "b"]),
            (r#""a\\nb\"\n""#, vec![r#"a\\nb\""#, ""]),
            (r#""\ud83d\n\u0000é""#, vec![r"\ud83d", r"\u0000é"]),
        ] {
            assert_eq!(lines(literal), expected, "{literal}");
        }
    }

    #[test]
    fn a_plain_document_has_paragraphs_and_hard_breaks() {
        let mut out = String::new();
        push_plain(&mut out, r#""one\ntwo\r\n\r\n \t\nthree\n""#);
        let document: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            document,
            serde_json::json!({"type": "doc", "version": 1, "content": [
                {"type": "paragraph", "content": [
                    {"type": "text", "text": "one"},
                    {"type": "hardBreak"},
                    {"type": "text", "text": "two"},
                ]},
                {"type": "paragraph", "content": [{"type": "text", "text": "three"}]},
            ]})
        );
        let mut out = String::new();
        push_plain(&mut out, r#""""#);
        assert_eq!(out, r#"{"type":"doc","version":1,"content":[]}"#);
    }
}
