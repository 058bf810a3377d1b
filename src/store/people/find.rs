//! Who is who in `jira.users`, and which erasures were cut short.

use crate::model::{Site, User};
use crate::store::{Store, StoreError};

/// A row of `jira.users`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundUser {
    /// The Jira instance.
    pub site: Site,
    /// The person.
    pub user: User,
}

/// What somebody is looked up by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserLookup<'a> {
    /// A part of an id, a user name, a display name or an e-mail address, in any case.
    Part(&'a str),
    /// Exactly one of these: an id or user name as it is, a display name, or an e-mail address in
    /// any case.
    Exactly(&'a [String]),
}

/// An erasure that has not got to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfinishedErasure {
    /// The Jira instance.
    pub site: Site,
    /// What stands in the person's place.
    pub pseudonym: String,
}

impl Store {
    /// People whom stored issues mention, ordered by site and id.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn find_users(
        &self,
        site: Option<&Site>,
        lookup: &UserLookup<'_>,
        limit: u32,
    ) -> Result<Vec<FoundUser>, StoreError> {
        let (part, exactly) = match lookup {
            UserLookup::Part(text) => (Some(pattern(&text.to_lowercase())), None),
            UserLookup::Exactly(texts) => (None, Some(*texts)),
        };
        let rows = sqlx::query!(
            "SELECT site, id, name, display_name, email, active, time_zone FROM jira.users
             WHERE ($1::text IS NULL OR site = $1)
               AND ($2::text IS NULL OR lower(id) LIKE $2 OR lower(name) LIKE $2
                    OR lower(display_name) LIKE $2 OR lower(email) LIKE $2)
               AND ($3::text[] IS NULL OR id = ANY($3) OR name = ANY($3) OR display_name = ANY($3)
                    OR lower(email) = ANY(SELECT lower(t) FROM unnest($3) AS t))
             ORDER BY site, id LIMIT $4",
            site.map(Site::as_str),
            part,
            exactly,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| FoundUser {
                site: Site::new(row.site),
                user: User {
                    id: row.id,
                    name: row.name,
                    display_name: row.display_name,
                    email: row.email,
                    active: row.active,
                    time_zone: row.time_zone,
                },
            })
            .collect())
    }

    /// Whether anybody but this person has the same display name.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn has_namesake(&self, site: &Site, user: &User) -> Result<bool, StoreError> {
        let found = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM jira.users
               WHERE site = $1 AND id <> $2 AND display_name = $3) AS "found!""#,
            site.as_str(),
            user.id,
            user.display_name,
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(found)
    }

    /// Erasures that were cut short, of every site.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and the like.
    pub async fn unfinished_erasures(&self) -> Result<Vec<UnfinishedErasure>, StoreError> {
        let rows = sqlx::query!(
            "SELECT site, pseudonym FROM extractor.erased_people WHERE finished_at IS NULL
             ORDER BY site, pseudonym"
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| UnfinishedErasure { site: Site::new(row.site), pseudonym: row.pseudonym })
            .collect())
    }
}

/// A text anywhere, for LIKE.
pub(super) fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_pattern_means_its_text() {
        assert_eq!(super::pattern(r"a_b%c\d"), r"%a\_b\%c\\d%");
    }
}
