//! Splits a query into words, strings and symbols.

use super::QueryError;

/// A token and where it began (1-based character).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) at: usize,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// Unquoted: a keyword, a field, a number, a value.
    Word(String),
    /// Quoted, escapes resolved.
    Quoted(String),
    /// `(`, `)`, `,`, `=`, `!=`, `>`, `>=`, `<`, `<=`, `~`, `!~`, `!`, `&&`, `||`.
    Symbol(&'static str),
}

const SYMBOLS: [&str; 15] =
    ["!=", "!~", ">=", "<=", "&&", "||", "(", ")", ",", "=", ">", "<", "~", "!", "&"];
const RESERVED: &str = "{}*/%+^$#@[];?|`:";

/// All tokens of a query.
pub(crate) fn tokens(jql: &str) -> Result<Vec<Token>, QueryError> {
    let chars: Vec<char> = jql.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        if c.is_whitespace() {
            at += 1;
        } else if c == '"' || c == '\'' {
            let (text, next) = quoted(&chars, at)?;
            found.push(Token { kind: Kind::Quoted(text), at: at + 1 });
            at = next;
        } else if let Some(symbol) = symbol(&chars, at) {
            found.push(Token { kind: Kind::Symbol(symbol), at: at + 1 });
            at += symbol.len();
        } else {
            let (text, next) = word(&chars, at)?;
            found.push(Token { kind: Kind::Word(text), at: at + 1 });
            at = next;
        }
    }
    Ok(found)
}

fn symbol(chars: &[char], at: usize) -> Option<&'static str> {
    let ahead: String = chars.iter().skip(at).take(2).collect();
    SYMBOLS.into_iter().find(|symbol| ahead.starts_with(symbol))
}

fn word(chars: &[char], start: usize) -> Result<(String, usize), QueryError> {
    let mut text = String::new();
    let mut at = start;
    while let Some(&c) = chars.get(at) {
        if c.is_whitespace() || "\"'(),=!<>~&".contains(c) {
            break;
        }
        if c == '|' || RESERVED.contains(c) {
            return Err(reserved_character(c, at + 1));
        }
        if c == '\\' {
            let (escaped, next) = escape(chars, at)?;
            text.push(escaped);
            at = next;
        } else {
            text.push(c);
            at += 1;
        }
    }
    Ok((text, at))
}

fn quoted(chars: &[char], start: usize) -> Result<(String, usize), QueryError> {
    let quote = chars.get(start).copied().unwrap_or('"');
    let mut text = String::new();
    let mut at = start + 1;
    while let Some(&c) = chars.get(at) {
        if c == quote {
            return Ok((text, at + 1));
        }
        if c == '\n' || c == '\r' {
            break;
        }
        if c == '\\' {
            let (escaped, next) = escape(chars, at)?;
            text.push(escaped);
            at = next;
        } else {
            text.push(c);
            at += 1;
        }
    }
    Err(QueryError::one(format!(
        "Error in the JQL Query: The quoted string '{text}' has not been completed. (line 1, character {})",
        start + 1
    )))
}

fn escape(chars: &[char], at: usize) -> Result<(char, usize), QueryError> {
    let illegal = |text: String| {
        QueryError::one(format!(
            "Error in the JQL Query: '{text}' is an illegal JQL escape sequence. The valid escape sequences are \\', \\\", \\t, \\n, \\r, \\\\, '\\ ' and \\uXXXX. (line 1, character {})",
            at + 1
        ))
    };
    match chars.get(at + 1) {
        Some('n') => Ok(('\n', at + 2)),
        Some('t') => Ok(('\t', at + 2)),
        Some('r') => Ok(('\r', at + 2)),
        Some(c @ ('"' | '\'' | '\\' | ' ')) => Ok((*c, at + 2)),
        Some('u') => {
            let digits: String = chars.iter().skip(at + 2).take(4).collect();
            let code = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 4);
            match code.and_then(char::from_u32) {
                Some(c) => Ok((c, at + 6)),
                None => Err(illegal(format!("\\u{digits}"))),
            }
        }
        Some(c) => Err(illegal(format!("\\{c}"))),
        None => Err(illegal("\\".to_owned())),
    }
}

fn reserved_character(c: char, at: usize) -> QueryError {
    QueryError::one(format!(
        "Error in the JQL Query: The character '{c}' is a reserved JQL character. You must enclose it in a string or use the escape '\\u{:04x}' instead. (line 1, character {at})",
        c as u32
    ))
}
