//! Which fields of an issue an answer shows, and the catalogue of fields.

use std::collections::HashSet;

use crate::json::Json;

/// Fields that `*navigable` leaves out.
const NOT_NAVIGABLE: [&str; 4] = ["comment", "attachment", "worklog", "timetracking"];

/// A field as `/field` describes it.
#[derive(Debug, Clone)]
pub(crate) struct FieldDef {
    /// `summary`, `customfield_10010`.
    pub(crate) id: String,
    /// The name people see.
    pub(crate) name: String,
    /// The `schema` object.
    pub(crate) schema: Json,
}

impl FieldDef {
    /// Whether this is a custom field.
    pub(crate) fn is_custom(&self) -> bool {
        self.id.starts_with("customfield_")
    }
}

/// The meaning of a `fields` parameter.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    all: bool,
    navigable: bool,
    include: HashSet<String>,
    exclude: HashSet<String>,
}

impl Selection {
    /// `*all`.
    pub(crate) fn all() -> Self {
        Self { all: true, ..Self::default() }
    }

    /// Reads the names of a `fields` parameter. With none, or with exclusions only, `*navigable`
    /// (or `*all` where that is the endpoint's default) is meant.
    pub(crate) fn parse<'a>(names: impl Iterator<Item = &'a str>, default_all: bool) -> Self {
        let mut selection = Self::default();
        for name in names.map(str::trim).filter(|name| !name.is_empty()) {
            match name.strip_prefix('-') {
                _ if name == "*all" => selection.all = true,
                _ if name == "*navigable" => selection.navigable = true,
                Some(excluded) => {
                    selection.exclude.insert(excluded.to_owned());
                }
                None => {
                    selection.include.insert(name.to_owned());
                }
            }
        }
        if !selection.all && !selection.navigable && selection.include.is_empty() {
            selection.all = default_all;
            selection.navigable = !default_all;
        }
        selection
    }

    /// The same without one more field.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.exclude.insert(name.to_owned());
        self
    }

    /// Whether the answer shows this field.
    pub(crate) fn takes(&self, name: &str) -> bool {
        if self.exclude.contains(name) {
            return false;
        }
        self.all
            || (self.navigable && !NOT_NAVIGABLE.contains(&name))
            || self.include.contains(name)
    }

    /// Whether whole issues are asked for.
    pub(crate) fn is_whole(&self) -> bool {
        self.all
    }

    /// Whether all fields are asked for, or all navigable ones.
    pub(crate) fn is_open(&self) -> bool {
        self.all || self.navigable
    }

    /// Whether nothing but unknown names is asked for, so that rows come without `fields`.
    pub(crate) fn is_bare(&self, is_field: impl Fn(&str) -> bool) -> bool {
        !self.all && !self.navigable && !self.include.iter().any(|name| is_field(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_mean_what_jira_means() {
        let cases = [
            ("", "summary", true),
            ("", "comment", false),
            ("*all", "comment", true),
            ("*all,-comment", "comment", false),
            ("-summary", "summary", false),
            ("-summary", "status", true),
            ("-summary", "worklog", false),
            ("updated,key", "updated", true),
            ("updated,key", "status", false),
            ("*navigable,worklog", "worklog", true),
        ];
        for (fields, name, takes) in cases {
            assert_eq!(
                Selection::parse(fields.split(','), false).takes(name),
                takes,
                "{fields} {name}"
            );
        }
        assert!(Selection::parse("".split(','), true).takes("comment"));
    }
}
