//! Changelog entries: items name their field by id, and people by account.

use super::CloudView;
use super::people::account_id;
use crate::json::{Json, elements, entries, push_quoted};
use crate::time::{Millis, parse_jira};

/// Items whose field has another name than its id, and is in no catalogue by that name.
const RENAMED: [(&str, &str); 9] = [
    ("key", "issuekey"),
    ("link", "issuelinks"),
    ("attachment", "attachment"),
    ("comment", "comment"),
    ("fix version", "fixVersions"),
    ("version", "versions"),
    ("component", "components"),
    ("issuetype", "issuetype"),
    ("parent", "parent"),
];
/// Fields whose `from` and `to` are people.
const PEOPLE: [&str; 3] = ["assignee", "reporter", "creator"];

/// When an entry was made; 0 for one that does not say.
pub(super) fn created(history: &Json) -> Millis {
    history.member("created").as_deref().and_then(parse_jira).unwrap_or_default()
}

impl<'a> CloudView<'a> {
    /// One entry.
    pub(in crate::api::cloud) fn history(&self, history: &Json) -> Json {
        self.history_of(history, |_| true, false).unwrap_or_else(Json::null)
    }

    /// One entry with the items whose field is wanted, `created` as a number if so asked; `None`
    /// when none is.
    pub(in crate::api::cloud) fn history_of(
        &self,
        history: &Json,
        wanted: impl Fn(Option<&str>) -> bool,
        numeric_time: bool,
    ) -> Option<Json> {
        let members = entries(history.as_str()).ok()?;
        let mut out = String::from("{");
        let mut items = 0;
        for (at, (name, raw)) in members.iter().enumerate() {
            out.push_str(if at > 0 { "," } else { "" });
            push_quoted(&mut out, name);
            out.push(':');
            match name.as_str() {
                "items" => items = self.push_items(&mut out, raw.get(), &wanted),
                "created" if numeric_time => out.push_str(&created(history).to_string()),
                _ => self.push_value(&mut out, name, raw.get()),
            }
        }
        out.push('}');
        (items > 0 || wanted(None)).then(|| Json::built(out))
    }

    fn push_items(
        &self,
        out: &mut String,
        raw: &str,
        wanted: impl Fn(Option<&str>) -> bool,
    ) -> usize {
        let mut count = 0;
        out.push('[');
        for item in elements(raw).unwrap_or_default() {
            let members = entries(item.get()).unwrap_or_default();
            let member = |name: &str| {
                let raw = members.iter().find(|(have, _)| have == name).map(|(_, raw)| raw.get());
                raw.and_then(|raw| serde_json::from_str::<String>(raw).ok())
            };
            let id = member("fieldId").or_else(|| self.field_id(&member("field")?));
            if !wanted(id.as_deref()) {
                continue;
            }
            let of_people = id.as_deref().is_some_and(|id| self.is_of_people(id));
            out.push_str(if count > 0 { ",{" } else { "{" });
            count += 1;
            for (at, (name, raw)) in
                members.iter().filter(|(name, _)| name != "fieldId").enumerate()
            {
                out.push_str(if at > 0 { "," } else { "" });
                push_quoted(out, name);
                out.push(':');
                match member(name).filter(|_| of_people && matches!(name.as_str(), "from" | "to")) {
                    Some(person) => push_quoted(out, &self.account(&person)),
                    None => out.push_str(raw.get()),
                }
                if let Some(id) = id.as_deref().filter(|_| name == "fieldtype") {
                    out.push_str(r#","fieldId":"#);
                    push_quoted(out, id);
                }
            }
            out.push('}');
        }
        out.push(']');
        count
    }

    fn is_of_people(&self, id: &str) -> bool {
        let picks = |schema: &Json| schema.as_str().contains(":userpicker");
        PEOPLE.contains(&id)
            || id.starts_with("customfield_")
                && self.world.catalogue.fields.iter().any(|f| f.id == id && picks(&f.schema))
    }

    /// The id of a field that changelogs call by a name; some have none.
    fn field_id(&self, name: &str) -> Option<String> {
        let name = name.to_lowercase();
        let ids = self.field_ids.get_or_init(|| {
            let fields = self.world.catalogue.fields.iter();
            let by_name = fields.clone().map(|field| (field.name.to_lowercase(), &*field.id));
            let by_id = fields.map(|field| (field.id.to_lowercase(), &*field.id));
            by_name.chain(by_id).chain(RENAMED.map(|(name, id)| (name.to_owned(), id))).collect()
        });
        ids.get(&name).map(|id| (*id).to_owned())
    }

    /// The account of a person whom Server's changelog calls by key or name.
    fn account(&self, person: &str) -> String {
        let accounts = self.accounts.get_or_init(|| {
            let users = self.world.catalogue.users.iter();
            users
                .filter_map(|user| Some((user.member("name")?, account_id(&user.member("key")?))))
                .collect()
        });
        accounts.get(person).cloned().unwrap_or_else(|| account_id(person))
    }
}
