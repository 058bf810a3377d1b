//! An issue as the pipeline carries it: typed columns, the raw fields, and its children.
//! Every text in it can be stored by Postgres; how the wire looked is `jira::wire`'s business.

use chrono::{DateTime, NaiveDate, Utc};

use super::{IssueId, IssueKey, Property, RemoteLink, Stream, Tier};

/// One whole issue, ready to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct IssueDocument {
    /// Jira's numeric id.
    pub id: IssueId,
    /// The current key.
    pub key: IssueKey,
    /// `fields.summary`.
    pub summary: Option<String>,
    /// `fields.issuetype.name`.
    pub issue_type: Option<String>,
    /// `fields.status.name`.
    pub status: Option<String>,
    /// `fields.status.statusCategory.key`: `new`, `indeterminate`, `done` or `undefined`.
    pub status_category: Option<String>,
    /// `fields.priority.name`.
    pub priority: Option<String>,
    /// `fields.resolution.name`.
    pub resolution: Option<String>,
    /// [`User::id`] of the assignee.
    pub assignee_id: Option<String>,
    /// [`User::id`] of the reporter.
    pub reporter_id: Option<String>,
    /// [`User::id`] of the creator.
    pub creator_id: Option<String>,
    /// The parent of a sub-task.
    pub parent_id: Option<IssueId>,
    /// `fields.labels`, in Jira's order.
    pub labels: Vec<String>,
    /// `fields.created`.
    pub created: Option<DateTime<Utc>>,
    /// `fields.updated`.
    pub updated: Option<DateTime<Utc>>,
    /// `fields.resolutiondate`.
    pub resolved: Option<DateTime<Utc>>,
    /// `fields.duedate`.
    pub due: Option<NaiveDate>,
    /// The `fields` object as JSON text: every token as Jira gave it, except text that Postgres
    /// cannot hold.
    pub fields: String,
    /// Whether `fields.archiveddate` has a value: no search shows the issue any more.
    pub archived: bool,
    /// The rung this document was fetched on.
    pub tier: Tier,
    /// U+0000 or a lone surrogate was replaced by U+FFFD somewhere in this document.
    pub text_repaired: bool,
    /// Changes when anything stored of the issue changes, and with how people are treated.
    pub content_hash: [u8; 16],
    /// How people are treated in it ([`Privacy::fingerprint`](super::Privacy::fingerprint)); `None`:
    /// as Jira gave it.
    pub privacy: Option<String>,
    /// When Jira answered with this version, by Jira's clock.
    pub extracted_at: DateTime<Utc>,
    /// Names of the lists that belong to this document and could not be had, such as `links`:
    /// named like the fields of [`Children`]. What is stored of them stays, and the issue is
    /// fetched again.
    pub lacking: Vec<&'static str>,
    /// The optional streams that were asked for with this document, whatever came of it.
    pub streams: Vec<Stream>,
    /// Everything that has a table of its own.
    pub children: Children,
    /// Everybody the document mentions, each id once.
    pub users: Vec<User>,
}

impl IssueDocument {
    /// In `lacking`: the links, and with them the field `issuelinks`.
    pub const LACKS_LINKS: &'static str = "links";
    /// In `lacking`: some field that Jira failed to load.
    pub const LACKS_FIELDS: &'static str = "fields";

    /// Whether `fields` holds every field of the issue. Where it does not, a field that is absent
    /// is not one that was cleared.
    pub fn has_every_field(&self) -> bool {
        let lacks = |what| self.lacking.contains(&what);
        self.tier != Tier::Minimal && !lacks(Self::LACKS_LINKS) && !lacks(Self::LACKS_FIELDS)
    }
}

/// What hangs on an issue. `None`: the document did not say, so what is stored stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Children {
    /// The changelog, flattened: one [`Change`] an item.
    pub changes: Option<PartialList<Change>>,
    /// `fields.comment`.
    pub comments: Option<PartialList<Comment>>,
    /// `fields.worklog`; Server inlines 20 at most.
    pub worklogs: Option<PartialList<Worklog>>,
    /// `fields.issuelinks`.
    pub links: Option<PartialList<Link>>,
    /// `fields.attachment`: metadata only.
    pub attachments: Option<PartialList<Attachment>>,
    /// The sprint custom fields, in either wire form.
    pub sprints: Option<PartialList<Sprint>>,
    /// Links to things outside Jira; asked for only where that is configured.
    pub remote_links: Option<PartialList<RemoteLink>>,
    /// [`User::id`] of who watches the issue; asked for only where that is configured.
    pub watchers: Option<PartialList<String>>,
    /// [`User::id`] of who voted for the issue; asked for only where that is configured.
    pub voters: Option<PartialList<String>>,
    /// Entity properties; asked for only where that is configured.
    pub properties: Option<PartialList<Property>>,
}

/// A list that Jira may have cut short.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PartialList<T> {
    /// What was delivered.
    pub items: Vec<T>,
    /// Whether `items` is all there is. Only then does absence mean removal.
    pub complete: bool,
    /// How many entries Jira says there are: comments, worklogs, histories of a changelog (of which
    /// each may be several [`Change`]s).
    pub expected: u64,
    /// How many entries were delivered.
    pub held: u64,
}

impl<T> PartialList<T> {
    /// A list that is known to be whole.
    pub fn whole(items: Vec<T>) -> Self {
        let entries = items.len() as u64;
        Self { items, complete: true, expected: entries, held: entries }
    }

