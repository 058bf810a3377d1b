//! Erasing one person from what is stored, and for good: first it is registered, so that nothing new
//! is stored of them; then what is stored is rewritten, page by page; last their own row. Cut short at
//! any point, the same call goes on where it stood.

use super::{PSEUDONYM, PSEUDONYM_DIGITS, People, value};
use crate::model::{
    CatalogueEntry, HashKey, KnownPeople, Mark, MarkOf, Privacy, Site, User, mark_of,
};
use crate::store::{
    FoundUser, PeopleScope, PersonalRows, RewrittenRows, Store, StoreError, UserLookup,
};

/// More people than this are not told apart by a list.
const MOST_CANDIDATES: u32 = 50;

/// One person to be erased.
#[derive(Debug, Clone)]
pub struct Erasing {
    store: Store,
    site: Site,
    user: User,
    /// What the person was looked up by.
    asked: String,
}

/// What an erasure did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasedPerson {
    /// What stands in the person's place.
    pub pseudonym: String,
    /// Rows that changed.
    pub rows: RewrittenRows,
    /// Somebody else has the same display name: where a name stands without an id, it stays.
    pub has_namesake: bool,
}

impl Erasing {
    /// Everybody who may be meant: by id, user name, display name or e-mail address, or by what
    /// stands for them under this privacy setting.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn candidates(
        store: &Store,
        site: Option<&Site>,
        asked: &str,
        privacy: &Privacy,
    ) -> Result<Vec<FoundUser>, StoreError> {
        let people = People::new(privacy.clone(), KnownPeople::default());
        let mut texts = vec![asked.to_owned()];
        for fate in [people.id(asked), people.name(asked)] {
            match fate {
                value::Fate::Becomes(hash) => texts.push(hash),
                value::Fate::Stays | value::Fate::Goes => {}
            }
        }
        let by_id = |found: &Vec<FoundUser>| found.iter().any(|found| found.user.id == asked);
        let mut found =
            store.find_users(site, &UserLookup::Exactly(&texts), MOST_CANDIDATES).await?;
        if by_id(&found) {
            found.retain(|found| found.user.id == asked);
        }
        Ok(found)
    }

    /// The erasure of this person, who was looked up by `asked`.
    pub fn new(store: Store, found: FoundUser, asked: &str) -> Self {
        Self { store, site: found.site, user: found.user, asked: asked.to_owned() }
    }

    /// Whether this is the pseudonym of somebody who was erased already.
    pub fn is_done(&self) -> bool {
        value::is_pseudonym(&self.user.id)
    }

    /// What it would do. Nothing is changed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn count(&self) -> Result<ErasedPerson, StoreError> {
        // Before the first erasure there is no key, and any will do for counting.
        let known = self.store.load_people(&self.site).await?;
        let key = known.key.clone().unwrap_or_else(|| HashKey::of_salt(""));
        self.carry_out(key, known, true).await
    }

    /// Erases the person. From the moment when this has registered it, nothing is stored of them
    /// any more by any process that knows of erasures, and no other can write.
    ///
    /// # Errors
    /// [`StoreError`]; then the same call goes on.
    pub async fn erase(&self) -> Result<ErasedPerson, StoreError> {
        let key = self.store.ensure_people_key(&self.site).await?;
        let pseudonym = self.pseudonym(&key);
        let marks = self.marks(&key).await?.0;
        self.store.register_erasure(&self.site, &pseudonym, &marks).await?;
        let known = self.store.load_people(&self.site).await?;
        self.carry_out(key, known, false).await
    }

    async fn carry_out(
        &self,
        key: HashKey,
        mut known: KnownPeople,
        dry: bool,
    ) -> Result<ErasedPerson, StoreError> {
        let pseudonym = self.pseudonym(&key);
        let (marks, has_namesake) = self.marks(&key).await?;
        // This person alone: whoever was erased before has been rewritten then.
        known.erased.pseudonyms = marks.iter().map(|mark| (*mark, pseudonym.clone())).collect();
        known.key = Some(key);
        let people = &People::new(Privacy::default(), known);
        let mut rows = self.rewrite_issues(people, &pseudonym, dry).await?;
        let entry = |entry: &mut CatalogueEntry| people.json_text(&mut entry.raw);
        let user = |user: &mut User| people.user(user);
        let of = (pseudonym.as_str(), &self.user);
        let last = self.store.finish_erasure(&self.site, of, dry, &entry, &user).await?;
        rows = rows.and(last);
        Ok(ErasedPerson { pseudonym, rows, has_namesake })
    }

    async fn rewrite_issues(
        &self,
        people: &People,
        pseudonym: &str,
        dry: bool,
    ) -> Result<RewrittenRows, StoreError> {
        let scope =
            PeopleScope::Person { pseudonym: pseudonym.to_owned(), user: self.user.clone() };
        let rewrite = |rows: &mut PersonalRows| people.rows(rows);
        let mut after = match dry {
            true => 0,
            false => self.store.erasure_progress(&self.site, pseudonym).await?,
        };
        let mut rows = RewrittenRows::default();
        loop {
            let page = self.store.rewrite_people(&self.site, &scope, after, dry, &rewrite).await?;
            rows = rows.and(page.rows);
            match page.until {
                Some(until) => after = until,
                None => return Ok(rows),
            }
        }
    }

    fn pseudonym(&self, key: &HashKey) -> String {
        PSEUDONYM.to_owned() + &key.digits("pseudonym", &self.user.id, PSEUDONYM_DIGITS / 2)
    }

    /// By what the person will be known, and whether the display name is not theirs alone.
    async fn marks(&self, key: &HashKey) -> Result<(Vec<Mark>, bool), StoreError> {
        let user = &self.user;
        let has_namesake = self.store.has_namesake(&self.site, user).await?;
        let name = user.display_name.as_deref().filter(|_| !has_namesake);
        // Where only a hash is stored, what was asked by is what Jira will bring.
        let email = Some(self.asked.as_str()).filter(|asked| value::is_email(asked));
        let values = [
            (MarkOf::Id, Some(user.id.as_str())),
            (MarkOf::Id, user.name.as_deref()),
            (MarkOf::Id, user.email.as_deref()),
            (MarkOf::Email, user.email.as_deref()),
            (MarkOf::Id, email),
            (MarkOf::Email, email),
            (MarkOf::DisplayName, name),
        ];
        let given = values.into_iter().filter_map(|(of, value)| Some((of, value?)));
        let mut marks: Vec<Mark> = given
            .filter(|(_, value)| !value.trim().is_empty() && !value::is_pseudonym(value))
            .map(|(of, value)| mark_of(key, of, value))
            .collect();
        marks.sort_unstable();
        marks.dedup();
        Ok((marks, has_namesake))
    }
}
