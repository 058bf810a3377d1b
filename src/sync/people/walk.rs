//! People inside JSON of any shape: user objects, mentions in Atlassian documents, addresses and ids
//! that stand as values.

use std::borrow::Cow;

use super::People;
use super::json::{NULL, Node};
use super::value::Fate;
use crate::model::Treatment;

/// Members whose strings were typed by people; only mentions inside them are looked at.
const TYPED: [&str; 6] = ["summary", "description", "environment", "body", "title", "goal"];
/// Members of a user that say who it is.
const IDS: [&str; 4] = ["accountId", "key", "name", "username"];

impl People {
    /// The JSON text as it may be stored; `None` where that is as it came.
    pub(super) fn json(&self, text: &str) -> Option<String> {
        let mut node = Node::read(text);
        self.node(&mut node).then(|| node.write())
    }

    /// Changes what is to be changed; says whether there was anything.
    fn node(&self, node: &mut Node<'_>) -> bool {
        if is_person(node) {
            return self.person(node);
        }
        let in_mention = node.member_text("type").as_deref() == Some("mention");
        let is_text = node.member_text("type").as_deref() == Some("text");
        match node {
            Node::Object(members) => {
                let mut changed = false;
                for (name, value) in members {
                    changed |= match (&**name, &*value) {
                        ("attrs", _) if in_mention => self.mention(value),
                        ("text", _) if is_text => self.typed_node(value),
                        (typed, Node::Token(_)) if TYPED.contains(&typed) => self.typed_node(value),
                        _ => self.node(value),
                    };
                }
                changed
            }
            Node::Array(items) => {
                items.iter_mut().fold(false, |changed, item| self.node(item) | changed)
            }
            Node::Token(_) | Node::Text(_) => self.string(node, |text| self.value(text)),
            Node::Other(_) => false,
        }
    }

    fn string(&self, node: &mut Node<'_>, fate: impl Fn(&str) -> Fate) -> bool {
        let fate = node.text().map_or(Fate::Stays, |text| fate(&text));
        match fate {
            Fate::Stays => return false,
            Fate::Becomes(text) => *node = Node::Text(text),
            Fate::Goes => *node = NULL,
        }
        true
    }

    /// Text that somebody typed.
    fn typed_node(&self, node: &mut Node<'_>) -> bool {
        self.string(node, |text| self.mentions(text).map_or(Fate::Stays, Fate::Becomes))
    }

    fn person(&self, node: &mut Node<'_>) -> bool {
        if let Some(pseudonym) = self.whose(node) {
            return erase(node, &pseudonym);
        }
        let privacy = &self.privacy;
        let hides = !privacy.keeps_everything();
        let Node::Object(members) = node else { return false };
        let mut changed = false;
        for (name, value) in members {
            changed |= match &**name {
                "displayName" => self.string(value, |name| self.name(name)),
                "emailAddress" | "email" => self.string(value, |email| self.email(email)),
                // A picture's address is made of the e-mail address, the initials or the user name.
                "avatarUrls" | "avatarUrl" | "profilePicture" if hides => empty(value),
                id if IDS.contains(&id) => self.string(value, |id| self.id(id)),
                "self" if privacy.emails != Treatment::Keep => {
                    self.string(value, |link| match link.contains('@') || link.contains("%40") {
                        true => Fate::Goes,
                        false => Fate::Stays,
                    })
                }
                _ => self.node(value),
            };
        }
        changed
    }

    /// The pseudonym of a user who was erased.
    fn whose(&self, node: &Node<'_>) -> Option<String> {
        let mut ids = IDS.iter().filter_map(|name| node.member_text(name));
        ids.find_map(|id| self.pseudonym(&id))
    }

    /// The attributes of a mention: whose it is, and `@` with the display name.
    fn mention(&self, attributes: &mut Node<'_>) -> bool {
        let id = attributes.member_text("id").map(Cow::into_owned);
        let erased = id.as_deref().and_then(|id| self.pseudonym(id));
        let has_id = id.is_some_and(|id| !id.is_empty());
        let Node::Object(members) = attributes else { return false };
        let mut changed = false;
        for (name, value) in members {
            changed |= match (&**name, &erased) {
                ("id", _) => self.string(value, |id| self.id(id)),
                ("text", Some(pseudonym)) => {
                    self.string(value, |_| Fate::Becomes(format!("@{pseudonym}")))
                }
                ("text", None) => self.string(value, |text| self.called(text, has_id)),
                _ => false,
            };
        }
        changed
    }

    /// A name with `@` before it.
    fn called(&self, text: &str, has_id: bool) -> Fate {
        let (at, name) = text.strip_prefix('@').map_or(("", text), |name| ("@", name));
        let fate = if has_id { self.name(name) } else { self.anybodys_name(name) };
        match fate {
            Fate::Becomes(new) => Fate::Becomes(format!("{at}{new}")),
            fate => fate,
        }
    }
}

/// Whether an object is a user of Jira's.
fn is_person(node: &Node<'_>) -> bool {
    let has = |name: &str| node.member(name).is_some();
    has("accountId")
        || has("emailAddress")
        || has("displayName")
            && ["name", "key", "active", "avatarUrls", "self"].iter().any(|name| has(name))
}

/// Nothing where something was.
fn empty(value: &mut Node<'_>) -> bool {
    let nothing = match value {
        Node::Object(members) if !members.is_empty() => Node::Object(Vec::new()),
        Node::Token(_) | Node::Text(_) => NULL,
        Node::Object(_) | Node::Array(_) | Node::Other(_) => return false,
    };
    *value = nothing;
    true
}

