//! What columns and views are called: readable, valid without quotes, unlike each other, and for
//! good. A name is given once; what comes later gets another. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::typing::{Field, Kind};

/// The longest name that Postgres keeps, in bytes.
pub(super) const LONGEST: usize = 63;

/// A column that a field has got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) site: String,
    pub(super) field_id: String,
    pub(super) kind: Kind,
    pub(super) name: String,
    /// The field's name when it got the column.
    pub(super) named_for: String,
}

/// Words that cannot name a column without quotes, and Postgres's own columns.
pub(super) const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "binary",
    "both",
    "case",
    "cast",
    "check",
    "cmax",
    "cmin",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "ctid",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "natural",
    "not",
    "notnull",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "overlaps",
    "placing",
    "primary",
    "references",
    "returning",
    "right",
    "select",
    "session_user",
    "similar",
    "some",
    "symmetric",
    "system_user",
    "table",
    "tableoid",
    "tablesample",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
    "xmin",
];

/// What the columns of system fields are called, whatever language the account has.
const SYSTEM: &[(&str, &str)] = &[
    ("aggregateprogress", "sum_progress"),
    ("aggregatetimeestimate", "sum_remaining_estimate_secs"),
    ("aggregatetimeoriginalestimate", "sum_original_estimate_secs"),
    ("aggregatetimespent", "sum_time_spent_secs"),
    ("archivedby", "archived_by"),
    ("archiveddate", "archived_at"),
    ("issuerestriction", "issue_restriction"),
    ("lastViewed", "last_viewed_at"),
    ("security", "security_level"),
    ("statuscategorychangedate", "status_category_changed_at"),
    ("subtasks", "subtask_keys"),
    ("timeestimate", "remaining_estimate_secs"),
    ("timeoriginalestimate", "original_estimate_secs"),
    ("timespent", "time_spent_secs"),
    ("versions", "affects_versions"),
    ("watches", "watchers"),
    ("workratio", "work_ratio"),
];

/// The columns of fields that have none of their kind yet. `held` are those given before, of all
/// instances; `fixed` are names that no field may have.
pub(super) fn allot(
    wanted: &[(&Field, Kind)],
    held: &[Column],
    fixed: &BTreeSet<String>,
) -> Vec<Column> {
    let mut names = Names::of(held, fixed);
    let mut wanted: Vec<&(&Field, Kind)> = wanted
        .iter()
        .filter(|(field, kind)| {
            !held.iter().any(|c| c.site == field.site && c.field_id == field.id && c.kind == *kind)
        })
        .collect();
    wanted.sort_by_key(|(field, kind)| (&field.site, order(field), &field.id, *kind));
    wanted.dedup_by_key(|(field, kind)| (&field.site, &field.id, *kind));
    let mut given = Vec::new();
    for (field, kind) in wanted {
        let before = held.iter().any(|c| c.site == field.site && c.field_id == field.id);
        let name = names.choose(field, *kind, before);
        given.push(Column {
            site: field.site.clone(),
            field_id: field.id.clone(),
            kind: *kind,
            name,
            named_for: field.name.clone(),
        });
    }
    given
}

/// System fields first, then by number: what was there first tends to get the plain name.
fn order(field: &Field) -> (bool, u64) {
    let number = field.number();
    (number.is_some(), number.and_then(|number| number.parse().ok()).unwrap_or(0))
}

/// The names that are taken.
struct Names<'a> {
    fixed: &'a BTreeSet<String>,
    of_site: BTreeSet<(String, String)>,
    types: BTreeMap<String, &'static str>,
}

impl<'a> Names<'a> {
    fn of(held: &[Column], fixed: &'a BTreeSet<String>) -> Self {
        let mut names = Self { fixed, of_site: BTreeSet::new(), types: BTreeMap::new() };
        for column in held {
            names.take(&column.site, &column.name, column.kind);
        }
        names
    }

    fn take(&mut self, site: &str, name: &str, kind: Kind) {
        self.of_site.insert((site.to_owned(), name.to_owned()));
        self.types.entry(name.to_owned()).or_insert(kind.sql_type());
    }

    /// Takes the first name that is free: the field's own; with its kind if it has another column
    /// already; with its number; with a count.
    fn choose(&mut self, field: &Field, kind: Kind, before: bool) -> String {
        let own = own_name(field);
        let of_kind = before.then(|| joined(&own, kind.as_str()));
        let number = field.number().and_then(snake);
        let numbered = number.map(|number| joined(&own, number.trim_start_matches('_')));
        let base = numbered.clone().unwrap_or_else(|| own.clone());
        let counted = (2_u32..).map(|count| joined(&base, &count.to_string()));
        let mut candidates = std::iter::once(own).chain(of_kind).chain(numbered).chain(counted);
        let name = candidates.find(|name| self.is_free(&field.site, name, kind));
        let name = name.unwrap_or_else(|| field.id.clone());
        self.take(&field.site, &name, kind);
        name
    }

