//! What becomes of a field in the views: the kind of its column by what the catalogue says of its
//! values, or why it has none. Pure.

/// A field as the catalogue describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Field {
    /// The instance it is of.
    pub(super) site: String,
    /// Jira's id, the name of the value in an issue's `fields`.
    pub(super) id: String,
    /// The display name, in the language of the account.
    pub(super) name: String,
    /// The name before translation, which only Cloud gives.
    pub(super) untranslated: Option<String>,
    /// `schema.type`
    pub(super) data_type: Option<String>,
    /// `schema.items`
    pub(super) items: Option<String>,
    /// `schema.custom`
    pub(super) custom: Option<String>,
}

impl Field {
    /// The number of a custom field.
    pub(super) fn number(&self) -> Option<&str> {
        self.id.strip_prefix("customfield_")
    }
}

/// How values become a column. The functions `jira_views.as_…` do it in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// A number.
    Number,
    /// How many votes or watchers.
    Count,
    /// A day.
    Date,
    /// An instant.
    Instant,
    /// Text, Atlassian documents included.
    Text,
    /// What one thing is called: an option, a version, a priority.
    Name,
    /// What several things are called.
    Names,
    /// A person, by `jira.users.id`.
    User,
    /// People, by `jira.users.id`.
    Users,
    /// A cascading select.
    Cascade,
    /// Sprints, by name.
    Sprints,
    /// As Jira gives it.
    Json,
}

impl Kind {
    /// Every kind.
    pub(super) const ALL: [Self; 12] = [
        Self::Number,
        Self::Count,
        Self::Date,
        Self::Instant,
        Self::Text,
        Self::Name,
        Self::Names,
        Self::User,
        Self::Users,
        Self::Cascade,
        Self::Sprints,
        Self::Json,
    ];

    /// Its name in `extractor.view_columns.kind`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Count => "count",
            Self::Date => "date",
            Self::Instant => "instant",
            Self::Text => "text",
            Self::Name => "name",
            Self::Names => "names",
            Self::User => "user",
            Self::Users => "users",
            Self::Cascade => "cascade",
            Self::Sprints => "sprints",
            Self::Json => "json",
        }
    }

    /// The kind of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The column's type, as `format_type` writes it.
    pub(super) fn sql_type(self) -> &'static str {
        match self {
            Self::Number | Self::Count => "numeric",
            Self::Date => "date",
            Self::Instant => "timestamp with time zone",
            Self::Text | Self::Name | Self::User | Self::Cascade => "text",
            Self::Names | Self::Users | Self::Sprints => "text[]",
            Self::Json => "jsonb",
        }
    }
}

/// What becomes of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// It has a column of this kind.
    Column(Kind),
    /// It has a column of JSON, for this reason.
    Untyped(String),
    /// It is held elsewhere: a column or a table of the schema `jira`.
    Elsewhere,
}

impl Place {
    /// The kind of its column.
    pub(super) fn kind(&self) -> Option<Kind> {
        match self {
            Self::Column(kind) => Some(*kind),
            Self::Untyped(_) => Some(Kind::Json),
            Self::Elsewhere => None,
        }
    }
}

/// System fields that have a column in `jira.issues`, a table of their own, or no value.
const ELSEWHERE: &[&str] = &[
    "assignee",
    "attachment",
    "comment",
    "created",
    "creator",
    "duedate",
    "issuekey",
    "issuelinks",
    "issuetype",
    "labels",
    "parent",
    "priority",
    "project",
    "reporter",
    "resolution",
    "resolutiondate",
    "status",
    "statusCategory",
    "summary",
    "thumbnail",
    "updated",
    "worklog",
];

/// What becomes of a field.
pub(super) fn place(field: &Field) -> Place {
    if ELSEWHERE.binary_search(&field.id.as_str()).is_ok() {
        return Place::Elsewhere;
    }
    let custom = field.custom.as_deref().unwrap_or_default();
    let (_, custom_key) = custom.rsplit_once(':').unwrap_or_default();
    if let Some(kind) = by_custom_key(custom_key) {
        return Place::Column(kind);
    }
    match (field.data_type.as_deref(), field.items.as_deref()) {
        (Some("array"), Some(items)) => list_of(items),
        (Some(data_type), _) => single(data_type),
        (None, _) => Place::Untyped("Jira's catalogue does not say what its values are".into()),
    }
}

