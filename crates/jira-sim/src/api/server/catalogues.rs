//! The lists of the instance and of its projects.

use super::{Answer, Context};
use crate::json::{Json, push_array, quote};
use crate::world::Project;

/// A plain list.
pub(super) fn list(items: &[Json]) -> Answer {
    let mut body = String::new();
    push_array(&mut body, items.iter());
    Answer::ok(body)
}

/// `GET issueLinkType`.
pub(super) fn link_types(ctx: &Context<'_>) -> Answer {
    let mut body = r#"{"issueLinkTypes":"#.to_owned();
    push_array(&mut body, ctx.world.catalogue.link_types.iter());
    body.push('}');
    Answer::ok(body)
}

/// `GET field`.
pub(super) fn fields(ctx: &Context<'_>) -> Answer {
    let fields = ctx.world.catalogue.fields.iter();
    let fields: Vec<Json> = fields
        .map(|field| {
            let id = quote(&field.id);
            let clauses = match field.id.strip_prefix("customfield_") {
                Some(number) => format!(r#""cf[{number}]",{}"#, quote(&field.name)),
                None => id.clone(),
            };
            Json::built(format!(
                r#"{{"id":{id},"name":{},"custom":{},"orderable":true,"navigable":true,"searchable":true,"clauseNames":[{clauses}],"schema":{}}}"#,
                quote(&field.name),
                field.is_custom(),
                field.schema,
            ))
        })
        .collect();
    list(&fields)
}

/// `GET project`: what the caller may browse.
pub(super) fn projects(ctx: &Context<'_>) -> Answer {
    let visible = ctx.world.projects().filter(|project| ctx.logged_in && project.is_searchable());
    let projects: Vec<Json> = visible.map(|project| project.json(ctx.world.origin())).collect();
    list(&projects)
}

/// `GET project/{key}` and what hangs below it. Unknown and forbidden look the same. A key that the
/// project had is answered with the one it has.
pub(super) fn project(ctx: &Context<'_>, key: &str, rest: &[&str]) -> Answer {
    let found = ctx.world.project_at(key).filter(|project| ctx.logged_in && !project.forbidden);
    let Some(project) = found else {
        return Answer::not_found(&format!("No project could be found with key '{key}'."));
    };
    match rest {
        [] => whole(ctx, project),
        ["versions"] => list(&project.versions),
        ["components"] => list(&project.components),
        ["statuses"] => statuses(ctx),
        ["properties"] => Answer::ok(r#"{"keys":[]}"#),
        _ => Answer::no_such_route(&ctx.seen.path),
    }
}

fn whole(ctx: &Context<'_>, project: &Project) -> Answer {
    let brief = project.json(ctx.world.origin());
    let mut body = brief.as_str().strip_suffix('}').unwrap_or_default().to_owned();
    body.push_str(
        r#","expand":"description,lead,issueTypes,url,projectKeys","description":"","components":"#,
    );
    push_array(&mut body, project.components.iter());
    body.push_str(r#","issueTypes":"#);
    push_array(&mut body, ctx.world.catalogue.issue_types.iter());
    body.push_str(r#","versions":"#);
    push_array(&mut body, project.versions.iter());
    body.push_str(r#","assigneeType":"UNASSIGNED","roles":{}}"#);
    Answer::ok(body)
}

/// Every issue type has every status here.
fn statuses(ctx: &Context<'_>) -> Answer {
    let mut all = String::new();
    push_array(&mut all, ctx.world.catalogue.statuses.iter());
    let types: Vec<Json> = ctx
        .world
        .catalogue
        .issue_types
        .iter()
        .map(|kind| {
            let open = kind.as_str().strip_suffix('}').unwrap_or_default();
            Json::built(format!(r#"{open},"statuses":{all}}}"#))
        })
        .collect();
    list(&types)
}
