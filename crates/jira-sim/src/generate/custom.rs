//! The custom fields of a generated instance: many, mostly null, in every form seen in the wild.

use std::sync::Arc;

use super::people::People;
use super::text::paragraphs;
use super::timeline::Frame;
use crate::json::{Json, quote};
use crate::random::Random;
use crate::time::utc;
use crate::world::{Issue, Slot, World};

/// How many custom fields an instance has.
const FIELDS: usize = 95;

/// What a field holds: name, how often it is filled, the custom type's key.
const KINDS: [(Kind, &str, f64, &str); 18] = [
    (Kind::BigString, "Global Rank", 1.0, "com.pyxis.greenhopper.jira:gh-global-rank"),
    (Kind::Flag, "Flagged for Review", 1.0, "com.example:flag"),
    (Kind::Float, "Story Points", 0.3, "com.atlassian.jira.plugin.system.customfieldtypes:float"),
    (
        Kind::DevSummary,
        "Development",
        1.0,
        "com.atlassian.jira.plugins.jira-development-integration-plugin:devsummary",
    ),
    (Kind::Rank, "Rank", 1.0, "com.pyxis.greenhopper.jira:gh-lexo-rank"),
    (Kind::JavaDate, "Last Comment", 0.5, "com.example:lastcomment"),
    (Kind::SqlDate, "First Response", 0.2, "com.example:firstresponse"),
    (Kind::Option, "Severity", 0.1, "com.atlassian.jira.plugin.system.customfieldtypes:select"),
    (
        Kind::Options,
        "Environments",
        0.05,
        "com.atlassian.jira.plugin.system.customfieldtypes:multiselect",
    ),
    (Kind::User, "Reviewer", 0.05, "com.atlassian.jira.plugin.system.customfieldtypes:userpicker"),
    (Kind::SprintText, "Sprint", 0.12, "com.pyxis.greenhopper.jira:gh-sprint"),
    (Kind::SprintObject, "Iteration", 0.12, "com.pyxis.greenhopper.jira:gh-sprint"),
    (
        Kind::Text,
        "Release Note",
        0.06,
        "com.atlassian.jira.plugin.system.customfieldtypes:textarea",
    ),
    (
        Kind::Url,
        "External issue URL",
        0.03,
        "com.atlassian.jira.plugin.system.customfieldtypes:url",
    ),
    (Kind::EpicLink, "Epic Link", 0.1, "com.pyxis.greenhopper.jira:gh-epic-link"),
    (Kind::OddNumber, "Estimate", 0.03, "com.atlassian.jira.plugin.system.customfieldtypes:float"),
    (Kind::Day, "Target", 0.04, "com.atlassian.jira.plugin.system.customfieldtypes:datepicker"),
    (
        Kind::ZonedDate,
        "Deployed",
        0.03,
        "com.atlassian.jira.plugin.system.customfieldtypes:datetime",
    ),
];

#[derive(Debug, Clone, Copy)]
enum Kind {
    BigString,
    Flag,
    Float,
    DevSummary,
    Rank,
    JavaDate,
    SqlDate,
    Option,
    Options,
    User,
    SprintText,
    SprintObject,
    Text,
    Url,
    EpicLink,
    OddNumber,
    Day,
    ZonedDate,
}

/// A field's id, and what fills it how often; nothing ever fills most.
type Field = (Arc<str>, Option<(Kind, f64)>);

/// The fields in the order in which issues carry them.
#[derive(Default)]
pub(super) struct Custom {
    fields: Vec<Field>,
    dev_summary: Option<Json>,
}

