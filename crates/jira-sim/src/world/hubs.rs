//! Issues with thousands of links, made quickly: for worlds under construction.

use super::{Child, IssueId, Slot, World, WorldError};
use crate::json::Json;

/// What a link weighs on real instances, in bytes.
const LINK_BYTES: usize = 1_650;

impl World {
    /// Links an issue so many times, to each of the targets in turn and again from the first.
    /// Nobody's `updated` moves. Both ends have the links, so few targets become hubs themselves;
    /// targets of a project that nobody extracts keep them out of the way.
    ///
    /// # Errors
    /// When the issue or a target does not exist, or there is no target.
    pub fn make_hub(
        &mut self,
        hub: IssueId,
        targets: &[IssueId],
        links: usize,
    ) -> Result<(), WorldError> {
        let none = || WorldError::NoIssue(hub);
        let inward = self.heavy_link("inwardIssue", hub)?;
        let outward = targets.iter().map(|target| self.heavy_link("outwardIssue", *target));
        let outward = outward.collect::<Result<Vec<_>, _>>()?;
        let ends: Vec<_> = targets.iter().zip(&outward).collect();
        for at in 0..links {
            let (target, outward) = ends.get(at % ends.len().max(1)).copied().ok_or_else(none)?;
            let id = self.take_child_id();
            let link = |json: &LinkText, other| Child { id, json: json.with(id), other };
            let (near, far) = (link(outward, Some(*target)), link(&inward, Some(hub)));
            self.issue_mut(hub)?.links.push(near);
            self.issue_mut(*target)?.links.push(far);
        }
        for id in targets.iter().chain([&hub]) {
            self.issue_mut(*id)?.set("issuelinks", Slot::Links);
        }
        Ok(())
    }

    /// A link to an issue, padded to what one weighs.
    fn heavy_link(&self, direction: &str, other: IssueId) -> Result<LinkText, WorldError> {
        let light = self.link_json(0, direction, other)?;
        let text = light.as_str();
        let tail = text.strip_prefix(r#"{"id":"0","#).unwrap_or_default();
        let tail = tail.strip_suffix('}').unwrap_or_default();
        let padding = "x".repeat(LINK_BYTES.saturating_sub(text.len()));
        Ok(LinkText(format!(r#"{tail},"padding":"{padding}"}}"#)))
    }
}

/// A link without its id.
struct LinkText(String);

impl LinkText {
    fn with(&self, id: u64) -> Json {
        Json::built(format!(r#"{{"id":"{id}",{}"#, self.0))
    }
}
