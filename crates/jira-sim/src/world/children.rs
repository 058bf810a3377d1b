//! Comments, worklogs, links and attachments: each change of one moves `updated`, unless it is
//! made within [`World::silently`].

use super::{Child, Issue, IssueId, Slot, World, WorldError};
use crate::json::{Json, quote};

impl World {
    /// Adds a comment by the actor; its id is returned.
    ///
    /// # Errors
    /// When there is no such issue.
    pub fn add_comment(&mut self, id: IssueId, body: &str) -> Result<u64, WorldError> {
        let child = self.take_child_id();
        let now = self.stamp(self.now);
        let json = self.comment_json(id, child, body, &now);
        let issue = self.issue_mut(id)?;
        issue.comments.push(Child { id: child, json, other: None });
        issue.set("comment", Slot::Comments);
        self.touch(id)?;
        Ok(child)
    }

    /// Replaces a comment's text.
    ///
    /// # Errors
    /// When there is no such issue or comment.
    pub fn edit_comment(
        &mut self,
        id: IssueId,
        comment: u64,
        body: &str,
    ) -> Result<(), WorldError> {
        let issue = self.issues.get(&id).ok_or(WorldError::NoIssue(id))?;
        let at = position(&issue.comments, id, comment)?;
        let created = issue.comments.get(at).and_then(|child| child.json.member("created"));
        let created = created.map_or_else(|| self.stamp(self.now), |text| Json::string(&text));
        let json = self.comment_json(id, comment, body, &created);
        let issue = self.issue_mut(id)?;
        if let Some(child) = issue.comments.get_mut(at) {
            child.json = json;
        }
        issue.set("comment", Slot::Comments);
        self.touch(id)
    }

    /// Removes a comment.
    ///
    /// # Errors
    /// When there is no such issue or comment.
    pub fn delete_comment(&mut self, id: IssueId, comment: u64) -> Result<(), WorldError> {
        let issue = self.issue_mut(id)?;
        let at = position(&issue.comments, id, comment)?;
        issue.comments.remove(at);
        issue.set("comment", Slot::Comments);
        self.touch(id)
    }

    /// Logs work by the actor, starting now; the worklog's id is returned.
    ///
    /// # Errors
    /// When there is no such issue.
    pub fn add_worklog(&mut self, id: IssueId, seconds: u64) -> Result<u64, WorldError> {
        let child = self.take_child_id();
        let now = self.stamp(self.now);
        let author = self.actor_json().unwrap_or_else(Json::null);
        let origin = &self.origin;
        let json = Json::built(format!(
            r#"{{"self":"{origin}/rest/api/2/issue/{id}/worklog/{child}","author":{author},"updateAuthor":{author},"comment":"","created":{now},"updated":{now},"started":{now},"timeSpent":"{}m","timeSpentSeconds":{seconds},"id":"{child}","issueId":"{id}"}}"#,
            seconds / 60
        ));
        let issue = self.issue_mut(id)?;
        issue.worklogs.push(Child { id: child, json, other: None });
        issue.set("worklog", Slot::Worklogs);
        self.touch(id)?;
        Ok(child)
    }

    /// Removes a worklog; the feed of deleted worklogs tells of it.
    ///
    /// # Errors
    /// When there is no such issue or worklog.
    pub fn delete_worklog(&mut self, id: IssueId, worklog: u64) -> Result<(), WorldError> {
        let issue = self.issue_mut(id)?;
        let at = position(&issue.worklogs, id, worklog)?;
        issue.worklogs.remove(at);
        issue.set("worklog", Slot::Worklogs);
        self.deleted_worklogs.push((worklog, self.now));
        self.touch(id)
    }

    /// Attaches a file of this name and size; its id is returned.
    ///
    /// # Errors
    /// When there is no such issue.
    pub fn add_attachment(
        &mut self,
        id: IssueId,
        name: &str,
        size: u64,
    ) -> Result<u64, WorldError> {
        let child = self.take_child_id();
        let now = self.stamp(self.now);
        let author = self.actor_json().unwrap_or_else(Json::null);
        let origin = &self.origin;
        let json = Json::built(format!(
            r#"{{"self":"{origin}/rest/api/2/attachment/{child}","id":"{child}","filename":{},"author":{author},"created":{now},"size":{size},"mimeType":"application/octet-stream","content":"{origin}/secure/attachment/{child}/file"}}"#,
            quote(name)
        ));
        let issue = self.issue_mut(id)?;
        issue.attachments.push(Child { id: child, json, other: None });
        issue.set("attachment", Slot::Attachments);
        self.touch(id)?;
        Ok(child)
    }

