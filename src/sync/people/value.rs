//! What becomes of one value: an id, an e-mail address, a display name, or a text that may be or hold
//! one of them.

use super::People;
use crate::model::{HashKey, MarkOf, Treatment, mark_of};

/// What becomes of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    Stays,
    Becomes(String),
    Goes,
}

impl Fate {
    /// Carries it out on a value that may be absent; whether that changed it.
    pub(super) fn befall(self, value: &mut Option<String>) -> bool {
        match self {
            Fate::Stays => return false,
            Fate::Becomes(text) => *value = Some(text),
            Fate::Goes => *value = None,
        }
        true
    }
}

/// What hashes of each kind begin with. What begins so, with that many digits, is one already.
const EMAIL: &str = "email-";
const NAME: &str = "person-";
/// Stands for an id that is an address where addresses are dropped: people must stay joinable.
const NAMELESS: &str = "user-";
/// Bytes of a hash that are shown.
const SHOWN: usize = 10;
/// No address is longer (RFC 5321).
const LONGEST_EMAIL: usize = 254;

impl People {
    /// An account id, a user key or a log-in name: pseudonyms, unless they are e-mail addresses.
    pub(super) fn id(&self, id: &str) -> Fate {
        if let Some(pseudonym) = self.erased(MarkOf::Id, id) {
            return Fate::Becomes(pseudonym.to_owned());
        }
        if !is_email(id) {
            return Fate::Stays;
        }
        match self.email(id) {
            Fate::Goes => {
                let key = self.known.key.as_ref().or(self.privacy.salt.as_ref());
                self.unless_erased(NAMELESS, &digits(key, "id", &id.to_lowercase()))
            }
            fate => fate,
        }
    }

    /// Something that is an e-mail address, or stands where one should.
    pub(super) fn email(&self, email: &str) -> Fate {
        if let Some(pseudonym) = self.erased(MarkOf::Email, email) {
            return Fate::Becomes(pseudonym.to_owned());
        }
        match self.privacy.emails {
            Treatment::Keep => Fate::Stays,
            Treatment::Hash if is_hash(email, EMAIL) => Fate::Stays,
            Treatment::Hash => {
                let plain = email.trim().to_lowercase();
                self.unless_erased(EMAIL, &digits(self.privacy.salt.as_ref(), "email", &plain))
            }
            Treatment::Drop => Fate::Goes,
        }
    }

    /// The display name of somebody who is not erased, as far as is known.
    pub(super) fn name(&self, name: &str) -> Fate {
        let plain = name.trim();
        if plain.is_empty() {
            return Fate::Stays;
        }
        if is_email(plain) && self.privacy.emails != Treatment::Keep {
            return self.email(plain);
        }
        match self.privacy.display_names {
            Treatment::Keep => Fate::Stays,
            Treatment::Hash if is_hash(plain, NAME) || is_pseudonym(plain) => Fate::Stays,
            Treatment::Hash => {
                Fate::Becomes(NAME.to_owned() + &digits(self.privacy.salt.as_ref(), "name", plain))
            }
            Treatment::Drop if is_pseudonym(plain) => Fate::Stays,
            Treatment::Drop => Fate::Goes,
        }
    }

    /// A display name of which nothing says whose it is.
    pub(super) fn anybodys_name(&self, name: &str) -> Fate {
        if let Some(pseudonym) = self.erased(MarkOf::DisplayName, name) {
            return Fate::Becomes(pseudonym.to_owned());
        }
        match self.name(name) {
            Fate::Becomes(hash) => match self.erased(MarkOf::DisplayName, &hash) {
                Some(pseudonym) => Fate::Becomes(pseudonym.to_owned()),
                None => Fate::Becomes(hash),
            },
            fate => fate,
        }
    }

    /// Any text: one that is an address or an id is treated as that, one that mentions people loses
    /// their ids; the rest was typed by somebody, and is kept.
    pub(super) fn value(&self, text: &str) -> Fate {
        if text.contains("[~") {
            return self.mentions(text).map_or(Fate::Stays, Fate::Becomes);
        }
        if is_email(text) {
            return self.email(text);
        }
        if is_distinctive(text)
            && let Some(pseudonym) = self.erased(MarkOf::Id, text)
        {
            return Fate::Becomes(pseudonym.to_owned());
        }
        let shows_address = self.privacy.emails != Treatment::Keep && is_link_to_address(text);
        if shows_address { Fate::Goes } else { Fate::Stays }
    }

