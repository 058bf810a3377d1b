//! What is stored of people. One pure transform stands between what Jira gave and what is written:
//! it treats e-mail addresses and display names as the configuration says, and puts pseudonyms in the
//! place of people who have been erased. It is applied to documents, catalogues and error texts before
//! they are stored ([`current`]), and by [`erase`] to what is stored already. Doing it twice is doing
//! it once.
//!
//! The content hash is of what Jira gave: an erasure does not change it, so nothing is fetched anew
//! for one; another treatment does.

mod change;
mod current;
mod erase;
mod json;
mod value;
mod walk;

use std::collections::BTreeSet;

pub(super) use current::Current;
pub use erase::{ErasedPerson, Erasing};

use self::value::Fate;
use crate::jira;
use crate::model::{
    Catalogue, CatalogueEntry, Comment, Failure, IssueDocument, KnownPeople, PartialList, Privacy,
    Property, RemoteLink, User, Worklog,
};
use crate::store::PersonalRows;

/// What the pseudonym of somebody who was erased begins with, and how many digits follow.
const PSEUDONYM: &str = "erased-";
const PSEUDONYM_DIGITS: usize = 12;

/// How people are treated now.
#[derive(Debug, Clone)]
pub(super) struct People {
    privacy: Privacy,
    known: KnownPeople,
    fingerprint: Option<String>,
}

impl People {
    fn new(privacy: Privacy, known: KnownPeople) -> Self {
        let fingerprint = privacy.fingerprint();
        Self { privacy, known, fingerprint }
    }

    /// Of which erasures this knows.
    pub(super) fn generation(&self) -> i64 {
        self.known.erased.generation
    }

