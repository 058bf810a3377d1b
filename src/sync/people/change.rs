//! People in the changelog: ids and display names of fields that hold people, alone or in lists.

use std::collections::BTreeSet;

use super::People;
use super::value::Fate;
use crate::model::{Change, MarkOf};

/// System fields that hold people, as changelogs name them.
const FIELDS: [&str; 6] = ["assignee", "reporter", "creator", "watchers", "voters", "lead"];
/// Length of the account ids that have no colon.
const OLD_ACCOUNT_ID: usize = 24;

impl People {
    /// A change as it may be stored; `names` are display names that the document mentions.
    pub(super) fn change(&self, change: &mut Change, names: &BTreeSet<String>) {
        if let Fate::Becomes(id) = change.author_id.as_deref().map_or(Fate::Stays, |id| self.id(id))
        {
            change.author_id = Some(id);
        }
        let of_people = self.is_of_people(change);
        for (id, text) in
            [(&mut change.from_id, &mut change.from_text), (&mut change.to_id, &mut change.to_text)]
        {
            let named = text.as_deref().is_some_and(|text| names.contains(text));
            if of_people || named || self.is_known_id(id.as_deref()) {
                self.side_of_people(id, text);
            } else {
                self.side(id);
                self.side(text);
            }
        }
    }

    fn side(&self, value: &mut Option<String>) {
        let fate = value.as_deref().map_or(Fate::Stays, |text| self.value(text));
        fate.befall(value);
    }

    /// One side of a change from somebody to somebody.
    fn side_of_people(&self, id: &mut Option<String>, text: &mut Option<String>) {
        let ids: Vec<String> = id.as_deref().map(items).unwrap_or_default();
        // A list of names is taken apart only where its ids say that it is one.
        let names = match (text.as_deref(), ids.len()) {
            (Some(text), count) if count > 1 || is_bracketed(text) => items(text),
            (Some(text), _) => vec![text.to_owned()],
            (None, _) => Vec::new(),
        };
        let fates: Vec<Fate> = names
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let own_id = ids.get(at).filter(|_| ids.len() == names.len());
                self.name_beside(name, own_id.map(String::as_str))
            })
            .collect();
        rejoin(text, &names, fates);
        let fates = ids.iter().map(|id| self.id(id)).collect();
        rejoin(id, &ids, fates);
    }

    fn name_beside(&self, name: &str, id: Option<&str>) -> Fate {
        match id.and_then(|id| self.pseudonym(id)) {
            Some(pseudonym) => Fate::Becomes(pseudonym),
            None => self.anybodys_name(name),
        }
    }

    fn is_of_people(&self, change: &Change) -> bool {
        let known = |name: &str| {
            FIELDS.contains(&name.to_lowercase().as_str())
                || self.known.user_fields.iter().any(|field| field == name)
        };
        change.field_id.as_deref().is_some_and(known)
            || known(&change.field)
            || [&change.from_id, &change.to_id].into_iter().flatten().any(|id| is_account(id))
            || is_list_of_people(change.from_id.as_deref(), change.from_text.as_deref())
            || is_list_of_people(change.to_id.as_deref(), change.to_text.as_deref())
    }

    fn is_known_id(&self, id: Option<&str>) -> bool {
        let erased = |id: &str| items(id).iter().any(|id| self.erased(MarkOf::Id, id).is_some());
        id.is_some_and(|id| has_letters(id) && erased(id))
    }
}

/// Whether an id could hardly be that of a status or a version.
fn has_letters(id: &str) -> bool {
    id.contains(|c: char| c.is_alphabetic())
}

/// Whether an id can be nothing but a person's: Cloud's account ids, and the keys that Data Center
/// gives.
fn is_account(id: &str) -> bool {
    items(id).iter().any(|id| is_one_account(id))
}

fn is_one_account(id: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let numbered = id.strip_prefix("JIRAUSER");
    let scoped = id.split_once(':');
    numbered.is_some_and(|n| !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()))
        || id.len() == OLD_ACCOUNT_ID && is_hex(id)
        || scoped.is_some_and(|(scope, id)| {
            matches!(scope, "qm") && id.len() >= 36
                || scope.bytes().all(|byte| byte.is_ascii_digit())
                    && id.len() == 36
                    && is_hex(&id.replace('-', ""))
        })
}

/// Whether a side of a change lists people, by its form alone, as fields of several people are
/// written: `[ann, bob]` and `Ann Ames, Bob Brown`. Options have numbers, groups are called as they are.
fn is_list_of_people(ids: Option<&str>, names: Option<&str>) -> bool {
    let (Some(list), Some(names)) = (ids.filter(|ids| is_bracketed(ids)), names) else {
        return false;
    };
    let (ids, names) = (items(list), items(names));
    ids.len() == names.len() && ids != names && ids.iter().all(|id| has_letters(id))
}

fn is_bracketed(text: &str) -> bool {
    text.starts_with('[') && text.ends_with(']')
}

/// The items of a list as changelogs write one: `a, b` or `[a, b]`.
fn items(list: &str) -> Vec<String> {
    let inner = list.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(list);
    inner.split(',').map(|item| item.trim().to_owned()).collect()
}