impl Custom {
    /// Publishes the fields in the instance's catalogue.
    pub(super) fn define(world: &mut World, random: &mut Random) -> Self {
        let mut fields = Vec::with_capacity(FIELDS);
        for n in 0..FIELDS {
            let number = 12_310_000 + 10 * n;
            let id = format!("customfield_{number}");
            let known = KINDS.get(n);
            let name =
                known.map_or_else(|| format!("Custom {n}"), |(_, name, ..)| (*name).to_owned());
            let custom = known.map_or("com.example:unused", |(.., custom)| custom);
            let schema = schema(known.map(|(kind, ..)| *kind));
            let schema = format!(r#"{{{schema},"custom":"{custom}","customId":{number}}}"#);
            world.catalogue.add_field(&id, &name, Json::built(schema));
            fields.push((Arc::from(id), known.map(|(kind, _, often, _)| (*kind, *often))));
        }
        for at in (1..fields.len()).rev() {
            fields.swap(at, random.below(at + 1));
        }
        Self { fields, dev_summary: Some(dev_summary()) }
    }

    /// Adds every custom field to an issue, most of them null.
    pub(super) fn fill(
        &self,
        random: &mut Random,
        people: &People,
        frame: &Frame,
        issue: &mut Issue,
    ) {
        for (name, kind) in &self.fields {
            let json = match kind {
                Some((kind, often)) if random.chance(*often) => {
                    self.value(*kind, random, people, frame)
                }
                _ => Json::null(),
            };
            issue.fields.push((Arc::clone(name), Slot::Json(json)));
        }
    }

    fn value(&self, kind: Kind, random: &mut Random, people: &People, frame: &Frame) -> Json {
        let at = utc(frame.updated);
        Json::built(match kind {
            Kind::BigString => "\"9223372036854775807\"".to_owned(),
            Kind::Flag => "\"false\"".to_owned(),
            Kind::Float => format!("{}.0", random.below(13)),
            Kind::DevSummary => return self.dev_summary.clone().unwrap_or_else(Json::null),
            Kind::Rank => format!("\"0|i{:05x}:\"", frame.number),
            Kind::JavaDate => at.format("\"%a %b %d %H:%M:%S UTC %Y\"").to_string(),
            Kind::SqlDate => {
                let digits = 10_u32.pow(1 + u32::try_from(random.below(3)).unwrap_or_default());
                let fraction = random.draw() % u64::from(digits);
                format!("\"{}.{fraction}\"", at.format("%Y-%m-%d %H:%M:%S"))
            }
            Kind::Option => option(random),
            Kind::Options => format!("[{},{}]", option(random), option(random)),
            Kind::User => return people.somebody(random),
            Kind::SprintText => format!("[{}]", quote(&sprint_text(random, frame))),
            Kind::SprintObject => format!("[{}]", sprint_object(random, frame)),
            Kind::Text => {
                let odd = random.chance(0.3);
                return paragraphs(random, 300, odd);
            }
            Kind::Url => "\"https://example.invalid/issues/1?a=b&c=%20\"".to_owned(),
            Kind::EpicLink => format!("\"EPIC-{}\"", 1 + random.below(50)),
            Kind::OddNumber => {
                ["1E2", "1.10", "-0.0", "12345678901234567890", "0.1000000000000000055"]
                    .get(random.below(5))
                    .copied()
                    .unwrap_or("0")
                    .to_owned()
            }
            Kind::Day => at.format("\"%Y-%m-%d\"").to_string(),
            Kind::ZonedDate => match random.below(2) {
                0 => at.format("\"%Y-%m-%dT%H:%M:%S.000+02:00\"").to_string(),
                _ => at.format("\"%Y-%m-%dT%H:%M:%SZ\"").to_string(),
            },
        })
    }
}

/// What the catalogue says of a field's values.
fn schema(kind: Option<Kind>) -> &'static str {
    match kind {
        Some(Kind::Float | Kind::OddNumber) => r#""type":"number""#,
        Some(Kind::Option) => r#""type":"option""#,
        Some(Kind::Options) => r#""type":"array","items":"option""#,
        Some(Kind::User) => r#""type":"user""#,
        Some(Kind::SprintText) => r#""type":"array","items":"string""#,
        Some(Kind::SprintObject) => r#""type":"array","items":"json""#,
        Some(Kind::Flag | Kind::Text | Kind::Url) => r#""type":"string""#,
        Some(Kind::Day) => r#""type":"date""#,
        Some(Kind::JavaDate | Kind::SqlDate | Kind::ZonedDate) => r#""type":"datetime""#,
        Some(Kind::BigString | Kind::DevSummary | Kind::Rank | Kind::EpicLink) | None => {
            r#""type":"any""#
        }
    }
}

fn option(random: &mut Random) -> String {
    let id = 10_200 + random.below(6);
    format!(
        r#"{{"self":"https://jira.example.invalid/rest/api/2/customFieldOption/{id}","value":"Option {id}","id":"{id}","disabled":false}}"#
    )
}

/// The Java text of old servers: attributes in varying order, names with brackets and commas.
fn sprint_text(random: &mut Random, frame: &Frame) -> String {
    let n = 1 + random.below(60);
    let start = utc(frame.created);
    let mut attributes = [
        format!("id={}", 200 + n),
        format!("rapidViewId={}", 30 + n % 4),
        format!("state={}", ["ACTIVE", "CLOSED", "FUTURE"].get(n % 3).copied().unwrap_or("CLOSED")),
        match n % 5 {
            0 => format!("name=Sprint {n} [core, docs] | late"),
            _ => format!("name=Sprint {n}"),
        },
        format!("startDate={}", start.format("%Y-%m-%dT%H:%M:%S.000+02:00")),
        format!("endDate={}", start.format("%Y-%m-%dT%H:%M:%S.000Z")),
        "completeDate=<null>".to_owned(),
        format!("sequence={}", 200 + n),
        match n % 4 {
            0 => "goal=<null>".to_owned(),
            1 => "goal=".to_owned(),
            _ => "goal=ship it, then rest".to_owned(),
        },
    ];
    if n.is_multiple_of(3) {
        attributes.rotate_left(2);
    }
    format!(
        "com.atlassian.greenhopper.service.sprint.Sprint@{:08x}[{}]",
        random.draw() as u32,
        attributes.join(",")
    )
}

fn sprint_object(random: &mut Random, frame: &Frame) -> String {
    let n = 1 + random.below(60);
    let start = utc(frame.created).format("%Y-%m-%dT%H:%M:%S.000Z");
    format!(
        r#"{{"id":{},"rapidViewId":{},"state":"closed","name":"Iteration {n}","startDate":"{start}","endDate":"{start}","completeDate":null,"activatedDate":"{start}","sequence":{n},"goal":"one, two"}}"#,
        400 + n,
        40 + n % 3,
    )
}

/// A long Java text that every issue of some instances carries.
fn dev_summary() -> Json {
    let item = "com.atlassian.jira.plugin.devstatus.rest.SummaryItemBean@4c96115d[overall={stateCount=0, state='OPEN', details={openCount=0, mergedCount=0, declinedCount=0}},byInstanceType={}]";
    let parts: Vec<String> =
        ["pullrequest", "build", "review", "deployment-environment", "repository", "branch"]
            .iter()
            .map(|name| format!("{name}={item}"))
            .collect();
    Json::string(&format!(
        "{{summaryBean=com.atlassian.jira.plugin.devstatus.rest.SummaryBean@7789f3ea[summary={{{}}},errors=[],configErrors=[]], devSummaryJson={{\"cachedValue\":{{\"errors\":[],\"configErrors\":[],\"summary\":{{}}}}}}}}",
        parts.join(", ")
    ))
}