    fn is_free(&self, site: &str, name: &str, kind: Kind) -> bool {
        !self.fixed.contains(name)
            && RESERVED.binary_search(&name).is_err()
            && !self.of_site.contains(&(site.to_owned(), name.to_owned()))
            && self.types.get(name).is_none_or(|sql_type| *sql_type == kind.sql_type())
    }
}

/// What a field's column is called if nobody else has the name.
fn own_name(field: &Field) -> String {
    if let Ok(at) = SYSTEM.binary_search_by_key(&field.id.as_str(), |(id, _)| id) {
        return SYSTEM[at].1.to_owned();
    }
    let name = match field.number() {
        None => snake(&spaced(&field.id)),
        Some(_) => snake(field.untranslated.as_deref().unwrap_or(&field.name)),
    };
    let name = name.or_else(|| snake(&field.id)).unwrap_or_else(|| "field".to_owned());
    match RESERVED.binary_search(&name.as_str()) {
        Ok(_) => joined(&name, "field"),
        Err(_) => name,
    }
}

/// `fixVersions` as `fix Versions`.
fn spaced(id: &str) -> String {
    let mut text = String::new();
    for c in id.chars() {
        if c.is_ascii_uppercase() {
            text.push(' ');
        }
        text.push(c);
    }
    text
}

/// Both with `_` between them, the first cut short where the whole would be too long.
fn joined(name: &str, suffix: &str) -> String {
    let room = LONGEST.saturating_sub(suffix.len() + 1);
    format!("{}_{suffix}", cut(name, room).trim_end_matches('_'))
}

/// The first `room` bytes of an ASCII text.
fn cut(name: &str, room: usize) -> &str {
    name.get(..room).unwrap_or(name)
}

/// A text as a name: lower-case ASCII letters, digits, and single underscores between words. `None`
/// if nothing is left of it.
pub(super) fn snake(text: &str) -> Option<String> {
    let plain: String = text.chars().map(|c| plain(c).unwrap_or_else(|| "_".to_owned())).collect();
    let words: Vec<&str> = plain.split('_').filter(|word| !word.is_empty()).collect();
    let name = words.join("_");
    let name = cut(&name, LONGEST - 1).trim_end_matches('_');
    match name.chars().next()? {
        c if c.is_ascii_digit() => Some(format!("_{name}")),
        _ => Some(name.to_owned()),
    }
}

/// A character as plain letters or digits, or as a word; `None` for what parts words.
fn plain(c: char) -> Option<String> {
    if c.is_ascii_alphanumeric() {
        return Some(c.to_ascii_lowercase().to_string());
    }
    let word = match c {
        'Σ' | '∑' => "_sum_",
        '%' => "_percent_",
        '#' | '№' => "_number_",
        '&' => "_and_",
        'ß' => "ss",
        'æ' | 'Æ' => "ae",
        'œ' | 'Œ' => "oe",
        _ => return latin(c).map(String::from),
    };
    Some(word.to_owned())
}

/// The letter under an accent.
fn latin(c: char) -> Option<char> {
    const LETTERS: &[(char, &str)] = &[
        ('a', "àáâãäåāăą"),
        ('c', "çćĉċč"),
        ('d', "ďđð"),
        ('e', "èéêëēĕėęě"),
        ('g', "ĝğġģ"),
        ('h', "ĥħ"),
        ('i', "ìíîïĩīĭįı"),
        ('j', "ĵ"),
        ('k', "ķ"),
        ('l', "ĺļľŀł"),
        ('n', "ñńņňŉ"),
        ('o', "òóôõöøōŏő"),
        ('r', "ŕŗř"),
        ('s', "śŝşšș"),
        ('t', "ţťŧț"),
        ('u', "ùúûüũūŭůűų"),
        ('w', "ŵ"),
        ('y', "ýÿŷ"),
        ('z', "źżž"),
    ];
    let lower = c.to_lowercase().next()?;
    LETTERS.iter().find(|(_, accented)| accented.contains(lower)).map(|(letter, _)| *letter)
}

/// The name of a project's view: its key in lower case unless that is taken, then with its site,
/// then with a count.
pub(super) fn view_name(site: &str, project: &str, taken: &BTreeSet<String>) -> String {
    let key = snake(project).unwrap_or_else(|| "project".to_owned());
    let key = match RESERVED.binary_search(&key.as_str()) {
        Ok(_) => joined(&key, "project"),
        Err(_) => key,
    };
    let with_site = snake(site).map(|site| joined(&cut(&site, LONGEST / 2).to_owned(), &key));
    let counted = (2_u32..).map(|count| joined(&key, &count.to_string()));
    let mut candidates = std::iter::once(key.clone()).chain(with_site).chain(counted);
    candidates.find(|name| !taken.contains(name)).unwrap_or(key)
}

#[cfg(test)]
#[path = "naming_tests.rs"]
mod tests;
