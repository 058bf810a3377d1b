//! Replaces, in JSON text, what Postgres cannot hold: U+0000 and lone surrogates, both of which
//! valid JSON can only write as escapes. Everything else stays byte for byte. Pure.

use std::borrow::Cow;

/// The escape of U+FFFD, as long as every escape it replaces.
const REPLACEMENT: &[u8; 6] = br"\ufffd";

/// `json` with every escape of U+0000 or of a lone surrogate replaced by that of U+FFFD; borrowed
/// when there is none. An escaped backslash before `u0000` makes it literal text, which stays.
pub(super) fn repair(json: &str) -> Cow<'_, str> {
    let spots = unstorable(json.as_bytes());
    if spots.is_empty() {
        return Cow::Borrowed(json);
    }
    let mut repaired = String::with_capacity(json.len());
    let mut copied = 0;
    for spot in spots {
        repaired.push_str(&json[copied..spot]);
        repaired.push_str(r"\ufffd");
        copied = spot + REPLACEMENT.len();
    }
    repaired.push_str(&json[copied..]);
    Cow::Owned(repaired)
}

/// Where the escapes to replace begin. In JSON a backslash occurs inside strings only.
fn unstorable(json: &[u8]) -> Vec<usize> {
    let mut spots = Vec::new();
    let mut at = 0;
    while let Some(skipped) = json[at..].iter().position(|&byte| byte == b'\\') {
        at += skipped;
        let Some(unit) = code_unit(&json[at..]) else {
            // Some other escape: the character after the backslash belongs to it.
            at = (at + 2).min(json.len());
            continue;
        };
        let paired = matches!(unit, 0xD800..=0xDBFF)
            && matches!(code_unit(&json[at + 6..]), Some(0xDC00..=0xDFFF));
        if paired {
            at += 12;
            continue;
        }
        if matches!(unit, 0 | 0xD800..=0xDFFF) {
            spots.push(at);
        }
        at += 6;
    }
    spots
}

/// The UTF-16 code unit that a `\uXXXX` at the beginning of `json` stands for.
fn code_unit(json: &[u8]) -> Option<u16> {
    let [b'\\', b'u', digits @ ..] = json.get(..6)? else {
        return None;
    };
    digits.iter().try_fold(0, |unit, &digit| {
        Some(unit * 16 + u16::try_from(char::from(digit).to_digit(16)?).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#""plain""#, r#""plain""#)]
    #[case(r#""a\u0000b""#, r#""a\ufffdb""#)]
    #[case(r#""a\\u0000b""#, r#""a\\u0000b""#)]
    #[case(r#""a\\\u0000b""#, r#""a\\\ufffdb""#)]
    #[case(r#""\uD83D\uDE00""#, r#""\uD83D\uDE00""#)]
    #[case(r#""\ud800""#, r#""\ufffd""#)]
    #[case(r#""\udc00\ud83d""#, r#""\ufffd\ufffd""#)]
    #[case(r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#)]
    #[case(r#""\ud83d\\ude00""#, r#""\ufffd\\ude00""#)]
    #[case(r#"{"k\u0000":"\"\u0000"}"#, r#"{"k\ufffd":"\"\ufffd"}"#)]
    fn only_what_cannot_be_stored_is_replaced(#[case] json: &str, #[case] expected: &str) {
        assert_eq!(repair(json), expected);
    }

    /// One piece of a JSON string, with the UTF-16 it stands for.
    fn piece() -> impl Strategy<Value = (String, Vec<u16>)> {
        prop_oneof![
            any::<u16>().prop_map(|unit| (format!("\\u{unit:04x}"), vec![unit])),
            Just((r"\u0000".to_owned(), vec![0])),
            (0xD800u16..=0xDFFF).prop_map(|unit| (format!("\\u{unit:04X}"), vec![unit])),
            Just((r"\\".to_owned(), vec![u16::from(b'\\')])),
            Just((r#"\""#.to_owned(), vec![u16::from(b'"')])),
            Just((r"\n".to_owned(), vec![u16::from(b'\n')])),
            "[ a-zA-Zu0-9é\u{1F600}]{0,6}".prop_map(|text| {
                let units = text.encode_utf16().collect();
                (text, units)
            }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_left_reads_as_the_text_with_replacements(
            pieces in prop::collection::vec(piece(), 0..20),
        ) {
            let json = format!("\"{}\"", pieces.iter().map(|p| p.0.as_str()).collect::<String>());
            let units: Vec<u16> = pieces.into_iter().flat_map(|p| p.1).collect();
            let expected: String = char::decode_utf16(units)
                .map(|c| c.unwrap_or('\u{FFFD}'))
                .map(|c| if c == '\0' { '\u{FFFD}' } else { c })
                .collect();
            // Only escapes pair with escapes: the generator writes no raw surrogates.
            let read: String = serde_json::from_str(&repair(&json)).unwrap();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn no_input_makes_it_panic(json in ".{0,40}|(\\\\u?[0-9d]{0,4}){0,8}") {
            let _ = repair(&json);
        }
    }
}