    /// What is written beside what is stored under this.
    pub(super) fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }

    /// Whether everything is stored as it came.
    fn is_idle(&self) -> bool {
        self.privacy.keeps_everything() && self.known.erased.pseudonyms.is_empty()
    }

    /// An issue as it may be stored.
    pub(super) fn document(&self, document: &mut IssueDocument) {
        if self.is_idle() {
            return;
        }
        self.sign(document);
        let names: BTreeSet<String> =
            document.users.iter().filter_map(|user| user.display_name.clone()).collect();
        for id in [&mut document.assignee_id, &mut document.reporter_id, &mut document.creator_id] {
            self.optional_id(id);
        }
        self.labels(&mut document.labels);
        self.json_text(&mut document.fields);
        let children = &mut document.children;
        each(&mut children.changes, |change| self.change(change, &names));
        each(&mut children.comments, |comment| self.comment(comment));
        each(&mut children.worklogs, |worklog| self.worklog(worklog));
        each(&mut children.attachments, |attachment| self.optional_id(&mut attachment.author_id));
        each(&mut children.remote_links, |link| self.remote_link(link));
        each(&mut children.properties, |property| self.property(property));
        each(&mut children.watchers, |id| self.stored_id(id));
        each(&mut children.voters, |id| self.stored_id(id));
        document.users.iter_mut().for_each(|user| self.user(user));
    }

    /// Has the content hash tell one treatment from another.
    fn sign(&self, document: &mut IssueDocument) {
        if document.privacy == self.fingerprint {
            return;
        }
        if let Some(print) = &self.fingerprint {
            let print = blake3::hash(print.as_bytes());
            let signed = document.content_hash.iter().zip(print.as_bytes());
            let signed: Vec<u8> = signed.map(|(one, other)| one ^ other).collect();
            document.content_hash.copy_from_slice(&signed);
        }
        document.privacy.clone_from(&self.fingerprint);
    }

    /// A catalogue as it may be stored.
    pub(super) fn catalogue(&self, catalogue: &mut Catalogue) {
        if self.is_idle() {
            return;
        }
        let Catalogue {
            fields,
            projects,
            statuses,
            issue_types,
            priorities,
            resolutions,
            link_types,
            versions,
            components,
        } = catalogue;
        let lists = [
            fields,
            projects,
            statuses,
            issue_types,
            priorities,
            resolutions,
            link_types,
            versions,
            components,
        ];
        lists.into_iter().flatten().for_each(|entry: &mut CatalogueEntry| {
            self.json_text(&mut entry.raw);
        });
    }

    /// What is stored already, as it may be.
    pub(super) fn rows(&self, rows: &mut PersonalRows) {
        let nobody = BTreeSet::new();
        let versions = rows.versions.iter_mut().map(|of| &mut of.row.1);
        for row in rows.issues.iter_mut().map(|of| &mut of.row).chain(versions) {
            self.optional_id(&mut row.assignee_id);
            self.optional_id(&mut row.reporter_id);
            self.optional_id(&mut row.creator_id);
            self.labels(&mut row.labels);
            self.json_text(&mut row.fields);
        }
        rows.changes.iter_mut().for_each(|of| self.change(&mut of.row, &nobody));
        rows.comments.iter_mut().for_each(|of| self.comment(&mut of.row));
        rows.worklogs.iter_mut().for_each(|of| self.worklog(&mut of.row));
        rows.attachments.iter_mut().for_each(|of| self.optional_id(&mut of.row.1));
        rows.remote_links.iter_mut().for_each(|of| self.remote_link(&mut of.row));
        rows.properties.iter_mut().for_each(|of| self.property(&mut of.row));
        rows.watchers.iter_mut().for_each(|of| self.stored_id(&mut of.row));
        rows.voters.iter_mut().for_each(|of| self.stored_id(&mut of.row));
    }

    /// A failure as it may be logged and stored.
    pub(super) fn failure(&self, failure: &mut Failure) {
        if let Some(reason) = self.without_addresses(&failure.reason) {
            failure.reason = reason;
        }
    }

    /// A user as it may be stored.
    pub(super) fn user(&self, user: &mut User) {
        let name = user.name.as_deref();
        if let Some(pseudonym) =
            self.pseudonym(&user.id).or_else(|| self.pseudonym(name.unwrap_or_default()))
        {
            *user = User {
                id: pseudonym.clone(),
                name: None,
                display_name: Some(pseudonym),
                email: None,
                active: user.active,
                time_zone: None,
            };
            return;
        }
        self.stored_id(&mut user.id);
        self.optional_id(&mut user.name);
        user.email
            .as_deref()
            .map_or(Fate::Stays, |email| self.email(email))
            .befall(&mut user.email);
        let fate = user.display_name.as_deref().map_or(Fate::Stays, |name| self.name(name));
        fate.befall(&mut user.display_name);
    }

    fn comment(&self, comment: &mut Comment) {
        self.optional_id(&mut comment.author_id);
        self.optional_id(&mut comment.update_author_id);
        match self.rich(&mut comment.body_adf) {
            Some(text) => comment.body = text,
            None => self.typed(&mut comment.body),
        }
    }

    fn worklog(&self, worklog: &mut Worklog) {
        self.optional_id(&mut worklog.author_id);
        self.optional_id(&mut worklog.update_author_id);
        match self.rich(&mut worklog.comment_adf) {
            Some(text) => worklog.comment = Some(text),
            None => worklog.comment.iter_mut().for_each(|text| self.typed(text)),
        }
    }

    /// A document of Atlassian's; its plain text, where it was changed.
    fn rich(&self, document: &mut Option<String>) -> Option<String> {
        let changed = self.json(document.as_deref()?)?;
        let text = jira::plain_text(&changed);
        *document = Some(changed);
        Some(text)
    }

    fn remote_link(&self, link: &mut RemoteLink) {
        self.json_text(&mut link.raw);
        for text in [&mut link.title, &mut link.summary].into_iter().flatten() {
            self.typed(text);
        }
    }

    fn property(&self, property: &mut Property) {
        self.json_text(&mut property.value);
    }

    fn labels(&self, labels: &mut Vec<String>) {
        let fates: Vec<Fate> = labels.iter().map(|label| self.value(label)).collect();
        let left = labels.drain(..).zip(fates).filter_map(|(label, fate)| match fate {
            Fate::Stays => Some(label),
            Fate::Becomes(text) => Some(text),
            Fate::Goes => None,
        });
        *labels = left.collect();
    }

    fn json_text(&self, text: &mut String) {
        if let Some(changed) = self.json(text) {
            *text = changed;
        }
    }

    fn typed(&self, text: &mut String) {
        if let Some(changed) = self.mentions(text) {
            *text = changed;
        }
    }

    fn optional_id(&self, id: &mut Option<String>) {
        id.iter_mut().for_each(|id| self.stored_id(id));
    }

    fn stored_id(&self, id: &mut String) {
        if let Fate::Becomes(new) = self.id(id) {
            *id = new;
        }
    }
}

fn each<T>(list: &mut Option<PartialList<T>>, change: impl FnMut(&mut T)) {
    list.iter_mut().flat_map(|list| &mut list.items).for_each(change);
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
