//! JSON text as a tree that can be changed and written again, every token that is not changed as it
//! came. What it is given is known to be JSON; it does not check it.

use std::borrow::Cow;

/// What is nested deeper than this is left out where a tree is needed: real documents have about
/// thirty levels, and Postgres does not take thousands.
const DEEPEST: usize = 400;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node<'a> {
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
    Array(Vec<Node<'a>>),
    /// A string as it stands in the text, quotes included.
    Token(&'a str),
    /// A string that was put in the place of another.
    Text(String),
    /// A number, `true`, `false` or `null`.
    Other(&'a str),
}

pub(super) const NULL: Node<'static> = Node::Other("null");

impl<'a> Node<'a> {
    /// Reads a text.
    pub(super) fn read(text: &'a str) -> Self {
        Reader { rest: text }.value(0)
    }

    /// A string's value.
    pub(super) fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Node::Token(token) => Some(unquoted(token)),
            Node::Text(text) => Some(Cow::Borrowed(text)),
            Node::Object(_) | Node::Array(_) | Node::Other(_) => None,
        }
    }

    /// An object's members.
    pub(super) fn members(&self) -> &[(Cow<'a, str>, Node<'a>)] {
        match self {
            Node::Object(members) => members,
            Node::Array(_) | Node::Token(_) | Node::Text(_) | Node::Other(_) => &[],
        }
    }

    /// The value of an object's member.
    pub(super) fn member(&self, name: &str) -> Option<&Node<'a>> {
        self.members().iter().find(|(have, _)| have == name).map(|(_, value)| value)
    }

    pub(super) fn member_text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.member(name)?.text()
    }

    /// The value as JSON text.
    pub(super) fn write(&self) -> String {
        let mut out = String::new();
        self.push(&mut out);
        out
    }

    fn push(&self, out: &mut String) {
        match self {
            Node::Token(text) | Node::Other(text) => out.push_str(text),
            Node::Text(text) => push_quoted(out, text),
            Node::Array(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    item.push(out);
                }
                out.push(']');
            }
            Node::Object(members) => {
                out.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    push_quoted(out, name);
                    out.push(':');
                    value.push(out);
                }
                out.push('}');
            }
        }
    }
}

/// A text as a JSON string.
pub(super) fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn unquoted(token: &str) -> Cow<'_, str> {
    let inner = token.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(inner) if !inner.contains('\\') => Cow::Borrowed(inner),
        Some(_) | None => Cow::Owned(serde_json::from_str(token).unwrap_or_default()),
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Node<'a> {
        self.blanks();
        match self.rest.as_bytes().first() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Node::Token(self.string()),
            Some(_) | None => Node::Other(self.other()),
        }
    }

    fn object(&mut self, depth: usize) -> Node<'a> {
        if depth >= DEEPEST {
            return self.skipped();
        }
        self.take(1);
        let mut members = Vec::new();
        while !self.closes(b'}') {
            let name = unquoted(self.string());
            self.blanks();
            self.take(1);
            members.push((name, self.value(depth + 1)));
        }
        Node::Object(members)
    }

    fn array(&mut self, depth: usize) -> Node<'a> {
        if depth >= DEEPEST {
            return self.skipped();
        }
        self.take(1);
        let mut items = Vec::new();
        while !self.closes(b']') {
            items.push(self.value(depth + 1));
        }
        Node::Array(items)
    }

    /// Goes past blanks and a comma; whether that was the end, which is taken too.
    fn closes(&mut self, end: u8) -> bool {
        self.blanks();
        if self.rest.starts_with(',') {
            self.take(1);
            self.blanks();
        }
        match self.rest.as_bytes().first() {
            Some(byte) if *byte == end => {
                self.take(1);
                true
            }
            Some(_) => false,
            None => true,
        }
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// A string with its quotes. Where there is none, whatever stands there.
    fn string(&mut self) -> &'a str {
        let mut escaped = false;
        let end = self.rest.bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        self.take(end.map_or(self.rest.len(), |end| end + 2))
    }

    fn other(&mut self) -> &'a str {
        let ends = |c: char| matches!(c, ',' | ']' | '}' | ' ' | '\t' | '\n' | '\r' | '"');
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        self.take(end.max(1))
    }

    /// What is nested too deeply, without looking at it.
    fn skipped(&mut self) -> Node<'a> {
        let mut open = 0_usize;
        while let Some(byte) = self.rest.as_bytes().first() {
            match byte {
                b'"' => {
                    self.string();
                    continue;
                }
                b'{' | b'[' => open += 1,
                b'}' | b']' => open = open.saturating_sub(1),
                _ => {}
            }
            let step = self.rest.chars().next().map_or(1, char::len_utf8);
            self.take(step);
            if open == 0 {
                break;
            }
        }
        NULL
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::Value;

    use super::*;

    #[rstest]
    #[case(
        r#"{"a":[1E2,-0.0,12345678901234567890,"x\u0041\"\\"],"b":{},"c":[],"d":null,"ü":true}"#
    )]
    #[case("[]")]
    #[case(r#""text""#)]
    #[case("null")]
    fn what_is_not_changed_is_written_as_it_came(#[case] json: &str) {
        assert_eq!(Node::read(json).write(), json);
    }

    #[test]
    fn blanks_between_tokens_mean_nothing() {
        let spaced = "\n{ \"a\" :\t[ 1 , { } ] , \"b\\\"\" : \" \" }\n";
        assert_eq!(Node::read(spaced).write(), "{\"a\":[1,{}],\"b\\\"\":\" \"}");
    }

    #[test]
    fn what_is_nested_without_end_ends() {
        let deep =
            format!("{{\"a\":1,\"b\":{}\"]\"{},\"c\":2}}", "[".repeat(9_999), "]".repeat(9_999));
        let node = Node::read(&deep);
        assert_eq!(node.member("c"), Some(&Node::Other("2")));
        assert!(node.write().len() < 1_000);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_is_the_same_afterwards(value in value(), pretty in any::<bool>()) {
            let text = if pretty { format!("{value:#}") } else { value.to_string() };
            let again: Value = serde_json::from_str(&Node::read(&text).write()).unwrap();
            prop_assert_eq!(again, value);
        }

        #[test]
        fn no_text_makes_it_fail(text in any::<String>()) {
            Node::read(&text).write();
        }
    }
}
