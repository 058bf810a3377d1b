//! One issue as JSON.

use super::Context;
use crate::json::push_quoted;
use crate::world::{Issue, Selection};

/// What of an issue to show.
pub(super) struct Shape {
    pub(super) selection: Selection,
    /// Rows without `fields`, because only unknown names were asked for.
    pub(super) bare: bool,
    pub(super) changelog: bool,
}

impl Shape {
    pub(super) fn of(ctx: &Context<'_>, default_all: bool) -> Self {
        let selection = Selection::parse(ctx.seen.fields.iter().map(String::as_str), default_all);
        let bare = selection.is_bare(|name| ctx.world.catalogue.has_field(name));
        Self { selection, bare, changelog: ctx.seen.expand.iter().any(|name| name == "changelog") }
    }

    /// How many issue links an answer with this issue carries.
    pub(super) fn links(&self, issue: &Issue) -> usize {
        if !self.bare && self.selection.takes("issuelinks") { issue.links().len() } else { 0 }
    }
}

/// Appends an issue.
pub(super) fn push_issue(out: &mut String, ctx: &Context<'_>, issue: &Issue, shape: &Shape) {
    let id = issue.id().to_string();
    out.push_str(r#"{"expand":"operations,versionedRepresentations,editmeta,changelog,renderedFields","id":""#);
    out.push_str(&id);
    out.push_str(r#"","self":"#);
    push_quoted(out, &format!("{}/rest/api/2/issue/{id}", ctx.base_url));
    out.push_str(r#","key":"#);
    push_quoted(out, &issue.key().to_string());
    if !shape.bare {
        out.push_str(r#","fields":"#);
        issue.push_fields(out, &ctx.shown(issue, &shape.selection));
    }
    if shape.changelog {
        out.push_str(r#","changelog":"#);
        issue.push_changelog(out);
    }
    out.push('}');
}