    /// The text with other ids in its wiki mentions (`[~ann]`, `[~accountid:…]`); `None` where all
    /// of them stay.
    pub(super) fn mentions(&self, text: &str) -> Option<String> {
        let mut out = String::new();
        let mut done = 0;
        for (at, _) in text.match_indices("[~") {
            let Some(inner) = text.get(at + 2..).and_then(|rest| rest.split(']').next()) else {
                continue;
            };
            let (prefix, id) = match inner.strip_prefix("accountid:") {
                Some(id) => ("accountid:", id),
                None => ("", inner),
            };
            if let Fate::Becomes(new) = self.id(id) {
                out.push_str(text.get(done..at).unwrap_or_default());
                out.push_str("[~");
                out.push_str(prefix);
                out.push_str(&new);
                done = at + 2 + inner.len();
            }
        }
        (done > 0).then(|| out + text.get(done..).unwrap_or_default())
    }

    /// An error text without e-mail addresses.
    pub(super) fn without_addresses(&self, text: &str) -> Option<String> {
        if self.privacy.emails == Treatment::Keep || !text.contains('@') {
            return None;
        }
        let ends = |c: char| c.is_whitespace() || "\"'<>(),;".contains(c);
        let parts = text.split_inclusive(ends).map(|part| {
            let word = part.trim_end_matches(ends);
            let bare = word.trim_end_matches(['.', ':']);
            match is_email(bare) {
                true => part.replacen(bare, "(an e-mail address)", 1),
                false => part.to_owned(),
            }
        });
        Some(parts.collect())
    }

    /// The pseudonym of whom this stands for, if they were erased.
    pub(super) fn erased(&self, of: MarkOf, value: &str) -> Option<&str> {
        let (key, pseudonyms) = (self.known.key.as_ref()?, &self.known.erased.pseudonyms);
        if pseudonyms.is_empty() || value.is_empty() {
            return None;
        }
        pseudonyms.get(&mark_of(key, of, value)).map(String::as_str)
    }

    /// The pseudonym of whom this id stands for, be it stored as it is or as a hash.
    pub(super) fn pseudonym(&self, id: &str) -> Option<String> {
        if self.known.erased.pseudonyms.is_empty() {
            return None;
        }
        match self.id(id) {
            Fate::Becomes(new) if is_pseudonym(&new) => Some(new),
            Fate::Becomes(_) | Fate::Stays | Fate::Goes => None,
        }
    }

    /// A hash, unless it is that of somebody who was erased while only the hash was stored.
    fn unless_erased(&self, prefix: &str, digits: &str) -> Fate {
        let hash = prefix.to_owned() + digits;
        let of_hash = |of| self.erased(of, &hash);
        let pseudonym = of_hash(MarkOf::Id).or_else(|| of_hash(MarkOf::Email)).map(str::to_owned);
        Fate::Becomes(pseudonym.unwrap_or(hash))
    }
}

/// The configuration has a salt wherever something is hashed.
fn digits(key: Option<&HashKey>, kind: &str, value: &str) -> String {
    match key {
        Some(key) => key.digits(kind, value, SHOWN),
        None => HashKey::of_salt("").digits(kind, value, SHOWN),
    }
}

fn is_hash(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|digits| is_hex(digits, 2 * SHOWN))
}

