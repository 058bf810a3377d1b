//! What a query asks for: the metrics, their labels, and the labels it groups by. It knows no more of
//! PromQL than that.

use std::collections::BTreeSet;

/// What one query uses.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Uses {
    pub(super) selectors: Vec<Selector>,
    /// Labels in `by`, `without`, `on` and `ignoring`.
    pub(super) groups: BTreeSet<String>,
}

/// A metric, and what is asked of its labels.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Selector {
    pub(super) name: String,
    /// Label, operator and value.
    pub(super) matchers: Vec<(String, String, String)>,
}

const GROUPINGS: [&str; 4] = ["by", "without", "on", "ignoring"];

/// Reads a query.
pub(super) fn uses(query: &str) -> Uses {
    let mut found = Uses::default();
    let mut rest = query;
    while let Some(at) = rest.find(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '"') {
        rest = &rest[at..];
        if let Some(text) = rest.strip_prefix('"') {
            let end = text.find('"').expect("the end of a text");
            rest = &text[end + 1..];
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        let after = after.trim_start();
        if GROUPINGS.contains(&word) && after.starts_with('(') {
            let (labels, behind) = after[1..].split_once(')').expect("the end of labels");
            found.groups.extend(list(labels).map(str::to_owned));
            rest = behind;
        } else if word.starts_with("extractor_") || word == "up" {
            let mut selector = Selector { name: word.to_owned(), matchers: Vec::new() };
            if let Some(inner) = rest.strip_prefix('{') {
                let (matchers, behind) = inner.split_once('}').expect("the end of matchers");
                selector.matchers = list(matchers).map(matcher).collect();
                rest = behind;
            }
            found.selectors.push(selector);
        } else {
            // A number with a unit, such as 5m, is no word.
            rest = after;
        }
    }
    found
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn matcher(text: &str) -> (String, String, String) {
    let at = text.find(['=', '!']).expect("an operator");
    let (label, rest) = text.split_at(at);
    let (operator, value) = rest.split_once('"').expect("a value");
    (label.trim().to_owned(), operator.trim().to_owned(), value.trim_end_matches('"').to_owned())
}

#[test]
fn a_query_is_read_as_far_as_it_matters() {
    let query = r#"sum by (site, project) (rate(extractor_a_total{x=~"p|q", y!="1"}[5m]))
        / ignoring (state) extractor_b > 0.5 and "extractor_c" == up{job="e"}"#;
    let found = uses(query);
    let names: Vec<&str> = found.selectors.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["extractor_a_total", "extractor_b", "up"]);
    let part = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
    let expected = [part("x", "=~", "p|q"), part("y", "!=", "1")];
    assert_eq!(found.selectors[0].matchers, expected);
    assert_eq!(found.groups, ["project", "site", "state"].map(str::to_owned).into());
}