    /// Removes an attachment.
    ///
    /// # Errors
    /// When there is no such issue or attachment.
    pub fn delete_attachment(&mut self, id: IssueId, attachment: u64) -> Result<(), WorldError> {
        let issue = self.issue_mut(id)?;
        let at = position(&issue.attachments, id, attachment)?;
        issue.attachments.remove(at);
        issue.set("attachment", Slot::Attachments);
        self.touch(id)
    }

    /// Links two issues (`from` blocks `to`); both ends move. The link's id is returned.
    ///
    /// # Errors
    /// When either issue does not exist.
    pub fn add_link(&mut self, from: IssueId, to: IssueId) -> Result<u64, WorldError> {
        let link = self.take_child_id();
        self.put_links(link, from, to)?;
        self.touch(from)?;
        self.touch(to)?;
        Ok(link)
    }

    /// Puts a link at both ends without moving `updated`: for worlds under construction.
    pub(crate) fn put_links(
        &mut self,
        link: u64,
        from: IssueId,
        to: IssueId,
    ) -> Result<(), WorldError> {
        let outward = self.link_json(link, "outwardIssue", to)?;
        let inward = self.link_json(link, "inwardIssue", from)?;
        for (id, json, other) in [(from, outward, to), (to, inward, from)] {
            let issue = self.issue_mut(id)?;
            issue.links.push(Child { id: link, json, other: Some(other) });
            issue.set("issuelinks", Slot::Links);
        }
        Ok(())
    }

    /// Removes a link from both ends, given one; both move.
    ///
    /// # Errors
    /// When there is no such issue or link.
    pub fn remove_link(&mut self, id: IssueId, link: u64) -> Result<(), WorldError> {
        let issue = self.issue_mut(id)?;
        let at = position(&issue.links, id, link)?;
        let other = issue.links.remove(at).other;
        issue.set("issuelinks", Slot::Links);
        self.touch(id)?;
        match other {
            Some(other) if self.issues.contains_key(&other) => self.drop_link_end(other, link),
            _ => Ok(()),
        }
    }

    /// Takes a link out of one issue and moves its `updated`.
    pub(crate) fn drop_link_end(&mut self, id: IssueId, link: u64) -> Result<(), WorldError> {
        let issue = self.issue_mut(id)?;
        issue.links.retain(|child| child.id != link);
        issue.set("issuelinks", Slot::Links);
        self.touch(id)
    }

    fn comment_json(&self, issue: IssueId, id: u64, body: &str, created: &Json) -> Json {
        let author = self.actor_json().unwrap_or_else(Json::null);
        Json::built(format!(
            r#"{{"self":"{}/rest/api/2/issue/{issue}/comment/{id}","id":"{id}","author":{author},"body":{},"updateAuthor":{author},"created":{created},"updated":{}}}"#,
            self.origin,
            quote(body),
            self.stamp(self.now),
        ))
    }

    pub(super) fn link_json(
        &self,
        link: u64,
        direction: &str,
        other: IssueId,
    ) -> Result<Json, WorldError> {
        let issue = self.issues.get(&other).ok_or(WorldError::NoIssue(other))?;
        let kind = self.catalogue.link_types.first().cloned().unwrap_or_else(Json::null);
        let origin = &self.origin;
        Ok(Json::built(format!(
            r#"{{"id":"{link}","self":"{origin}/rest/api/2/issueLink/{link}","type":{kind},"{direction}":{}}}"#,
            self.brief(issue)
        )))
    }

    /// An issue as links, parents and subtasks embed it.
    pub(crate) fn brief(&self, issue: &Issue) -> Json {
        let part = |name: &str| issue.field(name).unwrap_or_else(Json::null);
        Json::built(format!(
            r#"{{"id":"{}","key":"{}","self":"{}/rest/api/2/issue/{}","fields":{{"summary":{},"status":{},"priority":{},"issuetype":{}}}}}"#,
            issue.id,
            issue.key,
            self.origin,
            issue.id,
            part("summary"),
            part("status"),
            part("priority"),
            part("issuetype"),
        ))
    }
}

fn position(children: &[Child], issue: IssueId, child: u64) -> Result<usize, WorldError> {
    children.iter().position(|have| have.id == child).ok_or(WorldError::NoChild { issue, child })
}
