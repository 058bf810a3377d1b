//! Issues as rows of an answer, and which of their fields were asked for.

use axum::http::StatusCode;

use super::{Answer, CloudView, Context, api, view};
use crate::api::expansions::push_field_expansions;
use crate::json::push_quoted;
use crate::world::{Issue, Selection};

/// More fields than this count as nearly whole issues.
const MANY_FIELDS: usize = 20;

/// What of each issue to show.
pub(super) struct Rows<'a> {
    view: CloudView<'a>,
    selection: Selection,
    /// Nothing but `id`.
    ids_only: bool,
    /// No `fields`, because only `id`, `key` or unknown names were asked for.
    bare: bool,
    changelog: bool,
}

impl<'a> Rows<'a> {
    /// Reads `fields` and `expand`. `default` is what is shown where no field is named: `id` (then
    /// rows may be nothing else), `*navigable` or `*all`.
    pub(super) fn of(ctx: &Context<'a>, default: &str) -> Self {
        let asked: Vec<&str> = match ctx.seen.fields.as_slice() {
            [] => vec![default],
            names => names.iter().map(String::as_str).collect(),
        };
        let selection = Selection::parse(asked.iter().copied(), default == "*all");
        Self {
            view: view(ctx),
            ids_only: default == "id" && asked.iter().all(|name| *name == "id"),
            bare: selection.is_bare(|name| ctx.world.catalogue.has_field(name)),
            selection,
            changelog: ctx.seen.expand.iter().any(|name| name == "changelog"),
        }
    }

    /// How many rows of this kind a page of a search holds at most.
    pub(super) fn page_cap(&self, ctx: &Context<'_>) -> usize {
        let site = &ctx.config.cloud;
        let many = self.selection.is_open() || ctx.seen.fields.len() > MANY_FIELDS;
        match (self.bare, many || self.changelog) {
            (true, false) => usize::MAX,
            (false, false) => site.page_cap,
            (_, true) => site.whole_page_cap.min(site.page_cap),
        }
    }

    /// An answer with these issues as an array between `open` and `close`.
    pub(super) fn answer<'i>(
        &self,
        ctx: &Context<'_>,
        open: &str,
        issues: impl Iterator<Item = &'i Issue>,
        close: &str,
    ) -> Answer {
        let shown: Vec<&Issue> = issues.filter(|issue| !ctx.omits(issue.id())).collect();
        let mut body = format!("{open}[");
        for (at, issue) in shown.iter().enumerate() {
            body.push_str(if at > 0 { "," } else { "" });
            self.push(&mut body, ctx, issue);
        }
        body.push(']');
        push_field_expansions(&mut body, ctx, &self.selection);
        body.push_str(close);
        self.complete(ctx, body, &shown)
    }

    /// An answer that is this issue.
    pub(super) fn alone(&self, ctx: &Context<'_>, issue: &Issue) -> Answer {
        let mut body = String::new();
        self.push(&mut body, ctx, issue);
        body.pop();
        push_field_expansions(&mut body, ctx, &self.selection);
        body.push('}');
        self.complete(ctx, body, &[issue])
    }

    /// Adds what the log and the cost need, unless a field fails that may not.
    fn complete(&self, ctx: &Context<'_>, body: String, shown: &[&Issue]) -> Answer {
        let broken = shown.iter().find_map(|issue| ctx.broken_field(issue.id()));
        if let Some(field) = broken.filter(|_| ctx.seen.fail_fast) {
            let text = format!("The field '{field}' could not be loaded.");
            return Answer::errors(StatusCode::INTERNAL_SERVER_ERROR, &[text]);
        }
        let with_links = !self.bare && self.selection.takes("issuelinks");
        let links = |issue: &&Issue| if with_links { issue.links().len() } else { 0 };
        Answer {
            issues: shown.iter().map(|issue| issue.id()).collect(),
            links: shown.iter().map(links).sum(),
            ..Answer::ok(body)
        }
    }

    /// Appends one issue.
    pub(super) fn push(&self, out: &mut String, ctx: &Context<'_>, issue: &Issue) {
        let id = issue.id();
        if self.ids_only && !self.changelog {
            out.push_str(&format!(r#"{{"id":"{id}"}}"#));
            return;
        }
        out.push_str(&format!(
            r#"{{"expand":"renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations","id":"{id}","self":"#
        ));
        push_quoted(out, &format!("{}{}issue/{id}", ctx.base_url, api(ctx)));
        out.push_str(r#","key":"#);
        push_quoted(out, &issue.key().to_string());
        if !self.bare {
            out.push_str(r#","fields":"#);
            self.view.push_fields(out, issue, &ctx.shown(issue, &self.selection));
        }
        if self.changelog {
            out.push_str(r#","changelog":"#);
            self.view.push_inline_changelog(out, issue);
        }
        out.push('}');
    }
}
