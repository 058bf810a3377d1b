//! Text as people write it in trackers, and what must not break a reader of it.

use crate::json::Json;
use crate::random::Random;

const WORDS: [&str; 48] = [
    "the",
    "a",
    "of",
    "to",
    "and",
    "in",
    "when",
    "is",
    "fails",
    "with",
    "query",
    "index",
    "client",
    "server",
    "timeout",
    "null",
    "pointer",
    "should",
    "not",
    "after",
    "upgrade",
    "version",
    "partition",
    "replica",
    "lock",
    "cache",
    "memory",
    "leak",
    "test",
    "flaky",
    "build",
    "on",
    "Windows",
    "Linux",
    "reader",
    "writer",
    "column",
    "schema",
    "type",
    "conversion",
    "wrong",
    "result",
    "expected",
    "actual",
    "see",
    "attached",
    "log",
    "patch",
];

/// Already escaped for JSON: control characters, NUL as an escape and as text that looks like
/// one, halves of surrogate pairs, emoji, direction marks, line separators, DEL and C1.
const ODD: [&str; 14] = [
    r"\u0000",
    r"\\u0000",
    r"\u001b[31mred\u001b[0m",
    r"\u0001\u0008\f",
    r"\ud83d alone",
    r"alone \udc00",
    r"\ud83d\ude00",
    "\u{1f600} \u{1f3f3}\u{fe0f}\u{200d}\u{1f308}",
    "\u{202e}desrever\u{202c}",
    "zero\u{200b}width\u{feff}",
    "line\u{2028}separator",
    "\u{fffd}",
    "\u{7f}\u{85}",
    r"\/escaped slash \u00e9",
];

/// A short line without line breaks.
pub(super) fn line(random: &mut Random, words: usize) -> Json {
    let mut out = String::from('"');
    push_words(&mut out, random, words);
    out.push('"');
    Json::built(out)
}

/// Paragraphs of about this many characters, with wiki markup and Windows line ends; now and
/// then something odd.
pub(super) fn paragraphs(random: &mut Random, length: usize, odd: bool) -> Json {
    let mut out = String::with_capacity(length + 64);
    out.push('"');
    while out.len() < length {
        match random.below(8) {
            0 => out.push_str(r#"{code:java}\r\nint x = \"1\";\r\n{code}\r\n"#),
            1 => out.push_str(r"h3. Steps\r\n# "),
            2 => out.push_str(r"[link|https://example.invalid/a?b=1&c=2] "),
            3 => out.push_str(r"\r\n\r\n"),
            4 => out.push_str(r"C:\\temp\\*.log\t"),
            _ => {}
        }
        let words = 5 + random.below(20);
        push_words(&mut out, random, words);
        out.push_str(". ");
    }
    if odd {
        out.push_str(random.pick(&ODD).copied().unwrap_or(""));
    }
    out.push('"');
    Json::built(out)
}

fn push_words(out: &mut String, random: &mut Random, words: usize) {
    for at in 0..words {
        if at > 0 {
            out.push(' ');
        }
        out.push_str(random.pick(&WORDS).copied().unwrap_or("the"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_odd_text_is_a_json_string() {
        for odd in ODD {
            Json::parse(&format!("\"{odd}\"")).unwrap();
        }
    }
}
