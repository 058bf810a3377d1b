//! The instance's lists: users, statuses, types, priorities, resolutions, link types, fields.

use crate::json::{Json, quote};

use super::fields::FieldDef;

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The login name.
    pub name: String,
    /// The immutable key, which differs from the name for renamed users.
    pub key: String,
    /// The name people see.
    pub display_name: String,
    /// IANA time zone of the profile.
    pub time_zone: String,
    /// Whether the account is active.
    pub active: bool,
}

impl User {
    /// An active user whose key is the name.
    pub fn new(name: &str, display_name: &str) -> Self {
        Self {
            name: name.to_owned(),
            key: name.to_owned(),
            display_name: display_name.to_owned(),
            time_zone: "Etc/UTC".to_owned(),
            active: true,
        }
    }

    /// The user object as issues embed it.
    pub fn json(&self, origin: &str) -> Json {
        Json::built(format!(
            r#"{{"self":{},"name":{},"key":{},"emailAddress":{},"avatarUrls":{{"48x48":"{origin}/secure/useravatar?avatarId=10452"}},"displayName":{},"active":{},"timeZone":{}}}"#,
            quote(&format!("{origin}/rest/api/2/user?username={}", self.name)),
            quote(&self.name),
            quote(&self.key),
            quote(&format!("{}@example.invalid", self.name)),
            quote(&self.display_name),
            self.active,
            quote(&self.time_zone),
        ))
    }
}

/// The lists an instance publishes. Each element is the object as served.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalogue {
    /// Everybody who occurs.
    pub(crate) users: Vec<Json>,
    /// Statuses.
    pub(crate) statuses: Vec<Json>,
    /// Issue types.
    pub(crate) issue_types: Vec<Json>,
    /// Priorities.
    pub(crate) priorities: Vec<Json>,
    /// Resolutions.
    pub(crate) resolutions: Vec<Json>,
    /// Link types.
    pub(crate) link_types: Vec<Json>,
    /// Fields.
    pub(crate) fields: Vec<FieldDef>,
}

impl Catalogue {
    /// Adds a field unless it is known.
    pub(crate) fn add_field(&mut self, id: &str, name: &str, schema: Json) {
        if !self.has_field(id) {
            self.fields.push(FieldDef { id: id.to_owned(), name: name.to_owned(), schema });
        }
    }

    /// Whether a field of this id is known.
    pub(crate) fn has_field(&self, id: &str) -> bool {
        self.fields.iter().any(|field| field.id == id)
    }

    /// The first object of a list whose `name` is this.
    pub(crate) fn named<'a>(list: &'a [Json], name: &str) -> Option<&'a Json> {
        list.iter().find(|json| json.member("name").as_deref() == Some(name))
    }
}
