//! Syntax: `OR` binds weakest, then `AND`, then `NOT`; then `ORDER BY`.

use super::QueryError;
use super::ast::{Clause, Expr, Op, OrderBy, Query, Value};
use super::token::{Kind, Token, tokens};

/// Words that must be quoted to be used as a value or a field.
const RESERVED: &str = " abort access add after alias all alter and any as asc audit avg before begin between \
boolean break by byte catch cf char character check checkpoint collate collation column commit connect continue \
count create current date decimal declare decrement default defaults define delete delimiter desc difference \
distinct divide do double drop else empty encoding end equals escape exclusive exec execute exists explain false \
fetch file field first float for from function go goto grant greater group having identified if immediate in \
increment index initial inner inout input insert int integer intersect intersection into is isempty isnull join \
last left less like limit lock long max min minus mode modify modulo more multiply next noaudit not notin nowait \
null number object of on option or order outer output power previous prior privileges public raise raw remainder \
rename resource return returns revoke right row rowid rownum rows select session set share size sqrt start strict \
string subtract sum synonym table then to trans transaction trigger true uid union unique update user validate \
values view when whenever where while with ";

/// Parses a whole query; an empty one matches everything.
pub(crate) fn parse(jql: &str) -> Result<Query, QueryError> {
    let tokens = tokens(jql)?;
    let mut parser = Parser { tokens: &tokens, at: 0 };
    let filter = if parser.done() || parser.peek_word("order") { None } else { Some(parser.or()?) };
    let order = if parser.take_word("order") { parser.order_by()? } else { Vec::new() };
    if parser.done() {
        Ok(Query { filter, order })
    } else {
        Err(parser.unexpected("'AND', 'OR' or the end"))
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Parser<'_> {
    fn done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn peek_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Kind::Word(text)) if text.eq_ignore_ascii_case(word))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek_word(word);
        self.at += usize::from(found);
        found
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Some(Kind::Symbol(have)) if *have == symbol);
        self.at += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<Expr, QueryError> {
        let mut parts = vec![self.and()?];
        while self.take_word("or") || self.take_symbol("||") {
            parts.push(self.and()?);
        }
        Ok(single(parts, Expr::Or))
    }

    fn and(&mut self) -> Result<Expr, QueryError> {
        let mut parts = vec![self.not()?];
        while self.take_word("and") || self.take_symbol("&&") || self.take_symbol("&") {
            parts.push(self.not()?);
        }
        Ok(single(parts, Expr::And))
    }

    fn not(&mut self) -> Result<Expr, QueryError> {
        if self.take_word("not") || self.take_symbol("!") {
            return Ok(Expr::Not(Box::new(self.not()?)));
        }
        if self.take_symbol("(") {
            let inner = self.or()?;
            return if self.take_symbol(")") { Ok(inner) } else { Err(self.unexpected("')'")) };
        }
        self.clause()
    }

    fn clause(&mut self) -> Result<Expr, QueryError> {
        let field = self.name()?;
        let op = self.operator()?;
        let values = match op {
            Op::In | Op::NotIn => self.list()?,
            _ => vec![self.value()?],
        };
        Ok(Expr::Clause(Clause { field, op, values }))
    }

    fn operator(&mut self) -> Result<Op, QueryError> {
        const SYMBOLS: [(&str, Op); 8] = [
            ("=", Op::Eq),
            ("!=", Op::Ne),
            (">=", Op::Ge),
            (">", Op::Gt),
            ("<=", Op::Le),
            ("<", Op::Lt),
            ("~", Op::Like),
            ("!~", Op::NotLike),
        ];
        for (symbol, op) in SYMBOLS {
            if self.take_symbol(symbol) {
                return Ok(op);
            }
        }
        if self.take_word("in") {
            return Ok(Op::In);
        }
        if self.take_word("is") {
            return Ok(if self.take_word("not") { Op::IsNot } else { Op::Is });
        }
        if self.take_word("not") && self.take_word("in") {
            return Ok(Op::NotIn);
        }
        Err(self.unexpected("an operator. The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'"))
    }

    fn list(&mut self) -> Result<Vec<Value>, QueryError> {
        if !self.take_symbol("(") {
            return Err(self.unexpected("'('"));
        }
        let mut values = vec![self.value()?];
        while self.take_symbol(",") {
            values.push(self.value()?);
        }
        if self.take_symbol(")") { Ok(values) } else { Err(self.unexpected("either ')' or ','")) }
    }

    fn value(&mut self) -> Result<Value, QueryError> {
        let token = self.tokens.get(self.at).ok_or_else(|| self.unexpected("a value"))?;
        let value = match &token.kind {
            Kind::Quoted(text) => Value::Text(text.clone()),
            Kind::Symbol(_) => return Err(self.unexpected("a value")),
            Kind::Word(word)
                if word.eq_ignore_ascii_case("empty") || word.eq_ignore_ascii_case("null") =>
            {
                Value::Empty
            }
            Kind::Word(word) => match word.parse() {
                Ok(number) => Value::Number(number),
                Err(_) if is_reserved(word) => return Err(reserved_word(word, token.at)),
                Err(_) => Value::Text(word.clone()),
            },
        };
        self.at += 1;
        match value {
            Value::Text(name) if self.take_symbol("(") => {
                if self.take_symbol(")") {
                    Ok(Value::Function(name))
                } else {
                    Err(self.unexpected("')'"))
                }
            }
            value => Ok(value),
        }
    }

    fn name(&mut self) -> Result<String, QueryError> {
        let token = self.tokens.get(self.at).ok_or_else(|| self.unexpected("a field name"))?;
        let name = match &token.kind {
            Kind::Quoted(text) => text.clone(),
            Kind::Word(word) if is_reserved(word) => return Err(reserved_word(word, token.at)),
            Kind::Word(word) => word.clone(),
            Kind::Symbol(_) => return Err(self.unexpected("a field name")),
        };
        self.at += 1;
        Ok(name)
    }

    fn order_by(&mut self) -> Result<Vec<OrderBy>, QueryError> {
        if !self.take_word("by") {
            return Err(self.unexpected("'BY'"));
        }
        let mut order = Vec::new();
        loop {
            let field = self.name()?;
            let descending = self.take_word("desc");
            if !descending {
                self.take_word("asc");
            }
            order.push(OrderBy { field, descending });
            if !self.take_symbol(",") {
                return Ok(order);
            }
        }
    }

    fn unexpected(&self, wanted: &str) -> QueryError {
        let message = match self.tokens.get(self.at) {
            Some(token) => {
                let got = match &token.kind {
                    Kind::Word(text) | Kind::Quoted(text) => text.as_str(),
                    Kind::Symbol(symbol) => symbol,
                };
                format!("Expecting {wanted} but got '{got}'. (line 1, character {})", token.at)
            }
            None => format!("Expecting {wanted} before the end of the query."),
        };
        QueryError::one(format!("Error in the JQL Query: {message}"))
    }
}