/// What somebody who was erased is called.
pub(super) fn is_pseudonym(text: &str) -> bool {
    text.strip_prefix(super::PSEUDONYM)
        .is_some_and(|digits| is_hex(digits, super::PSEUDONYM_DIGITS))
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a text is an e-mail address, and nothing else.
pub(super) fn is_email(text: &str) -> bool {
    let text = text.trim();
    let Some((local, domain)) = text.split_once('@') else { return false };
    let in_local = |c: char| c.is_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(c);
    let in_domain = |c: char| c.is_alphanumeric() || c == '-' || c == '.';
    text.len() <= LONGEST_EMAIL
        && !local.is_empty()
        && local.chars().all(in_local)
        && domain.chars().all(in_domain)
        && domain.split('.').count() > 1
        && domain.split('.').all(|part| !part.is_empty())
}

/// Whether a text could hardly be anything but an id: a log-in name such as `ci` is also a word.
fn is_distinctive(text: &str) -> bool {
    (8..=128).contains(&text.len())
        && !text.contains(char::is_whitespace)
        && text.contains(|c: char| c.is_ascii_digit() || matches!(c, '.' | ':' | '-' | '_'))
}

/// Whether a text is the address of a picture named after an e-mail address, or of a user whose name
/// is one.
fn is_link_to_address(text: &str) -> bool {
    let is_link = text.starts_with("http://") || text.starts_with("https://");
    let names_somebody = || text.contains("/user?") || text.contains("ViewProfile");
    let holds_address = || text.contains('@') || text.contains("%40");
    is_link && (text.contains("gravatar.com/avatar") || names_somebody() && holds_address())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::sync::people::testing::{erasing, hashing, people};

    #[rstest]
    #[case("ann@example.org", true)]
    #[case(" Ann.O'Neil+x@mail.example.co.uk ", true)]
    #[case("jürgen@müller.example", true)]
    #[case("ann", false)]
    #[case("ann@localhost", false)]
    #[case("mail ann@example.org", false)]
    #[case("com.atlassian.greenhopper.service.sprint.Sprint@65199e1e[id=1,a=b.c]", false)]
    #[case("git@github.com:org/repo.git", false)]
    #[case("a@b@c.org", false)]
    fn an_address_is_told_from_other_texts(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_email(text), expected);
    }

    #[test]
    fn the_same_person_has_the_same_hash_and_a_hash_is_not_hashed_again() {
        let people = hashing();
        let Fate::Becomes(once) = people.name("Ann Ames") else { panic!() };
        assert_eq!(people.name(" Ann Ames"), Fate::Becomes(once.clone()));
        assert_eq!(people.name(&once), Fate::Stays);
        let Fate::Becomes(address) = people.email("Ann@Example.org") else { panic!() };
        assert_eq!(people.id("ann@example.org"), Fate::Becomes(address.clone()));
        assert_eq!(people.email(&address), Fate::Stays);
        assert_eq!(people.id("ann"), Fate::Stays);
    }

    #[test]
    fn where_addresses_are_dropped_an_id_that_is_one_still_joins() {
        let people = people(Treatment::Drop, Treatment::Keep);
        assert_eq!(people.email("ann@example.org"), Fate::Goes);
        let Fate::Becomes(id) = people.id("ann@example.org") else { panic!() };
        assert!(id.starts_with("user-") && !id.contains("ann"), "{id}");
        assert_eq!(people.id("ann@example.org"), Fate::Becomes(id));
    }

    #[rstest]
    #[case("see [~ann] and [~bob]", Some("see [~erased-0123456789ab] and [~bob]"))]
    #[case("[~accountid:ann]", Some("[~accountid:erased-0123456789ab]"))]
    #[case("[~ann", Some("[~erased-0123456789ab"))]
    #[case("ann [~bob] [~anna]", None)]
    fn mentions_of_erased_people_name_the_pseudonym(
        #[case] text: &str,
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(erasing(&["ann"]).mentions(text).as_deref(), expected);
    }

    #[test]
    fn error_texts_lose_their_addresses() {
        let people = people(Treatment::Drop, Treatment::Keep);
        let text = "user 'ann@example.org' may not see it (ask bob@example.org).";
        let without = people.without_addresses(text).unwrap();
        assert!(!without.contains('@'), "{without}");
        assert!(without.starts_with("user '(an e-mail address)' may not see it"), "{without}");
    }

    #[test]
    fn a_word_is_no_id() {
        let people = erasing(&["build", "ann.ames"]);
        assert_eq!(people.value("build"), Fate::Stays);
        assert_eq!(people.value("ann.ames"), Fate::Becomes("erased-0123456789ab".into()));
    }
}
