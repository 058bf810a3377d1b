//! The syntax tree of a query, before anything is looked up.

/// A parsed query.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Query {
    pub(crate) filter: Option<Expr>,
    pub(crate) order: Vec<OrderBy>,
}

/// A Boolean expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Clause(Clause),
}

/// `field operator values`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Clause {
    pub(crate) field: String,
    pub(crate) op: Op,
    pub(crate) values: Vec<Value>,
}

/// The operators this Jira knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
    Like,
    NotLike,
    In,
    NotIn,
    Is,
    IsNot,
}

impl Op {
    /// As people write it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Like => "~",
            Self::NotLike => "!~",
            Self::In => "in",
            Self::NotIn => "not in",
            Self::Is => "is",
            Self::IsNot => "is not",
        }
    }

    pub(crate) fn is_relational(self) -> bool {
        matches!(self, Self::Gt | Self::Ge | Self::Lt | Self::Le)
    }

    pub(crate) fn is_negative(self) -> bool {
        matches!(self, Self::Ne | Self::NotIn | Self::NotLike | Self::IsNot)
    }
}

/// An operand.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// An unquoted whole number.
    Number(i64),
    /// Anything else, quoted or not.
    Text(String),
    /// `EMPTY` or `NULL`.
    Empty,
    /// A function without arguments, by name.
    Function(String),
}

impl Value {
    /// As it stood in the query.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::Empty => "EMPTY".to_owned(),
            Self::Function(name) => format!("{name}()"),
        }
    }
}

/// One sort field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderBy {
    pub(crate) field: String,
    pub(crate) descending: bool,
}
