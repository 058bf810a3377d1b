//! The people that a document mentions, each once, with the most that any mention says.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::User;

/// A user as Jira writes one.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a user")]
pub(in crate::jira) struct Person {
    account_id: Option<String>,
    key: Option<String>,
    name: Option<String>,
    display_name: Option<String>,
    email_address: Option<String>,
    active: Option<bool>,
    time_zone: Option<String>,
}

/// What Cloud writes for the account id of whom it does not know any more.
const UNKNOWN_ACCOUNT: &str = "unknown";

impl Person {
    /// Cloud's account id; Server's key, or the name where there is no key. Cloud gives everybody
    /// who was deleted or lost the same account id, which is nobody's.
    fn into_user(self) -> Option<User> {
        if self.account_id.as_deref() == Some(UNKNOWN_ACCOUNT) {
            return None;
        }
        let present = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let id = present(&self.account_id)
            .or_else(|| present(&self.key))
            .or_else(|| present(&self.name))?;
        Some(User {
            id,
            name: self.name,
            display_name: self.display_name,
            email: self.email_address,
            active: self.active,
            time_zone: self.time_zone,
        })
    }
}

/// Collects people.
#[derive(Debug, Default)]
pub(in crate::jira) struct People(BTreeMap<String, User>);

impl People {
    /// Notes a mention and returns the id. Anonymous and deleted people have none.
    pub(in crate::jira) fn note(&mut self, person: Option<Person>) -> Option<String> {
        let user = person?.into_user()?;
        let id = user.id.clone();
        self.note_user(user);
        Some(id)
    }

    /// Notes a user read before.
    pub(in crate::jira) fn note_user(&mut self, user: User) {
        match self.0.get_mut(&user.id) {
            Some(known) => known.complete(&user),
            None => {
                self.0.insert(user.id.clone(), user);
            }
        }
    }

    /// Everybody noted, ordered by id.
    pub(in crate::jira) fn into_users(self) -> Vec<User> {
        self.0.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"accountId":"a","key":"k","name":"n"}"#, Some("a"))]
    #[case(r#"{"key":"k","name":"n","emailAddress":null}"#, Some("k"))]
    #[case(r#"{"name":"n","self":"x"}"#, Some("n"))]
    #[case(r#"{"accountId":"","displayName":"Former user"}"#, None)]
    #[case(r#"{"accountId":"unknown","displayName":"Former user"}"#, None)]
    #[case(r#"{"key":"unknown"}"#, Some("unknown"))]
    #[case("null", None)]
    fn a_person_is_known_by_the_best_id(#[case] json: &str, #[case] expected: Option<&str>) {
        let person = serde_json::from_str(json).unwrap();
        assert_eq!(People::default().note(person).as_deref(), expected);
    }

    #[test]
    fn mentions_complete_each_other() {
        let mut people = People::default();
        for json in [
            r#"{"key":"k"}"#,
            r#"{"key":"k","displayName":"Kay","active":false}"#,
            r#"{"key":"k","displayName":"Other","timeZone":"Europe/Berlin"}"#,
        ] {
            people.note(serde_json::from_str(json).unwrap());
        }
        let users = people.into_users();
        assert_eq!(users.len(), 1);
        assert_eq!(users[0].display_name.as_deref(), Some("Kay"));
        assert_eq!(users[0].active, Some(false));
        assert_eq!(users[0].time_zone.as_deref(), Some("Europe/Berlin"));
    }
}