/// A user who is nobody any more.
fn erase(node: &mut Node<'_>, pseudonym: &str) -> bool {
    let Node::Object(members) = node else { return false };
    for (name, value) in members {
        match (&**name, &*value) {
            ("active" | "accountType", _) | (_, Node::Other(_)) => {}
            ("displayName", _) => *value = Node::Text(pseudonym.to_owned()),
            (id, Node::Token(_) | Node::Text(_)) if IDS.contains(&id) => {
                *value = Node::Text(pseudonym.to_owned());
            }
            ("avatarUrls", _) => *value = Node::Object(Vec::new()),
            (_, Node::Object(_) | Node::Array(_) | Node::Token(_) | Node::Text(_)) => *value = NULL,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::sync::people::testing::{erasing, hashing, people};

    const PSEUDONYM: &str = "erased-0123456789ab";

    fn through(people: &People, value: &Value) -> Value {
        let text = value.to_string();
        serde_json::from_str(&people.json(&text).unwrap_or(text)).unwrap()
    }

    fn ann() -> Value {
        json!({
            "self": "https://jira.example/rest/api/2/user?username=ann%40example.org",
            "name": "ann@example.org", "key": "JIRAUSER10001", "emailAddress": "ann@example.org",
            "avatarUrls": {"48x48": "https://www.gravatar.com/avatar/0bc83cb571cd1c50ba6f3e8a78ef1346"},
            "displayName": "Ann Ames", "active": true, "timeZone": "Europe/Berlin"
        })
    }

    #[test]
    fn nothing_of_a_user_is_left_wherever_it_stands() {
        let fields = json!({
            "assignee": ann(), "customfield_1": [ann(), null], "votes": {"votes": 1, "voters": [ann()]},
            "comment": {"comments": [{"author": ann(), "body": "text of [~ann@example.org]"}]},
            "customfield_2": "ann@example.org", "customfield_3": 1.5, "watches": {"watchCount": 1}
        });
        for treated in [hashing(), people(Treatment::Drop, Treatment::Drop)] {
            let stored = through(&treated, &fields);
            let text = stored.to_string();
            for tell in ["Ann Ames", "ann@", "ann%40", "gravatar"] {
                assert!(!text.contains(tell), "{tell}: {text}");
            }
            assert_eq!(stored["assignee"]["key"], "JIRAUSER10001");
            assert_eq!(stored["assignee"]["active"], true);
            assert_eq!(stored["assignee"], stored["customfield_1"][0]);
            assert_eq!(treated.json(&text), None, "a second time changes nothing");
        }
        let hashed = through(&hashing(), &fields);
        assert_eq!(hashed["assignee"]["emailAddress"], hashed["assignee"]["name"]);
        assert_eq!(hashed["customfield_2"], hashed["assignee"]["name"]);
    }

    #[test]
    fn each_kind_is_treated_by_itself() {
        let stored = through(&people(Treatment::Drop, Treatment::Keep), &ann());
        assert_eq!(
            (&stored["displayName"], &stored["emailAddress"]),
            (&json!("Ann Ames"), &Value::Null)
        );
        let stored = through(&people(Treatment::Keep, Treatment::Drop), &ann());
        assert_eq!(stored["displayName"], Value::Null);
        assert_eq!(stored["emailAddress"], "ann@example.org");
        assert_eq!(people(Treatment::Keep, Treatment::Keep).json(&ann().to_string()), None);
    }

    #[test]
    fn a_mention_in_a_document_names_nobody() {
        let document = json!({"type": "doc", "content": [{"type": "paragraph", "content": [
            {"type": "text", "text": "Ann Ames"},
            {"type": "mention", "attrs": {"id": "5b10a2844c20165700ede21g", "text": "@Ann Ames"}}
        ]}]});
        let stored = through(&hashing(), &document);
        let typed = &stored["content"][0]["content"];
        assert_eq!(typed[0]["text"], "Ann Ames", "what was typed is kept");
        let Fate::Becomes(hash) = hashing().name("Ann Ames") else { panic!() };
        assert_eq!(typed[1]["attrs"]["text"], format!("@{hash}"));
        let erased = through(&erasing(&["5b10a2844c20165700ede21g"]), &document);
        assert_eq!(
            erased["content"][0]["content"][1]["attrs"],
            json!({"id": PSEUDONYM, "text": format!("@{PSEUDONYM}")})
        );
    }

    #[test]
    fn who_was_erased_is_a_pseudonym_and_who_was_not_stays() {
        let bob = json!({"name": "bob", "key": "bob", "displayName": "Ann Ames", "active": true});
        let fields = json!({"assignee": ann(), "reporter": bob, "lead": "JIRAUSER10001"});
        let stored = through(&erasing(&["JIRAUSER10001"]), &fields);
        assert_eq!(stored["reporter"], bob);
        assert_eq!(stored["lead"], PSEUDONYM);
        assert_eq!(
            stored["assignee"],
            json!({"self": null, "name": PSEUDONYM, "key": PSEUDONYM, "emailAddress": null,
                "avatarUrls": {}, "displayName": PSEUDONYM, "active": true, "timeZone": null})
        );
    }

    #[test]
    fn things_with_a_name_are_no_people() {
        let fields = json!({
            "project": {"self": "x", "key": "P", "name": "Project", "avatarUrls": {"48x48": "y"}},
            "status": {"name": "Open", "statusCategory": {"key": "new"}},
            "customfield_1": ["com.atlassian.greenhopper.service.sprint.Sprint@4c9[id=1,name=S]"]
        });
        assert_eq!(hashing().json(&fields.to_string()), None);
        assert_eq!(people(Treatment::Drop, Treatment::Drop).json(&fields.to_string()), None);
    }
}
