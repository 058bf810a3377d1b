//! What a world holds, as newline-delimited JSON, for programs that compare themselves with it.

use std::io::{self, Write};

use crate::json::quote;
use crate::world::World;

/// Writes every issue that the caller may browse, one object a line: `id`, `key`, `updated` (as
/// in the document, or null), the ids of comments, worklogs and links, the number of histories.
///
/// # Errors
/// When writing fails.
pub fn dump(world: &World, out: &mut impl Write) -> io::Result<()> {
    for issue in world.projects().flat_map(|project| world.visible_issues(project.key())) {
        let updated =
            issue.field("updated").map_or_else(|| "null".to_owned(), |json| json.to_string());
        let ids = |children: &[crate::world::Child]| {
            children.iter().map(|child| child.id.to_string()).collect::<Vec<_>>().join(",")
        };
        writeln!(
            out,
            r#"{{"id":"{}","key":{},"project":{},"updated":{updated},"comments":[{}],"worklogs":[{}],"links":[{}],"histories":{},"fields":{}}}"#,
            issue.id(),
            quote(&issue.key().to_string()),
            quote(&issue.key().project),
            ids(issue.comments()),
            ids(issue.worklogs()),
            ids(issue.links()),
            issue.histories().len(),
            issue.fields_json(),
        )?;
    }
    out.flush()
}