fn single(mut parts: Vec<Expr>, join: impl Fn(Vec<Expr>) -> Expr) -> Expr {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            join(parts)
        }
        None => join(parts),
    }
}

fn is_reserved(word: &str) -> bool {
    RESERVED.split_ascii_whitespace().any(|reserved| reserved.eq_ignore_ascii_case(word))
}

fn reserved_word(word: &str, at: usize) -> QueryError {
    QueryError::one(format!(
        "Error in the JQL Query: '{word}' is a reserved JQL word. You must surround it in quotation marks to use it in a query. (line 1, character {at})"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn and_binds_tighter_than_or() {
        let query = parse("project = P AND a = 1 OR b = 2").unwrap();
        let Some(Expr::Or(parts)) = query.filter else { panic!("{query:?}") };
        assert!(matches!(parts.as_slice(), [Expr::And(_), Expr::Clause(_)]));
    }

    #[test]
    fn malformed_queries_are_refused() {
        for (jql, says) in [
            ("project = ORDER", "'ORDER' is a reserved JQL word"),
            ("project = ", "Expecting a value"),
            ("project P", "an operator"),
            ("(project = P", "')'"),
            ("project in P", "'('"),
            ("project = \"P", "has not been completed"),
            ("updated >= 2024/01/01", "The character '/' is a reserved JQL character"),
            ("project = P ORDER updated", "'BY'"),
            ("project = P project = Q", "'AND', 'OR' or the end"),
            ("summary ~ \"\\q\"", "illegal JQL escape"),
        ] {
            let error = parse(jql).unwrap_err();
            assert!(error.messages.iter().any(|text| text.contains(says)), "{jql}: {error}");
        }
    }

    #[test]
    fn a_query_may_be_empty_or_only_an_order() {
        assert_eq!(parse("").unwrap(), Query::default());
        let query = parse("ORDER BY updated DESC, key").unwrap();
        assert!(query.filter.is_none());
        assert_eq!(query.order.iter().map(|by| by.descending).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn quoted_reserved_words_and_escapes_are_values() {
        let query = parse(r#"project = "ORDER" AND summary ~ 'it\'s \u0041'"#).unwrap();
        let Some(Expr::And(parts)) = query.filter else { panic!() };
        let texts: Vec<String> = parts
            .iter()
            .map(|part| match part {
                Expr::Clause(clause) => clause.values[0].text(),
                _ => panic!(),
            })
            .collect();
        assert_eq!(texts, ["ORDER", "it's A"]);
    }
}