/// Puts a list together again from what became of its items.
fn rejoin(list: &mut Option<String>, items: &[String], fates: Vec<Fate>) {
    if fates.iter().all(|fate| *fate == Fate::Stays) {
        return;
    }
    let left: Vec<String> = items
        .iter()
        .zip(fates)
        .filter_map(|(item, fate)| match fate {
            Fate::Stays => Some(item.clone()),
            Fate::Becomes(text) => Some(text),
            Fate::Goes => None,
        })
        .collect();
    let bracketed = list.as_deref().is_some_and(is_bracketed);
    *list = match (left.is_empty(), bracketed) {
        (true, _) => None,
        (false, true) => Some(format!("[{}]", left.join(", "))),
        (false, false) => Some(left.join(", ")),
    };
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::model::Treatment;
    use crate::sync::people::testing::{erasing, hashing, people};

    const PSEUDONYM: &str = "erased-0123456789ab";

    fn change(field: &str, id: &str, text: &str) -> Change {
        Change {
            history_id: 1,
            item: 0,
            author_id: None,
            at: chrono::DateTime::UNIX_EPOCH,
            field: field.to_owned(),
            field_id: None,
            from_id: Some(id.to_owned()),
            from_text: Some(text.to_owned()),
            to_id: None,
            to_text: Some(String::new()),
        }
    }

    fn through(people: &People, mut change: Change) -> (Option<String>, Option<String>) {
        people.change(&mut change, &BTreeSet::from(["Bea Brown".to_owned()]));
        (change.from_id, change.from_text)
    }

    #[rstest]
    #[case::assignee("assignee", "ann", "Ann Ames")]
    #[case::in_another_case("Reporter", "ann", "Ann Ames")]
    #[case::custom("Reviewer", "ann", "Ann Ames")]
    #[case::by_account("Anything", "5b10a2844c20165700ede21a", "Ann Ames")]
    #[case::by_new_account("Anything", "712020:7f1c2f6c-0000-4000-8000-0000000000aa", "Ann Ames")]
    #[case::by_key("Anything", "JIRAUSER10203", "Ann Ames")]
    #[case::by_name("Anything", "7", "Bea Brown")]
    fn names_of_people_are_hashed(#[case] field: &str, #[case] id: &str, #[case] name: &str) {
        let Fate::Becomes(hash) = hashing().name(name) else { panic!() };
        assert_eq!(through(&hashing(), change(field, id, name)), (Some(id.into()), Some(hash)));
        let dropping = people(Treatment::Keep, Treatment::Drop);
        assert_eq!(through(&dropping, change(field, id, name)), (Some(id.into()), None));
    }

    #[rstest]
    #[case("status", "3", "In Progress")]
    #[case("summary", "", "Ann Ames does it")]
    #[case("Sprint", "201, 202", "Sprint 1, Sprint 2")]
    #[case("Anything", "deadbeef", "Ann Ames")]
    fn other_changes_stay(#[case] field: &str, #[case] id: &str, #[case] text: &str) {
        let expected = (Some(id.to_owned()), Some(text.to_owned()));
        assert_eq!(through(&hashing(), change(field, id, text)), expected);
    }

    #[rstest]
    #[case("[ann, bob]", "Ann Ames, Bob Brown", true)]
    #[case("[ann]", "Ann Ames", true)]
    #[case("[10101, 10102]", "Red, Green", false)]
    #[case("[admins, jira-users]", "[admins, jira-users]", false)]
    #[case("ann, bob", "Ann Ames, Bob Brown", false)]
    fn a_list_of_people_is_known_by_its_form(
        #[case] ids: &str,
        #[case] names: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(is_list_of_people(Some(ids), Some(names)), expected);
        let (_, stored) = through(&hashing(), change("Unknown", ids, names));
        assert_eq!(stored.is_some_and(|stored| stored != names), expected);
    }

    #[test]
    fn lists_are_taken_apart_where_they_are_lists() {
        let hash = |name: &str| match hashing().name(name) {
            Fate::Becomes(hash) => hash,
            Fate::Stays | Fate::Goes => panic!(),
        };
        let several = through(&hashing(), change("Reviewer", "[ann, bob]", "[Ann Ames, Bob]"));
        let expected = format!("[{}, {}]", hash("Ann Ames"), hash("Bob"));
        assert_eq!(several, (Some("[ann, bob]".into()), Some(expected)));
        let one = through(&hashing(), change("assignee", "ann", "Ames, Ann"));
        assert_eq!(one.1, Some(hash("Ames, Ann")));
    }

    #[test]
    fn who_was_erased_is_found_by_id_in_lists_too() {
        let people = erasing(&["ann"]);
        let (id, name) = through(&people, change("assignee", "ann", "Ann Ames"));
        assert_eq!((id.as_deref(), name.as_deref()), (Some(PSEUDONYM), Some(PSEUDONYM)));
        let several = through(&people, change("Reviewer", "[bob, ann]", "[Bob, Ann Ames]"));
        let expected = (format!("[bob, {PSEUDONYM}]"), format!("[Bob, {PSEUDONYM}]"));
        assert_eq!(several, (Some(expected.0), Some(expected.1)));
        let typed = through(&people, change("description", "", "as [~ann] said"));
        assert_eq!(typed.1, Some(format!("as [~{PSEUDONYM}] said")));
    }
}
