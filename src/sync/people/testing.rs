//! Treatments that the tests of this folder share.

use super::People;
use crate::model::{Erased, HashKey, KnownPeople, MarkOf, Privacy, Treatment, mark_of};

fn key() -> HashKey {
    HashKey::new([7; 32])
}

fn known() -> KnownPeople {
    KnownPeople {
        key: Some(key()),
        erased: Erased::default(),
        user_fields: vec!["customfield_10".to_owned(), "Reviewer".to_owned()],
    }
}

/// With e-mail addresses and display names treated so.
pub(super) fn people(emails: Treatment, display_names: Treatment) -> People {
    let salt = Some(HashKey::of_salt("a salt of some length"));
    People::new(Privacy { emails, display_names, salt }, known())
}

/// With both hashed.
pub(super) fn hashing() -> People {
    people(Treatment::Hash, Treatment::Hash)
}

/// With one person erased, who has these ids, as `erased-0123456789ab`.
pub(super) fn erasing(ids: &[&str]) -> People {
    let mark = |id: &&str| (mark_of(&key(), MarkOf::Id, id), "erased-0123456789ab".to_owned());
    let erased = Erased { generation: 1, pseudonyms: ids.iter().map(mark).collect() };
    People::new(Privacy::default(), KnownPeople { erased, ..known() })
}
