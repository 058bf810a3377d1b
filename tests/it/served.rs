//! An issue with everything that belongs to it, as the simulated Jira of either flavour serves it
//! when asked for all of it. What should be stored of it is not here.

use jira_sim::{Child, CloudView, Flavor, Issue, Json, SimConfig, World};
use serde_json::Value;

/// Everything of one issue.
pub(crate) struct Served {
    /// `fields` as served for `*all`.
    pub(crate) fields: Value,
    pub(crate) histories: Vec<Value>,
    pub(crate) comments: Vec<Value>,
    pub(crate) worklogs: Vec<Value>,
    pub(crate) links: Vec<Value>,
    pub(crate) attachments: Vec<Value>,
}

impl Served {
    /// Every issue of a project that the account sees.
    pub(crate) fn all<'a>(
        world: &'a World,
        config: &'a SimConfig,
        project: &str,
    ) -> Vec<(&'a Issue, Self)> {
        let view = (config.flavor == Flavor::Cloud).then(|| CloudView::new(world, config));
        let served = |issue| match &view {
            None => Self::by_server(issue),
            Some(view) => Self::by_cloud(view, issue),
        };
        world.visible_issues(project).map(|issue| (issue, served(issue))).collect()
    }

    fn by_server(issue: &Issue) -> Self {
        let list = |children: &[Child]| children.iter().map(|child| value(&child.json)).collect();
        let changelog = parse(&issue.changelog_json());
        Self {
            fields: parse(&issue.fields_json()),
            histories: changelog["histories"].as_array().cloned().unwrap_or_default(),
            comments: list(issue.comments()),
            worklogs: list(issue.worklogs()),
            links: list(issue.links()),
            attachments: list(issue.attachments()),
        }
    }

    fn by_cloud(view: &CloudView<'_>, issue: &Issue) -> Self {
        let list = |items: Vec<Json>| items.iter().map(value).collect();
        let translated = |children: &[Child]| {
            children.iter().map(|child| value(&view.translated(&child.json))).collect()
        };
        Self {
            fields: parse(&view.fields_json(issue)),
            histories: list(view.histories(issue)),
            comments: list(view.comments(issue)),
            worklogs: list(view.worklogs(issue)),
            links: translated(issue.links()),
            attachments: translated(issue.attachments()),
        }
    }
}

fn value(json: &Json) -> Value {
    parse(json.as_str())
}

/// JSON as Postgres can hold it: U+0000 and lone surrogates become U+FFFD.
pub(crate) fn parse(json: &str) -> Value {
    serde_json::from_str(&storable(json)).unwrap_or_else(|error| panic!("{error}: {json:.200}"))
}

/// The same JSON text as Postgres can hold it.
pub(crate) fn storable(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = &rest[at..];
        let unit = |text: &str| {
            let hex = text.strip_prefix("\\u")?.get(..4)?;
            u16::from_str_radix(hex, 16).ok()
        };
        let (taken, replaced) = match unit(escape) {
            None => (2, false),
            Some(0 | 0xDC00..=0xDFFF) => (6, true),
            Some(0xD800..=0xDBFF) => match unit(&escape[6..]) {
                Some(0xDC00..=0xDFFF) => (12, false),
                _ => (6, true),
            },
            Some(_) => (6, false),
        };
        out.push_str(if replaced { "\\ufffd" } else { &escape[..taken] });
        rest = &escape[taken..];
    }
    out + rest
}
