//! `expand=names,schema`: what the shown fields are called and hold, the same on both flavours.

use super::context::Context;
use crate::json::push_quoted;
use crate::world::Selection;

/// Appends the `names` and `schema` that were asked for.
pub(super) fn push_field_expansions(out: &mut String, ctx: &Context<'_>, selection: &Selection) {
    let shown = || ctx.world.catalogue.fields.iter().filter(|field| selection.takes(&field.id));
    let asked = |name: &str| ctx.seen.expand.iter().any(|have| have == name);
    if asked("names") {
        out.push_str(r#","names":{"#);
        for (at, field) in shown().enumerate() {
            out.push_str(if at > 0 { "," } else { "" });
            push_quoted(out, &field.id);
            out.push(':');
            push_quoted(out, &field.name);
        }
        out.push('}');
    }
    if asked("schema") {
        out.push_str(r#","schema":{"#);
        for (at, field) in shown().enumerate() {
            out.push_str(if at > 0 { "," } else { "" });
            push_quoted(out, &field.id);
            out.push(':');
            out.push_str(field.schema.as_str());
        }
        out.push('}');
    }
}
