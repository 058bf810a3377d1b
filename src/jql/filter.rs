//! The operator's extra JQL, checked so that its parentheses really hold it.

use std::fmt;

/// Extra JQL from the configuration, always put into parentheses: `AND` binds tighter than `OR`,
/// so a bare filter would escape the project and cursor clauses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFilter(String);

/// A filter that could not be put into parentheses safely.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFilter {
    /// Nothing in it.
    #[error("the filter is empty; leave the key out to extract every issue")]
    Empty,
    /// A quote that does not end.
    #[error("the filter {0:?} has a quote that is never closed")]
    UnclosedQuote(String),
    /// A parenthesis too many or too few.
    #[error("the filter {0:?} has a parenthesis without its partner")]
    Unbalanced(String),
    /// Its own order.
    #[error("the filter {0:?} has an ORDER BY; the extractor orders listings itself, so remove it")]
    Ordered(String),
}

impl UserFilter {
    /// Checks `text` as far as needed to keep it inside its parentheses; Jira judges the rest.
    ///
    /// # Errors
    /// [`InvalidFilter`] naming the text and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidFilter> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidFilter::Empty);
        }
        let bare = outside_quotes(text).ok_or_else(|| InvalidFilter::UnclosedQuote(text.into()))?;
        if !balanced(&bare) {
            return Err(InvalidFilter::Unbalanced(text.into()));
        }
        if orders(&bare) {
            return Err(InvalidFilter::Ordered(text.into()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for UserFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({})", self.0)
    }
}

/// The text with every quoted part replaced by a space, or `None` when a quote does not end.
fn outside_quotes(text: &str) -> Option<String> {
    let mut bare = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next()?;
                bare.push(' ');
            }
            '"' | '\'' => {
                skip_quoted(&mut chars, c)?;
                bare.push(' ');
            }
            other => bare.push(other),
        }
    }
    Some(bare)
}

fn skip_quoted(chars: &mut std::str::Chars<'_>, quote: char) -> Option<()> {
    loop {
        match chars.next()? {
            '\\' => {
                chars.next()?;
            }
            c if c == quote => return Some(()),
            _ => {}
        }
    }
}

fn balanced(bare: &str) -> bool {
    let mut depth = 0_i64;
    for c in bare.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

fn orders(bare: &str) -> bool {
    let words: Vec<String> = bare
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.windows(2).any(|pair| pair == ["order", "by"])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("labels = a OR labels = b", "(labels = a OR labels = b)")]
    #[case("  summary ~ \"order by ) (\" ", "(summary ~ \"order by ) (\")")]
    #[case(r#"summary ~ "a \" ) b""#, r#"(summary ~ "a \" ) b")"#)]
    #[case("summary ~ 'it'", "(summary ~ 'it')")]
    #[case("(a = 1) AND (b = 2)", "((a = 1) AND (b = 2))")]
    fn a_filter_is_put_into_parentheses(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(UserFilter::parse(text).unwrap().to_string(), expected);
    }

    #[rstest]
    #[case("  ", InvalidFilter::Empty)]
    #[case("a = 1) OR (b = 2", InvalidFilter::Unbalanced("a = 1) OR (b = 2".into()))]
    #[case("(a = 1", InvalidFilter::Unbalanced("(a = 1".into()))]
    #[case("a = \"x", InvalidFilter::UnclosedQuote("a = \"x".into()))]
    #[case("a = 1 Order  By b", InvalidFilter::Ordered("a = 1 Order  By b".into()))]
    fn a_filter_that_would_escape_is_refused(#[case] text: &str, #[case] expected: InvalidFilter) {
        assert_eq!(UserFilter::parse(text).unwrap_err(), expected);
    }
}
