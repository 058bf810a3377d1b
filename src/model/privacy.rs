//! What may be stored of people: how e-mail addresses and display names are treated, and who has been
//! erased. Hashes are keyed and made here; what they are made of is `sync::people`'s.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use super::UnknownName;

/// What becomes of a kind of personal data before it is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Treatment {
    /// It is stored as Jira gave it.
    #[default]
    Keep,
    /// A keyed hash is stored in its place: equal for equal values.
    Hash,
    /// Nothing is stored.
    Drop,
}

impl Treatment {
    /// Every treatment.
    pub const ALL: [Self; 3] = [Self::Keep, Self::Hash, Self::Drop];

    /// Its name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Hash => "hash",
            Self::Drop => "drop",
        }
    }
}

impl FromStr for Treatment {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == name)
            .ok_or_else(|| UnknownName::new(name))
    }
}

/// A key of hashes. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct HashKey([u8; 32]);

impl HashKey {
    /// The key itself, as it is stored.
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The key that a salt stands for.
    pub fn of_salt(salt: &str) -> Self {
        Self(blake3::derive_key("extractor privacy.salt", salt.as_bytes()))
    }

    /// The keyed hash of a value of some kind.
    pub fn hash(&self, kind: &str, value: &str) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(kind.as_bytes()).update(&[0]).update(value.as_bytes());
        let mut short = [0; 16];
        short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        short
    }

    /// The first digits of [`HashKey::hash`], in hexadecimal.
    pub fn digits(&self, kind: &str, value: &str, bytes: usize) -> String {
        self.hash(kind, value).iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(…)")
    }
}

/// How people are treated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Privacy {
    /// E-mail addresses, wherever one stands as a value.
    pub emails: Treatment,
    /// Display names.
    pub display_names: Treatment,
    /// The key of the hashes; there is one wherever something is hashed.
    pub salt: Option<HashKey>,
}

impl Privacy {
    /// Whether everything is stored as it came.
    pub fn keeps_everything(&self) -> bool {
        self.emails == Treatment::Keep && self.display_names == Treatment::Keep
    }

    /// What is written beside everything that is stored under it: differs where anything would be
    /// stored otherwise. `None` where everything is kept.
    pub fn fingerprint(&self) -> Option<String> {
        if self.keeps_everything() {
            return None;
        }
        let mut print =
            format!("emails={} names={}", self.emails.as_str(), self.display_names.as_str());
        let hashes = [self.emails, self.display_names].contains(&Treatment::Hash);
        if let Some(salt) = self.salt.as_ref().filter(|_| hashes) {
            print.push_str(" salt=");
            print.push_str(&salt.digits("fingerprint", "", 4));
        }
        Some(print)
    }
}

/// What a mark is a hash of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MarkOf {
    /// An account id, a user key or a user name.
    Id,
    /// An e-mail address, in lower case.
    Email,
    /// A display name.
    DisplayName,
}

impl MarkOf {
    fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Email => "email",
            Self::DisplayName => "display name",
        }
    }
}

/// By what erased people are known: a keyed hash of an id and the like.
pub type Mark = [u8; 16];

/// The mark of a value.
pub fn mark(key: &HashKey, of: MarkOf, value: &str) -> Mark {
    match of {
        MarkOf::Id | MarkOf::DisplayName => key.hash(of.as_str(), value.trim()),
        MarkOf::Email => key.hash(of.as_str(), &value.trim().to_lowercase()),
    }
}

/// Who has been erased from what is stored of a site.
#[derive(Debug, Clone, Default)]
pub struct Erased {
    /// Rises with every erasure; 0 before the first.
    pub generation: i64,
    /// The pseudonym of each, by mark.
    pub pseudonyms: HashMap<Mark, String>,
}

/// What the database knows of people that decides what is stored of them.
#[derive(Debug, Clone, Default)]
pub struct KnownPeople {
    /// The site's own key, random, in the database; `None` before anybody needed one.
    pub key: Option<HashKey>,
    /// Who has been erased.
    pub erased: Erased,
    /// Ids and names of the fields that hold people.
    pub user_fields: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashing(salt: &str) -> Privacy {
        Privacy {
            emails: Treatment::Hash,
            display_names: Treatment::Drop,
            salt: Some(HashKey::of_salt(salt)),
        }
    }

    #[test]
    fn a_fingerprint_differs_where_anything_would_be_stored_otherwise() {
        assert_eq!(Privacy::default().fingerprint(), None);
        let dropping = |emails| Privacy { emails, ..Privacy::default() };
        let prints = [
            hashing("a long enough salt").fingerprint(),
            hashing("another long salt").fingerprint(),
            dropping(Treatment::Drop).fingerprint(),
            Privacy { display_names: Treatment::Drop, ..Privacy::default() }.fingerprint(),
        ];
        let different: std::collections::BTreeSet<_> = prints.iter().collect();
        assert_eq!(different.len(), prints.len(), "{prints:?}");
        assert_eq!(hashing("salt").fingerprint(), hashing("salt").fingerprint());
        let salted = Privacy { salt: Some(HashKey::of_salt("x")), ..dropping(Treatment::Drop) };
        assert_eq!(salted.fingerprint(), dropping(Treatment::Drop).fingerprint());
    }

    #[test]
    fn a_key_is_not_shown() {
        let shown = format!("{:?}", hashing("a secret"));
        assert!(shown.contains("HashKey(…)") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn marks_tell_kinds_apart_and_addresses_by_their_letters_only() {
        let key = HashKey::of_salt("k");
        let of = |kind, value| mark(&key, kind, value);
        assert_eq!(of(MarkOf::Email, "Ann@Example.org "), of(MarkOf::Email, "ann@example.org"));
        assert_ne!(of(MarkOf::Id, "ann"), of(MarkOf::DisplayName, "ann"));
        assert_ne!(of(MarkOf::Id, "ann"), of(MarkOf::Id, "Ann"));
    }
}
