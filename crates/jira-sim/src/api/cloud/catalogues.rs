//! The lists of the site that differ from Server's.

use super::issue::bounds;
use super::{Answer, Context, api, view};
use crate::json::{Json, push_array, push_quoted, quote};
use crate::world::Project;

/// Projects of a page of `project/search`.
const PROJECT_PAGE: usize = 50;

/// `GET field`.
pub(super) fn fields(ctx: &Context<'_>) -> Answer {
    let mut body = String::from("[");
    for (at, field) in ctx.world.catalogue.fields.iter().enumerate() {
        let (id, name) = (quote(&field.id), quote(&field.name));
        let clauses = match field.id.strip_prefix("customfield_") {
            Some(number) => format!(r#""cf[{number}]",{name}"#),
            None => id.clone(),
        };
        body.push_str(if at > 0 { "," } else { "" });
        body.push_str(&format!(
            r#"{{"id":{id},"key":{id},"name":{name},"untranslatedName":{name},"custom":{},"orderable":true,"navigable":true,"searchable":true,"clauseNames":[{clauses}],"schema":{}}}"#,
            field.is_custom(),
            field.schema,
        ));
    }
    body.push(']');
    Answer::ok(body)
}

/// `GET issuetype`: with the level in the hierarchy.
pub(super) fn issue_types(ctx: &Context<'_>) -> Answer {
    let view = view(ctx);
    let types: Vec<Json> = ctx
        .world
        .catalogue
        .issue_types
        .iter()
        .map(|kind| {
            let level = if kind.as_str().contains(r#""subtask":true"#) { -1 } else { 0 };
            let translated = view.translated_text(kind.as_str());
            let open = translated.strip_suffix('}').unwrap_or_default();
            Json::built(format!(r#"{open},"hierarchyLevel":{level}}}"#))
        })
        .collect();
    let mut body = String::new();
    push_array(&mut body, types.iter());
    Answer::ok(body)
}

/// `GET project/search`: a page of what the caller may browse; live projects, or archived ones.
pub(super) fn project_search(ctx: &Context<'_>) -> Answer {
    let all = |name: &str| -> Vec<&str> {
        let given = ctx.params.iter().filter(|(have, _)| have == name);
        given.flat_map(|(_, value)| value.split(',')).map(str::trim).collect()
    };
    let (keys, states, texts) = (all("keys"), all("status"), all("query"));
    let wanted = |project: &&Project| {
        let state = if project.archived { "archived" } else { "live" };
        let text = |text: &&str| {
            let text = text.to_lowercase();
            project.name().to_lowercase().contains(&text)
                || project.key().to_lowercase().contains(&text)
        };
        ctx.logged_in
            && !project.forbidden
            && (keys.is_empty() || keys.contains(&project.key()))
            && (if states.is_empty() { state == "live" } else { states.contains(&state) })
            && texts.iter().all(text)
    };
    let found: Vec<&Project> = ctx.world.projects().filter(wanted).collect();
    let (start, max) = bounds(ctx, PROJECT_PAGE);
    let (total, last) = (found.len(), start + max >= found.len());
    let mut body = String::from(r#"{"self":"#);
    let page = |start: usize| {
        format!("{}{}project/search?maxResults={max}&startAt={start}", ctx.base_url, api(ctx))
    };
    push_quoted(&mut body, &page(start));
    if !last {
        body.push_str(r#","nextPage":"#);
        push_quoted(&mut body, &page(start + max));
    }
    body.push_str(&format!(
        r#","maxResults":{max},"startAt":{start},"total":{total},"isLast":{last},"values":["#
    ));
    let view = view(ctx);
    for (at, project) in found.into_iter().skip(start).take(max).enumerate() {
        body.push_str(if at > 0 { "," } else { "" });
        let json = view.translated_text(project.json(ctx.world.origin()).as_str());
        let open = json.strip_suffix('}').unwrap_or_default();
        body.push_str(&format!(
            r#"{open},"simplified":false,"style":"classic","isPrivate":false,"properties":{{}}}}"#
        ));
    }
    body.push_str("]}");
    Answer::ok(body)
}