/// Custom types whose values are not what the schema says, or of which it says nothing.
fn by_custom_key(key: &str) -> Option<Kind> {
    Some(match key {
        "gh-sprint" => Kind::Sprints,
        "gh-lexo-rank" | "gh-global-rank" | "gh-epic-link" | "timeinstatus" | "devsummary"
        | "devsummarycf" => Kind::Text,
        "select" | "radiobuttons" => Kind::Name,
        "greenhopper-releasedmultiversionhistory" => Kind::Names,
        _ => return None,
    })
}

fn single(data_type: &str) -> Place {
    Place::Column(match data_type {
        "number" => Kind::Number,
        "votes" | "watches" => Kind::Count,
        "date" => Kind::Date,
        "datetime" => Kind::Instant,
        "string" => Kind::Text,
        "option" | "version" | "component" | "group" | "project" | "priority" | "status"
        | "resolution" | "issuetype" | "securitylevel" => Kind::Name,
        "option-with-child" => Kind::Cascade,
        "user" => Kind::User,
        "any" => return Place::Untyped("Jira gives its type as any".into()),
        other => return Place::Untyped(format!("{other} is a structure of its own")),
    })
}

fn list_of(items: &str) -> Place {
    Place::Column(match items {
        "option"
        | "string"
        | "version"
        | "component"
        | "group"
        | "project"
        | "priority"
        | "issuetype"
        | "issuelinks"
        | "sd-customerorganization" => Kind::Names,
        "user" => Kind::Users,
        "votes" | "watches" => Kind::Count,
        other => {
            return Place::Untyped(format!("{other} is a structure of its own, here in a list"));
        }
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn field(data_type: &str, items: &str, custom: &str) -> Field {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Field {
            id: "customfield_1".into(),
            data_type: some(data_type),
            items: some(items),
            custom: some(custom),
            ..Field::default()
        }
    }

    #[test]
    fn what_is_elsewhere_is_sorted() {
        assert!(ELSEWHERE.is_sorted());
    }

    #[rstest]
    #[case("number", "", "a.b:float", Kind::Number)]
    #[case("date", "", "a.b:datepicker", Kind::Date)]
    #[case("datetime", "", "a.b:datetime", Kind::Instant)]
    #[case("string", "", "a.b:textarea", Kind::Text)]
    #[case("string", "", "a.b:select", Kind::Name)]
    #[case("option", "", "a.b:anything", Kind::Name)]
    #[case("option-with-child", "", "a.b:cascadingselect", Kind::Cascade)]
    #[case("array", "option", "a.b:multiselect", Kind::Names)]
    #[case("array", "string", "a.b:labels", Kind::Names)]
    #[case("array", "version", "a.b:multiversion", Kind::Names)]
    #[case("array", "user", "a.b:multiuserpicker", Kind::Users)]
    #[case("user", "", "a.b:userpicker", Kind::User)]
    #[case("array", "string", "com.pyxis.greenhopper.jira:gh-sprint", Kind::Sprints)]
    #[case("array", "json", "com.pyxis.greenhopper.jira:gh-sprint", Kind::Sprints)]
    #[case("any", "", "com.pyxis.greenhopper.jira:gh-lexo-rank", Kind::Text)]
    #[case("version", "", "x:greenhopper-releasedmultiversionhistory", Kind::Names)]
    #[case("array", "watches", "", Kind::Count)]
    fn a_column_is_of_the_kind_that_the_schema_tells(
        #[case] data_type: &str,
        #[case] items: &str,
        #[case] custom: &str,
        #[case] kind: Kind,
    ) {
        assert_eq!(place(&field(data_type, items, custom)), Place::Column(kind));
    }

    #[rstest]
    #[case("any", "", "a.b:scripted-field")]
    #[case("sd-servicelevelagreement", "", "a.b:sd-sla-field")]
    #[case("array", "json", "a.b:other")]
    #[case("array", "", "a.b:other")]
    #[case("", "", "")]
    fn what_cannot_be_typed_says_why(
        #[case] data_type: &str,
        #[case] items: &str,
        #[case] custom: &str,
    ) {
        let place = place(&field(data_type, items, custom));
        assert!(matches!(&place, Place::Untyped(why) if !why.is_empty()), "{place:?}");
    }

    #[test]
    fn a_kind_is_found_by_its_name() {
        assert!(Kind::ALL.into_iter().all(|kind| Kind::named(kind.as_str()) == Some(kind)));
        assert_eq!(Kind::named("blob"), None);
    }
}
