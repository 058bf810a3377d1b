//! A success must be JSON of the expected shape; where it is not, this says what came instead,
//! without repeating what it holds.

use std::fmt;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::error::Category;

/// How much of a page is searched for its title, in bytes, and how much of the title is repeated.
const TITLE_WITHIN: usize = 16 * 1024;
const TITLE_CHARS: usize = 60;

/// What came instead of the expected JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// A body that broke off.
    Truncated {
        /// How many bytes were read before.
        received_bytes: u64,
    },
    /// Something that is not JSON, such as a log-in page.
    NotJson {
        /// The `Content-Type`, if there was one.
        content_type: Option<String>,
        /// The first words of the page's title, if it has one.
        title: Option<String>,
        /// Where reading stopped.
        at: String,
    },
    /// JSON, but not of the expected shape.
    WrongShape {
        /// What is missing or different.
        problem: String,
    },
}

impl Came {
    /// Whether another attempt may bring something better.
    pub(super) fn may_be_an_accident(&self) -> bool {
        match self {
            Self::Truncated { .. } | Self::NotJson { .. } => true,
            Self::WrongShape { .. } => false,
        }
    }

    /// JSON that lacks something, in words.
    pub(super) fn wrong_shape(problem: impl Into<String>) -> Self {
        Self::WrongShape { problem: problem.into() }
    }
}

impl fmt::Display for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { received_bytes } => {
                write!(f, "it broke off after {received_bytes} bytes")
            }
            Self::NotJson { content_type, title, at } => {
                match content_type {
                    Some(content_type) => write!(f, "it is {content_type}")?,
                    None => f.write_str("it has no content type")?,
                }
                match title {
                    Some(title) => write!(f, " with the title {title:?}"),
                    None => write!(f, ", and {at}"),
                }
            }
            Self::WrongShape { problem } => f.write_str(problem),
        }
    }
}

/// Reads `body` as JSON.
///
/// # Errors
/// [`Came`]: what it is instead.
pub(super) fn decode<'a, T: Deserialize<'a>>(
    body: &'a [u8],
    content_type: Option<&str>,
) -> Result<T, Came> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        Category::Data => Came::WrongShape { problem: describe(&error) },
        Category::Syntax | Category::Eof | Category::Io => Came::NotJson {
            content_type: content_type.map(str::to_owned),
            title: title_of(body),
            at: if body.is_empty() { "it is empty".to_owned() } else { describe(&error) },
        },
    })
}

/// Reads `body` as a JSON object. A list would be taken for a struct's fields in order.
///
/// # Errors
/// [`Came`]: what it is instead.
pub(super) fn object<'a, T: Deserialize<'a>>(
    body: &'a [u8],
    content_type: Option<&str>,
) -> Result<T, Came> {
    if body.trim_ascii_start().starts_with(b"[") {
        decode::<IgnoredAny>(body, content_type)?;
        return Err(Came::wrong_shape("it is a list, where an object was expected"));
    }
    decode(body, content_type)
}

/// What the parser says, without the values it quotes: those may be anybody's text.
pub(super) fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match (text.find('"'), text.rfind('"')) {
        (Some(first), Some(last)) if first < last => {
            format!("{}\"…{}", &text[..first], &text[last..])
        }
        _ => text,
    }
}

/// The first words of an HTML page's title.
fn title_of(body: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&body[..body.len().min(TITLE_WITHIN)]);
    let lower = head.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let open = start + lower[start..].find('>')? + 1;
    let end = lower[open..].find('<').map_or(lower.len(), |length| open + length);
    let words = head[open..end].split_whitespace().collect::<Vec<_>>().join(" ");
    (!words.is_empty()).then(|| words.chars().take(TITLE_CHARS).collect())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Shape {
        #[expect(dead_code, reason = "only its presence matters")]
        total: u64,
    }

    fn came(body: &str, content_type: Option<&str>) -> String {
        decode::<Shape>(body.as_bytes(), content_type).unwrap_err().to_string()
    }

    #[rstest]
    #[case(
        "<html><head><TITLE>\n Log in -\n Jira</title>",
        Some("text/html"),
        "it is text/html with the title \"Log in - Jira\""
    )]
    #[case("", None, "it has no content type, and it is empty")]
    #[case("oops", Some("text/plain"), "it is text/plain, and expected value at line 1 column 1")]
    #[case(
        "{\"total\":",
        Some("application/json"),
        "it is application/json, and EOF while parsing a value at line 1 column 9"
    )]
    #[case("{}", None, "missing field `total` at line 1 column 2")]
    #[case(
        "{\"total\":\"a \\\"secret\\\" summary\"}",
        None,
        "invalid type: string \"…\", expected u64 at line 1 column 31"
    )]
    fn what_came_is_named_and_not_repeated(
        #[case] body: &str,
        #[case] content_type: Option<&str>,
        #[case] expected: &str,
    ) {
        assert_eq!(came(body, content_type), expected);
    }

    #[test]
    fn a_long_title_is_cut() {
        let page = format!("<title>{}", "é ".repeat(9000));
        assert_eq!(title_of(page.as_bytes()).unwrap().chars().count(), TITLE_CHARS);
    }
}