    /// `items` from `held` entries, of which Jira says that there are `total`. Without a total the
    /// list is taken as whole: that is how Jira inlines it then.
    pub fn of(items: Vec<T>, held: u64, total: Option<u64>) -> Self {
        let expected = total.unwrap_or(held);
        Self { items, complete: held >= expected, expected, held }
    }
}

/// One item of one changelog entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The changelog entry's id.
    pub history_id: i64,
    /// The item's position inside its entry, from 0.
    pub item: i32,
    /// [`User::id`] of the author; anonymous changes have none.
    pub author_id: Option<String>,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// The field's display name at the time of the change.
    pub field: String,
    /// The field's id, where Jira gives it (Cloud, newer Data Center).
    pub field_id: Option<String>,
    /// `from`.
    pub from_id: Option<String>,
    /// `fromString`.
    pub from_text: Option<String>,
    /// `to`.
    pub to_id: Option<String>,
    /// `toString`.
    pub to_text: Option<String>,
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Jira's comment id.
    pub comment_id: i64,
    /// [`User::id`] of the author.
    pub author_id: Option<String>,
    /// [`User::id`] of who edited it last.
    pub update_author_id: Option<String>,
    /// `created`.
    pub created: Option<DateTime<Utc>>,
    /// `updated`.
    pub updated: Option<DateTime<Utc>>,
    /// The body as text: wiki markup on Server, the plain text of `body_adf` on Cloud.
    pub body: String,
    /// The body as the JSON text of an Atlassian document, as Jira gave it. Cloud only.
    pub body_adf: Option<String>,
    /// Who may see it, as `type:value` of `visibility` (`role:Developers`), if restricted.
    pub visibility: Option<String>,
}

/// A worklog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worklog {
    /// Jira's worklog id.
    pub worklog_id: i64,
    /// [`User::id`] of the author.
    pub author_id: Option<String>,
    /// [`User::id`] of who edited it last.
    pub update_author_id: Option<String>,
    /// `created`.
    pub created: Option<DateTime<Utc>>,
    /// `updated`.
    pub updated: Option<DateTime<Utc>>,
    /// When the work was begun.
    pub started: Option<DateTime<Utc>>,
    /// Time spent, in seconds.
    pub time_spent_secs: Option<i64>,
    /// The comment as text: wiki markup on Server, the plain text of `comment_adf` on Cloud.
    pub comment: Option<String>,
    /// The comment as the JSON text of an Atlassian document, as Jira gave it. Cloud only.
    pub comment_adf: Option<String>,
}

/// Which end of a link the issue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkDirection {
    /// This issue is the source: the wire has `outwardIssue`.
    Outward,
    /// This issue is the target: the wire has `inwardIssue`.
    Inward,
}

impl LinkDirection {
    /// The direction's name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outward => "outward",
            Self::Inward => "inward",
        }
    }
}

/// An issue link, seen from one end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Jira's link id: the same at both ends.
    pub link_id: i64,
    /// The link type's name, such as `Blocks`.
    pub link_type: String,
    /// Which end this issue is.
    pub direction: LinkDirection,
    /// The other issue's id, where the wire has it.
    pub other_id: Option<IssueId>,
    /// The other issue's key when it was fetched.
    pub other_key: String,
}

/// An attachment's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Jira's attachment id. File names repeat within an issue.
    pub attachment_id: i64,
    /// [`User::id`] of who attached it.
    pub author_id: Option<String>,
    /// `created`.
    pub created: Option<DateTime<Utc>>,
    /// The file's name as Jira has it: not safe as a path.
    pub filename: String,
    /// `mimeType`.
    pub mime_type: Option<String>,
    /// Size in bytes.
    pub size_bytes: Option<i64>,
    /// Where the content is.
    pub content_url: Option<String>,
}

/// A sprint an issue is or was in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sprint {
    /// Jira Software's sprint id.
    pub sprint_id: i64,
    /// The board it belongs to (`rapidViewId`, `boardId` or `originBoardId`).
    pub board_id: Option<i64>,
    /// The name.
    pub name: Option<String>,
    /// `future`, `active` or `closed`, in lower case.
    pub state: Option<String>,
    /// The goal.
    pub goal: Option<String>,
    /// Start.
    pub started_at: Option<DateTime<Utc>>,
    /// Planned end.
    pub ends_at: Option<DateTime<Utc>>,
    /// When it was completed.
    pub completed_at: Option<DateTime<Utc>>,
}

/// A person, as documents mention people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// `accountId` on Cloud; on Server `key`, or `name` where there is no key.
    pub id: String,
    /// Server's log-in name.
    pub name: Option<String>,
    /// The display name.
    pub display_name: Option<String>,
    /// The e-mail address, where Jira shows it.
    pub email: Option<String>,
    /// Whether the account is active.
    pub active: Option<bool>,
    /// IANA time zone.
    pub time_zone: Option<String>,
}

impl User {
    /// Takes over what another mention of the same person says more.
    pub fn complete(&mut self, more: &Self) {
        fn fill<T: Clone>(known: &mut Option<T>, more: &Option<T>) {
            if known.is_none() {
                known.clone_from(more);
            }
        }
        fill(&mut self.name, &more.name);
        fill(&mut self.display_name, &more.display_name);
        fill(&mut self.email, &more.email);
        fill(&mut self.active, &more.active);
        fill(&mut self.time_zone, &more.time_zone);
    }
}
