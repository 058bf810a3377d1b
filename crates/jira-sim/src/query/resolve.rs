//! Looks up what the clauses name: projects, issues, instants. Jira's error texts are here.

use std::collections::HashSet;
use std::sync::Arc;

use super::ast::{Clause, Expr, Op, Query, Value};
use super::dates::instant;
use super::eval::{Bound, Filter};
use super::{QueryError, SearchOptions};
use crate::time::seconds;
use crate::world::{IssueId, IssueKey, World};

/// Resolves a query's filter. With validation every bad value is an error, and all are reported.
pub(crate) fn resolve(
    world: &World,
    query: &Query,
    options: &SearchOptions,
) -> Result<Filter, QueryError> {
    let mut resolver = Resolver { world, options, errors: Vec::new() };
    let filter = match &query.filter {
        None => Filter::And(Vec::new()),
        Some(expr) => resolver.expr(expr)?,
    };
    if resolver.errors.is_empty() || !options.validate {
        Ok(filter)
    } else {
        Err(QueryError { messages: resolver.errors })
    }
}

struct Resolver<'a> {
    world: &'a World,
    options: &'a SearchOptions,
    errors: Vec<String>,
}

impl Resolver<'_> {
    fn expr(&mut self, expr: &Expr) -> Result<Filter, QueryError> {
        Ok(match expr {
            Expr::And(parts) => {
                Filter::And(parts.iter().map(|part| self.expr(part)).collect::<Result<_, _>>()?)
            }
            Expr::Or(parts) => {
                Filter::Or(parts.iter().map(|part| self.expr(part)).collect::<Result<_, _>>()?)
            }
            Expr::Not(inner) => Filter::Not(Box::new(self.expr(inner)?)),
            Expr::Clause(clause) => self.clause(clause)?,
        })
    }

    fn clause(&mut self, clause: &Clause) -> Result<Filter, QueryError> {
        let field = clause.field.to_ascii_lowercase();
        match field.as_str() {
            "project" => self.project(clause),
            "updated" | "updateddate" => self.date(clause, Filter::Updated),
            "created" | "createddate" => self.date(clause, Filter::Created),
            "key" | "id" | "issue" | "issuekey" => self.issue(clause),
            "text" | "summary" | "description" => match clause.op {
                Op::Like | Op::NotLike => Ok(like(clause, &field)),
                Op::Is | Op::IsNot if field != "text" => self.plain(clause, &field),
                _ => Err(unsupported(clause)),
            },
            "status" | "assignee" | "reporter" | "creator" | "priority" | "resolution"
            | "labels" => self.plain(clause, &field),
            "issuetype" | "type" => self.plain(clause, "issuetype"),
            "component" => self.plain(clause, "components"),
            "fixversion" => self.plain(clause, "fixVersions"),
            "parent" => self.plain(clause, "parent"),
            _ => Err(QueryError::one(format!(
                "Field '{}' does not exist or you do not have permission to view it.",
                clause.field
            ))),
        }
    }

    fn project(&mut self, clause: &Clause) -> Result<Filter, QueryError> {
        if !matches!(clause.op, Op::Eq | Op::Ne | Op::In | Op::NotIn) {
            return Err(unsupported(clause));
        }
        let mut keys = Vec::new();
        for value in &clause.values {
            let text = value.text();
            match self.world.project_in_jql(&text) {
                Some(project) => keys.push(Arc::<str>::from(project.key())),
                None => self.errors.push(format!(
                    "The value '{text}' does not exist for the field '{}'.",
                    clause.field
                )),
            }
        }
        Ok(negate(clause.op, Filter::Project(keys)))
    }

    fn date(&mut self, clause: &Clause, filter: fn(Bound) -> Filter) -> Result<Filter, QueryError> {
        let Some(value) = clause.values.first() else {
            return Err(unsupported(clause));
        };
        let bound = match clause.op {
            Op::Is | Op::IsNot | Op::Eq | Op::Ne if *value == Value::Empty => {
                if clause.op.is_negative() { Bound::Present } else { Bound::Absent }
            }
            Op::Eq | Op::Ne | Op::Gt | Op::Ge | Op::Lt | Op::Le => {
                match instant(&clause.field, value, self.world.now(), self.options) {
                    // The index keeps whole seconds, so an operand's milliseconds are cut off.
                    Ok(at) => Bound::Second(clause.op, seconds(at)),
                    Err(error) => {
                        self.errors.extend(error.messages);
                        Bound::Never
                    }
                }
            }
            _ => return Err(unsupported(clause)),
        };
        Ok(filter(bound))
    }

    fn issue(&mut self, clause: &Clause) -> Result<Filter, QueryError> {
        if clause.op.is_relational() {
            return Ok(self.anchor(clause));
        }
        if !matches!(clause.op, Op::Eq | Op::Ne | Op::In | Op::NotIn) {
            return Err(unsupported(clause));
        }
        let ids: HashSet<IssueId> =
            clause.values.iter().filter_map(|value| self.lookup(&clause.field, value)).collect();
        Ok(negate(clause.op, Filter::Ids(ids)))
    }

    /// `key > X` looks X up first, and compares key numbers within *that issue's* project.
    fn anchor(&mut self, clause: &Clause) -> Filter {
        let Some(value) = clause.values.first() else {
            return Filter::Never;
        };
        if let Value::Text(text) = value
            && let Ok(key) = text.parse::<IssueKey>()
            && self.world.is_former(&key)
        {
            self.no_such_issue(format!(
                "Operator '{}' cannot be applied to moved issue key '{text}'.",
                clause.op.text()
            ));
            return Filter::Never;
        }
        let Some(id) = self.lookup(&clause.field, value) else {
            return Filter::Never;
        };
        // Existence was checked without permissions; evaluation needs Browse.
        match self.world.issue(id).filter(|issue| self.world.may_browse(issue)) {
            Some(issue) => Filter::KeyRange(clause.op, issue.key().clone()),
            None => Filter::Never,
        }
    }

    fn lookup(&mut self, field: &str, value: &Value) -> Option<IssueId> {
        let text = value.text();
        let number = match value {
            Value::Number(number) => Some(*number),
            Value::Text(text) => text.parse().ok(),
            Value::Empty | Value::Function(_) => None,
        };
        let (found, error) = match number {
            Some(number) => (
                IssueId::try_from(number).ok().and_then(|id| self.world.issue(id)),
                format!("A value with ID '{number}' does not exist for the field '{field}'."),
            ),
            None => match text.parse::<IssueKey>() {
                Ok(key) => (
                    self.world.issue_by_key(&key),
                    format!("An issue with key '{text}' does not exist for field '{field}'."),
                ),
                Err(_) => (None, format!("The issue key '{text}' for field '{field}' is invalid.")),
            },
        };
        if found.is_none() {
            self.no_such_issue(error);
        }
        found.map(crate::world::Issue::id)
    }

    fn no_such_issue(&mut self, error: String) {
        if !self.options.lenient_issues {
            self.errors.push(error);
        }
    }

    fn plain(&mut self, clause: &Clause, field: &str) -> Result<Filter, QueryError> {
        match clause.op {
            Op::Is | Op::IsNot if clause.values == [Value::Empty] => Ok(Filter::Field {
                name: field.to_owned(),
                values: Vec::new(),
                empty: clause.op == Op::Is,
            }),
            Op::Eq | Op::Ne | Op::In | Op::NotIn => {
                let filter = Filter::Field {
                    name: field.to_owned(),
                    values: clause.values.iter().map(|value| value.text().to_lowercase()).collect(),
                    empty: false,
                };
                if !clause.op.is_negative() {
                    return Ok(filter);
                }
                // Negations never match an empty field.
                let present =
                    Filter::Field { name: field.to_owned(), values: Vec::new(), empty: false };
                Ok(Filter::And(vec![present, Filter::Not(Box::new(filter))]))
            }
            _ => Err(unsupported(clause)),
        }
    }
}

fn like(clause: &Clause, field: &str) -> Filter {
    let needle = clause.values.first().map(Value::text).unwrap_or_default().to_lowercase();
    let needle = needle.trim_matches(|c| c == '*' || c == '"').to_owned();
    let fields: &[&str] =
        if field == "text" { &["summary", "description", "environment"] } else { &[field] };
    let fields = fields.iter().map(|name| (*name).to_owned()).collect();
    negate(clause.op, Filter::Contains { fields, needle })
}

fn negate(op: Op, filter: Filter) -> Filter {
    if op.is_negative() { Filter::Not(Box::new(filter)) } else { filter }
}

fn unsupported(clause: &Clause) -> QueryError {
    QueryError::one(format!(
        "The operator '{}' is not supported by the '{}' field.",
        clause.op.text(),
        clause.field
    ))
}
